import type { DriftResult, DriftSeverity, PerformanceResult, Verdict } from '../contracts/index.js';

/** What the measurements say together. A measurement that was skipped speaks for no retraining. */
export function verdictOf(performance: PerformanceResult, drift: DriftResult): Verdict {
  const drifted = drift.status === 'measured' && drift.drifted.length > 0;
  const missing = drift.status === 'measured' && drift.missing.length > 0;
  const dropped = performance.status === 'measured' && performance.breached;
  return { drift: drifted, performance_drop: dropped, missing, retrain: drifted || dropped || missing };
}

/**
 * How far the data moved, by the largest PSI of a feature or the score. A feature that went missing counts as moderate
 * drift. `null` where nothing did.
 */
export function severityOf(drift: DriftResult, severePsi: number): DriftSeverity | null {
  if (drift.status === 'skipped' || drift.drifted.length + drift.missing.length === 0) return null;
  const largest = Math.max(...[...Object.values(drift.psi), drift.score_psi].map((psi) => psi ?? 0));
  return largest >= severePsi ? 'severe' : 'moderate';
}
