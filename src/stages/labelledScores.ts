import { INTERNAL } from '../config/columns.js';
import type { Pipeline } from '../config/load.js';
import { agreeing, countOf, listOf, type TaskSpec } from '../contracts/index.js';
import { identifier, readParquetSql, type Database } from '../data/duckdb.js';
import { labelReader, labelSql, type RawLabel } from '../data/labels.js';
import { labelStoreFiles } from '../data/layers.js';
import { ofDaysSql, scoreColumns, SCORED_ROWS, type ScoredDays } from '../data/scoredRows.js';
import type { ModelOutput } from '../ml/modelOutput.js';
import type { Stores } from '../platform/storage/objectStore.js';

/** What a model said of rows, beside their labels; both in the order of the keys. */
export interface LabelledScores {
  labels: number[];
  output: ModelOutput;
  /** The class of each row beside these whose class the version doesn't know: no metric can tell of them. */
  unknown: string[];
}

/** Rows of classes that a version doesn't know, in words: how many, and which classes. */
export function unknownInWords(unknown: string[]): string {
  const classes = [...new Set(unknown)].sort();
  return `${countOf(unknown.length, 'row')} of ${agreeing(classes.length, 'a class', 'classes')} that the version does not know (${listOf(classes)})`;
}

/** Why metrics of labelled rows don't tell of all of them, in a sentence; nothing where they do. */
export function leftOutOfMetrics(unknown: string[]): { rows_not_measured?: string } {
  return unknown.length === 0
    ? {}
    : {
        rows_not_measured: `No metric tells of ${unknownInWords(unknown)}; train again, so that a version knows them.`,
      };
}

/**
 * Rows of {@link SCORED_ROWS} on some days whose label is known.
 *
 * @param within the days, one at least; none gives no rows
 * @param newest of these rows, the days that count; by default all
 */
export async function readLabelledScores(
  database: Database,
  pipeline: Pipeline,
  stores: Stores,
  task: TaskSpec,
  within: ScoredDays | undefined,
  newest: (labelled: string) => Promise<string> = () => Promise.resolve('true'),
): Promise<LabelledScores> {
  const read = labelReader(pipeline, task);
  const scores = scoreColumns(task);
  const keys = pipeline.definition.keys.map(identifier).join(', ');
  const labels: number[] = [];
  const values: number[] = [];
  const unknown: string[] = [];
  const files = within ? await labelStoreFiles(stores, within) : [];
  if (within && files.length > 0) {
    const table = readParquetSql(files.map(({ path }) => path));
    const label = await labelSql(database, pipeline, table, INTERNAL.labels);
    const from = `FROM ${SCORED_ROWS} JOIN ${table} AS ${INTERNAL.labels} USING (${keys})`;
    const counting = await newest(`SELECT ${SCORED_ROWS}.${INTERNAL.day} ${from} WHERE ${label} IS NOT NULL`);
    const rows = database.chunks(`
      SELECT ${label}, ${scores.join(', ')} ${from}
      WHERE ${ofDaysSql(within)} AND ${counting}
      ORDER BY ${keys}`);
    for await (const chunk of rows) {
      const found = chunk.getColumnValues(0) as RawLabel[];
      const said = scores.map((_, i) => chunk.getColumnValues(i + 1) as number[]);
      found.forEach((raw, row) => {
        const label = read(raw);
        if (label === null) unknown.push(String(raw));
        if (label === undefined || label === null) return;
        labels.push(label);
        for (const column of said) values.push(column[row]!);
      });
    }
  }
  return { labels, output: { values: Float64Array.from(values), width: scores.length }, unknown };
}
