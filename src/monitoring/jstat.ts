import { createRequire } from 'node:module';

/** The functions that are used of a CommonJS library without types. */
export const { jStat } = createRequire(import.meta.url)('jstat') as {
  jStat: {
    /** Regularized lower incomplete gamma function P(a, x). */
    lowRegGamma(a: number, x: number): number;
    /** Natural logarithm of the gamma function. */
    gammaln(x: number): number;
  };
};
