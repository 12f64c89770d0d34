import { ApplicationFailure, CancelledFailure, CancellationScope, isCancellation, patched } from '@temporalio/workflow';
import {
  ableOf,
  leftOutIfMissing,
  leftOutOf,
  nothingChanged,
  type AlgorithmResult,
  type Check,
  type ComputeTarget,
  type DatasetRef,
  type ModelTrainingCompleted,
  type ModelTrainingInput,
  type ModelTrainingResult,
  type RunEnded,
  type StageInput,
  type TestedModel,
  type TestModelInput,
  type Tracking,
  type TrainAlgorithmInput,
  type TrainingPlan,
  type Unchanged,
  type VersionRef,
} from '../src/contracts/index.js';
import { activities } from './support/activityProxies.js';
import { now, startedBySchedule, raiseAlerts } from './support/alerts.js';
import { startRun, type RunContext } from './support/startRun.js';
import { runChild } from './support/children.js';
import { computeTargetOf, stagesOn } from './support/computeTarget.js';
import { failureOf } from './support/failures.js';
import { FLAG, NAMES, RUN_REF } from './support/input.js';
import { setSearchAttributes } from './support/searchAttributes.js';
import { withConfig } from './support/pinConfig.js';
import type { ProgressTracker } from './support/progress.js';
import { withinServiceLevel } from './support/sla.js';
import { requestRetrain, reportToSteward } from './support/signalSteward.js';
import { waitForFeatures } from './support/waitForFeatures.js';
import { trainAlgorithm } from './trainAlgorithm.js';

type PlannedAlgorithm = Extract<TrainingPlan, { status: 'ready' }>['algorithms'][number];

/**
 * Three prerequisites, preprocessing once, then in parallel every algorithm whose model would be another than its newest,
 * each failing alone; one that may be left out is, where what trains it is not there. The best challenges the champion.
 */
export async function modelTraining(input: ModelTrainingInput): Promise<ModelTrainingResult> {
  const context = startRun(input, { algorithms: NAMES, again: FLAG, claimedBy: RUN_REF });
  const { pipeline, run } = context.stage;
  try {
    return await withinServiceLevel('training', context.stage, () =>
      reportToSteward('training', input, () => trainAll(input, context), newChampion),
    );
  } catch (error) {
    if (!isCancellation(error)) {
      await raiseAlerts(() => ({ condition: 'training_failed', pipeline, at: now(), run, training: failureOf(error) }));
    }
    throw error;
  }
}

async function trainAll(
  input: ModelTrainingInput,
  { stage: started, asOf, progress }: RunContext,
): Promise<ModelTrainingResult> {
  // Where there is a steward it trains, one at a time: a schedule only asks.
  const request = { reason: 'schedule', triggeredBy: started.run.workflowId, requestId: started.run.runId, asOf };
  if (startedBySchedule() && (await requestRetrain(started.pipeline, request))) {
    return { status: 'skipped', reason: 'The steward of the pipeline was asked to train.' };
  }

  const stage = await withConfig(started, input);

  progress.step('claiming the one training at a time');
  const claim = await activities.claimTraining(input.claimedBy ? { ...stage, run: input.claimedBy } : stage);
  if (claim.status === 'skipped') return claim;

  progress.step('checking the model config');
  const plan = await activities.checkModelConfig({ ...stage, algorithms: input.algorithms });
  if (plan.status === 'skipped') return plan;

  if (plan.wait) await waitForFeatures(() => checkData(stage, progress), plan.wait, progress);
  else {
    const data = await checkData(stage, progress);
    if (data.status === 'skipped') return data;
  }

  progress.step('comparing with the newest versions');
  const { unchanged, unable = [] } = await unchangedOf(input, stage, asOf, plan.algorithms);
  const due = plan.algorithms.filter(({ name }) => !unchanged.some(({ algorithm }) => algorithm === name));
  if (due.every(({ name }) => unable.includes(name))) return { status: 'skipped', reason: nothingChanged(unchanged) };

  progress.step('preprocessing');
  const target = await computeTargetOf('training', stage);
  const dataset = await stagesOn(target).preprocess({ ...stage, asOf });

  const able = ableOf(
    due.map(({ name }) => name),
    dataset,
    input,
  );
  progress.step(`training ${able.join(', ')}`);
  progress.count('algorithms', able.length);
  const training = due.filter(({ name }) => able.includes(name));
  const results = await Promise.all(training.map((algorithm) => train(algorithm, dataset, target)));
  // A cancelled run waits for its children's clean-up, and only then ends.
  if (CancellationScope.current().consideredCancelled) throw new CancelledFailure('The training was cancelled.');
  const algorithms = Object.fromEntries(results);
  if (versionsOf(algorithms).length + unchanged.length === 0) throw nothingTrained(algorithms);
  const leftOut = leftOutOf(algorithms);
  if (Object.keys(leftOut).length === results.length)
    return { status: 'skipped', reason: nothingChanged(unchanged, leftOut) };

  const best = { ...stage, trained: versionsOf(algorithms), ...(unchanged.length > 0 && { unchanged }), dataset };
  // Aliases may move now, and a run is what it did: a cancel that comes from here on is too late.
  return CancellationScope.nonCancellable(async () => {
    const tests = patched('model-tests') ? await testModel(best) : undefined;
    progress.step('choosing the champion');
    return promoteBest(best, algorithms, tests);
  });

  function testModel(best: TestModelInput): Promise<TestedModel> {
    progress.step('testing the best model');
    return activities.testModel(best);
  }

  async function train(
    { name, timeoutSeconds, optional }: PlannedAlgorithm,
    dataset: DatasetRef,
    compute: ComputeTarget,
  ): Promise<[string, AlgorithmResult]> {
    const result = await runChild<TrainAlgorithmInput, AlgorithmResult>(progress, {
      name,
      workflow: trainAlgorithm,
      input: { ...stage, algorithm: name, dataset, timeoutSeconds, compute },
      summary: `Train ${name}`,
      ifFailed: (error: unknown) => leftOutIfMissing(failureOf(error), optional),
    });
    progress.advance();
    return [name, result];
  }
}

/** Whether gold holds as much as a training asks for. */
async function checkData(stage: StageInput, progress: ProgressTracker): Promise<Check> {
  progress.step('checking that gold data exists');
  const gold = await activities.checkGoldDataExists(stage);
  if (gold.status === 'skipped') return gold;

  progress.step('checking that there is enough training data');
  return activities.checkSufficientTrainingData(stage);
}

/** Versions that this training would only make again. */
async function unchangedOf(
  { again }: ModelTrainingInput,
  stage: StageInput,
  asOf: string,
  planned: PlannedAlgorithm[],
): Promise<Unchanged> {
  if (again) return { unchanged: [] };
  return activities.findUnchanged({ ...stage, asOf, algorithms: planned.map(({ name }) => name) });
}

/** The best of the versions challenges the champion, once it is tested; alerts say what came of it. */
async function promoteBest(
  best: TestModelInput,
  algorithms: Record<string, AlgorithmResult>,
  tests: TestedModel | undefined,
): Promise<ModelTrainingCompleted> {
  const { pipeline, run, dataset, unchanged } = best;
  const leftOut = leftOutOf(algorithms);
  const { champion, previous, challenger, promotion, comparison, page, track, refusal } = await activities.promoteBest({
    ...best,
    ...(Object.keys(leftOut).length > 0 && { leftOut }),
    ...(tests && { tested: { challenger: tests.challenger, tests: tests.tests } }),
  });

  const tracking = track && (await trackTraining({ pipeline, run }));
  const status = Object.values(algorithms).some((result) => result.status === 'failed') ? 'partial' : 'completed';
  const result: ModelTrainingCompleted = {
    status,
    champion,
    challenger,
    ...(tests && { tests }),
    promotion,
    comparison,
    dataset,
    algorithms,
    ...(unchanged && { unchanged }),
    ...(page && { page }),
    ...(tracking && { tracking }),
    config: run.config?.checksum,
  };
  setSearchAttributes({ algorithm: challenger.algorithm, modelVersion: challenger.version });

  await raiseAlerts(() => {
    const about = { pipeline, at: now() };
    const { workflowId: by } = run;
    const ofTests =
      tests && !tests.passed ? [{ condition: 'model_tests_failed' as const, ...about, run, tests, champion }] : [];
    if (refusal !== undefined) return ofTests;
    return [
      { condition: 'training_completed', ...about, run, training: result },
      { condition: 'training_failed', ...about, run, training: result },
      ...ofTests,
      ...(champion
        ? [{ condition: 'model_deployed' as const, ...about, model: champion, previous, by, reason: promotion.grounds }]
        : []),
    ];
  });
  if (refusal !== undefined) throw ApplicationFailure.nonRetryable(refusal, 'PromotionRefused', promotion.rules);
  return result;
}

/** Writes the training to MLflow. What becomes of a run doesn't hang on it: what isn't written waits. */
async function trackTraining(stage: StageInput): Promise<Tracking> {
  try {
    return await activities.trackTraining(stage);
  } catch (error) {
    return { status: 'waits', reason: failureOf(error).reason };
  }
}

function newChampion(result: ModelTrainingResult): Pick<RunEnded, 'newChampion' | 'summary' | 'busyWith'> {
  if (result.status === 'skipped')
    return { summary: result.reason, ...('busyWith' in result && { busyWith: result.busyWith }) };
  return { summary: result.promotion.reason, newChampion: result.promotion.decision === 'promote' };
}

function versionsOf(algorithms: Record<string, AlgorithmResult>): VersionRef[] {
  return Object.entries(algorithms).flatMap(([algorithm, result]) =>
    result.status === 'completed' ? [{ algorithm, version: result.version }] : [],
  );
}

function nothingTrained(algorithms: Record<string, AlgorithmResult>): ApplicationFailure {
  const reasons = Object.entries(algorithms).map(
    ([name, result]) => `${name}: ${result.status === 'completed' ? '' : result.reason}`,
  );
  // A schedule may start the run again: nothing says that it would fail so once more.
  return ApplicationFailure.retryable(`No algorithm could be trained. ${reasons.join(' ')}`, 'AllAlgorithmsFailed');
}
