import { algorithmConfig, type Pipeline } from '../config/load.js';
import { splitOfDataset, type DatasetMetadata } from '../data/dataset.js';
import { estimatorKind } from '../ml/estimators/estimators.js';
import { isRange, type SearchSpace } from '../ml/searchSpace.js';

/**
 * What the candidates of an algorithm are drawn from. With `hyperparameter_tuning` off it is the one setting of `params`;
 * with `class_weight: "balanced"` balancing is fixed. A balanced `scale_pos_weight` is spelled out, negatives / positives
 * of the training rows: what is recorded is what was fitted.
 */
export function searchSpaceOf({ config }: Pipeline, algorithm: string, dataset: DatasetMetadata): SearchSpace {
  const { hyperparameter_tuning, class_weight } = config.training_config;
  const { estimator, param_distributions, params } = algorithmConfig(config, algorithm);
  const alone = Object.fromEntries(Object.entries(params).map(([name, value]) => [name, [value]]));
  const searched: SearchSpace = hyperparameter_tuning ? param_distributions : alone;
  // One value more or less of a parameter with one value doesn't change which cells are drawn.
  const balancer = estimatorKind(estimator).balancing(dataset.task.task);
  const space: SearchSpace = {
    ...searched,
    ...(class_weight === 'balanced' && balancer ? { [balancer]: ['balanced'] } : {}),
  };

  const { scale_pos_weight: weights } = space;
  if (!weights || isRange(weights)) return space;
  const { classes: [negatives = 0, positives = 0] = [] } = splitOfDataset(dataset, 'train');
  return {
    ...space,
    scale_pos_weight: weights.map((weight) => (weight === 'balanced' ? negatives / positives : weight)),
  };
}
