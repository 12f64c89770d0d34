import type { AlgorithmInput, AlgorithmTrained } from '../../src/contracts/index.js';
import { dispatchedWithin } from '../../workflows/support/dispatched.js';

/** Trains as a task of its own that has so many seconds. */
export function trainWithin(seconds: number, input: AlgorithmInput): Promise<AlgorithmTrained> {
  return dispatchedWithin(seconds).trainAlgorithm(input);
}
