import { ZERO_OR_ONE, type Verdict } from '../../src/contracts/index.js';
import type { Mt19937 } from '../../src/ml/mt19937.js';
import { taskOf } from '../../src/ml/tasks/task.js';
import { Adwin } from '../../src/monitoring/adwin.js';
import { assessEstimate, PerformanceEstimator } from '../../src/monitoring/cbpe.js';
import { profileDistances } from '../../src/monitoring/distances.js';
import { assessDrift, assessLabels, type DriftSettings } from '../../src/monitoring/drift.js';
import { adjustedPValues } from '../../src/monitoring/homogeneity.js';
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
import { countedValues, twoSampleDistances } from '../../src/monitoring/twoSamples.js';
import { verdictOf } from '../../src/monitoring/verdict.js';
import { binaryMetrics } from './binaryMetrics.js';

/** Rows with what a model says of them: what it was trained on, or what is drawn from. */
export interface ScoredSample {
  features: { name: string; type: FeatureType; values: ArrayLike<number> }[];
  scores: ArrayLike<number>;
  /** 0 or 1 per row. */
  labels: ArrayLike<number>;
}

/** Rows of one population: eight columns with ties, six without, and a score that ranks the rows with a ROC AUC of about .64. */
export function sampleOf(random: Mt19937, rows: number): ScoredSample {
  const uniform = () => (random.uint32() + 0.5) / 2 ** 32;
  const normal = () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
  const smooth = Array.from({ length: 6 }, (_, i) => ({
    name: `smooth_${i}`,
    type: 'numeric' as const,
    values: Float64Array.from({ length: rows }, normal),
  }));
  const labels = Float64Array.from({ length: rows }, () => Number(uniform() < 0.15));
  return {
    features: [...smooth, ...tieHeavyColumns(random, rows)],
    labels,
    scores: labels.map((label) => 1 / (1 + Math.exp(-(normal() + label / 2)))),
  };
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

/**
 * What is told beside the verdict of some rows: whether the test of any column finds a difference when all are adjusted
 * together, whether the labels have drifted, whether a drop is estimated without labels, and whether the detector of
 * changes finds one in the errors.
 *
 * @param train the rows that the model learned from, `test` those that it is told of
 */
export function besideVerdict(
  { train, test }: { train: ScoredSample; test: ScoredSample },
  settings = USUAL,
): (sample: ScoredSample) => { columns: boolean; labels: boolean; estimated: boolean; errors: boolean } {
  const labels = profileColumn(train.labels, 'categorical');
  const output = (scores: ArrayLike<number>) => ({ values: Float64Array.from(scores), width: 1 });
  const estimator = PerformanceEstimator.of(ZERO_OR_ONE, test.labels, output(test.scores), settings.threshold)!;
  const baseline = binaryMetrics(test.labels, test.scores, settings.threshold);
  return (sample) => {
    const pairs = [
      ...sample.features.map(({ type, values }, i) => ({ type, before: train.features[i]!.values, now: values })),
      { type: 'numeric' as const, before: test.scores, now: sample.scores },
    ];
    const pValues = pairs.map(({ type, before, now }) => {
      if (type === 'numeric') return twoSampleDistances(countedValues(before, now))?.kolmogorov_smirnov.p_value ?? null;
      const reference = profileColumn(before, type);
      return profileDistances(reference, countInto(emptyLike(reference), now))?.chi_square?.p_value ?? null;
    });
    const estimated = estimator.estimate(output(sample.scores));
    const rows = sample.labels.length;
    const detector = new Adwin();
    const errors = taskOf(ZERO_OR_ONE).rowErrors(sample.labels, output(sample.scores), settings.threshold);
    return {
      columns: adjustedPValues(pValues).some((p) => p !== null && p <= settings.alpha),
      labels: assessLabels(labels, countInto(emptyLike(labels), sample.labels), settings).drifted,
      estimated: assessEstimate(baseline, estimated, settings.performance_metric, rows, settings)!.breached,
      errors: errors.filter((error) => detector.update(error)).length > 0,
    };
  };
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
