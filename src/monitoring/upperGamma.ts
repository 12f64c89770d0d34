import { jStat } from './jstat.js';

/** What a term must be of the whole to change it. */
const SMALLEST_PART = Number.EPSILON / 2;
/** Stands in for a denominator of 0. */
const TINY = 1e-300;

/**
 * Regularized upper incomplete gamma function Q(a, x), which is what chi-square and gamma distributions have above x.
 *
 * By its series where x is below a + 1, else by its continued fraction (Lentz 1976, Applied Optics 15, 668), which keeps the
 * digits of a small value. Both end as soon as nothing is added, after about the square root of `a` terms.
 *
 * @param a above 0
 */
export function upperGamma(a: number, x: number): number {
  if (x <= 0) return 1;
  const scale = Math.exp(a * Math.log(x) - x - jStat.gammaln(a));
  return x < a + 1 ? 1 - scale * lowerSeries(a, x) : scale * upperFraction(a, x);
}

function lowerSeries(a: number, x: number): number {
  let term = 1 / a;
  let sum = term;
  for (let n = 1; term > SMALLEST_PART * sum; n++) sum += term *= x / (a + n);
  return sum;
}

function upperFraction(a: number, x: number): number {
  let denominator = x + 1 - a;
  let below = 1 / TINY;
  let above = 1 / denominator;
  let fraction = above;
  for (let n = 1, factor = 0; Math.abs(factor - 1) > SMALLEST_PART; n++) {
    denominator += 2;
    above = 1 / awayFromZero(n * (a - n) * above + denominator);
    below = awayFromZero(denominator + (n * (a - n)) / below);
    factor = above * below;
    fraction *= factor;
  }
  return fraction;
}

function awayFromZero(value: number): number {
  return value === 0 ? TINY : value;
}
