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
import { comparedNumbers, REFERENCE_ROWS } from '../data/referenceRows.js';
import { scoredFeatures } from '../data/scoredFeatures.js';
import type { ScoredDays } from '../data/scoredRows.js';
import { profileDistances } from '../monitoring/distances.js';
import type { CurrentProfile } from '../monitoring/drift.js';
import type { ModelProfile } from '../monitoring/profile.js';
import { twoSampleDistances } from '../monitoring/twoSamples.js';
import { rowFile, SCORE_ANEW, type Preprocessing } from '../registry/versions.js';
import type { Stores } from '../platform/storage/objectStore.js';

type Measured = Extract<DriftResult, { status: 'measured' }>;
type Limits = NonNullable<Pipeline['config']['monitoring_config']['drift_warnings']>;

/** Distances that need values, not only counts. */
const BY_VALUES = ['kolmogorov_smirnov', 'wasserstein'] as const satisfies readonly DriftDistance[];

/**
 * Distances of each feature of the scored rows from the training rows, and which of them are above their limits. Those
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
    inputs: Preprocessing['inputs'];
    days: ScoredDays;
    psi: Measured['psi'];
    limits: Limits;
  },
): Promise<Pick<Measured, 'distances' | 'warnings' | 'distances_not_measured'>> {
  const { reference, current, inputs, days, psi, limits } = about;
  const distances: Record<string, FeatureDistances | null> = {};
  for (const [name, column] of Object.entries(reference.columns))
    distances[name] = profileDistances(column, current.columns[name]!);

  const file = await rowFile(stores.modelRegistry, model, REFERENCE_ROWS, SCORE_ANEW);
  const numbers = comparedNumbers(inputs).map(({ name }) => name);
  const scored = file === undefined ? undefined : await scoredFeatures(database, pipeline, stores, inputs, days);
  if (file !== undefined && scored && numbers.length > 0) {
    const columns = numbers.map((name) => `${scored.valueOf(name)} AS ${identifier(name)}`);
    await database.run(`CREATE TEMP TABLE ${INTERNAL.numbers} AS SELECT ${columns.join(', ')} FROM ${scored.relation}`);
    for (const name of numbers) {
      const apart = twoSampleDistances(await comparedValues(database, name, file, INTERNAL.numbers));
      const known = distances[name];
      if (known && apart) distances[name] = { ...known, ...apart };
    }
  }
  const wanted = BY_VALUES.some((distance) => limits[distance] !== undefined) && numbers.length > 0;
  return {
    distances,
    warnings: warningsOf(distances, psi, limits),
    ...(wanted &&
      file === undefined && {
        distances_not_measured: `${model.algorithm} ${model.version} was trained before drift_warnings were set, and kept no values to compare with (${numbers.join(', ')}); train again.`,
      }),
  };
}

function warningsOf(distances: Required<Measured>['distances'], psi: Measured['psi'], limits: Limits): DriftWarning[] {
  const valueOf: Record<DriftDistance, (feature: string) => number | null | undefined> = {
    psi: (feature) => psi[feature],
    kolmogorov_smirnov: (feature) => distances[feature]?.kolmogorov_smirnov?.statistic,
    wasserstein: (feature) => distances[feature]?.wasserstein?.scaled,
    jensen_shannon: (feature) => distances[feature]?.jensen_shannon,
  };
  return DRIFT_DISTANCES.flatMap((distance) => {
    const limit = limits[distance];
    if (limit === undefined) return [];
    return Object.keys(distances).flatMap((feature) => {
      const value = valueOf[distance](feature);
      return typeof value === 'number' && value > limit ? [{ feature, distance, value, limit }] : [];
    });
  });
}
