import type { EvaluatePeriodInput, Period, PeriodEvaluation, VersionRef } from '../contracts/index.js';
import { withDuckDb } from '../data/duckdb.js';
import { lastLabelledDay } from '../data/labels.js';
import { earlier } from '../data/partitions.js';
import { loadScoredRows } from '../data/scoredRows.js';
import { TRAINED_ROWS } from '../data/trainedRows.js';
import { taskOf } from '../ml/tasks/task.js';
import { watchedMetric } from '../registry/championMetric.js';
import { readTimeline } from '../registry/timeline.js';
import { aliasKey, isSameVersion, readPointer } from '../registry/pointers.js';
import { CHAMPION } from '../registry/aliases.js';
import { readVersionFile, readVersionFileIfAny, requireVersion, rowFile, SCORE_ANEW } from '../registry/versions.js';
import type { Stage, StageContext } from './context.js';
import { leftOutOfMetrics, readLabelledScores, unknownInWords } from './labelledScores.js';
import { thresholdOf } from './openModel.js';

/**
 * Metrics of the champion on the period before, of the rows that it predicted there and that have a mature label at `asOf`. The
 * period after a retraining has none: what the champion is worth was just measured.
 */
export const evaluatePeriod: Stage<EvaluatePeriodInput, PeriodEvaluation> = async (context, input) => {
  const { modelRegistry } = context.stores(await context.pipeline(input.pipeline));
  const champion = await readPointer(modelRegistry, aliasKey(CHAMPION));
  if (!champion) return skipped('There is no champion to evaluate yet.');
  const before = (await readTimeline(modelRegistry))?.periods.findLast(({ from }) => from < input.period.from);
  if (!before) return skipped('There is no period before.');
  if (before.training) return skipped('A model was trained in the period before.');
  if (!before.model || !isSameVersion(before.model, champion))
    return skipped(`Another model than ${champion.algorithm} ${champion.version} predicted the period before.`);
  return measure(context, input, before, { algorithm: champion.algorithm, version: champion.version });
};

async function measure(
  context: StageContext,
  { pipeline: name, asOf }: EvaluatePeriodInput,
  { from, to }: Period,
  model: VersionRef,
): Promise<PeriodEvaluation> {
  const pipeline = await context.pipeline(name);
  const stores = context.stores(pipeline);
  const { modelRegistry } = stores;
  const { task } = await readVersionFile(modelRegistry, model, 'preprocessing.json', SCORE_ANEW);
  const version = await requireVersion(modelRegistry, model, SCORE_ANEW);
  const threshold = thresholdOf(
    pipeline,
    await readVersionFileIfAny(modelRegistry, version, 'threshold.json', SCORE_ANEW),
  );
  const trainedRows = await rowFile(modelRegistry, model, TRAINED_ROWS, SCORE_ANEW);
  const until = earlier(to, lastLabelledDay(pipeline, asOf));
  const { labels, output, unknown } = await withDuckDb(context, async (database) => {
    const { days } = await loadScoredRows(database, pipeline, stores, model, { task, trainedRows, from, until });
    return readLabelledScores(database, pipeline, stores, task, days);
  });
  if (labels.length === 0)
    return skipped(
      `No row of ${from} to ${to} has a prediction and a label that is known by ${asOf}${unknown.length > 0 ? `, besides ${unknownInWords(unknown)}` : ''}.`,
    );
  const { confusion_matrix: _, ...metrics } = taskOf(task).metrics(labels, output, threshold);
  const metric = watchedMetric(pipeline, task);
  const value = metrics[metric] ?? null;
  const left = leftOutOfMetrics(unknown);
  return { status: 'measured', period: { from, to }, model, rows: labels.length, metric, value, metrics, ...left };
}

function skipped(reason: string): PeriodEvaluation {
  return { status: 'skipped', reason };
}
