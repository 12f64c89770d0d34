import { join } from 'node:path';
import type { EvaluateModelInput, SplitMetrics, SplitName } from '../contracts/index.js';
import { readDatasetMetadata, readDatasetProfile } from '../data/dataset.js';
import { REFERENCE_SCORES, writeReferenceScores } from '../data/referenceRows.js';
import { readColumns } from '../platform/files/parquet.js';
import { taskOf, type TaskLabels } from '../ml/tasks/task.js';
import { profileOutput, type ModelProfile } from '../monitoring/profile.js';
import { sourceColumns } from '../ml/transforms/sourceColumns.js';
import { baselineSplit, championMetric } from '../registry/championMetric.js';
import type { MatrixFile } from '../ml/engines/pool.js';
import { createUnlessThere, createVersionFile, newVersionDocument, versionKey } from '../registry/versions.js';
import { createFile } from '../platform/storage/createOnly.js';
import type { Stage } from './context.js';
import { decisionThreshold, type EvaluatedRows } from './decisionThreshold.js';
import { evaluateSlices } from './evaluateSlices.js';
import { drawVersion } from './drawVersion.js';
import { columnMeans, explainModel } from './explainModel.js';
import { matrixFile } from './matrixFile.js';
import { measureImportance } from './measureImportance.js';
import { scoreRows } from './openModel.js';

/**
 * Metrics of a model on every split of its dataset, and on those that evaluate the interval of each. Of a binary one the
 * decision threshold goes into the version's `threshold.json`: that of the config, or the one that its rule chooses on the
 * validation rows. What it says of the test rows goes into the version's `profile.json`, beside the dataset's own profile, and row by row into
 * `reference_scores.parquet`, for monitoring to compare with; what the training's page draws, into `curves.json`, and which
 * features decide, into `importance.json`.
 */
export const evaluateModel: Stage<EvaluateModelInput, SplitMetrics> = async (context, input) => {
  const pipeline = await context.pipeline(input.pipeline);
  const { datamart, modelRegistry } = context.stores(pipeline);
  const modelPath = await modelRegistry.localFile(modelRegistry.key(input.model.uri), input.model.checksum);
  const dataset = await readDatasetMetadata(datamart, input.dataset);
  const { task, splits } = dataset;

  const calibrator = await newVersionDocument(modelRegistry, input.model, 'calibrator.json');
  const files = new Map<SplitName, MatrixFile>();
  for (const split of Object.keys(splits) as SplitName[])
    files.set(split, await matrixFile(datamart, input.dataset, split));
  const evaluated = new Map(
    await Promise.all(
      [...files].map(async ([split, { path, features, label }]): Promise<[SplitName, EvaluatedRows]> => {
        const output = await scoreRows(context, { modelPath, task, calibrator }, { path, features });
        const [labels] = await readColumns(path, [label]);
        return [split, { labels: labels as TaskLabels, output }];
      }),
    ),
  );
  const threshold = decisionThreshold(pipeline.config, task, evaluated);
  if (taskOf(task).decidesByThreshold) await createVersionFile(modelRegistry, input.model, 'threshold.json', threshold);
  const split = baselineSplit(splits);
  const reference = evaluated.get(split)!;
  const profile: ModelProfile = {
    ...(await readDatasetProfile(datamart, input.dataset)),
    score: profileOutput(task, reference.output),
  };
  await createVersionFile(modelRegistry, input.model, 'profile.json', profile);
  const scores = join(context.scratch, REFERENCE_SCORES);
  await writeReferenceScores(scores, reference.labels, reference.output);
  await createFile(modelRegistry, scores, versionKey(input.model, REFERENCE_SCORES));

  if (pipeline.config.evaluation.slices.length > 0) {
    const slices = await evaluateSlices(context, pipeline, dataset, evaluated, threshold.value);
    await createVersionFile(modelRegistry, input.model, 'slices.json', slices);
  }

  const seed = pipeline.config.model_config.random_state;
  const measure = async () => {
    const metrics: SplitMetrics = {};
    for (const [split, { labels, output }] of evaluated) {
      const { signal } = context;
      metrics[split] = {
        ...taskOf(task).metrics(labels, output, threshold.value),
        // What a model says of rows that it learned is no matter of chance.
        ...(split !== 'train' && {
          intervals: await taskOf(task).intervals(labels, output, threshold.value, { seed, signal }),
        }),
      };
    }
    return metrics;
  };
  const explain = async () => {
    const background = await columnMeans(files.get('train')!);
    const sources = sourceColumns(dataset.transforms);
    const explained = { modelPath, task, calibrator, split, file: files.get(split)!, sources, background };
    const shap = await explainModel(context, explained);
    await drawVersion(modelRegistry, input.model, { task, evaluated, explanation: shap.explanation });
    const importance = await measureImportance(context, explained, reference, shap, {
      metric: championMetric(pipeline, task).metric,
      threshold: threshold.value,
      seed,
      permutation: pipeline.config.evaluation.permutation_importance,
    });
    await createUnlessThere(modelRegistry, input.model, 'importance.json', importance);
    await createVersionFile(modelRegistry, input.model, 'background.json', {
      features: dataset.features,
      values: background,
    });
  };
  // The engines explain while this process draws the rows of the intervals.
  const [metrics] = await Promise.all([measure(), explain()]);
  return metrics;
};
