import type { Skipped, StageInput, WorkflowInput } from './common.js';

export interface DataProcessingInput extends WorkflowInput {
  /**
   * The raw CSV: a path that the workers can read, or the address of an object in the datamart bucket.
   * @default the pipeline's own raw file in the object store's `raw/` folder
   */
  source?: string;
  /**
   * The CSV of labels, where `pipeline.json` has them in a second file: a path or an address, as of the source.
   * @default the one that was read last, else the pipeline's own in the object store's `raw/` folder
   */
  labels?: string;
  /**
   * Whether rows that were read before may be taken away where the source doesn't have them any more; else such a
   * source is refused.
   * @default false
   */
  replace?: boolean;
}

/** Counts of one layer over the partitions that a run looked at. */
export interface LayerResult {
  /** Rows the layer holds after the run, over the partitions looked at. */
  rows: number;
  /** Names of partitions that were written, e.g. `1999_01`. */
  written: string[];
  /** Names of partitions whose input and SQL were the same as last time. */
  unchanged: string[];
}

export interface BronzeInput extends StageInput, DryRun {
  source?: string;
  labels?: string;
  replace?: boolean;
  asOf: string;
}

/** Labels of a second file. */
export interface LabelCounts {
  /** Keys that have one. */
  rows: number;
  /** Those of them that are of no row. */
  unknown: number;
}

export interface DryRun {
  /**
   * Whether the stage only says what is up to date, by manifests and listings: it writes nothing, so that no task is
   * launched to find that there is no work. What it can't tell so counts as work.
   * @default false
   */
  dryRun?: boolean;
}

/** `written` and `unchanged` together are all partitions that bronze holds, those that the source says nothing of included. */
export interface BronzeResult extends LayerResult {
  /** Where labels come from a second file. */
  labels?: LabelCounts;
  /** Whether a dry run found work, or could not tell; then the rest says nothing. */
  pending?: boolean;
}

export interface RefineInput extends StageInput, DryRun {
  /** The day that the run stands at, by which the age of data is told. */
  asOf?: string;
  /** The partitions to bring up to date; in a dry run, those that are come back as `unchanged`. */
  partitions: string[];
}
export interface SilverResult extends LayerResult {
  /** Rows left out, by the name of the expectation they broke (`duplicate_encounter`, ...). */
  dropped: Record<string, number>;
  /** Where `expectations.json` has a suite. */
  quality?: DataQuality;
}

/** How data met what is expected of them. The quality score is the share of the expectations that are met. */
export interface DataQuality {
  /** Expectations that were evaluated, each once per partition. */
  evaluated: number;
  met: number;
  /** Rows that break an expectation that is not met, by its name; 0 where it is about a whole table. */
  unmet: Record<string, number>;
}

export interface GoldResult extends LayerResult {
  /** Age of the newest value of a column, by the expectation's name, in days on the day that the run stands at. */
  freshness?: Record<string, { days: number | null; met: boolean }>;
}

/** What the online store holds after a run. */
export interface PublishedFeatures {
  version: string;
  rows: number;
  /** Whether this run wrote it. */
  written: boolean;
}

export interface DataProcessingCompleted {
  status: 'completed';
  rows: number;
  partitions: number;
  bronze: LayerCounts;
  silver: LayerCounts & { dropped: Record<string, number> };
  gold: LayerCounts;
  labels?: LabelCounts;
  /** Where `expectations.json` has a suite. */
  quality?: DataQuality;
  /** Version of the configuration that the run went by, a SHA-256. */
  config?: string;
}
export interface LayerCounts {
  rows: number;
  written: number;
  unchanged: number;
}
/** Skipped when no partition's input changed; the counts still say what is there. */
export type DataProcessingResult = DataProcessingCompleted | (Skipped & { rows: number; partitions: number });
