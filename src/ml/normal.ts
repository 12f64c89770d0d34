/** Below this the power series of erf is exact and quick; above it the continued fraction of erfc is. */
const SERIES_LIMIT = 2;

/** Two-sided p-value of a standard normal statistic, P(|Z| >= |z|) = erfc(|z| / sqrt 2), exact to about 1e-14. */
export function twoSidedP(z: number): number {
  return erfc(Math.abs(z) / Math.SQRT2);
}

/** How many standard deviations a standard normal value exceeds with a probability, by bisection. @param p 0 to .5; at 0 it is 38.6, the last that can be told */
export function normalQuantile(p: number): number {
  let [low, high] = [0, 40];
  for (let step = 0; step < 60; step++) {
    const middle = (low + high) / 2;
    if (twoSidedP(middle) / 2 > p) low = middle;
    else high = middle;
  }
  return low;
}

/**
 * Logarithm of the probability that a standard normal value lies between two numbers, exact in either tail, where the
 * probability itself is too small for a number.
 *
 * @param a less than `b`
 */
export function logNormalMass(a: number, b: number): number {
  if (b <= 0) return logNormalCdf(b) + Math.log1p(-Math.exp(logNormalCdf(a) - logNormalCdf(b)));
  if (a >= 0) return logNormalMass(-b, -a);
  return Math.log1p(-(twoSidedP(a) + twoSidedP(b)) / 2);
}

/** Logarithm of the standard normal distribution function, for x <= 0. */
function logNormalCdf(x: number): number {
  const root = -x / Math.SQRT2;
  if (root < SERIES_LIMIT) return Math.log(erfc(root) / 2);
  return -root * root - Math.log(2 * Math.sqrt(Math.PI) * tailOfErfc(root));
}

/** Complementary error function for x >= 0 (Abramowitz and Stegun 7.1.5 and 7.1.14). */
function erfc(x: number): number {
  return x < SERIES_LIMIT ? 1 - erfBySeries(x) : erfcByFraction(x);
}

/** erf x = 2 / sqrt pi times the sum over n of (-1)^n x^(2n + 1) / (n! (2n + 1)). */
function erfBySeries(x: number): number {
  let power = x;
  let sum = x;
  for (let n = 1; Math.abs(power) > 1e-18; n++) {
    power *= (-x * x) / n;
    sum += power / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
}

/** erfc x = exp(-x^2) / sqrt pi times 1 / (x + (1/2) / (x + (2/2) / (x + (3/2) / (x + ...)))), from its far end. */
function erfcByFraction(x: number): number {
  return Math.exp(-x * x) / (Math.sqrt(Math.PI) * tailOfErfc(x));
}

function tailOfErfc(x: number): number {
  const TERMS = 80;
  let tail = x;
  for (let n = TERMS; n >= 1; n--) tail = x + n / 2 / tail;
  return tail;
}
