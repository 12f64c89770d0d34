import { ApplicationFailure, CancelledFailure, CancellationScope } from '@temporalio/workflow';
import type { AlgorithmResult, DatasetRef, ModelTrainingInput, ModelTrainingResult, TrainingPlan, VersionRef } from '../src/contracts/index.js';
import { preprocessing, processing, quick } from './support/activities.js';
import { begin } from './support/begin.js';
import { runChild } from './support/children.js';
import { failureOf } from './support/failures.js';
import { NAMES } from './support/input.js';
import { trainAlgorithm } from './trainAlgorithm.js';

type PlannedAlgorithm = Extract<TrainingPlan, { status: 'ready' }>['algorithms'][number];

/** Three prerequisites, preprocessing once, then every algorithm in parallel, each failing alone; the best challenges the champion. */
export async function modelTraining(input: ModelTrainingInput): Promise<ModelTrainingResult> {
  const { stage, asOf, progress } = begin(input, { algorithms: NAMES });

  progress.step('checking the model config');
  const plan = await quick.checkModelConfig({ ...stage, algorithms: input.algorithms });
  if (plan.status === 'skipped') return plan;

  progress.step('checking that gold data exists');
  const gold = await quick.checkGoldDataExists(stage);
  if (gold.status === 'skipped') return gold;

  progress.step('checking that there is enough training data');
  const sufficient = await quick.checkSufficientTrainingData(stage);
  if (sufficient.status === 'skipped') return sufficient;

  progress.step('preprocessing');
  const dataset = await preprocessing.preprocess({ ...stage, asOf });

  progress.step(`training ${plan.algorithms.map(({ name }) => name).join(', ')}`);
  progress.count('algorithms', plan.algorithms.length);
  const results = await Promise.all(plan.algorithms.map((algorithm) => train(algorithm, dataset)));
  // A cancelled run waits for its children's clean-up, and only then ends.
  if (CancellationScope.current().consideredCancelled) throw new CancelledFailure('The training was cancelled.');
  const algorithms = Object.fromEntries(results);
  const trained = versionsOf(algorithms);
  if (trained.length === 0) throw nothingTrained(algorithms);

  progress.step('choosing the champion');
  const { champion, challenger, promotion, metric, scores } = await processing.chooseChampion({ ...stage, trained, dataset });

  const status = trained.length === results.length ? 'completed' : 'partial';
  return { status, champion, challenger, promotion, comparison: { metric, scores }, dataset, algorithms };

  async function train({ name, timeoutSeconds }: PlannedAlgorithm, dataset: DatasetRef): Promise<[string, AlgorithmResult]> {
    const child = {
      name,
      workflow: trainAlgorithm,
      input: { ...stage, algorithm: name, dataset, timeoutSeconds },
      summary: `Train ${name}`,
    };
    const result = await runChild(progress, child).catch(failureOf);
    progress.advance();
    return [name, result];
  }
}

function versionsOf(algorithms: Record<string, AlgorithmResult>): VersionRef[] {
  return Object.entries(algorithms).flatMap(([algorithm, result]) =>
    result.status === 'completed' ? [{ algorithm, version: result.version }] : [],
  );
}

function nothingTrained(algorithms: Record<string, AlgorithmResult>): ApplicationFailure {
  const reasons = Object.entries(algorithms).map(([name, result]) => `${name}: ${result.status === 'failed' ? result.reason : ''}`);
  return ApplicationFailure.nonRetryable(`No algorithm could be trained. ${reasons.join(' ')}`, 'AllAlgorithmsFailed');
}
