import { algorithmConfig, algorithmsToTrain } from '../config/load.js';
import type { CheckModelConfigInput, TrainingPlan } from '../contracts/index.js';
import { trainingSplit } from '../data/trainingSplit.js';
import { checkChampionSplit } from '../registry/championMetric.js';
import type { Stage } from './context.js';
import { checkChoosingSplit } from './decisionThreshold.js';

/** Which algorithms train by the pipeline's settings. Throws `ConfigInvalid` for invalid ones, `NotFound` for an unknown name. */
export const checkModelConfig: Stage<CheckModelConfigInput, TrainingPlan> = async (context, input) => {
  const pipeline = await context.pipeline(input.pipeline);
  const { config } = pipeline;
  const names = algorithmsToTrain(config, input.algorithms);
  if (names.length === 0) {
    return {
      status: 'skipped',
      reason: 'No algorithm is enabled: set one to true in training_config.enabled_algorithms.',
    };
  }
  checkChoosingSplit(config, trainingSplit(pipeline).names);
  checkChampionSplit(pipeline);
  const { wait_for_features: wait } = config.training_config;
  return {
    status: 'ready',
    ...(wait && { wait: { timeoutSeconds: wait.timeout_minutes * 60, pollSeconds: wait.poll_seconds } }),
    algorithms: names.map((name) => {
      const { timeout_hours, optional } = algorithmConfig(config, name);
      return { name, timeoutSeconds: timeout_hours * 3600, ...(optional && { optional }) };
    }),
  };
};
