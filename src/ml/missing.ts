/** The largest number in single precision, in which models read their features. */
const LARGEST = 3.4028234663852886e38;

/**
 * Whether a number of a feature counts as missing, as a null does: NaN, an infinity, or one too large for single
 * precision. Scaler, training, inference and monitoring all go by this; a missing value is NaN to a model.
 */
export function isMissing(value: number): boolean {
  return !(Math.abs(value) <= LARGEST);
}

/** SQL for a DOUBLE that is NULL where {@link isMissing} holds. */
export function presentSql(value: string): string {
  return `CASE WHEN abs(${value}) <= CAST('${LARGEST}' AS DOUBLE) THEN ${value} END`;
}
