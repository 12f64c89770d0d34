import { z } from 'zod';
import type { PipelineDefinition } from '../config/schema.js';
import type { TaskSpec } from '../contracts/index.js';
import { isMissing } from '../ml/missing.js';
import { mostProbable, type ModelOutput } from '../ml/modelOutput.js';
import { document, type DocumentOf } from '../platform/storage/documents.js';

export type FeatureType = PipelineDefinition['features'][number]['type'];

/** Values of one column; `null`, `undefined` and what `isMissing` says count as missing. */
export type ColumnValues = ArrayLike<number | bigint | boolean | string | null | undefined>;

const binnedProfile = z.strictObject({
  kind: z.literal('bins'),
  /** Inner edges, ascending; the outer ones are infinite. */
  edges: z.array(z.number()),
  /**
   * Values per bin. Every edge is a bin of its own between its two neighbours: bin `2 i` holds the values strictly
   * between `edges[i - 1]` and `edges[i]`, bin `2 i + 1` those equal to `edges[i]`.
   */
  counts: z.array(z.number()),
  missing: z.number(),
});
export type BinnedProfile = z.infer<typeof binnedProfile>;

const categoryProfile = z.strictObject({
  kind: z.literal('categories'),
  /** Values per category, by its text; truth values are `0` and `1`. */
  counts: z.record(z.string(), z.number()),
  missing: z.number(),
});
export type CategoryProfile = z.infer<typeof categoryProfile>;

/**
 * How a column's values are spread: counts per bin for numbers, counts per category for everything else. Counts of two
 * profiles with the same bins may be added.
 */
const columnProfile = z.discriminatedUnion('kind', [binnedProfile, categoryProfile]);
export type ColumnProfile = z.infer<typeof columnProfile>;

const profile = z.strictObject({
  /** Days of the training rows, where they have some. */
  window: z.strictObject({ start_date: z.string().optional(), end_date: z.string().optional() }),
  rows: z.number(),
  columns: z.record(z.string(), columnProfile),
  /** Of the label: values binned, or classes counted; a profile of an earlier release has none. */
  label: columnProfile.optional(),
});

/** `profile.json` of a preprocessed dataset: the raw (unscaled) features over the training rows. */
export const datasetProfile = document({ name: 'profile of a dataset', schema: profile });
export type DatasetProfile = DocumentOf<typeof datasetProfile>;

/** `profile.json` of a model version: what its inputs and scores looked like when it was trained. */
export const modelProfile = document({
  name: 'profile of a version',
  schema: profile.extend({
    /** What the model says of the test rows: a probability or a value binned, or classes counted. */
    score: columnProfile,
  }),
});
export type ModelProfile = DocumentOf<typeof modelProfile>;

const DECILES = 10;

/** Share of the values from which the smallest or the largest one is an edge, whichever deciles there are. */
const HEAVY_SHARE = 0.01;

/** Profiles a reference column: deciles for numeric ones, categories for binary, ordinal and categorical ones. */
export function profileColumn(values: ColumnValues, type: FeatureType): ColumnProfile {
  return type === 'numeric'
    ? profileNumbers(values)
    : countInto({ kind: 'categories', counts: noCategories(), missing: 0 }, values);
}

/** Profiles numbers by the deciles of their own values. */
export function profileNumbers(values: ColumnValues): BinnedProfile {
  const edges = edgesOf(finiteSorted(values));
  return countInto(
    { kind: 'bins', edges, counts: new Array<number>(2 * edges.length + 1).fill(0), missing: 0 },
    values,
  );
}

/** Profiles what a model says: probabilities of the positive class and values by deciles, several classes by the likeliest one. */
export function profileOutput(task: TaskSpec, output: ModelOutput): ColumnProfile {
  return task.task === 'multiclass'
    ? profileColumn(
        Array.from(mostProbable(output), (position) => task.classes[position]!),
        'categorical',
      )
    : profileNumbers(output.values);
}

/** Labels of a task as profiles count them: values, or classes by their names. */
export function labelValues(task: TaskSpec, labels: ArrayLike<number>): ColumnValues {
  return task.task === 'regression' ? labels : Array.from(labels, (position) => task.classes[position]!);
}

/** Profiles labels: values by deciles, classes by their names. */
export function profileLabels(task: TaskSpec, labels: ArrayLike<number>): ColumnProfile {
  return profileColumn(labelValues(task, labels), task.task === 'regression' ? 'numeric' : 'categorical');
}

/** A profile with the bins of `reference` and nothing counted yet. */
export function emptyLike<P extends ColumnProfile>(reference: P): P {
  return reference.kind === 'bins'
    ? { ...reference, counts: reference.counts.map(() => 0), missing: 0 }
    : { ...reference, counts: noCategories(), missing: 0 };
}

/** Without the properties of every JavaScript object: `constructor` may be a category. */
function noCategories(): Record<string, number> {
  return Object.create(null) as Record<string, number>;
}

/** Counts `values` into `profile`, which is changed and returned. */
export function countInto<P extends ColumnProfile>(profile: P, values: ColumnValues): P {
  for (let row = 0; row < values.length; row++) {
    if (profile.kind === 'bins') countNumber(profile, values[row]);
    else countCategory(profile, values[row]);
  }
  return profile;
}

/** Values counted, missing ones left out. */
export function countedRows(profile: ColumnProfile): number {
  return Object.values(profile.counts).reduce((sum, count) => sum + count, 0);
}

/** Share of missing values, 0 to 1; 0 where nothing was counted. */
export function missingRate(profile: ColumnProfile): number {
  const rows = countedRows(profile) + profile.missing;
  return rows === 0 ? 0 : profile.missing / rows;
}

/**
 * The deciles, equal ones merged, and the smallest and the largest value where many rows share it: without an edge
 * there, values that leave it outwards would stay in its bin. Mirrored values have mirrored edges, to the last bit.
 */
function edgesOf(sorted: Float64Array): number[] {
  if (sorted.length === 0) return [];
  const deciles = Array.from({ length: DECILES - 1 }, (_, i) => decile(sorted, i + 1));
  const extremes = [sorted[0]!, sorted.at(-1)!].filter((value) => isHeavy(sorted, value));
  return [...new Set([...deciles, ...extremes])].sort((a, b) => a - b);
}

function isHeavy(sorted: Float64Array, value: number): boolean {
  const rows = sorted.lastIndexOf(value) - sorted.indexOf(value) + 1;
  return rows > 1 && rows >= HEAVY_SHARE * sorted.length;
}

/**
 * Interpolated linearly from the nearer of its two neighbours, as `numpy.quantile` does.
 *
 * @param tenths 1 to 9
 */
function decile(sorted: Float64Array, tenths: number): number {
  const position = tenths * (sorted.length - 1);
  const remainder = position % DECILES;
  const below = (position - remainder) / DECILES;
  const lower = sorted[below]!;
  const upper = sorted[below + 1] ?? lower;
  if (lower === upper) return lower;
  if (2 * remainder === DECILES) return lower / 2 + upper / 2;
  const step = upper - lower;
  return 2 * remainder < DECILES
    ? lower + step * (remainder / DECILES)
    : upper - step * ((DECILES - remainder) / DECILES);
}

function finiteSorted(values: ColumnValues): Float64Array {
  const numbers = new Float64Array(values.length);
  let kept = 0;
  for (let row = 0; row < values.length; row++) {
    const value = toNumber(values[row]);
    if (!isMissing(value)) numbers[kept++] = value;
  }
  return numbers.subarray(0, kept).sort();
}

function countNumber(profile: BinnedProfile, value: ColumnValues[number]): void {
  const number = toNumber(value);
  if (isMissing(number)) {
    profile.missing++;
    return;
  }
  const bin = binOf(profile, number);
  profile.counts[bin] = (profile.counts[bin] ?? 0) + 1;
}

function binOf({ edges }: BinnedProfile, value: number): number {
  let below = 0;
  let end = edges.length;
  while (below < end) {
    const middle = (below + end) >>> 1;
    if (edges[middle]! < value) below = middle + 1;
    else end = middle;
  }
  return 2 * below + Number(edges[below] === value);
}

function countCategory(profile: CategoryProfile, value: ColumnValues[number]): void {
  if (value === null || value === undefined || (typeof value === 'number' && isMissing(value))) {
    profile.missing++;
    return;
  }
  const category = String(typeof value === 'boolean' ? Number(value) : value);
  profile.counts[category] = (profile.counts[category] ?? 0) + 1;
}

function toNumber(value: ColumnValues[number]): number {
  return value === null ? NaN : Number(value);
}
