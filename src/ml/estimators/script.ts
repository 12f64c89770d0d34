import type { EstimatorKind } from './estimator.js';

/**
 * Any program of the user's (docs/scripts.md): it gets the parameters as they are written, and says by itself what is
 * wrong with them.
 */
export const script: EstimatorKind = {
  library: 'script',
  modelFile: 'model.tar',
  cannot: () => undefined,
  leastGain: () => 0,
  nativeCategoricals: true,
  needsScript: true,
  listedOnly: true,
  parametersOf: () => ({}),
  data: () => ({}),
  recipe: () => ({ settings: {}, rounds: 0 }),
  relativeCost: () => 1,
  balancing: () => undefined,
  meanOfLabels: false,
};
