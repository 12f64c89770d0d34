import type { VersionMetadata } from '../../registry/versions.js';

/** A metric as MLflow has it. */
export interface LoggedMetric {
  key: string;
  value: number;
  step: number;
}

/**
 * What is known of a version in numbers: its metrics per split with the ends of their intervals (`test.roc_auc`,
 * `test.roc_auc.lower`), and how its search went, the candidate being the step (`search.score`, and the best so far) or the
 * fold (`cv.fold_score` of the candidate that was chosen).
 */
export function metricsOf({ performance, cv_score, candidates, best_params }: VersionMetadata): LoggedMetric[] {
  const found: { key: string; value: number | null | undefined; step?: number }[] = [];
  for (const [split, { intervals = {}, confusion_matrix: _, ...metrics }] of Object.entries(performance)) {
    for (const [name, value] of Object.entries(metrics as Record<string, number | null>))
      found.push({ key: `${split}.${name}`, value });
    for (const [name, interval] of Object.entries(intervals))
      found.push(
        { key: `${split}.${name}.lower`, value: interval?.[0] },
        { key: `${split}.${name}.upper`, value: interval?.[1] },
      );
  }
  found.push({ key: 'cv_score', value: cv_score });
  const folds = Math.max(0, ...candidates.map(({ scores }) => scores.length));
  let best = -Infinity;
  for (const { index: step, scores, params } of candidates) {
    if (scores.length === 0) continue;
    const score = scores.reduce((sum, of) => sum + of, 0) / scores.length;
    found.push({ key: 'search.score', value: score, step });
    // Racing leaves a candidate with some of the folds, whose mean says less.
    if (scores.length < folds) continue;
    best = Math.max(best, score);
    found.push({ key: 'search.best_score', value: best, step });
    if (JSON.stringify(params) === JSON.stringify(best_params))
      scores.forEach((value, fold) => found.push({ key: 'cv.fold_score', value, step: fold }));
  }
  return found.flatMap(({ key, value, step = 0 }) =>
    typeof value === 'number' && Number.isFinite(value) ? [{ key, value, step }] : [],
  );
}
