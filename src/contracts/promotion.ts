import type { MetricComparison, TaskMetrics } from './metrics.js';
import type { VersionRef } from './training.js';

/** Two ROC AUCs on the same rows, by DeLong's test. Pairs are in the order first, second. */
export interface AucComparison {
  auc: [number, number];
  variance: [number, number];
  covariance: number;
  /** The first less the second. */
  difference: number;
  /** Of the difference. */
  standard_error: number;
  /** The difference in standard errors; `null` where it is infinite (a difference without any variance). */
  z: number | null;
  /** Two-sided. */
  p: number;
  positives: number;
  negatives: number;
}

/** One rule of the promotion gate, with its working. */
export interface GateRule {
  /** E.g. `min_samples`, `minimum roc_auc`, `max_auc_loss`, `not_significantly_worse`, `failed_model_tests`. */
  rule: string;
  /** What was asked for, e.g. `>= 0.6`. */
  expected: string;
  /** `null` where it can't be computed, which passes no rule. */
  actual: number | null;
  /** Where that lies with a confidence of 95%, of metrics whose version has it; no verdict depends on it. */
  interval?: [low: number, high: number];
  passed: boolean;
}

/** Whether a challenger may take the champion's place, and why. */
export interface PromotionDecision {
  /** `hold`: it may, and waits for a person to say so. */
  decision: 'promote' | 'hold' | 'refuse';
  /** The decision in a sentence. */
  reason: string;
  /** What the decision rests on, as a clause without its subject's name: `it passes all 3 rules`. */
  grounds: string;
  challenger: VersionRef;
  /** `null` where there is no champion yet: then only the minimums count. */
  champion: VersionRef | null;
  /** Why the champion could not be compared with, in a sentence: then only the minimums count, too. */
  not_compared: string | null;
  /** Every rule that applies, in the order in which they were looked at. */
  rules: GateRule[];
  /** Slices that have too few rows for the rules of slices, in words, with how many; absent where none has. */
  not_judged?: string[];
  metrics: { challenger: TaskMetrics; champion: TaskMetrics | null };
  /** Challenger against champion, by ROC AUC or by the metric that chooses; `null` without a champion to compare with, or where a class has fewer than two rows. */
  comparison: AucComparison | MetricComparison | null;
  /** How the comparison was made, in words. */
  convention: string;
  /** Algorithms that were left out of the run, by name, and why: the challenger was not compared with them. */
  left_out?: Record<string, string>;
}
