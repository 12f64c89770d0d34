import type { Pipeline } from '../config/load.js';
import type { ModelSelector } from '../contracts/index.js';

/** What people write for a model: an alias, an algorithm for its latest, or `algorithm/version`. */
export function selectorOf({ config }: Pipeline, model: string): ModelSelector {
  const [algorithm = '', ...version] = model.split('/');
  if (version.length > 0) return { algorithm, version: version.join('/') };
  return config.training_config.algorithms.includes(algorithm) ? { algorithm } : { alias: algorithm };
}
