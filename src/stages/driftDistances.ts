import { INTERNAL } from '../config/columns.js';
import type { Pipeline } from '../config/load.js';
import {
  DRIFT_DISTANCES,
  type DriftDistance,
  type DriftResult,
  type DriftWarning,
  type FeatureDistances,
  type MonitorInput,
} from '../contracts/index.js';
import { comparedValues } from '../data/comparedValues.js';
import { identifier, type Database } from '../data/duckdb.js';
import { comparedNumbers, REFERENCE_ROWS, REFERENCE_SCORES } from '../data/referenceRows.js';
import { scoredFeatures } from '../data/scoredFeatures.js';
import { ofDaysSql, scoreColumn, SCORED_ROWS, type ScoredDays } from '../data/scoredRows.js';
import { profileDistances } from '../monitoring/distances.js';
import type { CurrentProfile } from '../monitoring/drift.js';
import { adjustedPValues } from '../monitoring/homogeneity.js';
import type { ModelProfile } from '../monitoring/profile.js';
import { twoSampleDistances } from '../monitoring/twoSamples.js';
import { rowFile, SCORE_ANEW, type Preprocessing } from '../registry/versions.js';
import type { Stores } from '../platform/storage/objectStore.js';

type Measured = Extract<DriftResult, { status: 'measured' }>;
export type DriftLimits = NonNullable<Pipeline['config']['monitoring_config']['drift_warnings']>;
type Distances = FeatureDistances | null;

/** Distances that need values, not only counts. */
const BY_VALUES = ['kolmogorov_smirnov', 'wasserstein'] as const satisfies readonly DriftDistance[];

/** How a report names what the model says, among the features. */
const SCORE = 'the score';

/**
 * Distances of each feature of the scored rows from the training rows, and of what the model says of them from what it said
 * of held-out rows: with one test a column, adjusted over all of them, and which distances are above their limits. Those
 * of a version that kept no reference rows are the ones that its profile can tell.
 */
export async function driftDistances(
  database: Database,
  pipeline: Pipeline,
  stores: Stores,
  { predictions: { model } }: MonitorInput,
  about: {
    reference: ModelProfile;
    current: CurrentProfile;
    preprocessing: Pick<Preprocessing, 'inputs'>;
    days: ScoredDays;
    psi: Pick<Measured, 'psi' | 'score_psi'>;
    limits: DriftLimits;
  },
): Promise<Pick<Measured, 'distances' | 'score_distances' | 'warnings' | 'distances_not_measured'>> {
  const {
    reference,
    current,
    preprocessing: { inputs },
    days,
    limits,
  } = about;
  const distances: Record<string, Distances> = {};
  for (const [name, column] of Object.entries(reference.columns))
    distances[name] = profileDistances(column, current.columns[name]!);
  let score = profileDistances(reference.score, current.score);

  const rows = await rowFile(stores.modelRegistry, model, REFERENCE_ROWS, SCORE_ANEW);
  const numbers = comparedNumbers(inputs).map(({ name }) => name);
  const scored = rows === undefined ? undefined : await scoredFeatures(database, pipeline, stores, inputs, days);
  if (rows !== undefined && scored && numbers.length > 0) {
    const columns = numbers.map((name) => `${scored.valueOf(name)} AS ${identifier(name)}`);
    await database.run(`CREATE TEMP TABLE ${INTERNAL.numbers} AS SELECT ${columns.join(', ')} FROM ${scored.relation}`);
    for (const name of numbers)
      distances[name] = withValues(distances[name]!, await comparedValues(database, name, rows, INTERNAL.numbers));
  }
  // Of several classes it is the one decided for that is compared.
  const isNumber = reference.score.kind === 'bins';
  const scores = isNumber ? await rowFile(stores.modelRegistry, model, REFERENCE_SCORES, SCORE_ANEW) : undefined;
  if (scores !== undefined) {
    const relation = `${SCORED_ROWS} WHERE ${ofDaysSql(days)}`;
    score = withValues(score, await comparedValues(database, scoreColumn(0), scores, relation));
  }

  const unmeasured = [...(rows === undefined ? numbers : []), ...(isNumber && scores === undefined ? [SCORE] : [])];
  const wanted = BY_VALUES.some((distance) => limits[distance] !== undefined) && unmeasured.length > 0;
  const tested = withTests(distances, score, pipeline.config.monitoring_config.alpha);
  return {
    distances: tested.distances,
    score_distances: tested.score,
    warnings: [
      ...Object.entries(tested.distances).flatMap(([feature, found]) =>
        warningsOf({ feature }, found, about.psi.psi[feature], limits),
      ),
      ...warningsOf({ feature: SCORE, of: 'prediction' }, tested.score, about.psi.score_psi, limits),
    ].sort((a, b) => DRIFT_DISTANCES.indexOf(a.distance) - DRIFT_DISTANCES.indexOf(b.distance)),
    ...(wanted && {
      distances_not_measured: `${model.algorithm} ${model.version} was trained before ${rows === undefined ? 'drift_warnings were set' : 'versions kept their scores'}, and kept no values to compare with (${unmeasured.join(', ')}); train again.`,
    }),
  };
}

function withValues(known: Distances, values: Parameters<typeof twoSampleDistances>[0]): Distances {
  return known && { ...known, ...twoSampleDistances(values) };
}

/** The test of each column, adjusted by Benjamini and Hochberg over all that could be tested. */
function withTests(
  distances: Record<string, Distances>,
  score: Distances,
  alpha: number,
): { distances: Record<string, Distances>; score: Distances } {
  const all = [...Object.values(distances), score];
  const adjusted = adjustedPValues(
    all.map((found) => (found?.kolmogorov_smirnov ?? found?.chi_square)?.p_value ?? null),
  );
  const tested = all.map((found, i): Distances => {
    const p = adjusted[i];
    return found && typeof p === 'number' ? { ...found, adjusted_p_value: p, significant: p <= alpha } : found;
  });
  return {
    distances: Object.fromEntries(Object.keys(distances).map((name, i) => [name, tested[i]!])),
    score: tested.at(-1)!,
  };
}

/** Which distances of one column are above their limits. */
export function warningsOf(
  column: Pick<DriftWarning, 'feature' | 'of'>,
  found: Distances | undefined,
  psi: number | null | undefined,
  limits: DriftLimits,
): DriftWarning[] {
  const valueOf: Record<DriftDistance, number | null | undefined> = {
    psi,
    kolmogorov_smirnov: found?.kolmogorov_smirnov?.statistic,
    wasserstein: found?.wasserstein?.scaled,
    jensen_shannon: found?.jensen_shannon,
  };
  return DRIFT_DISTANCES.flatMap((distance) => {
    const limit = limits[distance];
    const value = valueOf[distance];
    return limit !== undefined && typeof value === 'number' && value > limit
      ? [{ ...column, distance, value, limit }]
      : [];
  });
}
