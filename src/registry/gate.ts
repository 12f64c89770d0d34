import type { PromotionGate } from '../config/schema.js';
import type { AucComparison, GateRule, Metrics, PromotionDecision, VersionRef } from '../contracts/index.js';
import { classificationMetrics } from '../ml/metrics.js';
import { DELONG_CONVENTION, delongTest } from '../monitoring/delong.js';
import { agreeing, countOf } from '../contracts/counts.js';

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
  champion: ScoredVersion | UnscoredVersion | null;
}

/** A version that could not score the rows. */
export interface UnscoredVersion {
  ref: VersionRef;
  /** Why, in a sentence. */
  unscored: string;
}

/**
 * Decides whether a challenger may take the champion's place, and shows every rule with its working. A rule that can't
 * be computed isn't passed. A champion that can't score the rows can't predict either: it is not compared with, and the
 * minimums decide.
 *
 * @throws PerdureError `InputInvalid` where the two models' probabilities aren't for the same rows
 */
export function decidePromotion({ labels, threshold, challenger, champion }: PromotionCase, gate: PromotionGate): PromotionDecision {
  const compared = champion && 'probabilities' in champion ? champion : null;
  const metrics = {
    challenger: classificationMetrics(labels, challenger.probabilities, threshold),
    champion: compared && classificationMetrics(labels, compared.probabilities, threshold),
  };
  const comparison = compared && delongTest(labels, challenger.probabilities, compared.probabilities);
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
  const notCompared = champion && 'unscored' in champion ? `${named(champion.ref)} could not be compared with: ${champion.unscored}` : null;
  const grounds = groundsOf(rules, broken, notCompared !== null);
  return {
    decision: broken.length === 0 ? 'promote' : 'refuse',
    reason: [`${conclusionOf(challenger.ref, champion?.ref ?? null, broken.length === 0)}: ${grounds}.`, ...(notCompared === null ? [] : [notCompared])].join(' '),
    grounds,
    challenger: challenger.ref,
    champion: champion?.ref ?? null,
    not_compared: notCompared,
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

function conclusionOf(challenger: VersionRef, champion: VersionRef | null, promoted: boolean): string {
  if (!promoted) return `${named(challenger)} may not be promoted`;
  return champion ? `${named(challenger)} takes the place of ${named(champion)}` : `${named(challenger)} becomes the first champion`;
}

function groundsOf(rules: GateRule[], broken: GateRule[], minimumsAlone: boolean): string {
  const faults = broken.map(({ rule, expected, actual }) => `${rule} (expected ${expected}, got ${shown(actual)})`);
  if (faults.length > 0) return `it does not pass ${faults.join(', ')}`;
  const which = minimumsAlone ? ` that ${agreeing(rules.length, 'needs', 'need')} no comparison` : '';
  return `it passes ${agreeing(rules.length, 'the one rule', `all ${countOf(rules.length, 'rule')}`)}${which}`;
}

function named({ algorithm, version }: VersionRef): string {
  return `${algorithm} ${version}`;
}

function shown(value: number | null): string {
  return value === null ? 'nothing that can be computed' : String(Number(value.toPrecision(4)));
}
