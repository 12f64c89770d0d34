import type { PromotionDecision, VersionRef } from '../../src/contracts/index.js';

/** What the gate says of a challenger, without its working. */
export function decided(
  decision: PromotionDecision['decision'],
  challenger: VersionRef,
  champion: VersionRef | null = null,
): PromotionDecision {
  const metrics = {
    ...{ accuracy: 0.64, precision: 0.15, recall: 0.45, f1: 0.23, roc_auc: 0.63, average_precision: 0.17, n: 100 },
    confusion_matrix: [
      [60, 28],
      [7, 5],
    ] as [[number, number], [number, number]],
  };
  return {
    decision,
    reason: `${challenger.algorithm} ${challenger.version}: ${decision}`,
    grounds: decision === 'promote' ? 'it passes all 2 rules' : 'it does not pass min_samples (expected >= 100, got 5)',
    challenger,
    champion,
    not_compared: null,
    rules: [],
    metrics: { challenger: metrics, champion: champion && metrics },
    comparison: null,
    convention: '',
  };
}
