import type { DriftResult, LabelDrift } from '../contracts/index.js';
import { adjustedPValues, homogeneityP, rejected } from './homogeneity.js';
import { countedRows, missingRate, type ColumnProfile, type ModelProfile } from './profile.js';
import { shiftOf, type Shift } from './psi.js';

/** What rows that a version scored look like, counted into the bins of its own profile. */
export type CurrentProfile = Pick<ModelProfile, 'rows' | 'columns' | 'score'>;

export interface DriftSettings {
  drift_threshold_psi: number;
  missing_rate_threshold: number;
  alpha: number;
}

/** The rule behind `drifted`, `score_drifted` and `missing`, to be named beside them. */
export const DRIFT_CONVENTION =
  'drifted: PSI, less its mean where nothing changed (expected_psi), is at drift_threshold_psi or within one standard error of it, and the counts differ from the reference by a chi-square test of homogeneity (exact moments). missing: the share of missing values differs from that of the train split by more than missing_rate_threshold, and by the same test. Each of the two families of tests is held to alpha by Benjamini and Hochberg; adjusted_p_value is the p-value as they adjust it. dataset_drifted: more than half of the features have drifted. The labels of rows with mature labels are held against those of the train split by the same rule, as one test';

/**
 * Which columns have moved from what a version was trained on. A difference that samples of these sizes show where
 * nothing has changed is none.
 */
export function assessDrift(
  reference: ModelProfile,
  current: CurrentProfile,
  settings: DriftSettings,
): Extract<DriftResult, { status: 'measured' }> {
  const features = Object.keys(reference.columns);
  const shifts = [
    ...features.map((name) => shiftOf(reference.columns[name]!, current.columns[name]!)),
    shiftOf(reference.score, current.score),
  ];
  const pValues = shifts.map((shift) => shift && shift.p);
  const adjusted = adjustedPValues(pValues);
  const changed = rejected(pValues, settings.alpha);
  const drifted = shifts.map((shift, i) => changed[i]! && isFar(shift, settings));

  const missing = features.map((name) => missingValues(reference.columns[name]!, current.columns[name]!));
  const missed = rejected(
    missing.map(({ p }) => p),
    settings.alpha,
  );

  const share = features.filter((_, i) => drifted[i]).length / Math.max(features.length, 1);
  const perFeature = <T>(value: (i: number) => T) => Object.fromEntries(features.map((name, i) => [name, value(i)]));
  return {
    status: 'measured',
    rows: current.rows,
    psi: perFeature((i) => shifts[i]?.psi ?? null),
    score_psi: shifts.at(-1)?.psi ?? null,
    expected_psi: perFeature((i) => shifts[i]?.expected ?? null),
    score_expected_psi: shifts.at(-1)?.expected ?? null,
    p_value: perFeature((i) => shifts[i]?.p ?? null),
    score_p_value: shifts.at(-1)?.p ?? null,
    adjusted_p_value: perFeature((i) => adjusted[i]!),
    score_adjusted_p_value: adjusted.at(-1)!,
    missing_rate: perFeature((i) => missing[i]!.now),
    training_missing_rate: perFeature((i) => missing[i]!.before),
    drifted: features.filter((_, i) => drifted[i]),
    score_drifted: drifted.at(-1)!,
    drifted_share: share,
    dataset_drifted: share > DATASET_DRIFT,
    missing: features.filter(
      (_, i) => missed[i] && Math.abs(missing[i]!.now - missing[i]!.before) > settings.missing_rate_threshold,
    ),
  };
}

/** Share of drifted features above which the whole of the data has drifted, as Evidently has it. */
const DATASET_DRIFT = 0.5;

/** Whether a shift is at the threshold, or within its own noise of it. */
function isFar(shift: Shift | null, { drift_threshold_psi }: DriftSettings): boolean {
  return shift !== null && shift.psi - shift.expected + shift.standardError >= drift_threshold_psi;
}

/** Whether labels have moved from those of the training rows, by the rule for one feature. */
export function assessLabels(
  reference: ColumnProfile,
  current: ColumnProfile,
  settings: DriftSettings,
): Omit<LabelDrift, 'distances' | 'warnings'> {
  const shift = shiftOf(reference, current);
  return {
    rows: countedRows(current),
    psi: shift?.psi ?? null,
    expected_psi: shift?.expected ?? null,
    p_value: shift?.p ?? null,
    drifted: shift !== null && shift.p <= settings.alpha && isFar(shift, settings),
  };
}

/** Shares of missing values in both samples, and the p-value of their being equal. */
function missingValues(reference: ColumnProfile, current: ColumnProfile): { before: number; now: number; p: number } {
  const cells = [
    [reference.missing, current.missing],
    [countedRows(reference), countedRows(current)],
  ] as const;
  return { before: missingRate(reference), now: missingRate(current), p: homogeneityP(cells) };
}
