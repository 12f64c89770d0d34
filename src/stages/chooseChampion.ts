import type { Pipeline } from '../config/load.js';
import type { ChampionChoice, ChooseChampionInput, PromotionDecision, VersionRef, Window } from '../contracts/index.js';
import { PerdureError } from '../errors.js';
import { aliasKey, moveOf, movePointer, readPointer } from '../registry/pointers.js';
import { CHALLENGER, CHAMPION } from '../registry/resolve.js';
import { readVersion, readVersionFile, versionKey } from '../registry/versions.js';
import { writeJson } from '../storage/documents.js';
import type { ObjectStore } from '../storage/objectStore.js';
import type { Stage, StageContext } from './context.js';
import { weighChallenger } from './weighChallenger.js';

type MetricName = 'accuracy' | 'precision' | 'recall' | 'f1' | 'roc_auc' | 'average_precision';

/**
 * Compares the versions that a run trained by `champion_metric`: the best is the challenger. It becomes champion where
 * it passes the promotion gate, on the rows of that metric's window; else the champion stays. The gate's working is
 * kept as the challenger's `promotion.json`. With equal scores the one named first wins. A run moves an alias once,
 * however often it asks.
 *
 * @throws PerdureError `InputInvalid` where the metric is undefined for every version
 */
export const chooseChampion: Stage<ChooseChampionInput, ChampionChoice> = async (context, input) => {
  const pipeline = await context.pipeline(input.pipeline);
  const { modelRegistry } = context.stores(pipeline);
  const metric = pipeline.config.model_config.champion_metric;
  const [window, name] = metric.split('.') as ['test' | 'oot', MetricName];

  const scores: Record<string, number> = {};
  let best: { ref: VersionRef; score: number } | undefined;
  for (const ref of input.trained) {
    const score = await metricOf(modelRegistry, ref, window, name);
    if (score === null) continue;
    scores[ref.algorithm] = score;
    if (!best || score > best.score) best = { ref, score };
  }
  if (!best) {
    throw new PerdureError('InputInvalid', `${metric} is undefined for every trained version, as its window holds one class only; set model_config.champion_metric to another, or widen the window.`);
  }

  const { algorithm, version } = best.ref;
  const challenger = { algorithm, version };
  const comparison = reasonFor(metric, scores);
  await movePointer(modelRegistry, aliasKey(CHALLENGER), challenger, input.run, comparison);
  const outcome = await challenge(context, pipeline, input, challenger, window, comparison);
  return { ...outcome, challenger, metric, scores };
};

/** Decides once more where somebody moves the champion between the decision and the move. */
async function challenge(
  context: StageContext,
  pipeline: Pipeline,
  { run, dataset }: ChooseChampionInput,
  challenger: VersionRef,
  window: Window,
  comparison: string,
): Promise<{ champion: VersionRef | null; previous: VersionRef | null; promotion: PromotionDecision }> {
  const { modelRegistry } = context.stores(pipeline);
  for (;;) {
    const pointer = await readPointer(modelRegistry, aliasKey(CHAMPION));
    const mine = moveOf(pointer, run.runId);
    if (mine) {
      const promotion = await readVersionFile<PromotionDecision>(modelRegistry, challenger, 'promotion.json');
      return { champion: { algorithm: mine.algorithm, version: mine.version }, previous: mine.previous, promotion };
    }

    const champion = pointer ? { algorithm: pointer.algorithm, version: pointer.version } : null;
    const promotion = await weighChallenger(context, pipeline, { dataset, window, challenger, champion });
    await writeJson(modelRegistry, versionKey(challenger, 'promotion.json'), promotion);
    if (promotion.decision === 'refuse') return { champion, previous: champion, promotion };
    try {
      await movePointer(modelRegistry, aliasKey(CHAMPION), challenger, run, comparison, { from: champion });
      return { champion: challenger, previous: champion, promotion };
    } catch (error) {
      if (!(error instanceof PerdureError && error.type === 'PointerMoved')) throw error;
    }
  }
}

async function metricOf(registry: ObjectStore, ref: VersionRef, window: 'test' | 'oot', name: MetricName): Promise<number | null> {
  const metadata = await readVersion(registry, ref);
  if (!metadata) {
    throw new PerdureError('NotFound', `There is no version "${ref.version}" of ${ref.algorithm} in the registry; train it again.`);
  }
  return metadata.performance[window][name];
}

function reasonFor(metric: string, scores: Record<string, number>): string {
  const compared = Object.entries(scores).map(([algorithm, score]) => `${algorithm} ${score.toFixed(4)}`);
  return `best ${metric} of ${compared.join(', ')}`;
}
