import type { Params } from '../contracts/index.js';
import { Mt19937 } from './mt19937.js';

/** Values to sample from, a parameter. */
export type ParamDistributions = Record<string, readonly Params[string][]>;

/**
 * Candidates of a random search: the list that scikit-learn's `ParameterSampler` draws without replacement from
 * lists of values. A grid smaller than `nIter` comes whole, in its order.
 *
 * @param seed `random_state`, 0 to 2^32 - 1
 */
export function sampleParameters(distributions: ParamDistributions, nIter: number, seed: number): Params[] {
  const names = Object.keys(distributions).sort();
  const size = names.reduce((product, name) => product * distributions[name]!.length, 1);
  return sampleWithoutReplacement(size, Math.min(nIter, size), new Mt19937(seed)).map((cell) =>
    gridCell(distributions, names, cell),
  );
}

/** The grid's cell at a position; the last name cycles fastest. */
function gridCell(distributions: ParamDistributions, names: string[], position: number): Params {
  const params: Params = {};
  let rest = position;
  for (const name of [...names].reverse()) {
    const values = distributions[name]!;
    params[name] = values[rest % values.length]!;
    rest = Math.floor(rest / values.length);
  }
  return params;
}

/** scikit-learn's `sample_without_replacement(population, samples, method="auto")`, which picks a method by the share drawn. */
function sampleWithoutReplacement(population: number, samples: number, random: Mt19937): number[] {
  const share = samples / population;
  if (share >= 0.99) return sampleByReservoir(population, samples, random);
  if (share <= 0.01) return sampleByTracking(population, samples, random);
  const permutation = random.shuffle(Array.from({ length: population }, (_, i) => i));
  return permutation.slice(0, samples);
}

function sampleByTracking(population: number, samples: number, random: Mt19937): number[] {
  const selected = new Set<number>();
  while (selected.size < samples) selected.add(random.integer(population - 1));
  return [...selected];
}

function sampleByReservoir(population: number, samples: number, random: Mt19937): number[] {
  const reservoir = Array.from({ length: samples }, (_, i) => i);
  for (let i = samples; i < population; i++) {
    const j = random.integer(i);
    if (j < samples) reservoir[j] = i;
  }
  return reservoir;
}
