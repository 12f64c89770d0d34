/**
 * Validates one Parquet file and measures the drift of another one's columns to it, with what silver and monitoring use
 * for that, in a process of its own: `<folder>`, which has `reference.parquet`, `current.parquet` and a pipeline `checked` in
 * `conf`. Prints, as JSON, how many expectations were met and how many columns have drifted.
 */
import { join } from 'node:path';
import { loadPipeline } from '../src/config/load.js';
import { comparedValues } from '../src/data/comparedValues.js';
import { describe, identifier, literal, readParquetSql, withDuckDb, type Database } from '../src/data/duckdb.js';
import { MOST_ROWS } from '../src/data/referenceRows.js';
import { Evaluator } from '../src/data/validation/evaluate.js';
import { profileDistances } from '../src/monitoring/distances.js';
import { shiftOf } from '../src/monitoring/psi.js';
import { countInto, emptyLike, profileColumn } from '../src/monitoring/profile.js';
import { twoSampleDistances } from '../src/monitoring/twoSamples.js';
import { WORKERS } from '../src/platform/temporal/workers.js';

const [folder = ''] = process.argv.slice(2);
const reference = readParquetSql([join(folder, 'reference.parquet')]);
const current = readParquetSql([join(folder, 'current.parquet')]);
const pipeline = await loadPipeline('checked', { ...process.env, PERDURE_CONF: join(folder, 'conf') });
const context = {
  resources: WORKERS.dataProcessing.resources,
  scratch: join(folder, 'scratch'),
  signal: new AbortController().signal,
};

await withDuckDb(context, async (database) => {
  const query = `SELECT * FROM ${current}`;
  const columns = await describe(database, query);
  const sql = { file: 'current.parquet', text: query, digest: '', tables: [] };
  const { results } = await new Evaluator(database, pipeline, { sql, query, columns }).evaluate();

  const kept = join(folder, 'kept.parquet');
  await database.run(
    `COPY (SELECT * FROM ${reference} USING SAMPLE ${MOST_ROWS} ROWS) TO ${literal(kept)} (FORMAT parquet)`,
  );
  let drifted = 0;
  for (const { name, type } of columns) {
    const isNumber = type === 'DOUBLE';
    const values: (number | string | null)[] = [];
    await eachChunk(database, name, reference, (chunk) => values.push(...chunk));
    const before = profileColumn(values, isNumber ? 'numeric' : 'categorical');
    const now = emptyLike(before);
    await eachChunk(database, name, current, (chunk) => countInto(now, chunk));
    profileDistances(before, now);
    if (isNumber) twoSampleDistances(await comparedValues(database, name, kept, current));
    if ((shiftOf(before, now)?.psi ?? 0) >= pipeline.config.monitoring_config.drift_threshold_psi) drifted++;
  }
  const met = results.filter(({ success }) => success).length;
  console.log(JSON.stringify({ expectations: results.length, met, drifted }));
});

/** A column's values, some at a time. */
async function eachChunk(
  database: Database,
  name: string,
  relation: string,
  look: (values: (number | string | null)[]) => unknown,
): Promise<void> {
  for await (const chunk of database.chunks(`SELECT ${identifier(name)} FROM ${relation}`))
    look(chunk.getColumnValues(0) as (number | string | null)[]);
}
