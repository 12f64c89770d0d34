import type { FindNewRowsInput, NewRows } from '../contracts/index.js';
import { withDuckDb } from '../data/duckdb.js';
import { requireOneRowAKey } from '../data/goldKeys.js';
import { daysAsked, newRowsQuery } from '../data/newRows.js';
import type { Stage } from './context.js';

/** Counts the gold rows that no stored prediction covers. */
export const findNewRows: Stage<FindNewRowsInput, NewRows> = async (context, input) => {
  const pipeline = await context.pipeline(input.pipeline);
  const { from, to } = daysAsked(pipeline, input);
  const days = pipeline.definition.partition.column === undefined ? '' : ` from ${from} to ${to}`;
  const stores = context.stores(pipeline);
  const rows = await withDuckDb(context, async (database) => {
    await requireOneRowAKey(database, pipeline, stores);
    const { sql } = await newRowsQuery(database, pipeline, stores, input);
    if (!sql) return undefined;
    const [counted] = await database.rows<{ rows: number }>(`SELECT CAST(count(*) AS INTEGER) AS rows FROM (${sql})`);
    return counted!.rows;
  });
  if (rows === undefined) return { status: 'skipped', reason: `No new data: gold has no rows${days}.` };
  if (rows === 0) return { status: 'skipped', reason: `No new data: every gold row${days} is predicted.` };
  return { status: 'ready', rows };
};
