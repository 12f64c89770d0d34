import {
  leftOutOf,
  type LifecycleOfPeriodInput,
  type ModelTrainingCompleted,
  type ModelTrainingResult,
  type Period,
  type PeriodRecord,
  type PeriodTraining,
} from '../src/contracts/index.js';
import { ApplicationFailure } from '@temporalio/workflow';
import { dataProcessing } from './dataProcessing.js';
import { modelInference } from './modelInference.js';
import { modelTraining } from './modelTraining.js';
import { activities } from './support/activityProxies.js';
import { runChild } from './support/children.js';
import { FLAG, PERIOD, PERIOD_UNIT, required, RUN_REF, SOURCE } from './support/input.js';
import { startRun } from './support/startRun.js';

/**
 * One period of a backfill: its rows are processed, the champion is evaluated on the period before, a model is trained on
 * what was known until then where that is due, and whoever is champion then predicts the period.
 */
export async function lifecycleOfPeriod(input: LifecycleOfPeriodInput): Promise<PeriodRecord> {
  const { stage, progress } = startRun(input, {
    period: required(PERIOD),
    by: required(PERIOD_UNIT),
    first: required(FLAG),
    again: required(FLAG),
    claimedBy: required(RUN_REF),
    source: SOURCE,
    labels: SOURCE,
  });
  const { pipeline, period, by, first, again, claimedBy, reason, triggeredBy, config, source, labels } = input;
  const shared = { pipeline, reason, triggeredBy, config };
  const told = { ...stage, run: { ...stage.run, config } };
  const before = dayBefore(period);

  progress.step('processing data');
  // What was there before the first period arrived before it.
  if (first) await processUntil(before, 'processing-before');
  await processUntil(period.to, 'processing');

  progress.step('evaluating the champion on the period before');
  const evaluation = await activities.evaluatePeriod({ ...told, period, asOf: period.to });

  progress.step('deciding whether a retraining is due');
  const decision = await activities.decideRetraining({ ...told, period, trainAsOf: before, evaluation });

  const training = decision.retrain ? await train() : null;

  progress.step('predicting');
  const inference = await runChild(progress, {
    name: 'inference',
    workflow: modelInference,
    input: { ...shared, asOf: period.to, from: period.from, to: period.to, again },
    summary: `Model inference: rows of ${period.from} to ${period.to}`,
  });

  const { rows } = inference;
  const champion = await activities.readChampion(told);
  const record: PeriodRecord = {
    ...period,
    outcome: training ? 'trained' : rows > 0 ? 'predicted' : 'skipped',
    evaluation,
    decision,
    training,
    model: champion && { algorithm: champion.algorithm, version: champion.version },
    rows,
  };
  progress.step('taking down what the period came to');
  await activities.recordPeriod({ ...told, by, record });
  return record;

  function processUntil(asOf: string, name: string) {
    return runChild(progress, {
      name,
      workflow: dataProcessing,
      input: { ...shared, asOf, source, labels },
      summary: `Data processing: rows until ${asOf}`,
    });
  }

  async function train(): Promise<PeriodTraining> {
    progress.step('training models');
    const result = await runChild(progress, {
      name: 'training',
      workflow: modelTraining,
      // A retraining that is due trains, also where it makes the newest version again.
      input: { ...shared, asOf: before, again: true, claimedBy },
      summary: `Model training, as of ${before}: ${decision.reason}`,
    });
    return trainingOf(result);
  }
}

function trainingOf(result: ModelTrainingResult): PeriodTraining {
  if (result.status === 'skipped') throw ApplicationFailure.nonRetryable(result.reason, 'NotTrained');
  const { challenger, champion, comparison, promotion, algorithms }: ModelTrainingCompleted = result;
  const left_out = leftOutOf(algorithms);
  return {
    model: challenger,
    metric: comparison.metric,
    score: comparison.scores[challenger.algorithm] ?? null,
    promoted: champion?.algorithm === challenger.algorithm && champion.version === challenger.version,
    reason: promotion.reason,
    ...(Object.keys(left_out).length > 0 && { left_out }),
  };
}

/** The day before a period, at which its training stands. */
function dayBefore({ from }: Period): string {
  return new Date(Date.parse(from) - 86_400_000).toISOString().slice(0, 10);
}
