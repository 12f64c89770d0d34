/** Search attributes that every run carries, each a Keyword: what Temporal's lists can be filtered by. */
export const SEARCH_ATTRIBUTES = {
  pipeline: 'PerdurePipeline',
  /** A {@link Phase}, or `lifecycle` or `steward`. */
  phase: 'PerdurePhase',
  /** On the runs that train one algorithm. */
  algorithm: 'PerdureAlgorithm',
  /** The version that a run made, used or looked at. */
  modelVersion: 'PerdureModelVersion',
  /** Why the run was started. */
  reason: 'PerdureReason',
} as const;

/** Name of the global by which the orchestrator tells its workflows which search attributes their namespace lacks. */
export const LACKING_ATTRIBUTES = '__perdureLackingAttributes';
