import { INTERNAL } from '../config/columns.js';
import type { Pipeline } from '../config/load.js';
import {
  directionOf,
  type MetricComparison,
  type MetricName,
  type ModelSelector,
  type SplitName,
  type StageInput,
  type TaskMetrics,
  type TaskSpec,
  type VersionRef,
} from '../contracts/index.js';
import { TRAINED_ROWS } from '../data/trainedRows.js';
import { trainingSplit } from '../data/trainingSplit.js';
import { PerdureError } from '../errors.js';
import { BOOTSTRAP_CONVENTION } from '../ml/comparison/bootstrap.js';
import { DELONG_CONVENTION } from '../ml/comparison/delong.js';
import { rowsAt } from '../ml/modelOutput.js';
import { taskOf } from '../ml/tasks/task.js';
import { adjustedPValues } from '../monitoring/homogeneity.js';
import { readColumns } from '../platform/files/parquet.js';
import { CHAMPION } from '../registry/aliases.js';
import { baselineSplit, championMetric } from '../registry/championMetric.js';
import { isSameVersion } from '../registry/pointers.js';
import type { ScoredVersion } from '../registry/promotionGate.js';
import { resolveModel } from '../registry/resolve.js';
import { refOf, requireVersion, rowFile, type VersionMetadata } from '../registry/versions.js';
import type { Stage, StageContext } from './context.js';
import { isUseless, rowsOf, scored } from './evaluateChallenger.js';

/** The convention behind every comparison, to be named beside it. */
export const COMPARISON_CONVENTION = `all models of a table score the same held-out rows, which none of them was trained on; each is compared with the first. ROC AUC: ${DELONG_CONVENTION}; other metrics: ${BOOTSTRAP_CONVENTION}; intervals of 95%; p-values adjusted by Benjamini and Hochberg within a table`;

/** One minus the confidence of the intervals, and the limit of the adjusted p-values. */
const ALPHA = 0.05;

export interface CompareModelsInput extends StageInput {
  /** Without a model the champion is meant, and the latest of each algorithm. */
  models: { pipeline: string; model?: ModelSelector }[];
  /** @default that which the versions' performance is told of: test, else oot, else validation */
  split?: SplitName;
  /** @default the metric that chooses the first pipeline's champion */
  metric?: MetricName;
}

/** A version, and the pipeline that it is of. */
export interface VersionOfPipeline extends VersionRef {
  pipeline: string;
  /** Absent where an earlier release made it. */
  number?: number;
}

/** A version as it does on the rows of its table. */
export interface ComparedModel extends VersionOfPipeline {
  metrics: TaskMetrics;
  /** Against the first of the table; `null` for that one, and where the rows leave it undefined. */
  against_first: (MetricComparison & { adjusted_p: number; verdict: 'better' | 'worse' | 'no difference' }) | null;
}

/** Models that predict the same rows. */
export interface ComparedTable {
  task: TaskSpec;
  metric: MetricName;
  /** Of each pipeline. */
  splits: Record<string, SplitName>;
  rows: number;
  models: ComparedModel[];
}

export interface ModelsCompared {
  /** One, where all models predict the same rows. */
  tables: ComparedTable[];
  left_out: (VersionOfPipeline & { reason: string })[];
  convention: string;
}

/**
 * Compares registered versions of any pipelines. Those of pipelines whose rows are the same (equal keys, whose labels agree,
 * and one task) stand in one table; what others do stands beside it.
 *
 * @throws PerdureError `NotFound` for a name that nothing answers to, or where no row is left to compare on;
 * `ConfigInvalid` for a metric that a task doesn't have
 */
export const compareModels: Stage<CompareModelsInput, ModelsCompared> = async (context, input) => {
  const left_out: ModelsCompared['left_out'] = [];
  const sides: Side[] = [];
  for (const name of new Set(input.models.map(({ pipeline }) => pipeline))) {
    const pipeline = await context.pipeline(name);
    const models = input.models.filter((model) => model.pipeline === name);
    sides.push(await sideOf(context, pipeline, await versionsOf(context, pipeline, models), input.split, left_out));
  }
  const tables: ComparedTable[] = [];
  for (const group of groupsOf(sides.filter(({ versions }) => versions.length > 0))) {
    tables.push(await tableOf(context, group, input.metric));
  }
  return { tables, left_out, convention: COMPARISON_CONVENTION };
};

/** The versions that are meant, each once. */
async function versionsOf(
  context: StageContext,
  pipeline: Pipeline,
  models: CompareModelsInput['models'],
): Promise<VersionMetadata[]> {
  const registry = context.stores(pipeline).modelRegistry;
  const { algorithms } = pipeline.config.training_config;
  const versions: VersionMetadata[] = [];
  const add = async (selector: ModelSelector, insist: boolean) => {
    const found = await resolveModel(registry, algorithms, selector);
    if (found.status === 'skipped') {
      if (insist) throw new PerdureError('NotFound', `${pipeline.definition.name}: ${found.reason}`);
      return;
    }
    const metadata = await requireVersion(registry, found.model);
    if (!versions.some((known) => isSameVersion(refOf(known), refOf(metadata)))) versions.push(metadata);
  };
  for (const { model } of models) {
    if (model) await add(model, true);
    else
      for (const each of [{ alias: CHAMPION }, ...algorithms.map((algorithm) => ({ algorithm }))])
        await add(each, false);
  }
  if (versions.length > 0) return versions;
  throw new PerdureError(
    'NotFound',
    `No model of ${pipeline.definition.name} is registered yet; "perdure train ${pipeline.definition.name}" trains some.`,
  );
}

/** What the versions of a pipeline say of its held-out rows. */
interface Side {
  pipeline: Pipeline;
  task: TaskSpec;
  split: SplitName;
  /** The position of each row, by the digest of its key. */
  rows: Map<number, number>;
  labels: Float64Array;
  /** Digests of the keys that any of the versions was trained on. */
  trained: Set<number>;
  versions: (ScoredVersion & { number: number | undefined })[];
}

/** The rows are those that the newest of the versions was evaluated on: older ones were trained on no later ones. */
async function sideOf(
  context: StageContext,
  pipeline: Pipeline,
  versions: VersionMetadata[],
  wanted: SplitName | undefined,
  leftOut: ModelsCompared['left_out'],
): Promise<Side> {
  const registry = context.stores(pipeline).modelRegistry;
  const newest = versions.reduce((one, other) => (other.training_date > one.training_date ? other : one));
  const split = wanted ?? baselineSplit(newest.performance);
  const { names } = trainingSplit(pipeline);
  if (!names.includes(split))
    throw new PerdureError(
      'NotFound',
      `${pipeline.definition.name} has no split ${split}; it has ${names.join(', ')}.`,
    );
  const { task, ...rows } = await rowsOf(context, pipeline, { ...newest.lineage.dataset, rows: {} }, split, {
    keys: true,
  });
  const side: Side = {
    pipeline,
    task,
    split,
    rows: new Map(Array.from(rows.keys!, (key, row) => [key, row])),
    labels: rows.labels,
    trained: new Set(),
    versions: [],
  };
  for (const metadata of versions) {
    const ref = refOf(metadata);
    try {
      side.versions.push({ ...(await scored(context, pipeline, ref, task, rows)), number: metadata.number });
      const file = await rowFile(registry, ref, TRAINED_ROWS);
      const [keys] = file === undefined ? [[]] : await readColumns(file, [INTERNAL.row]);
      for (const key of keys as ArrayLike<number> & Iterable<number>) side.trained.add(key);
    } catch (error) {
      if (!isUseless(error)) throw error;
      leftOut.push({ ...named(pipeline, ref, metadata.number), reason: error.message });
    }
  }
  return side;
}

/** Sides of the same rows stand together. */
function groupsOf(sides: Side[]): Side[][] {
  const groups: Side[][] = [];
  for (const side of sides) {
    const group = groups.find(([first]) => haveSameRows(first!, side));
    if (group) group.push(side);
    else groups.push([side]);
  }
  return groups;
}

/** Keys of other tables may be equal by chance, and some of their labels; not all. */
function haveSameRows(one: Side, other: Side): boolean {
  if (JSON.stringify(one.task) !== JSON.stringify(other.task)) return false;
  let shared = 0;
  for (const [key, row] of one.rows) {
    const beside = other.rows.get(key);
    if (beside === undefined) continue;
    if (one.labels[row] !== other.labels[beside]) return false;
    shared++;
  }
  return shared > 0;
}

async function tableOf(context: StageContext, sides: Side[], wanted: MetricName | undefined): Promise<ComparedTable> {
  const [first] = sides as [Side, ...Side[]];
  const task = taskOf(first.task);
  const metric = wanted ?? championMetric(first.pipeline, first.task).metric;
  const seed = first.pipeline.config.model_config.random_state;
  const keys = [...first.rows.keys()].filter((key) =>
    sides.every(({ rows, trained }) => rows.has(key) && !trained.has(key)),
  );
  if (keys.length === 0)
    throw new PerdureError(
      'NotFound',
      `There is no row of ${first.pipeline.definition.name} that all the models predict and none was trained on; compare versions whose splits have rows in common.`,
    );
  const labels = Float64Array.from(keys, (key) => first.labels[first.rows.get(key)!]!);
  const models: (ComparedModel & ScoredVersion)[] = [];
  for (const { pipeline, rows, versions } of sides) {
    const positions = keys.map((key) => rows.get(key)!);
    for (const { ref, number, threshold, ...all } of versions) {
      const output = rowsAt(all.output, positions);
      const metrics = task.metrics(labels, output, threshold);
      const intervals = await task.intervals(labels, output, threshold, { seed, signal: context.signal });
      models.push({
        ...named(pipeline, ref, number),
        metrics: { ...metrics, intervals },
        against_first: null,
        ...{ ref, output, threshold },
      });
    }
  }
  const [reference, ...others] = models as [ComparedModel & ScoredVersion, ...(ComparedModel & ScoredVersion)[]];
  const compared = others.map(({ output, threshold }) =>
    task.compare(metric, labels, output, reference.output, {
      ...{ alpha: ALPHA, seed },
      thresholds: [threshold, reference.threshold],
    }),
  );
  const adjusted = adjustedPValues(compared.map((comparison) => comparison?.p ?? null));
  const better = directionOf(metric) === 'higher' ? 1 : -1;
  return {
    task: first.task,
    metric,
    splits: Object.fromEntries(sides.map(({ pipeline, split }) => [pipeline.definition.name, split])),
    rows: keys.length,
    models: models.map(({ ref: _, output: __, threshold: ___, ...model }, i) => {
      const comparison = compared[i - 1];
      if (!comparison) return model;
      const adjusted_p = adjusted[i - 1]!;
      const verdict = adjusted_p >= ALPHA ? 'no difference' : comparison.difference * better > 0 ? 'better' : 'worse';
      return { ...model, against_first: { ...comparison, adjusted_p, verdict } };
    }),
  };
}

function named(pipeline: Pipeline, ref: VersionRef, number: number | undefined): VersionOfPipeline {
  return { pipeline: pipeline.definition.name, ...ref, ...(number !== undefined && { number }) };
}
