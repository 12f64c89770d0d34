/** A column of features before any transform. */
export type RawColumn =
  /** What is missing is NaN. */
  | { kind: 'number'; values: Float64Array }
  /** `codes` are positions in `values`, -1 where the value is missing. */
  | { kind: 'category'; codes: Int32Array; values: string[] }
  /** Days since 1970-01-01 in UTC, with a fraction for the time of day; NaN where it is missing. */
  | { kind: 'date'; values: Float64Array };

/** Rows of features before any transform. */
export interface RawTable {
  rows: number;
  columns: Map<string, RawColumn>;
}
