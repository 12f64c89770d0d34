import type { FindNewRowsInput, NewRows } from '../contracts/index.js';
import { withDuckDb } from '../data/duckdb.js';
import { newRowsQuery } from '../data/newRows.js';
import { dayOf } from '../data/partitions.js';
import type { Stage } from './context.js';

/** Counts the gold rows that no stored prediction covers. */
export const findNewRows: Stage<FindNewRowsInput, NewRows> = async (context, input) => {
  const pipeline = await context.pipeline(input.pipeline);
  const days = `${pipeline.config.inference_config.start_date} to ${dayOf(input.asOf)}`;
  const { sql } = await newRowsQuery(pipeline, context.stores(pipeline), input.asOf);
  if (!sql) return { status: 'skipped', reason: `No new data: gold has no rows from ${days}.` };
  const rows = await withDuckDb(context, async (database) => {
    const [counted] = await database.rows<{ rows: number }>(`SELECT CAST(count(*) AS INTEGER) AS rows FROM (${sql})`);
    return counted!.rows;
  });
  if (rows === 0) return { status: 'skipped', reason: `No new data: every gold row from ${days} is predicted.` };
  return { status: 'ready', rows };
};
