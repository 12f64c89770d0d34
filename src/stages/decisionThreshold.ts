import type { ModelConfig } from '../config/schema.js';
import type { ChosenThreshold, SplitName, TaskSpec } from '../contracts/index.js';
import { PerdureError } from '../errors.js';
import type { ModelOutput } from '../ml/modelOutput.js';
import { taskOf, type TaskLabels } from '../ml/tasks/task.js';
import { chooseThreshold } from '../ml/threshold.js';

/** Rows of a split that a model has scored. */
export interface EvaluatedRows {
  labels: TaskLabels;
  output: ModelOutput;
}

type Settings = Pick<ModelConfig, 'evaluation' | 'inference_config'>;

/** The split on which `evaluation.threshold` chooses: its rows train nothing, and are not those that tell how good the model is. */
const CHOOSING_SPLIT: SplitName = 'validation';

/** @throws PerdureError `ConfigInvalid` where `evaluation.threshold` is to choose on rows that the split doesn't have */
export function checkChoosingSplit({ evaluation }: Pick<Settings, 'evaluation'>, splits: SplitName[]): void {
  if (!evaluation.threshold || splits.includes(CHOOSING_SPLIT)) return;
  throw new PerdureError(
    'ConfigInvalid',
    `evaluation.threshold chooses in the split ${CHOOSING_SPLIT}, and there is none (there are ${splits.join(', ')}); name its share or its days in the split, or set inference_config.prediction_threshold and remove the rule.`,
  );
}

/** @throws PerdureError `ConfigInvalid` where `evaluation.threshold` is to choose and the task has no threshold */
export function checkThresholdTask({ evaluation }: Pick<Settings, 'evaluation'>, task: TaskSpec): void {
  if (!evaluation.threshold || taskOf(task).decidesByThreshold) return;
  throw new PerdureError(
    'ConfigInvalid',
    `evaluation.threshold chooses a threshold, which a ${task.task} task doesn't have; remove it.`,
  );
}

/**
 * The decision threshold of a new version: that of the config, or the one that its rule chooses on the validation rows.
 * @throws PerdureError `ConfigInvalid` where a rule is to choose and the task has no threshold, or there are no such rows
 */
export function decisionThreshold(
  config: Settings,
  task: TaskSpec,
  evaluated: ReadonlyMap<SplitName, EvaluatedRows>,
): ChosenThreshold {
  const { threshold: rule } = config.evaluation;
  if (!rule) return { value: config.inference_config.prediction_threshold };
  checkThresholdTask(config, task);
  checkChoosingSplit(config, [...evaluated.keys()]);
  const { labels, output } = evaluated.get(CHOOSING_SPLIT)!;
  return { ...chooseThreshold(rule, labels, output.values), split: CHOOSING_SPLIT };
}
