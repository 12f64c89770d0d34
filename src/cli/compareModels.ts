import { randomUUID } from 'node:crypto';
import { loadPipeline } from '../config/load.js';
import type { MetricName, SplitName } from '../contracts/index.js';
import {
  compareModels,
  type CompareModelsInput,
  type ComparedModel,
  type ComparedTable,
  type ModelsCompared,
  type VersionOfPipeline,
} from '../stages/compareModels.js';
import { withInterval } from './gateTable.js';
import { interruption } from './interruption.js';
import type { CommonOptions } from './options.js';
import { selectorOf } from './selector.js';
import { withStagesHere } from './stagesHere.js';
import { readStore } from './store.js';
import { table } from './table.js';
import { countOf, print, printJson } from './terminal.js';

/** Compares registered models in this process; writes nothing. @param models as `PIPELINE[/MODEL]` */
export async function compareHere(
  models: string[],
  { split, metric, ...options }: CommonOptions & { split?: SplitName; metric?: MetricName },
): Promise<void> {
  const named = await Promise.all(models.map(namedModel));
  const storeRoot = await readStore(options);
  const run = { workflowId: 'perdure compare', runId: randomUUID(), startedAt: new Date().toISOString() };
  const input = {
    pipeline: named[0]!.pipeline,
    run,
    models: named,
    ...(split && { split }),
    ...(metric && { metric }),
  };
  const compared = await withStagesHere(storeRoot, (runStage) =>
    runStage(compareModels, input, { signal: interruption(), report: () => {} }),
  );
  if (options.json) printJson(compared);
  else print(describe(compared));
}

async function namedModel(text: string): Promise<CompareModelsInput['models'][number]> {
  const [name = '', ...model] = text.split('/');
  const pipeline = await loadPipeline(name);
  return model.length === 0 ? { pipeline: name } : { pipeline: name, model: selectorOf(pipeline, model.join('/')) };
}

function describe({ tables, left_out }: ModelsCompared): string {
  return [
    ...tables.flatMap((compared) => [...linesOf(compared), '']),
    ...(tables.length > 1
      ? ['Models of different tables predict different rows, so that nothing says whether they differ.']
      : []),
    ...left_out.map((version) => `Left out: ${nameOf(version)}: ${version.reason}`),
  ]
    .join('\n')
    .trimEnd();
}

function linesOf({ metric, splits, rows, models }: ComparedTable): string[] {
  const cells = models.map(({ metrics, against_first: against, ...version }) => [
    nameOf(version),
    withInterval(metrics[metric] ?? null, metrics.intervals?.[metric]),
    ...(against
      ? [withInterval(against.difference, against.interval), probability(against.adjusted_p), against.verdict]
      : ['-', '-', '-']),
  ]);
  const head = ['model', `${metric}\n(95% interval)`, 'difference\n(95% interval)', 'adjusted\np', 'verdict'];
  const names = Object.entries(splits).map(([pipeline, split]) => `${split} of ${pipeline}`);
  const shown = models.length === 1 ? 2 : head.length;
  return [
    `On ${countOf(rows, 'row')} (${names.join(', ')}) that none of the models was trained on:`,
    table(
      head.slice(0, shown),
      cells.map((row) => row.slice(0, shown)),
    ),
    ...(models.length === 1 ? [] : [`Differences are from ${nameOf(models[0]!)}, ${methodOf(models)}.`]),
  ];
}

function methodOf(models: ComparedModel[]): string {
  const methods = new Set(models.flatMap(({ against_first }) => against_first?.method ?? []));
  if (methods.size === 0) return 'and can not be told: the rows leave them undefined';
  return methods.has('delong') ? 'by the test of DeLong' : 'by the paired bootstrap';
}

/** As it can be given to the command again. */
function nameOf({ pipeline, algorithm, version, number }: VersionOfPipeline): string {
  return `${pipeline}/${algorithm}/${number === undefined ? version : `v${number}`}`;
}

function probability(p: number): string {
  return p < 0.0001 ? '< .0001' : p.toFixed(4);
}
