/** The one function that is used of a library without types. */
declare module 'jstat' {
  const library: {
    jStat: {
      /** Regularized lower incomplete gamma function P(a, x). */
      lowRegGamma(a: number, x: number): number;
    };
  };
  export default library;
}
