import type { Pipeline } from '../config/load.js';
import type { SplitSettings } from '../config/splitSettings.js';
import { splitOf, type Split } from './splits/split.js';
import { identifier } from './duckdb.js';
import type { DayRange } from './layers.js';
import { daySql } from './partitions.js';

/** Where nothing is said, a fifth of the rows chooses among the models, and another tells how good the chosen one is. */
const BY_CHANCE: SplitSettings = { by: 'random', validation: 0.2, test: 0.2, seed: 0 };

/**
 * The split of a pipeline's gold rows: the windows of `temporal_splits`, else `split` of `pipeline.json`, else by chance.
 *
 * @param table that the feature store is called in the query
 */
export function trainingSplit(pipeline: Pick<Pipeline, 'definition' | 'config'>, table?: string): Split {
  const { keys, split } = pipeline.definition;
  const windows = pipeline.config.temporal_splits;
  const settings: SplitSettings = windows
    ? {
        by: 'time',
        ...Object.fromEntries(
          Object.entries(windows).map(([name, { start_date, end_date }]) => [name, { from: start_date, to: end_date }]),
        ),
      }
    : (split ?? BY_CHANCE);
  const day = daySql(pipeline, table);
  return splitOf(settings, {
    keys,
    ...(day !== undefined && { day }),
    column: (name) => (table === undefined ? '' : `${table}.`) + identifier(name),
  });
}

/** The days of a split whose gold files a training reads; all there are where the split isn't by time. */
export function splitDays(split: Split, name: Split['names'][number], asOf: string): Required<DayRange> {
  const days = split.days?.(asOf).get(name);
  return { from: days?.from ?? '0000-01-01', to: days?.to ?? '9999-12-31' };
}
