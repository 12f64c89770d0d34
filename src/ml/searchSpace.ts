import { z } from 'zod';
import type { ParameterGrid, Params } from '../contracts/index.js';
import { Mt19937 } from './mt19937.js';
import { gridCells, sampleCells } from './parameterSampler.js';
import { gridCell } from '../contracts/search.js';

/** How far a range may miss a whole number of steps, in steps: what rounding makes of decimal fractions. */
const ROUNDING = 1e-6;

/** Numbers from `low` to `high`, both included. */
export const Range = z
  .strictObject({
    low: z.number().describe('Least value'),
    high: z.number().describe('Largest value'),
    log: z
      .boolean()
      .default(false)
      .describe('Whether each order of magnitude has the same weight, as learning rates and penalties need it'),
    int: z.boolean().default(false).describe('Whether values are whole numbers'),
    step: z
      .number()
      .positive()
      .optional()
      .meta({ description: 'Distance of neighbouring values', otherwise: '1 of whole numbers; else every number' }),
  })
  .superRefine(({ low, high, log, int, step }, context) => {
    const refuse = (path: string, message: string) => context.addIssue({ code: 'custom', path: [path], message });
    if (low >= high) refuse('high', 'expected a number above "low"; for a single value give a list of it');
    if (log && low <= 0) refuse('low', 'expected a number above 0, as "log" asks for its logarithm');
    if (log && step !== undefined) refuse('step', 'expected none, as the distances of a "log" range grow');
    if (int && ![low, high, step ?? 1].every(Number.isInteger))
      refuse('int', 'expected whole numbers as "low", "high" and "step"');
    const steps = (high - low) / (step ?? 1);
    if (step !== undefined && (steps < 0.5 || Math.abs(steps - Math.round(steps)) > ROUNDING))
      refuse('step', 'expected "high" to be a whole number of steps above "low"');
  });
export type Range = z.infer<typeof Range>;

/** Where the values of a parameter come from: one of some values, or a range of numbers. */
export type Distribution = readonly Params[string][] | Range;
/** A distribution of each parameter, by its name. */
export type SearchSpace = Record<string, Distribution>;

export function isRange(distribution: Distribution): distribution is Range {
  return 'low' in distribution;
}

/** Values that are as far apart as the distribution has them: those of a list, the ends of a range and what lies between. */
export function valuesWithin(distribution: Distribution): Params[string][] {
  if (!isRange(distribution)) return [...distribution];
  const { low, high } = distribution;
  return [low, high, valueOf(distribution, scaled(distribution, low + (high - low) / Math.E))];
}

/** The lists of a space without ranges; `undefined` where there is one. */
export function gridOf(space: SearchSpace): ParameterGrid | undefined {
  return Object.values(space).some(isRange) ? undefined : (space as ParameterGrid);
}

/** Distance of neighbouring values; 0 where there is none. */
export function stepOf({ step, int }: Range): number {
  return step ?? (int ? 1 : 0);
}

/** A value on the scale on which a range is uniform. */
export function scaled({ log }: Range, value: number): number {
  return log ? Math.log(value) : value;
}

/** The ends of a range on that scale, half a step beyond the last values where there are steps, so that each has its share. */
export function boundsOf(range: Range): { low: number; high: number } {
  const half = stepOf(range) / 2;
  return { low: scaled(range, range.low - half), high: scaled(range, range.high + half) };
}

/** The value of a range that a number on its scale stands for. */
export function valueOf(range: Range, number: number): number {
  const value = range.log ? Math.exp(number) : number;
  const step = stepOf(range);
  const within = Math.min(range.high, Math.max(range.low, value));
  if (step === 0) return within;
  // Of decimal fractions what people would have written, such as .3 and not .30000000000000004.
  return Math.min(range.high, Number((range.low + Math.round((within - range.low) / step) * step).toPrecision(12)));
}

/**
 * Candidates of a random search. Of lists alone they are cells of their grid, each at most once, as scikit-learn's
 * `ParameterSampler` draws them; a grid smaller than `count` comes whole. With a range each parameter of each candidate is
 * drawn by itself.
 *
 * @param seed `random_state`, 0 to 2^32 - 1
 */
export function randomCandidates(space: SearchSpace, count: number, seed: number): Params[] {
  const grid = gridOf(space);
  if (grid) return sampleCells(grid, count, seed).map((cell) => gridCell(grid, cell));
  const random = new Mt19937(seed);
  const names = Object.keys(space).sort();
  return Array.from({ length: count }, () =>
    Object.fromEntries(names.map((name) => [name, randomValue(space[name]!, random)])),
  );
}

function randomValue(distribution: Distribution, random: Mt19937): Params[string] {
  if (!isRange(distribution)) return distribution[random.integer(distribution.length - 1)]!;
  const { low, high } = boundsOf(distribution);
  return valueOf(distribution, low + random.double() * (high - low));
}

/** How many candidates a search of at most so many has: a grid may have fewer. */
export function candidatesIn(space: SearchSpace, atMost: number): number {
  const grid = gridOf(space);
  return grid ? Math.min(atMost, gridCells(grid)) : atMost;
}
