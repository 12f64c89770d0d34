import type { ChampionChoice, ChooseChampionInput, VersionRef } from '../contracts/index.js';
import { PerdureError } from '../errors.js';
import { aliasKey, movePointer } from '../registry/pointers.js';
import { CHAMPION } from '../registry/resolve.js';
import { readVersion } from '../registry/versions.js';
import type { ObjectStore } from '../storage/objectStore.js';
import type { Stage } from './context.js';

/**
 * Compares the versions that a run trained by `champion_metric` and moves the champion alias to the best. With equal
 * scores the one named first wins. A run moves the alias once, however often it asks.
 *
 * @throws PerdureError `InputInvalid` where the metric is undefined for every version
 */
export const chooseChampion: Stage<ChooseChampionInput, ChampionChoice> = async (context, input) => {
  const pipeline = await context.pipeline(input.pipeline);
  const { modelRegistry } = context.stores(pipeline);
  const metric = pipeline.config.model_config.champion_metric;

  const scores: Record<string, number> = {};
  let best: { ref: VersionRef; score: number } | undefined;
  for (const ref of input.trained) {
    const score = await metricOf(modelRegistry, ref, metric);
    if (score === null) continue;
    scores[ref.algorithm] = score;
    if (!best || score > best.score) best = { ref, score };
  }
  if (!best) {
    throw new PerdureError('InputInvalid', `${metric} is undefined for every trained version, as its window holds one class only; set model_config.champion_metric to another, or widen the window.`);
  }

  const move = await movePointer(modelRegistry, aliasKey(CHAMPION), best.ref, input.run, reasonFor(metric, scores));
  return { champion: { algorithm: move.algorithm, version: move.version }, previous: move.previous, metric, scores };
};

/** @param metric a window and a metric, e.g. `oot.roc_auc` */
async function metricOf(registry: ObjectStore, ref: VersionRef, metric: string): Promise<number | null> {
  const metadata = await readVersion(registry, ref);
  if (!metadata) {
    throw new PerdureError('NotFound', `There is no version "${ref.version}" of ${ref.algorithm} in the registry; train it again.`);
  }
  const [window, name] = metric.split('.') as ['test' | 'oot', 'accuracy' | 'precision' | 'recall' | 'f1' | 'roc_auc' | 'average_precision'];
  return metadata.performance[window][name];
}

function reasonFor(metric: string, scores: Record<string, number>): string {
  const compared = Object.entries(scores).map(([algorithm, score]) => `${algorithm} ${score.toFixed(4)}`);
  return `best ${metric} of ${compared.join(', ')}`;
}
