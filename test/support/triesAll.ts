/**
 * How much of a great number of like cases is tried: all of it where `PERDURE_TEST_ALL` is set, as `.ci/run` does; else
 * a sample, so that `npm test` ends within minutes.
 */
export const TRIES_ALL = Boolean(process.env.PERDURE_TEST_ALL);
