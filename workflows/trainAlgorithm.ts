import { ApplicationFailure, CancellationScope, log, sleep } from '@temporalio/workflow';
import {
  algorithmTrained,
  type AlgorithmInput,
  type AlgorithmTrained,
  type TrainAlgorithmInput,
} from '../src/contracts/index.js';
import { activities, fittingWithin, type Fitting } from './support/activityProxies.js';
import { dispatchedWithin } from './support/dispatched.js';
import { failureOf } from './support/failures.js';
import {
  A_NAME,
  checkInput,
  MOMENT,
  object,
  OF_PIPELINE,
  oneOf,
  recordOf,
  required,
  SOURCE,
  TEXT,
  type Fields,
  type Kind,
} from './support/input.js';
import { ProgressTracker } from './support/progress.js';
import { setSearchAttributes } from './support/searchAttributes.js';
import { searchCandidates } from './support/search.js';

/** The workflow's own clock ends a task's time, and says so; the activity's is there for a workflow that can't. */
const GRACE_SECONDS = 60;

const COUNT: Kind = { expected: 'a number from 0', holds: (value) => typeof value === 'number' && value >= 0 };
const TRAIN_ALGORITHM_INPUT: Fields = {
  ...OF_PIPELINE,
  run: required(object({ workflowId: required(TEXT), runId: required(TEXT), startedAt: required(MOMENT) })),
  algorithm: required(A_NAME),
  dataset: required(
    object({
      uri: required(SOURCE),
      checksum: required(TEXT),
      id: required(TEXT),
      rows: required(recordOf(TEXT, COUNT)),
    }),
  ),
  timeoutSeconds: required({
    expected: 'seconds above 0, 400 days at most',
    holds: (value) => typeof value === 'number' && value > 0 && value <= 400 * 86_400,
  }),
  compute: oneOf('local', 'ecs'),
};

/** One algorithm from search to registry within its time budget; whatever stops it, nothing half-written stays behind. */
export async function trainAlgorithm(asked: TrainAlgorithmInput): Promise<AlgorithmTrained> {
  // A parent of another version may send more.
  checkInput(asked, TRAIN_ALGORITHM_INPUT, false);
  const { timeoutSeconds, compute, ...input } = asked;
  const progress = new ProgressTracker();
  setSearchAttributes({ pipeline: input.pipeline, phase: 'training', algorithm: input.algorithm });
  const budget = new CancellationScope();
  const clock = new CancellationScope();
  const summary = `The ${inWords(timeoutSeconds)} of ${input.algorithm}`;
  void clock
    .run(() => sleep(timeoutSeconds * 1000, { summary }))
    .then(
      () => budget.cancel(),
      () => undefined,
    );
  try {
    const trained = () =>
      compute === 'ecs'
        ? trainOnEcs(input, timeoutSeconds, progress)
        : train(input, fittingWithin(timeoutSeconds), progress);
    return await budget.run(() => trained().finally(() => clock.cancel()));
  } catch (error) {
    await CancellationScope.nonCancellable(() => discard(input));
    const timedOut = budget.consideredCancelled && !CancellationScope.current().consideredCancelled;
    throw timedOut ? trainingTimedOut(input.algorithm, timeoutSeconds, progress) : error;
  }
}

async function train(input: AlgorithmInput, fitting: Fitting, progress: ProgressTracker): Promise<AlgorithmTrained> {
  progress.step('planning the search');
  const plan = await activities.planSearch(input);

  progress.step('searching hyperparameters');
  const { best, dropped, search } = await searchCandidates(input, plan, fitting, progress);
  const { params: best_params, cv_score } = best;

  progress.step('fitting the best candidate on the whole train split');
  const model = await fitting.refit({ ...input, params: best_params });

  progress.step('evaluating on every split');
  const performance = await fitting.evaluateModel({ ...input, model });

  progress.step('registering the version');
  const registered = await fitting.registerModel({
    ...input,
    model,
    best_params,
    cv_score,
    plan,
    dropped,
    performance,
  });
  setSearchAttributes({ modelVersion: registered.version });

  return algorithmTrained(registered, best, performance, search);
}

/** The same, all of it as one task that needs no worker. */
async function trainOnEcs(
  input: AlgorithmInput,
  timeoutSeconds: number,
  progress: ProgressTracker,
): Promise<AlgorithmTrained> {
  progress.step('training in a task of its own');
  const trained = await dispatchedWithin(timeoutSeconds + GRACE_SECONDS).trainAlgorithm(input);
  setSearchAttributes({ modelVersion: trained.version });
  return trained;
}

async function discard({ pipeline, run, algorithm }: AlgorithmInput): Promise<void> {
  try {
    await activities.discardVersion({ pipeline, run, algorithm });
  } catch (error) {
    // What stopped the training is the news; an unregistered version that stays behind is invisible and harmless.
    log.warn('An unfinished version could not be discarded', { algorithm, reason: failureOf(error).reason });
  }
}

function trainingTimedOut(algorithm: string, timeoutSeconds: number, { now }: ProgressTracker): ApplicationFailure {
  const { step, progress } = now;
  const reached = progress ? `${step}, ${progress.done} of ${progress.total} ${progress.what} done` : step;
  return ApplicationFailure.nonRetryable(
    `Training ${algorithm} was not finished when its ${inWords(timeoutSeconds)} were over (${reached}); ` +
      'raise its timeout_hours, lower n_iter_search, or add training workers.',
    'TrainingTimedOut',
  );
}

function inWords(seconds: number): string {
  if (seconds % 3600 === 0) return `${seconds / 3600} h`;
  return seconds % 60 === 0 ? `${seconds / 60} min` : `${seconds} s`;
}
