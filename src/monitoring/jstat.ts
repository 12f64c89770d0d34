import { createRequire } from 'node:module';

/** The function that is used of a CommonJS library without types. */
export const { jStat } = createRequire(import.meta.url)('jstat') as {
  jStat: {
    /** Natural logarithm of the gamma function. */
    gammaln(x: number): number;
  };
};
