import { algorithmConfig, type Pipeline } from '../config/load.js';
import type { RecordPeriodInput, SplitName } from '../contracts/index.js';
import type { ObjectStore } from '../platform/storage/objectStore.js';
import { recordInTimeline, writeTracker, type Timeline } from '../registry/timeline.js';
import { readVersion } from '../registry/versions.js';
import type { Stage } from './context.js';

/** Takes down what a period came to, and the last retraining of all periods. Asked again, it writes the same. */
export const recordPeriod: Stage<RecordPeriodInput, void> = async (context, { pipeline: name, by, record }) => {
  const pipeline = await context.pipeline(name);
  const { modelRegistry } = context.stores(pipeline);
  const timeline = await recordInTimeline(modelRegistry, by, record);
  if (record.training) await trackLastRetraining(pipeline, modelRegistry, timeline);
};

/** The last retraining that a timeline has becomes the pipeline's. */
export async function trackLastRetraining(
  pipeline: Pipeline,
  registry: ObjectStore,
  { periods }: Timeline,
): Promise<void> {
  const last = periods.findLast(({ training }) => training !== null);
  if (!last?.training) return writeTracker(registry, null);
  const { model, metric, score } = last.training;
  const metadata = await readVersion(registry, model);
  const [split] = metric.split('.') as [SplitName];
  await writeTracker(registry, {
    last_retraining_date: last.from,
    model_name: pipeline.definition.name,
    model_version: model.version,
    model_type: algorithmConfig(pipeline.config, model.algorithm).estimator,
    metric,
    score,
    macro_f1_score: metadata?.performance[split]?.f1_macro ?? null,
    registration_date: metadata?.training_date ?? last.from,
  });
}
