import type { Pipeline } from '../config/load.js';
import {
  directionOf,
  scoreText,
  type Comparison,
  type MetricName,
  type SplitName,
  type TestModelInput,
  type VersionRef,
} from '../contracts/index.js';
import { readDatasetMetadata } from '../data/dataset.js';
import { trainingSplit } from '../data/trainingSplit.js';
import { PerdureError } from '../errors.js';
import type { ObjectStore } from '../platform/storage/objectStore.js';
import { championMetric } from '../registry/championMetric.js';
import { readVersion, type VersionMetadata } from '../registry/versions.js';
import type { StageContext } from './context.js';

/** The best of the versions of a run, and by what. */
export interface BestVersion {
  challenger: VersionRef;
  /** The split and the metric of `champion_metric`. */
  split: SplitName;
  metric: MetricName;
  comparison: Comparison;
  /** E.g. `best oot.roc_auc of xgboost 0.6337, random_forest 0.6312`. */
  reason: string;
}

/**
 * Compares the versions that a run trained, and those that it would only have made again, by `champion_metric`. The other
 * splits have no part in it. With equal scores that of the algorithm wins that `training_config.algorithms` lists first. Where the metric is undefined for every version,
 * as its split holds one class, it is the best of the search.
 *
 * @throws PerdureError `NotFound` for a version that is gone
 */
export async function bestVersion(
  context: StageContext,
  pipeline: Pipeline,
  { dataset, trained, unchanged = [] }: TestModelInput,
): Promise<BestVersion> {
  const { datamart, modelRegistry } = context.stores(pipeline);
  const { task } = await readDatasetMetadata(datamart, dataset);
  const { split, metric: name } = championMetric(pipeline, task);
  const metric = `${split}.${name}`;

  const other = trainingSplit(pipeline).names.findLast((candidate) => candidate !== 'train' && candidate !== split);
  const scores: Record<string, number> = {};
  const estimates: Record<string, number | null> = {};
  const searched: Record<string, number> = {};
  const listed = pipeline.config.training_config.algorithms;
  const stand = [...trained, ...unchanged].sort((a, b) => listed.indexOf(a.algorithm) - listed.indexOf(b.algorithm));
  for (const ref of stand) {
    const { performance, cv_score } = await versionOf(modelRegistry, ref);
    if (cv_score !== null) searched[ref.algorithm] = cv_score;
    if (other) estimates[ref.algorithm] = performance[other]?.[name] ?? null;
    const score = performance[split]?.[name] ?? null;
    if (score !== null) scores[ref.algorithm] = score;
  }
  const undefinedForAll = Object.keys(scores).length === 0;
  const [compared, by] = undefinedForAll ? [searched, `cv_score, as ${metric} is undefined,`] : [scores, metric];
  // The search's own score is the greater the better.
  const sign = undefinedForAll || directionOf(name) === 'higher' ? 1 : -1;
  const worth = (ref: VersionRef) =>
    compared[ref.algorithm] === undefined ? -Infinity : sign * compared[ref.algorithm]!;
  const { algorithm, version } = stand.reduce((best, ref) => (worth(ref) > worth(best) ? ref : best));
  return {
    challenger: { algorithm, version },
    split,
    metric: name,
    comparison: { metric, scores, estimate: other ? { metric: `${other}.${name}`, scores: estimates } : null },
    reason: reasonFor(by, compared),
  };
}

/** @throws PerdureError `NotFound` */
export async function versionOf(registry: ObjectStore, ref: VersionRef): Promise<VersionMetadata> {
  const metadata = await readVersion(registry, ref);
  if (!metadata) {
    throw new PerdureError(
      'NotFound',
      `There is no version "${ref.version}" of ${ref.algorithm} in the registry; train it again.`,
    );
  }
  return metadata;
}

function reasonFor(metric: string, scores: Record<string, number>): string {
  const compared = Object.entries(scores).map(([algorithm, score]) => `${algorithm} ${scoreText(score)}`);
  return `best ${metric} of ${compared.join(', ')}`;
}
