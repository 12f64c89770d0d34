import { jStat } from './jstat.js';

/** Rows of the larger sample up to which the p-value is exact, as in SciPy's `ks_2samp`. */
const LARGEST_EXACT = 10_000;

/**
 * Two-sided p-value of the two-sample Kolmogorov-Smirnov statistic, as SciPy's `ks_2samp` has it: exact where the larger
 * sample has at most 10,000 rows, else by the distribution of the one-sample statistic with n m / (n + m) rows.
 *
 * @param statistic largest difference of the two empirical distribution functions, 0 to 1
 */
export function kolmogorovSmirnovP(statistic: number, n: number, m: number): number {
  return Math.max(n, m) <= LARGEST_EXACT ? exactP(statistic, n, m) : asymptoticP(statistic, n, m);
}

/**
 * The share of all orders of the two samples' rows whose statistic is at least this: of lattice paths from (0, 0) to
 * (m, n), those that leave the band around the diagonal (Hodges 1958, Arkiv foer Matematik 3, 469). What left is summed,
 * so that a small p-value keeps its digits.
 */
export function exactP(statistic: number, n: number, m: number): number {
  // The statistic is a multiple of 1 / (n m); half of one below it nothing is lost to rounding.
  const limit = Math.round(statistic * n * m) - 0.5;
  if (limit < 0) return 1;
  // Of the paths that come to (i, j), the share that has left: all of them outside the band, and within it those of
  // (i - 1, j), from which i of i + j come, and of (i, j - 1).
  const left = new Float64Array(n + 1).fill(1);
  for (let i = 0; i <= m; i++) {
    const first = Math.max(0, Math.ceil((i * n - limit) / m));
    const last = Math.min(n, Math.floor((i * n + limit) / m));
    if (first > 0) left[first - 1] = 1;
    for (let j = first; j <= last; j++)
      left[j] = i + j === 0 ? 0 : (i * left[j]! + (j === 0 ? 0 : j * left[j - 1]!)) / (i + j);
  }
  return left[n]!;
}

/** By the exact distribution of the one-sample statistic of n m / (n + m) rows, rounded, a half to the even number. */
export function asymptoticP(statistic: number, n: number, m: number): number {
  const exact = (n * m) / (n + m);
  const rows = exact % 2 === 0.5 ? Math.floor(exact) : Math.round(exact);
  return Math.min(1, Math.max(0, oneSampleP(statistic, Math.max(1, rows))));
}

/** The probability that the two-sided one-sample statistic of n rows exceeds `d` (Simard and L'Ecuyer 2011, J. Stat. Soft. 39, 11). */
function oneSampleP(d: number, n: number): number {
  if (d >= 1) return 0;
  if (n * d <= 0.5) return 1;
  const scaled = n * d * d;
  if (d >= 0.5 || scaled >= (n <= SMALL ? 4 : 2.2)) return 2 * oneSidedP(d, n);
  return 1 - (n <= SMALL || (n <= 100_000 && n * d ** 1.5 <= 1.4) ? byMatrix(d, n) : byExpansion(d, n));
}
const SMALL = 140;

/** The probability that the one-sided statistic exceeds `d`: Birnbaum and Tingey (1951). */
function oneSidedP(d: number, n: number): number {
  if (d >= 1) return 0;
  let sum = (1 - d) ** n;
  const factorial = jStat.gammaln(n + 1);
  for (let k = 1; k <= Math.floor(n * (1 - d)); k++) {
    const rest = 1 - d - k / n;
    if (rest <= 0) break;
    const binomial = factorial - jStat.gammaln(k + 1) - jStat.gammaln(n - k + 1);
    sum += d * Math.exp(binomial + (k - 1) * Math.log(d + k / n) + (n - k) * Math.log(rest));
  }
  return sum;
}

/** The distribution function by Marsaglia, Tsang and Wang (2003), J. Stat. Soft. 8, 18. */
function byMatrix(d: number, n: number): number {
  const k = Math.floor(n * d) + 1;
  const size = 2 * k - 1;
  const h = k - n * d;
  const matrix = Array.from({ length: size }, (_, i) =>
    Float64Array.from({ length: size }, (_, j) => (i - j + 1 < 0 ? 0 : 1)),
  );
  for (let i = 0; i < size; i++) {
    matrix[i]![0]! -= h ** (i + 1);
    matrix[size - 1]![i]! -= h ** (size - i);
  }
  matrix[size - 1]![0]! += 2 * h - 1 > 0 ? (2 * h - 1) ** size : 0;
  for (let i = 0; i < size; i++)
    for (let j = 0; j < size; j++) for (let g = 1; g <= i - j + 1; g++) matrix[i]![j]! /= g;
  const { value, exponent } = power({ value: matrix, exponent: 0 }, n);
  let result = value[k - 1]![k - 1]!;
  let scale = exponent;
  for (let i = 1; i <= n; i++) {
    result = (result * i) / n;
    if (result < 1e-140) [result, scale] = [result * 1e140, scale - 140];
  }
  return result * 10 ** scale;
}

/** A square matrix times ten to the power of `exponent`. */
interface Scaled {
  value: Float64Array[];
  exponent: number;
}

function power(base: Scaled, n: number): Scaled {
  if (n === 1) return base;
  const half = power(base, Math.floor(n / 2));
  let value = product(half.value, half.value);
  let exponent = 2 * half.exponent;
  if (n % 2 === 1) [value, exponent] = [product(base.value, value), exponent + base.exponent];
  const middle = value[value.length >> 1]![value.length >> 1]!;
  return middle > 1e140
    ? { value: value.map((row) => row.map((cell) => cell * 1e-140)), exponent: exponent + 140 }
    : { value, exponent };
}

function product(a: Float64Array[], b: Float64Array[]): Float64Array[] {
  return a.map((row) => Float64Array.from(row, (_, j) => row.reduce((sum, cell, k) => sum + cell * b[k]![j]!, 0)));
}

/** The distribution function by the expansion of Pelz and Good (1976), J. R. Stat. Soc. B 38, 152, up to 1 / n^(3/2). */
function byExpansion(d: number, n: number): number {
  const z = Math.sqrt(n) * d;
  const [z2, z4, z6] = [z ** 2, z ** 4, z ** 6];
  const pi2 = Math.PI ** 2;
  const terms = [0, 0, 0, 0];
  // Half-integers, then integers, until nothing is added.
  for (let k = 0; k < TERMS; k++) {
    const w = pi2 * (k + 0.5) ** 2;
    const decay = Math.exp(-w / (2 * z2));
    const w2 = w ** 2;
    terms[0]! += decay;
    terms[1]! += decay * (w - z2);
    terms[2]! += decay * (6 * z6 + 2 * z4 + (2 * z4 - 5 * z2) * w + (1 - 2 * z2) * w2);
    terms[3]! +=
      decay * (-30 * z6 - 90 * z ** 8 + w * (135 * z4 - 96 * z6) + w2 * (212 * z4 - 60 * z2) + w2 * w * (5 - 30 * z2));
  }
  const whole = [0, 0];
  for (let k = 1; k < TERMS; k++) {
    const w = pi2 * k ** 2;
    const decay = Math.exp(-w / (2 * z2));
    whole[0]! += decay * w;
    whole[1]! += decay * (3 * w * z2 - w ** 2);
  }
  const root = Math.sqrt(2 * Math.PI);
  const root2 = Math.sqrt(Math.PI / 2);
  const k0 = (root / z) * terms[0]!;
  const k1 = ((root2 / (3 * z4)) * terms[1]!) / Math.sqrt(n);
  const k2 = ((root2 / (36 * z ** 7)) * terms[2]! - (root2 / (18 * z ** 3)) * whole[0]!) / n;
  const k3 = ((root2 / (3240 * z ** 10)) * terms[3]! + (root2 / (108 * z6)) * whole[1]!) / n ** 1.5;
  return k0 + k1 + k2 + k3;
}
const TERMS = 20;
