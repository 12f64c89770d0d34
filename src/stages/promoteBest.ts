import type { Pipeline } from '../config/load.js';
import {
  directionOf,
  type PromotedBest,
  type PromoteBestInput,
  type MetricName,
  type PromotionDecision,
  type SplitName,
  type VersionRef,
} from '../contracts/index.js';
import { readDatasetMetadata } from '../data/dataset.js';
import { trainingSplit } from '../data/trainingSplit.js';
import { PerdureError } from '../errors.js';
import { DELONG_CONVENTION } from '../ml/comparison/delong.js';
import { championMetric } from '../registry/championMetric.js';
import { promotionDecision } from '../registry/promotionDecision.js';
import { aliasKey, isSameVersion, moveOf, movePointer, readPointer } from '../registry/pointers.js';
import { CHALLENGER, CHAMPION } from '../registry/resolve.js';
import { slicesOf } from '../registry/slices.js';
import {
  readVersion,
  readVersionFile,
  readVersionFileIfAny,
  versionKey,
  type VersionMetadata,
} from '../registry/versions.js';
import type { ObjectStore } from '../platform/storage/objectStore.js';
import type { Stage, StageContext } from './context.js';
import { evaluateChallenger } from './evaluateChallenger.js';
import { writeTrainingPage } from './trainingPage.js';

/**
 * Compares the versions that a run trained by `champion_metric`: the best is the challenger. It becomes champion where
 * it passes the promotion gate, on the rows of that metric's split; else the champion stays. The other splits have no
 * part in either. The gate's working is kept as the challenger's `promotion.json`. With equal scores the one
 * named first wins. Where the best is a version of an earlier run that is champion, it stays. Where the metric is
 * undefined for every version, as its split holds one class, the best of the search is the challenger, and the gate
 * refuses it. A run moves an alias once, however often it asks. The training's page comes last.
 */
export const promoteBest: Stage<PromoteBestInput, PromotedBest> = async (context, input) => {
  const pipeline = await context.pipeline(input.pipeline);
  const { modelRegistry } = context.stores(pipeline);
  const { task } = await readDatasetMetadata(context.stores(pipeline).datamart, input.dataset);
  const { split, metric: name } = championMetric(pipeline, task);
  const metric = `${split}.${name}`;

  const other = trainingSplit(pipeline).names.findLast((candidate) => candidate !== 'train' && candidate !== split);
  const scores: Record<string, number> = {};
  const estimates: Record<string, number | null> = {};
  const searched: Record<string, number> = {};
  const stand = [...input.trained, ...(input.unchanged ?? [])];
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
  const challenger = { algorithm, version };
  const reason = reasonFor(by, compared);
  await movePointer(modelRegistry, aliasKey(CHALLENGER), challenger, input.run, reason, { overDamage: true });
  const outcome = await challenge(context, pipeline, input, challenger, { split, metric: name, reason });
  const promoted: PromotedBest = {
    ...outcome,
    challenger,
    comparison: { metric, scores, estimate: other ? { metric: `${other}.${name}`, scores: estimates } : null },
  };
  return { ...promoted, page: await writeTrainingPage(context, pipeline, input, promoted) };
};

/** Decides once more where somebody moves the champion between the decision and the move. */
async function challenge(
  context: StageContext,
  pipeline: Pipeline,
  { run, dataset, unchanged = [] }: PromoteBestInput,
  challenger: VersionRef,
  by: { split: SplitName; metric: MetricName; reason: string },
): Promise<{ champion: VersionRef | null; previous: VersionRef | null; promotion: PromotionDecision }> {
  const { modelRegistry } = context.stores(pipeline);
  const { split, metric, reason } = by;
  for (;;) {
    const pointer = await readPointer(modelRegistry, aliasKey(CHAMPION));
    const mine = moveOf(pointer, run.runId);
    if (mine) {
      const promotion = await readVersionFile(modelRegistry, challenger, 'promotion.json');
      return { champion: { algorithm: mine.algorithm, version: mine.version }, previous: mine.previous, promotion };
    }

    const champion = pointer ? { algorithm: pointer.algorithm, version: pointer.version } : null;
    if (isSameVersion(champion, challenger) && unchanged.some((ref) => isSameVersion(ref, challenger))) {
      return { champion, previous: champion, promotion: await stays(context, pipeline, { challenger, split, reason }) };
    }
    const metadata = await versionOf(modelRegistry, challenger);
    const slices = await readVersionFileIfAny(modelRegistry, metadata, 'slices.json');
    const promotion = await evaluateChallenger(context, pipeline, {
      dataset,
      split,
      metric,
      challenger,
      intervals: metadata.performance[split]?.intervals,
      slices: slicesOf(slices, split),
      champion,
    });
    await promotionDecision.write(modelRegistry, versionKey(challenger, 'promotion.json'), promotion);
    if (promotion.decision === 'refuse') return { champion, previous: champion, promotion };
    try {
      await movePointer(modelRegistry, aliasKey(CHAMPION), challenger, run, reason, { from: champion });
      return { champion: challenger, previous: champion, promotion };
    } catch (error) {
      if (!(error instanceof PerdureError && error.type === 'PointerMoved')) throw error;
    }
  }
}

/** The best is a version of an earlier run, and champion already. */
async function stays(
  context: StageContext,
  pipeline: Pipeline,
  { challenger, split, reason }: { challenger: VersionRef; split: SplitName; reason: string },
): Promise<PromotionDecision> {
  const performance = await readVersionFile(context.stores(pipeline).modelRegistry, challenger, 'performance.json');
  const grounds = `it is champion already, and still the ${reason}`;
  return {
    decision: 'refuse',
    reason: `${challenger.algorithm} ${challenger.version} stays champion: ${grounds}.`,
    grounds,
    challenger,
    champion: challenger,
    not_compared: null,
    rules: [],
    metrics: { challenger: performance[split] ?? { n: 0 }, champion: performance[split] ?? null },
    comparison: null,
    convention: DELONG_CONVENTION,
  };
}

async function versionOf(registry: ObjectStore, ref: VersionRef): Promise<VersionMetadata> {
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
  const compared = Object.entries(scores).map(([algorithm, score]) => `${algorithm} ${score.toFixed(4)}`);
  return `best ${metric} of ${compared.join(', ')}`;
}
