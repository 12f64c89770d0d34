import type { DriftResult, PerformanceResult, Verdict } from '../contracts/index.js';

/** What the measurements say together. A measurement that was skipped speaks for no retraining. */
export function verdictOf(performance: PerformanceResult, drift: DriftResult): Verdict {
  const drifted = drift.status === 'measured' && drift.drifted.length > 0;
  const missing = drift.status === 'measured' && drift.missing.length > 0;
  const dropped = performance.status === 'measured' && performance.breached;
  return { drift: drifted, performance_drop: dropped, missing, retrain: drifted || dropped || missing };
}
