import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { z } from 'zod';
import type { Pipeline } from './load.js';
import { Expectations } from './expectations.js';
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
  return [
    ...settingsIn(PipelineDefinition, values, [{ from: written.from, said }, ...sql], []),
    ...settingsIn(Expectations, expectations, [file('expectations.json')], ['expectations']),
    ...settingsIn(ModelConfig, config, [file(modelConfig)], []),
  ];
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
