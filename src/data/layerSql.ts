import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { rulesOf } from '../config/expectations.js';
import type { Pipeline } from '../config/load.js';
import { PerdureError, messageOf } from '../errors.js';
import { INTERNAL_IN_WORDS, isInternal, repeatedName } from '../config/columns.js';
import { sameName } from '../contracts/index.js';
import type { Workspace } from './workspace.js';
import { sha256, sha256File } from '../platform/storage/checksum.js';
import { conditionOf } from '../validation/expectationTypes.js';
import { readRegularFile } from '../platform/storage/regularFile.js';
import { defaultSql } from './defaultSql.js';
import {
  describe,
  identifier,
  literal,
  readParquetSql,
  withDuckDb,
  type Database,
  type ResultColumn,
} from './duckdb.js';
import type { TableName } from './layers.js';
import { refuseOutsideReads } from './sqlReads.js';

/** A layer's SQL: one SELECT over the relation that the layer before it is called, and over the pipeline's own tables. */
export interface LayerSql {
  /** Path, for error messages. */
  file: string;
  text: string;
  /** SHA-256 of all that decides what the SQL makes of its input: the text and the files of the tables that it may read. */
  digest: string;
  tables: OwnTable[];
}

/** A file in the pipeline's folder that `tables` of `pipeline.json` makes known to SQL by a name. */
interface OwnTable {
  name: string;
  path: string;
  checksum: string;
}

/** SQL that this process has looked at and found to be good. */
const found = new Set<string>();

/** The relation that each table's SQL reads. */
const INPUTS: Record<TableName, string> = {
  bronze: 'source',
  silver: 'bronze',
  feature_store: 'silver',
  label_store: 'silver',
};

/**
 * Reads a layer's SQL, and the expectations beside it, and checks that what they make depends on their inputs alone.
 *
 * @throws PerdureError `ConfigInvalid` where a file can't be read, or SQL reads what no digest covers, chance or the clock
 */
export async function layerSql(
  context: Pick<Workspace, 'resources' | 'scratch' | 'signal'>,
  pipeline: Pipeline,
  table: TableName,
): Promise<LayerSql> {
  const { layers, tables: named, source } = pipeline.definition;
  const own =
    layers[table].sql ??
    (pipeline.definition.brief && existsSync(join(pipeline.folder, `${table}.sql`)) ? `${table}.sql` : undefined);
  const file =
    own === undefined
      ? `The ${table} query that ${join(pipeline.folder, 'pipeline.json')} stands for`
      : join(pipeline.folder, own);
  const text = own === undefined ? defaultSql(pipeline.definition, table) : await readSql(file);
  const tables = await Promise.all(
    Object.entries(named).map(async ([name, own]) => {
      const path = join(pipeline.folder, own);
      const checksum = await sha256File(path).catch((error: unknown) => {
        throw new PerdureError(
          'ConfigInvalid',
          `${path}, the table ${name} of pipeline.json, can't be read (${messageOf(error)}); restore it.`,
          { cause: error },
        );
      });
      return { name, path, checksum };
    }),
  );
  const second = table === 'label_store' && pipeline.definition.labels ? ['labels'] : [];
  const readable = [INPUTS[table], ...second, ...Object.keys(named)];
  const columns = Object.keys(source.columns);
  const digest = fingerprint(
    text,
    tables.map(({ name, checksum }) => [name, checksum]),
  );
  const conditions = table === 'silver' ? conditionsOf(pipeline) : [];
  const asked = fingerprint(text, readable, columns, conditions);
  if (found.has(asked)) return { file, text, tables, digest };
  await withDuckDb(context, async (database) => {
    await refuseOutsideReads(database, { text, from: file, readable, columns });
    for (const { from, condition } of conditions) {
      await refuseOutsideReads(database, {
        text: `SELECT (${condition}\n) FROM ${INPUTS.silver}`,
        from,
        readable,
        columns,
      });
    }
  });
  found.add(asked);
  return { file, text, tables, digest };
}

/** The one statement of a file. Throws `ConfigInvalid` where it can't be read. */
export async function readSql(file: string): Promise<string> {
  return (await readText(file)).trim().replace(/;$/, '');
}

/** The conditions of `expectations.json` that are a pipeline's own SQL. */
function conditionsOf({ folder, expectations }: Pipeline): { from: string; condition: string }[] {
  const file = join(folder, 'expectations.json');
  return rulesOf(expectations).flatMap(({ name, condition, config }) => {
    const query = config.kwargs.unexpected_rows_query;
    if (condition !== undefined) return [{ from: `${file}: the check of ${name}`, condition }];
    return typeof query === 'string'
      ? [{ from: `${file}: the expectation ${name}`, condition: conditionOf(query) }]
      : [];
  });
}

async function readText(file: string): Promise<string> {
  const bytes = await readRegularFile(file).catch((error: unknown) => {
    throw new PerdureError(
      'ConfigInvalid',
      `${file} can't be read (${messageOf(error)}); restore the pipeline's SQL.`,
      { cause: error },
    );
  });
  return bytes.toString('utf8').replace(/^\uFEFF/, '');
}

/** Makes the pipeline's own tables known to the SQL. */
export async function openTables(database: Database, { tables }: LayerSql): Promise<void> {
  for (const { name, path } of tables) {
    const read = path.endsWith('.parquet') ? readParquetSql([path]) : `read_csv(${literal(path)}, header = true)`;
    await database.run(`CREATE OR REPLACE TEMP VIEW ${identifier(name)} AS SELECT * FROM ${read}`, { sqlFile: path });
  }
}

/**
 * The columns that a layer's SQL gives; the relation that it reads from is there.
 * @throws PerdureError `ConfigInvalid` for a query that can't be run, that gives a name twice or one of Perdure's own
 */
export async function checkLayerColumns(database: Database, sql: LayerSql): Promise<ResultColumn[]> {
  const columns = await describe(database, sql.text, { sqlFile: sql.file });
  const names = columns.map(({ name }) => name);
  const repeated = repeatedName(names);
  if (repeated !== undefined) {
    throw new PerdureError(
      'ConfigInvalid',
      `${sql.file} gives the column ${repeated} twice (upper and lower case letters are the same); leave one out or rename it.`,
    );
  }
  const internal = names.find(isInternal);
  if (internal !== undefined) {
    throw new PerdureError(
      'ConfigInvalid',
      `${sql.file} gives the column ${internal}, but ${INTERNAL_IN_WORDS}; rename it.`,
    );
  }
  return columns;
}

/** Checks that a layer's SQL gives the partition column, as a day. Throws `ConfigInvalid`. */
export function checkDay({ definition }: Pipeline, sql: LayerSql, columns: ResultColumn[]): void {
  const day = definition.partition.column;
  if (day === undefined) return;
  const found = columns.find(({ name }) => sameName(name) === sameName(day));
  if (!found) {
    throw new PerdureError(
      'ConfigInvalid',
      `${sql.file} gives no column ${day}, by which pipeline.json has the rows partitioned; add it to the query or change partition.column.`,
    );
  }
  if (found.type !== 'DATE' && !/^TIMESTAMP(_S|_MS|_NS)?$/.test(found.type)) {
    throw new PerdureError(
      'ConfigInvalid',
      `${sql.file} gives the column ${day}, by which rows are partitioned, as ${found.type}; make it a DATE, by its type in source.columns or with CAST or strptime in the query.`,
    );
  }
}

/** SHA-256 of anything that JSON can say, to tell whether it is the same as last time. */
export function fingerprint(...parts: unknown[]): string {
  return sha256(JSON.stringify(parts));
}
