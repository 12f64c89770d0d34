import type { PipelineDefinition } from '../config/schema.js';
import { isMissing } from '../learning/missing.js';

export type FeatureType = PipelineDefinition['features'][number]['type'];

/** Values of one column; `null`, `undefined` and what `isMissing` says count as missing. */
export type ColumnValues = ArrayLike<number | bigint | boolean | string | null | undefined>;

/**
 * How a column's values are spread: counts a bin for numbers, counts a category for everything else. Counts of two
 * profiles with the same bins may be added.
 */
export type ColumnProfile = BinnedProfile | CategoryProfile;

export interface BinnedProfile {
  kind: 'bins';
  /**
   * Inner edges, ascending; the outer ones are infinite. Bin `i` holds `edges[i - 1] <= value < edges[i]`, as
   * `numpy.histogram` has it.
   */
  edges: number[];
  /** Values a bin: one more than `edges`. */
  counts: number[];
  missing: number;
}

export interface CategoryProfile {
  kind: 'categories';
  /** Values a category, by its text; truth values are `0` and `1`. */
  counts: Record<string, number>;
  missing: number;
}

/** `profile.json` of a preprocessed dataset: the raw (unscaled) features over the training window. */
export interface DatasetProfile {
  window: { start_date: string; end_date: string };
  rows: number;
  columns: Record<string, ColumnProfile>;
}

/** `profile.json` of a model version: what its inputs and scores looked like when it was trained. */
export interface ModelProfile extends DatasetProfile {
  /** Predicted probability over the test window. */
  score: BinnedProfile;
}

const BINS = 10;

/** Profiles a reference column: deciles for numeric ones, categories for binary, ordinal and categorical ones. */
export function profileColumn(values: ColumnValues, type: FeatureType): ColumnProfile {
  return type === 'numeric' ? profileNumbers(values) : countInto({ kind: 'categories', counts: {}, missing: 0 }, values);
}

/** Profiles numbers by the deciles of their own values. */
export function profileNumbers(values: ColumnValues): BinnedProfile {
  const edges = decileEdges(finiteSorted(values));
  return countInto({ kind: 'bins', edges, counts: new Array<number>(edges.length + 1).fill(0), missing: 0 }, values);
}

/** A profile with the bins of `reference` and nothing counted yet. */
export function emptyLike<P extends ColumnProfile>(reference: P): P {
  return reference.kind === 'bins'
    ? { ...reference, counts: reference.counts.map(() => 0), missing: 0 }
    : { ...reference, counts: {}, missing: 0 };
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
 * Inner decile edges with equal ones merged. Quantiles are interpolated linearly, as `numpy.quantile` does.
 * Where every decile is the minimum, a second edge right above it sets the minimum apart: a column that is mostly
 * zero could otherwise never drift.
 */
function decileEdges(sorted: Float64Array): number[] {
  const lowest = sorted[0];
  if (lowest === undefined) return [];
  const deciles = Array.from({ length: BINS - 1 }, (_, i) => quantile(sorted, (i + 1) / BINS));
  const edges = [...new Set(deciles)];
  return edges.length === 1 && edges[0] === lowest ? [lowest, justAbove(lowest)] : edges;
}

function quantile(sorted: Float64Array, q: number): number {
  const position = q * (sorted.length - 1);
  const below = Math.floor(position);
  const lower = sorted[below] ?? NaN;
  const upper = sorted[below + 1] ?? lower;
  return lower + (position - below) * (upper - lower);
}

function justAbove(value: number): number {
  return value + Math.max(Number.MIN_VALUE, Math.abs(value) * Number.EPSILON);
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
  const above = profile.edges.findIndex((edge) => number < edge);
  const bin = above === -1 ? profile.edges.length : above;
  profile.counts[bin] = (profile.counts[bin] ?? 0) + 1;
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
  return value === null || value === undefined ? NaN : Number(value);
}
