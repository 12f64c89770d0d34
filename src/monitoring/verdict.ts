import {
  count,
  listOf,
  type DriftResult,
  type DriftSeverity,
  type PerformanceResult,
  type RowsLookedAt,
  type Verdict,
} from '../contracts/index.js';

type MeasuredDrift = Extract<DriftResult, { status: 'measured' }>;

/**
 * What the measurements say together. What was not measured is neither good nor bad: it is `null`, with the reason
 * beside it, and asks for no retraining.
 */
export function verdictOf(performance: PerformanceResult, drift: DriftResult): Verdict {
  const unmeasured = drift.status === 'skipped' ? drift.reason : unmeasuredFeatures(drift);
  // Rows that no metric tells of can only make it worse: a drop stays one.
  const untold = performance.status === 'skipped' ? performance.reason : performance.rows_not_measured;
  const found = {
    drift: drift.status === 'measured' && hasDrifted(drift) ? true : unmeasured === undefined ? false : null,
    performance_drop:
      performance.estimate?.alarm || (performance.status === 'measured' && performance.breached)
        ? true
        : untold === undefined
          ? false
          : null,
    missing: drift.status === 'measured' ? drift.missing.length > 0 : null,
  };
  const findings = Object.values(found);
  const retrain = findings.includes(true);
  return {
    ...found,
    retrain,
    conclusion: retrain ? 'attention' : findings.includes(null) ? 'not_measured' : 'ok',
    not_measured: {
      ...(unmeasured !== undefined && { drift: unmeasured }),
      ...(untold !== undefined && { performance: untold }),
    },
  };
}

/** Says of each kind of predictions that monitoring leaves out how many there are, and why; none where there are none. */
export function rowsLeftOut({
  trained_rows: trained = 0,
  looked_at,
}: {
  trained_rows?: number;
  looked_at?: RowsLookedAt;
}): string[] {
  const { from = '', older = 0, stale = 0 } = looked_at ?? {};
  const reasons: [number, string][] = [
    [trained, 'of rows that the model was trained on'],
    [older, `of days before ${from}`],
    [stale, 'of rows whose features have changed since, or are gone'],
  ];
  return reasons.flatMap(([rows, why]) => (rows > 0 ? [`${count(rows)} ${why}`] : []));
}

/**
 * How far the data moved, by the largest PSI of what drifted, less what sampling explains of it. Missing values alone
 * are moderate drift. `null` where nothing moved, or nothing was measured.
 */
export function severityOf(drift: DriftResult, severePsi: number): DriftSeverity | null {
  if (drift.status === 'skipped' || !(hasDrifted(drift) || drift.missing.length > 0)) return null;
  const shifts = drift.drifted.map((name) => (drift.psi[name] ?? 0) - (drift.expected_psi[name] ?? 0));
  if (drift.score_drifted) shifts.push((drift.score_psi ?? 0) - (drift.score_expected_psi ?? 0));
  return shifts.some((shift) => shift >= severePsi) ? 'severe' : 'moderate';
}

function hasDrifted({ drifted, score_drifted }: MeasuredDrift): boolean {
  return drifted.length > 0 || score_drifted;
}

/** Why the drift of some columns is not known. One without a value then and now has not changed. */
function unmeasuredFeatures({
  psi,
  score_psi,
  missing,
  missing_rate,
  training_missing_rate,
}: MeasuredDrift): string | undefined {
  const features = Object.keys(psi).filter(
    (name) => psi[name] === null && !missing.includes(name) && missing_rate[name] !== training_missing_rate[name],
  );
  const columns = [...features, ...(score_psi === null ? ['the score'] : [])];
  return columns.length === 0
    ? undefined
    : `There is no PSI of ${listOf(columns)}, which hold no value at training or now.`;
}
