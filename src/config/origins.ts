import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { z } from 'zod';
import { defaultModelConfig, laidOverDefaults } from './defaults.js';
import type { Pipeline } from './load.js';
import { Expectations } from './expectations.js';
import { idleSettings, type IdleSetting } from './idleSettings.js';
import { agreeing } from '../contracts/counts.js';
import { ModelConfig, PipelineDefinition, spelledOut, withDefaults } from './schema.js';
import { childrenOf, factsOf, type FieldFacts } from './fields.js';

/** A setting that a pipeline goes by, and where it comes from. */
export interface Setting {
  /** Names from the top of its file down, joined by points. */
  setting: string;
  /** `undefined` where nothing is set. */
  value: unknown;
  /** The file that says it, `default`, or `data`: the source's or the training rows' values decide. */
  from: string;
  /** Why that is the default, or what in the data decides. */
  reason?: string;
  /** What the setting is. */
  meaning?: string;
  /** Why what a file says changes nothing. */
  idle?: IdleSetting;
}

/** Something that says settings. */
interface Saying {
  from: string;
  said: unknown;
}

/**
 * Every setting of a pipeline, in the order of its files' fields. What a file says is looked for where the schema has it,
 * so that a field of a schema is a setting here.
 *
 * @param pipeline as it was loaded; its `definition` may have been completed by what was read of its source
 */
export function settingsOf(pipeline: Pipeline): Setting[] {
  const { definition, config, expectations, folder, environment } = pipeline;
  const file = (name: string): Saying => ({ from: name, said: readJson(join(folder, name)) });
  const written = file('pipeline.json');
  const said = spelledOut(written.said as Parameters<typeof spelledOut>[0]);
  const { drop, tables, source, name, title } = definition;
  const effective = withDefaults(said);
  const tablesOfLayers = Object.keys(effective.layers).filter((table) => existsSync(join(folder, `${table}.sql`)));
  const sql = tablesOfLayers.map((table): Saying => {
    const query = `${table}.sql`;
    return { from: query, said: { layers: { [table]: { sql: query } } } };
  });
  const layers = Object.fromEntries(
    Object.entries(effective.layers).map(([table, layer]) => [
      table,
      { sql: tablesOfLayers.includes(table) ? `${table}.sql` : undefined, ...layer },
    ]),
  );
  const columns = source.findsColumns && Object.keys(source.columns).length === 0 ? undefined : source.columns;
  const values = {
    ...effective,
    ...{ drop, tables, name, title, layers },
    source: { ...effective.source, columns, null_values: source.null_values },
  };
  const modelConfig = `model_config.${environment}.json`;
  const settings = [
    ...settingsIn(PipelineDefinition, values, [{ from: written.from, said }, ...sql], []),
    ...settingsIn(Expectations, expectations, [file('expectations.json')], ['expectations']),
    ...settingsIn(ModelConfig, config, [file(modelConfig)], []),
  ];
  return withIdle(settings, pipeline);
}

/** Marks settings of which a file says something else than the default, and that change nothing. */
function withIdle(settings: Setting[], pipeline: Pipeline): Setting[] {
  const idle = idleSettings(pipeline);
  const usual = new Map(usualSettings(pipeline).map(({ setting, value }) => [setting, value]));
  return settings.map((setting) => {
    const { setting: name, from, value } = setting;
    const found = idle.find((outer) => name === outer.setting || name.startsWith(`${outer.setting}.`));
    const isSaid = from !== 'default' && from !== 'data';
    if (!found || !isSaid || isDeepStrictEqual(usual.get(name), value)) return setting;
    return { ...setting, idle: found };
  });
}

/** What the model config's settings are where no file says anything of them, for the algorithms that a pipeline has. */
function usualSettings({ definition, config }: Pipeline): Setting[] {
  const algorithms = Object.fromEntries(
    Object.entries(config.algorithms).map(([name, { estimator, script }]) => [name, { estimator, script }]),
  );
  const usual = ModelConfig.parse(laidOverDefaults(defaultModelConfig(definition), { algorithms }));
  return settingsIn(ModelConfig, usual, [], []);
}

/** A sentence for each reason why something that a pipeline's files say changes nothing. */
export function idleInWords(settings: Setting[]): string[] {
  const said = settings.flatMap(({ from, idle }) => (idle ? [{ from, ...idle }] : []));
  return [...new Set(said.map(({ because }) => because))].map((because) => {
    const same = said.filter((each) => each.because === because);
    const names = [...new Set(same.map(({ setting }) => setting))];
    return `In ${same[0]!.from}, ${names.join(', ')} ${agreeing(names.length, 'has', 'have')} no effect, as ${because}.`;
  });
}

/** @param above what the object that holds the setting says, where the setting itself doesn't say why it is as it is */
function settingsIn(
  schema: z.core.$ZodType,
  value: unknown,
  sayings: Saying[],
  path: string[],
  above: FieldFacts = {},
): Setting[] {
  const { description: meaning, isSetting, ...own } = factsOf(schema);
  if (isSetting === false) return [];
  const { otherwise, found } = own.otherwise === undefined && own.found === undefined ? above : own;
  const children = childrenOf(schema, value, sayings[0]?.said);
  if (children)
    return children.flatMap(([name, field, child]) =>
      settingsIn(
        field,
        child,
        sayings.map(({ from, said }) => ({ from, said: (said as Record<string, unknown> | undefined)?.[name] })),
        [...path, name],
        { otherwise, found },
      ),
    );
  const setting = path.join('.');
  const source = sayings.find(({ said }) => said !== undefined);
  if (source) return [{ setting, value, from: source.from, meaning }];
  return [{ setting, value, from: found === undefined ? 'default' : 'data', reason: found ?? otherwise, meaning }];
}

/** A file that was read and checked already; `undefined` where there is none. */
function readJson(path: string): unknown {
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8').replace(/^\uFEFF/, '')) : undefined;
}
