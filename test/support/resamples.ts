import type { Verdict } from '../../src/contracts/index.js';
import type { Mt19937 } from '../../src/ml/mt19937.js';
import { assessDrift, type DriftSettings } from '../../src/monitoring/drift.js';
import { assessPerformance, type PerformanceSettings } from '../../src/monitoring/performance.js';
import {
  countInto,
  emptyLike,
  profileColumn,
  profileNumbers,
  type ColumnProfile,
  type FeatureType,
  type ModelProfile,
} from '../../src/monitoring/profile.js';
import { psi } from '../../src/monitoring/psi.js';
import { verdictOf } from '../../src/monitoring/verdict.js';
import { binaryMetrics } from './binaryMetrics.js';

/** Rows with what a model says of them: what it was trained on, or what is drawn from. */
export interface ScoredSample {
  features: { name: string; type: FeatureType; values: ArrayLike<number> }[];
  scores: ArrayLike<number>;
  /** 0 or 1 per row. */
  labels: ArrayLike<number>;
}

/** A model's memory of its training, as `preprocess` and `evaluateModel` keep it. */
export interface Trained {
  profile: ModelProfile;
  baseline: ReturnType<typeof binaryMetrics>;
}

export type MonitoringSettings = DriftSettings & PerformanceSettings & { threshold: number };

export const USUAL: MonitoringSettings = {
  drift_threshold_psi: 0.2,
  missing_rate_threshold: 0.1,
  performance_threshold_drop: 0.05,
  performance_metric: 'roc_auc',
  alpha: 0.01,
  threshold: 0.5,
};

export function trainedOn(train: Pick<ScoredSample, 'features'>, test: ScoredSample, settings = USUAL): Trained {
  const columns = Object.fromEntries(
    train.features.map(({ name, type, values }) => [name, profileColumn(values, type)]),
  );
  return {
    profile: {
      window: { start_date: '2000-01-01', end_date: '2000-12-31' },
      rows: train.features[0]!.values.length,
      columns,
      score: profileNumbers(test.scores),
    },
    baseline: binaryMetrics(test.labels, test.scores, settings.threshold),
  };
}

/** One run of monitoring over some rows of a sample, assessed as the stages do. */
export function monitorRows(
  { profile, baseline }: Trained,
  sample: ScoredSample,
  rows: Uint32Array,
  settings = USUAL,
): { verdict: Verdict; drifted: string[] } {
  const at = (values: ArrayLike<number>) => Float64Array.from(rows, (row) => values[row]!);
  const drift = assessDrift(
    profile,
    {
      rows: rows.length,
      columns: Object.fromEntries(
        sample.features.map(({ name, values }) => [name, countInto(emptyLike(profile.columns[name]!), at(values))]),
      ),
      score: countInto(emptyLike(profile.score), at(sample.scores)),
    },
    settings,
  );
  const metrics = binaryMetrics(at(sample.labels), at(sample.scores), settings.threshold);
  const performance = assessPerformance(baseline, metrics, settings) ?? {
    status: 'skipped' as const,
    reason: 'One class.',
  };
  return { verdict: verdictOf(performance, drift), drifted: drift.drifted };
}

/** Rows drawn with replacement. */
export function drawRows(random: Mt19937, of: number, count: number): Uint32Array {
  return Uint32Array.from({ length: count }, () => random.integer(of - 1));
}

/**
 * Draws rows in which one feature has drifted by a PSI of `target`, if enough of them were drawn: each row's chance
 * grows exponentially with the rank of the feature's bin. `null` where the feature cannot drift so far.
 */
export function driftedRows(
  random: Mt19937,
  { profile }: Trained,
  { features }: ScoredSample,
  name: string,
  target: number,
): ((count: number) => Uint32Array) | null {
  const { values } = features.find((feature) => feature.name === name)!;
  const reference = profile.columns[name]!;
  const own = countInto(emptyLike(reference), values);
  const bins = Object.entries(own.counts).sort(([a], [b]) => Number(a) - Number(b));
  const total = bins.reduce((sum, [, rows]) => sum + rows, 0);
  let below = 0;
  const ranks = new Map(bins.map(([bin, rows]) => [bin, (below += rows) / total - rows / total / 2]));
  const tilted = (strength: number) =>
    ({ ...own, counts: mapCounts(own, (bin, rows) => rows * Math.exp(strength * ranks.get(bin)!)) }) as ColumnProfile;

  let [low, high] = [0, 60];
  if ((psi(reference, tilted(high)) ?? 0) < target) return null;
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    if (psi(reference, tilted(middle))! < target) low = middle;
    else high = middle;
  }
  const weights = Float64Array.from({ length: values.length }, (_, row) => {
    const one = countInto(emptyLike(reference), [values[row]]);
    const bin = Object.entries(one.counts).find(([, rows]) => rows > 0)?.[0];
    return bin === undefined ? 1 : Math.exp(low * ranks.get(bin)!);
  });
  for (let row = 1; row < weights.length; row++) weights[row]! += weights[row - 1]!;
  return (count) =>
    Uint32Array.from({ length: count }, () => firstAbove(weights, (random.uint32() / 2 ** 32) * weights.at(-1)!));
}

function mapCounts(
  { counts }: ColumnProfile,
  change: (bin: string, rows: number) => number,
): number[] | Record<string, number> {
  const changed = Object.entries(counts).map(([bin, rows]) => [bin, change(bin, rows)] as const);
  return Array.isArray(counts) ? changed.map(([, rows]) => rows) : Object.fromEntries(changed);
}

function firstAbove(ascending: Float64Array, value: number): number {
  let [low, high] = [0, ascending.length - 1];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (ascending[middle]! > value) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** Columns whose values have ties, gaps and tails, on which a test of drift is easily wrong; each independent of all else. */
export function tieHeavyColumns(random: Mt19937, rows: number): ScoredSample['features'] {
  const uniform = () => (random.uint32() + 0.5) / 2 ** 32;
  const column = (name: string, type: FeatureType, draw: () => number) => ({
    name,
    type,
    values: Float64Array.from({ length: rows }, draw),
  });
  return [
    column('nearly_constant', 'numeric', () => (uniform() < 0.97 ? 1 : 0)),
    column('zero_inflated', 'numeric', () => (uniform() < 0.7 ? 0 : -Math.log(uniform()))),
    column('capped', 'numeric', () => Math.min(-Math.log(uniform()), 1.5)),
    column('small_counts', 'numeric', () => Math.floor(-Math.log(uniform()) / 0.9)),
    column('two_decimals', 'numeric', () => Math.round(uniform() ** 2 * 100) / 100),
    column('four_tenths_missing', 'numeric', () => (uniform() < 0.4 ? NaN : uniform())),
    column('rare_flag', 'binary', () => Number(uniform() < 0.01)),
    column('many_categories', 'categorical', () => Math.floor(300 * uniform() ** 3)),
  ];
}
