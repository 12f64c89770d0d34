import { z } from 'zod';
import { countOf } from '../contracts/counts.js';
import { splitName } from '../contracts/schemas.js';
import { document, type DocumentOf } from '../platform/storage/documents.js';

const notMeasured = z.strictObject({ not_measured: z.string() });
const rowsMeasured = { split: splitName, rows: z.number() };

/** `importance.json` of a version: which columns of the table decide what it says, each way of telling with what it was measured on. */
export const versionImportance = document({
  name: 'importance of the features of a version',
  schema: z.strictObject({
    /** The most important first, by the first of the kinds below that was measured. */
    features: z.array(
      z.strictObject({
        /** A column of the table, before any transform. */
        feature: z.string(),
        /** Mean absolute SHAP value of its model columns together, of several classes the sum over them; of scores before calibration. */
        shap: z.number().nullable(),
        /** By how much the metric gets worse when its values change places, and the standard deviation over the repeats. */
        permutation: z.strictObject({ mean: z.number(), std: z.number() }).nullable(),
        /** Gain of all splits by its model columns, in the library's units. */
        gain: z.number().nullable(),
      }),
    ),
    shap: z.union([z.strictObject(rowsMeasured), notMeasured]),
    permutation: z.union([
      z.strictObject({ ...rowsMeasured, metric: z.string(), baseline: z.number(), repeats: z.number() }),
      notMeasured,
    ]),
    gain: z.union([z.strictObject({ total: z.number() }), notMeasured]),
  }),
});
export type VersionImportance = DocumentOf<typeof versionImportance>;
export type FeatureImportance = VersionImportance['features'][number];

/** `background.json` of a version: the mean of each of the model's columns over the training rows, a missing value as 0. */
export const versionBackground = document({
  name: 'background of the SHAP values of a version',
  schema: z.strictObject({ features: z.array(z.string()), values: z.array(z.number()) }),
});

/** Ways of telling how important a feature is. */
export const IMPORTANCE_KINDS = ['shap', 'permutation', 'gain'] as const;
export type ImportanceKind = (typeof IMPORTANCE_KINDS)[number];

/** As the field calls them. */
export const IMPORTANCE_TITLES: Record<ImportanceKind, string> = {
  shap: 'mean |SHAP|',
  permutation: 'permutation',
  gain: 'gain',
};

/** What each kind is, and on what it was measured, or why it wasn't: a sentence each, without its full stop. */
export function importanceNotes({ shap, permutation, gain }: VersionImportance): string[] {
  return [
    'not_measured' in shap
      ? `Mean |SHAP| was not measured: ${unstopped(shap.not_measured)}`
      : `Mean |SHAP| is by how much a feature moves the score of a row, before calibration, on the average of ${countOf(shap.rows, 'row')} of ${shap.split}`,
    'not_measured' in permutation
      ? `Permutation importance was not measured: ${unstopped(permutation.not_measured)}`
      : `Permutation importance is by how much ${permutation.metric}, ${permutation.baseline} on ${countOf(permutation.rows, 'row')} of ${permutation.split}, gets worse when the values of a feature change places: mean and standard deviation of ${countOf(permutation.repeats, 'time')}`,
    'not_measured' in gain
      ? `Gain was not measured: ${unstopped(gain.not_measured)}`
      : 'Gain is what the splits by a feature gained in training, in the units of the library',
  ];
}

function unstopped(sentence: string): string {
  return sentence.replace(/\.$/, '');
}

export function isMeasured(importance: VersionImportance, kind: ImportanceKind): boolean {
  return !('not_measured' in importance[kind]);
}

/** One kind of a feature's importance as a number; `null` where it wasn't measured. */
export function importanceOf(feature: FeatureImportance, kind: ImportanceKind): number | null {
  return kind === 'permutation' ? (feature.permutation?.mean ?? null) : feature[kind];
}

/**
 * Each feature's share of the importance of all, by one kind; a column whose shuffling makes a model better has none.
 * `undefined` where nothing is important.
 */
export function importanceShares(
  { features }: Pick<VersionImportance, 'features'>,
  kind: ImportanceKind,
): Map<string, number> | undefined {
  const values = features.map((feature) => Math.max(0, importanceOf(feature, kind) ?? 0));
  const total = values.reduce((sum, value) => sum + value, 0);
  if (total === 0) return undefined;
  return new Map(features.map(({ feature }, i) => [feature, values[i]! / total]));
}

/** How the importance of the features has changed from one version to another. */
export interface ImportanceShift {
  kind: ImportanceKind;
  /** Spearman's rank correlation over the features of either, equal ones with their mean rank; `null` where one has all alike. */
  rank_correlation: number | null;
  /** By the features of either, the largest change first; a feature that a version doesn't have has the share `null` there. */
  features: { feature: string; before: number | null; after: number | null; change: number }[];
}

/** The rank correlation and the features that moved most, in a sentence without its full stop. */
export function shiftInWords({ kind, rank_correlation, features }: ImportanceShift, most = 3): string {
  const moved = features
    .filter(({ change }) => change !== 0)
    .slice(0, most)
    .map(({ feature, before, after }) => `${feature} from ${percentOf(before)} to ${percentOf(after)}`);
  const order =
    rank_correlation === null
      ? "the order of the features can't be compared"
      : `the rank correlation of the features is ${rank_correlation.toFixed(2)} (Spearman)`;
  return `${order} by ${IMPORTANCE_TITLES[kind]}; ${moved.length === 0 ? 'no share has changed' : `of the shares most changed: ${moved.join(', ')}`}`;
}

function percentOf(share: number | null): string {
  return share === null ? 'none' : `${(100 * share).toFixed(1)}%`;
}

/** By the first kind that both were measured by; `undefined` where there is none. */
export function importanceShift(before: VersionImportance, after: VersionImportance): ImportanceShift | undefined {
  for (const kind of IMPORTANCE_KINDS) {
    if (!isMeasured(before, kind) || !isMeasured(after, kind)) continue;
    const [old, now] = [importanceShares(before, kind), importanceShares(after, kind)];
    if (!old || !now) continue;
    const names = [...new Set([...now.keys(), ...old.keys()])];
    const features = names.map((feature) => ({
      feature,
      before: old.get(feature) ?? null,
      after: now.get(feature) ?? null,
      change: (now.get(feature) ?? 0) - (old.get(feature) ?? 0),
    }));
    return {
      kind,
      rank_correlation: spearman(
        features.map(({ before }) => before ?? 0),
        features.map(({ after }) => after ?? 0),
      ),
      features: features.sort((a, b) => Math.abs(b.change) - Math.abs(a.change)),
    };
  }
  return undefined;
}

/** Pearson's correlation of the ranks; `null` where the values of one side are all equal. */
export function spearman(a: number[], b: number[]): number | null {
  const [x, y] = [midRanks(a), midRanks(b)];
  const middle = (a.length + 1) / 2;
  let [together, ofX, ofY] = [0, 0, 0];
  x.forEach((rank, i) => {
    together += (rank - middle) * (y[i]! - middle);
    ofX += (rank - middle) ** 2;
    ofY += (y[i]! - middle) ** 2;
  });
  return ofX === 0 || ofY === 0 ? null : together / Math.sqrt(ofX * ofY);
}

/** From 1; equal values have the mean of their ranks. */
function midRanks(values: number[]): number[] {
  const order = values.map((_, i) => i).sort((i, j) => values[i]! - values[j]!);
  const ranks = new Array<number>(values.length);
  for (let from = 0, to: number; from < order.length; from = to) {
    for (to = from + 1; to < order.length && values[order[to]!] === values[order[from]!]; to++);
    for (let at = from; at < to; at++) ranks[order[at]!] = (from + 1 + to) / 2;
  }
  return ranks;
}
