import type { ModelConfig } from '../config/schema.js';
import type { Params, TaskName, TaskSpec } from '../contracts/index.js';
import { calibrated, fitCurves, isRising, type Calibration, type Calibrator } from '../ml/calibrator.js';
import type { FoldOutput } from '../ml/engines/pool.js';
import { weighsClasses, type Estimator } from '../ml/estimators/estimators.js';
import { joined, type ModelOutput } from '../ml/modelOutput.js';
import { valuesWithin } from '../ml/searchSpace.js';
import { taskOf } from '../ml/tasks/task.js';

/** How the probabilities of a model are calibrated; `undefined` where they stand as they are. */
export function calibrationOf(
  { evaluation }: Pick<ModelConfig, 'evaluation'>,
  estimator: Estimator,
  params: Params,
  task: TaskName,
): Calibration | undefined {
  const { calibration } = evaluation;
  if (task === 'regression' || calibration === 'none') return undefined;
  if (calibration !== 'auto') return calibration;
  return weighsClasses(estimator, params, { task }) ? 'sigmoid' : undefined;
}

/** Whether some model of a config may be calibrated, whatever its search finds: then training needs folds. */
export function mayCalibrate({ evaluation, training_config, algorithms }: ModelConfig, task: TaskName): boolean {
  if (task === 'regression' || evaluation.calibration === 'none') return false;
  if (evaluation.calibration !== 'auto' || training_config.class_weight === 'balanced') return true;
  return Object.values(algorithms).some(({ estimator, params, param_distributions }) =>
    [
      params,
      ...Object.entries(param_distributions).flatMap(([name, distribution]) =>
        valuesWithin(distribution).map((value) => ({ [name]: value })),
      ),
    ].some((some) => weighsClasses(estimator, some, { task })),
  );
}

/**
 * The calibrator of a model, by what models of its folds say of the rows of each. `undefined` where these order the rows
 * the wrong way round or not at all: there is nothing to be learned of them, and what the model says stands.
 */
export function calibratorOf(method: Calibration, task: TaskSpec, folds: FoldOutput[]): Calibrator | undefined {
  const labels = Float64Array.from(folds.flatMap((fold) => Array.from(fold.labels)));
  const output = joined(folds.map((fold) => fold.output));
  const curves = fitCurves(method, labels, output);
  if (!curves.every(isRising)) return undefined;
  const brier = (said: ModelOutput) => taskOf(task).metrics(labels, said, 0.5).brier_score!;
  return {
    curves,
    rows: labels.length,
    brier_score: { before: brier(output), after: brier(calibrated(curves, output)) },
  };
}
