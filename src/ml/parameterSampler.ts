import type { ParameterGrid } from '../contracts/index.js';
import { Mt19937 } from './mt19937.js';

/** Cells of a grid from which a position is still an exact number; a larger grid can't be sampled. */
export const MAX_GRID_CELLS = Number.MAX_SAFE_INTEGER;

/**
 * Candidates of a random search, as positions in the grid (`gridCell` spells them out): the list that scikit-learn's
 * `ParameterSampler` draws without replacement from lists of values. A grid smaller than `nIter` comes whole, in its order.
 *
 * @param grid of at most {@link MAX_GRID_CELLS} cells
 * @param seed `random_state`, 0 to 2^32 - 1
 */
export function sampleCells(grid: ParameterGrid, nIter: number, seed: number): number[] {
  const cells = gridCells(grid);
  return sampleWithoutReplacement(cells, Math.min(nIter, cells), new Mt19937(seed));
}

/** How many cells a grid has; beyond {@link MAX_GRID_CELLS} about. */
export function gridCells(grid: ParameterGrid): number {
  return Object.values(grid).reduce((product, values) => product * values.length, 1);
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
