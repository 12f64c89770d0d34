import type { VersionRef } from './training.js';

/** One test of a registered version, with its working. */
export interface ModelTest {
  /** E.g. `loads`, `prediction_format`, `latency_p95_ms`, or the name of a behavioural test of the pipeline. */
  test: string;
  /** What was asked for, e.g. `<= 100`. */
  expected: string;
  /** What was measured, in the unit that the name says; `null` where it could not be, which passes no test. */
  actual: number | null;
  passed: boolean;
  /** What lies behind the number, or why there is none, in a sentence. */
  detail?: string;
}

/** The test that goes by the limits of the promotion gate, which shows each of them by itself. */
export const PERFORMANCE_TEST = 'performance';

/** What the model tests of a training said of its best version, and where that left `staging`. */
export interface TestedModel {
  /** The version that was tested: the best of the training's. */
  challenger: VersionRef;
  passed: boolean;
  tests: ModelTest[];
  /** What `staging` means from now on: the challenger where it passed, else what it meant before. */
  staging: VersionRef | null;
  /** The outcome in a sentence, with the tests that failed and what `staging` falls back to. */
  reason: string;
}

/** Tests that a version did not pass. */
export function failedTests(tests: readonly ModelTest[]): ModelTest[] {
  return tests.filter(({ passed }) => !passed);
}
