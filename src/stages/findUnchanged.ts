import { estimatorOf, unableOf, type Pipeline } from '../config/load.js';
import type { FindUnchangedInput, PromotionDecision, Unchanged, VersionRef } from '../contracts/index.js';
import { checksumsAsOf, isUnlabelled, mayTrain, partitionsAsOf } from '../data/goldAsOf.js';
import { lastLabelledDay } from '../data/labels.js';
import { splitDays, trainingSplit } from '../data/trainingSplit.js';
import { isSameOrigin, originOf, type Inputs } from '../registry/origin.js';
import { aliasKey, moveOf, readPointer } from '../registry/pointers.js';
import { CHALLENGER, CHAMPION } from '../registry/aliases.js';
import { latestVersion } from '../registry/resolve.js';
import { checkVersion, readVersionFile, requireVersion } from '../registry/versions.js';
import { unlessLost } from '../platform/storage/lost.js';
import type { ObjectStore, Stores } from '../platform/storage/objectStore.js';
import type { Stage } from './context.js';

/**
 * The newest versions that a training at `asOf` would only make again: their gold files, settings, code, engine and seed
 * are those of now. Only manifests and the registry are read. A version that is damaged is none, nor is one whose run
 * ended before it chose among its versions: it never had its chance to become champion. Where the champion is gone or
 * damaged nothing is unchanged, as a training repairs that.
 */
export const findUnchanged: Stage<FindUnchangedInput, Unchanged> = async (context, input) => {
  const pipeline = await context.pipeline(input.pipeline);
  const stores = context.stores(pipeline);
  const registry = stores.modelRegistry;
  const challenger = await unlessLost(() => readPointer(registry, aliasKey(CHALLENGER)));
  const decision = challenger && (await decisionOn(registry, challenger));
  if (await lacksChampion(registry, decision)) return { unchanged: [] };
  const hasChosen = (run: string) =>
    moveOf(challenger, run) !== undefined && (decision !== undefined || challenger?.by.runId !== run);

  const inputs = await inputsOf(pipeline, stores, input.asOf);
  const unchanged: VersionRef[] = [];
  let unable: string[] = [];
  for (const algorithm of input.algorithms) {
    const { estimator, script } = estimatorOf(pipeline, algorithm);
    const engine = await context.engines.version(estimator, script);
    const origin = await originOf(pipeline, algorithm, inputs, engine);
    const same = await unlessLost(async () => {
      const newest = await latestVersion(registry, algorithm);
      if (!newest) return undefined;
      const { lineage, task } = await requireVersion(registry, newest);
      if (!hasChosen(lineage.run_id) || !isSameOrigin(origin, lineage)) return undefined;
      await checkVersion(registry, newest);
      return { ref: { algorithm, version: newest.version }, task };
    });
    if (!same) continue;
    unchanged.push(same.ref);
    // What is the same was made of the same labels.
    unable = unableOf(pipeline.config, input.algorithms, same.task);
  }
  return { unchanged, ...(unable.length > 0 && { unable }) };
};

/** What the gate decided on a challenger; `undefined` where it didn't come to that. */
async function decisionOn(
  registry: ObjectStore,
  challenger: VersionRef,
): Promise<PromotionDecision['decision'] | undefined> {
  return unlessLost(async () => (await readVersionFile(registry, challenger, 'promotion.json')).decision);
}

/** Whether there should be a champion that can be used, and isn't. Where the gate refused the only challenger, or it waits for a person, none is due. */
async function lacksChampion(
  registry: ObjectStore,
  decision: PromotionDecision['decision'] | undefined,
): Promise<boolean> {
  const champion = await readPointer(registry, aliasKey(CHAMPION));
  if (!champion) return decision !== 'refuse' && decision !== 'hold';
  return (await unlessLost(() => checkVersion(registry, champion).then(() => true))) === undefined;
}

/** The gold files that `preprocess` would find rows in to train on, as they were at `asOf`, by the manifest. */
async function inputsOf(pipeline: Pipeline, stores: Stores, asOf: string): Promise<Inputs> {
  const partitions: Inputs['partitions'] = {};
  const split = trainingSplit(pipeline);
  const labelledTo = lastLabelledDay(pipeline, asOf);
  for (const side of split.names) {
    for (const { name, entry } of await partitionsAsOf(stores, splitDays(split, side, asOf), asOf))
      if (mayTrain(name, isUnlabelled(entry), labelledTo)) partitions[name] = checksumsAsOf(entry, asOf);
  }
  return { partitions, labelled_to: labelledTo, as_of: asOf };
}
