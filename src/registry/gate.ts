import type { PromotionGate } from '../config/schema.js';
import type { AucComparison, GateRule, Metrics, PromotionDecision, VersionRef } from '../contracts/index.js';
import { classificationMetrics } from '../learning/metrics.js';
import { DELONG_CONVENTION, delongTest } from '../monitoring/delong.js';

const METRICS = ['accuracy', 'precision', 'recall', 'f1', 'roc_auc', 'average_precision'] as const;

/** A version and its probabilities, aligned with the labels. */
export interface ScoredVersion {
  ref: VersionRef;
  probabilities: ArrayLike<number>;
}

export interface PromotionCase {
  /** 0 or 1 a row: rows that neither model was trained on. */
  labels: ArrayLike<number>;
  /** Probability from which a row counts as positive. */
  threshold: number;
  challenger: ScoredVersion;
  /** `null` where there is none yet. */
  champion: ScoredVersion | null;
}

/**
 * Decides whether a challenger may take the champion's place, and shows every rule with its working. A rule that can't
 * be computed isn't passed.
 *
 * @throws PerdureError `InputInvalid` where the two models' probabilities aren't for the same rows
 */
export function decidePromotion({ labels, threshold, challenger, champion }: PromotionCase, gate: PromotionGate): PromotionDecision {
  const metrics = {
    challenger: classificationMetrics(labels, challenger.probabilities, threshold),
    champion: champion && classificationMetrics(labels, champion.probabilities, threshold),
  };
  const comparison = champion && delongTest(labels, challenger.probabilities, champion.probabilities);
  const rules = [
    atLeast('min_samples', gate.min_samples, metrics.challenger.n),
    ...METRICS.flatMap((metric) => {
      const minimum = gate.minimums[metric];
      return minimum === undefined ? [] : [atLeast(`minimum ${metric}`, minimum, metrics.challenger[metric])];
    }),
    ...rowsOfEachClass(labels),
    ...(metrics.champion ? againstChampion(metrics.challenger, metrics.champion, comparison, gate) : []),
  ];
  const broken = rules.filter(({ passed }) => !passed);
  return {
    decision: broken.length === 0 ? 'promote' : 'refuse',
    reason: reasonFor(challenger.ref, champion?.ref ?? null, rules, broken),
    challenger: challenger.ref,
    champion: champion?.ref ?? null,
    rules,
    metrics,
    comparison,
    convention: DELONG_CONVENTION,
  };
}

/** Rows of one class can't tell a good model from a bad one, whatever some metrics say of them. */
function rowsOfEachClass(labels: ArrayLike<number>): GateRule[] {
  const positives = Array.prototype.filter.call(labels, (label: number) => label === 1).length;
  const fewer = Math.min(positives, labels.length - positives);
  return fewer === 0 ? [atLeast('rows_of_each_class', 1, 0)] : [];
}

function againstChampion(challenger: Metrics, champion: Metrics, comparison: AucComparison | null, gate: PromotionGate): GateRule[] {
  const loss = challenger.roc_auc === null || champion.roc_auc === null ? null : champion.roc_auc - challenger.roc_auc;
  const significant = comparison !== null && comparison.p < gate.alpha;
  const better = comparison !== null && comparison.difference > 0;
  return [
    { rule: 'max_auc_loss', expected: `<= ${gate.max_auc_loss}`, actual: loss, passed: loss !== null && loss <= gate.max_auc_loss },
    gate.require === 'better'
      ? { rule: 'significantly_better', expected: `higher ROC AUC with p < ${gate.alpha}`, actual: comparison?.p ?? null, passed: significant && better }
      : {
          rule: 'not_significantly_worse',
          expected: `no lower ROC AUC with p < ${gate.alpha}`,
          actual: comparison?.p ?? null,
          passed: comparison !== null && (better || !significant),
        },
  ];
}

function atLeast(rule: string, least: number, actual: number | null): GateRule {
  return { rule, expected: `>= ${least}`, actual, passed: actual !== null && actual >= least };
}

function reasonFor(challenger: VersionRef, champion: VersionRef | null, rules: GateRule[], broken: GateRule[]): string {
  const name = `${challenger.algorithm} ${challenger.version}`;
  if (broken.length === 0) {
    const place = champion ? `may take the place of ${champion.algorithm} ${champion.version}` : 'may become the first champion';
    return `${name} ${place}: it passes ${rules.length === 1 ? 'the one rule' : `all ${rules.length} rules`}.`;
  }
  const faults = broken.map(({ rule, expected, actual }) => `${rule} (expected ${expected}, got ${shown(actual)})`);
  return `${name} may not be promoted: it does not pass ${faults.join(', ')}.`;
}

function shown(value: number | null): string {
  return value === null ? 'nothing that can be computed' : String(Number(value.toPrecision(4)));
}
