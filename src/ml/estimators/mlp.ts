import { defineEstimator } from './estimator.js';
import { integer, layerSizes, number } from './parameter.js';

/**
 * A multilayer perceptron: dense layers of ReLU with dropout, trained by Adam (Kingma & Ba, 2015) with the squared weights
 * as PyTorch's `weight_decay` counts them, and stopped early by rows that it doesn't learn from, whose best epoch is the model.
 * Parameters have the names of scikit-learn's `MLPClassifier` where it has them. It takes the columns as the transforms
 * make them, so that what is to be scaled they scale; a missing value counts as 0.
 */
export const mlp = defineEstimator('mlp', {
  library: 'tfjs',
  parameters: {
    hidden_layer_sizes: layerSizes('256,128,64'),
    dropout: number('fraction', 0.3),
    learning_rate_init: number('share', 1e-3),
    weight_decay: number('notNegative', 1e-4),
    batch_size: integer(1, 65_536, 128),
    max_iter: integer(1, 10_000, 30),
    n_iter_no_change: integer(1, 10_000, 5),
    validation_fraction: number('fraction', 0.15),
  },
  listedOnly: true,
  relativeCost: ({ max_iter, hidden_layer_sizes }) =>
    (typeof max_iter === 'number' ? max_iter : 30) *
    String(hidden_layer_sizes ?? '256,128,64')
      .split(',')
      .reduce((sum, width) => sum + Number(width), 0),
  data: ({ validation_fraction }) => ({ validationShare: validation_fraction }),
  recipe: ({ max_iter, validation_fraction: _, ...settings }) => ({ settings, rounds: max_iter }),
});
