import type { Params } from '../contracts/index.js';
import { type Mt19937 } from './mt19937.js';
import { logNormalMass } from './normal.js';
import { boundsOf, isRange, scaled, stepOf, valueOf, type Range, type SearchSpace } from './searchSpace.js';

/** Samples of the good candidates' density of which the most promising one is suggested. */
const EI_CANDIDATES = 24;
/** Weight of the prior, which is a kernel as wide as the range, against that of one observation. */
const PRIOR_WEIGHT = 1;
/** Good candidates, at most. */
const MOST_GOOD = 25;
/** Observations that count in full; older ones count less. */
const RECENT = 25;
const HALF_LOG_TWO_PI = Math.log(2 * Math.PI) / 2;

/** What is known of a candidate; scores are higher where they are better. */
export type Trial = { index: number; params: Params } & (
  | { state: 'complete'; score: number }
  /** It was given up after a step, counted from 0, with this score so far. */
  | { state: 'pruned'; step: number; score: number }
  /** It is being evaluated. */
  | { state: 'running' }
);

/**
 * The next candidate by the tree-structured Parzen estimator (Bergstra et al., "Algorithms for Hyper-Parameter
 * Optimization", 2011), as `TPESampler` of Optuna 5 has it by default: the parameters' kernels are multiplied, so that
 * what goes well together is found together. The trials are split into good and bad ones, l and g are the densities of
 * either's parameters, and of some samples of l that one is taken for which l / g is greatest, which maximises the expected
 * improvement. Trials that are still running count as bad ones, so that candidates of one batch keep away from each other.
 */
export function suggest(space: SearchSpace, trials: Trial[], random: Mt19937): Params {
  const { below, above } = splitTrials(trials);
  const good = new ParzenEstimator(space, below);
  const bad = new ParzenEstimator(space, above);
  const samples = Array.from({ length: EI_CANDIDATES }, () => good.sample(random));
  return samples[mostPromising(good, bad, samples)]!;
}

/** The position of the candidate for which the good density is greatest against the bad one. */
export function mostPromising(good: ParzenEstimator, bad: ParzenEstimator, candidates: Params[]): number {
  const promise = candidates.map((params) => good.logDensity(params) - bad.logDensity(params));
  return promise.indexOf(Math.max(...promise));
}

/**
 * The parameters of the good trials and of the bad ones, in the order of the trials. A tenth of those that ended are good, 25 at
 * most: complete ones by their score first, then pruned ones, those that came furthest first.
 */
export function splitTrials(trials: Trial[]): { below: Params[]; above: Params[] } {
  const complete = trials
    .filter((trial) => trial.state === 'complete')
    .sort((a, b) => b.score - a.score || a.index - b.index);
  const pruned = trials
    .filter((trial) => trial.state === 'pruned')
    .sort((a, b) => b.step - a.step || b.score - a.score || a.index - b.index);
  const ended = [...complete, ...pruned];
  const good = new Set(ended.slice(0, Math.min(Math.ceil(0.1 * ended.length), MOST_GOOD)).map(({ index }) => index));
  const ordered = trials.toSorted((a, b) => a.index - b.index);
  return {
    below: ordered.filter(({ index }) => good.has(index)).map(({ params }) => params),
    above: ordered.filter(({ index }) => !good.has(index)).map(({ params }) => params),
  };
}

/** A kernel of one parameter for each observation, and a last one for the prior. */
interface Kernels {
  /** Logarithm of the density, or the probability where there are steps or choices, under the kernel of that position. */
  logDensity(value: Params[string], kernel: number): number;
  sample(kernel: number, random: Mt19937): Params[string];
}

/** The density of parameters by some observed ones: a mixture of a product of kernels for each, and a prior. */
export class ParzenEstimator {
  private readonly weights: number[];
  private readonly kernels: [name: string, Kernels][];

  /** @param observed in the order of their trials: where there are many, older ones count less */
  constructor(space: SearchSpace, observed: Params[]) {
    this.weights = weightsOf(observed.length);
    this.kernels = Object.keys(space)
      .sort()
      .map((name) => {
        const distribution = space[name]!;
        const values = observed.map((params) => params[name]!);
        return [
          name,
          isRange(distribution) ? rangeKernels(distribution, values as number[]) : choiceKernels(distribution, values),
        ];
      });
  }

  /** Of numbers drawn by their logarithm, the density of the logarithm. */
  logDensity(params: Params): number {
    const logs = this.weights.map((weight, kernel) =>
      this.kernels.reduce((sum, [name, of]) => sum + of.logDensity(params[name]!, kernel), Math.log(weight)),
    );
    const largest = Math.max(...logs);
    return largest + Math.log(logs.reduce((sum, log) => sum + Math.exp(log - largest), 0));
  }

  sample(random: Mt19937): Params {
    const kernel = drawn(this.weights, random);
    return Object.fromEntries(this.kernels.map(([name, of]) => [name, of.sample(kernel, random)]));
  }
}

/** Weights of observations, from the oldest to the newest, and of the prior. They add up to 1. */
function weightsOf(observations: number): number[] {
  const older = Math.max(0, observations - RECENT);
  const weights = Array.from({ length: observations }, (_, i) => {
    if (i >= older) return 1;
    // A ramp from 1 / n to 1, both included.
    return 1 / observations + (older === 1 ? 0 : (i / (older - 1)) * (1 - 1 / observations));
  });
  return normalised([...weights, PRIOR_WEIGHT]);
}

/** A kernel is the prior's part for each choice, and 1 for the one observed. */
function choiceKernels(choices: readonly Params[string][], observed: Params[string][]): Kernels {
  const kernels = observed.length + 1;
  const prior = choices.map(() => PRIOR_WEIGHT / kernels);
  const probabilities = [
    ...observed.map((value) => {
      const at = choices.indexOf(value);
      return normalised(prior.map((part, choice) => part + (choice === at ? 1 : 0)));
    }),
    normalised(prior),
  ];
  return {
    logDensity: (value, kernel) => Math.log(probabilities[kernel]![choices.indexOf(value)]!),
    sample: (kernel, random) => choices[drawn(probabilities[kernel]!, random)]!,
  };
}

/**
 * A kernel is a normal distribution around an observation, cut off at the ends of the range; its deviation is the
 * distance to the farther one of its neighbours. Where there are steps it is the probability of the step.
 */
function rangeKernels(range: Range, observed: number[]): Kernels {
  const { low, high } = boundsOf(range);
  const half = stepOf(range) / 2;
  const observedAt = observed.map((value) => scaled(range, value));
  const means = [...observedAt, (low + high) / 2];
  const deviations = [...deviationsOf(observedAt, low, high), high - low];
  const masses = means.map((mean, kernel) =>
    logNormalMass((low - mean) / deviations[kernel]!, (high - mean) / deviations[kernel]!),
  );
  return {
    logDensity(value, kernel) {
      const [mean, deviation] = [means[kernel]!, deviations[kernel]!];
      const number = value as number;
      if (half > 0) {
        const from = (scaled(range, number - half) - mean) / deviation;
        const to = (scaled(range, number + half) - mean) / deviation;
        return logNormalMass(from, to) - masses[kernel]!;
      }
      const z = (scaled(range, number) - mean) / deviation;
      return -z * z * 0.5 - HALF_LOG_TWO_PI - Math.log(deviation) - masses[kernel]!;
    },
    sample: (kernel, random) => valueOf(range, truncatedNormal(means[kernel]!, deviations[kernel]!, low, high, random)),
  };
}

/**
 * The distance to the farther neighbour, the ends of the range being neighbours of a single observation only, and within
 * the bounds of Optuna's "magic clip": no wider than the range, and no narrower than a share of it that shrinks with the
 * number of observations.
 */
function deviationsOf(observed: number[], low: number, high: number): number[] {
  const order = observed.map((_, i) => i).sort((a, b) => observed[a]! - observed[b]!);
  const narrowest = (high - low) / Math.min(100, 2 + observed.length);
  const deviations = new Array<number>(observed.length);
  order.forEach((position, rank) => {
    const mean = observed[position]!;
    const ends = observed.length < 2;
    const before = rank > 0 ? observed[order[rank - 1]!]! : ends ? low : mean;
    const after = rank + 1 < order.length ? observed[order[rank + 1]!]! : ends ? high : mean;
    deviations[position] = Math.min(high - low, Math.max(narrowest, mean - before, after - mean));
  });
  return deviations;
}

/**
 * By rejection: a mean within the bounds and a deviation up to their distance leave more than a third of the draws, whatever
 * they are. Draws are of Box and Muller's method.
 */
function truncatedNormal(mean: number, deviation: number, low: number, high: number, random: Mt19937): number {
  for (;;) {
    const radius = Math.sqrt(-2 * Math.log(1 - random.double()));
    const value = mean + deviation * radius * Math.cos(2 * Math.PI * random.double());
    if (value >= low && value <= high) return value;
  }
}

/** A position, by probabilities that add up to 1. */
function drawn(probabilities: number[], random: Mt19937): number {
  let left = random.double();
  const at = probabilities.findIndex((probability) => (left -= probability) < 0);
  return at === -1 ? probabilities.length - 1 : at;
}

function normalised(weights: number[]): number[] {
  const sum = weights.reduce((all, weight) => all + weight, 0);
  return weights.map((weight) => weight / sum);
}
