import { join } from 'node:path';
import type { DuckDBConnection, DuckDBDataChunk } from '@duckdb/node-api';
import { FILE_ROW, INTERNAL } from '../config/columns.js';
import { limitsOf } from '../platform/resources/limits.js';
import type { Workspace } from './workspace.js';
import { diskError } from '../platform/files/diskError.js';
import { makeFolder } from '../platform/storage/folder.js';
import { identifier, literal } from '../sql.js';
import { sqlError, type QueryOrigin } from './sqlError.js';

export { identifier, literal };

/** A value of a result row. Whole numbers of 64 bits are `bigint`; cast dates to VARCHAR in the query. */
export type SqlValue = string | number | bigint | boolean | null;

/**
 * Runs `work` with an embedded DuckDB that keeps to the worker's resources and spills into the stage's scratch folder.
 * Its time zone is UTC, so that SQL gives the same on every machine. The database is closed when `work` ends, and a query at work is stopped when the stage's signal is aborted.
 *
 * @param threads fewer threads than the worker has, where the order of rows or the bytes written depend on it
 * @throws PerdureError as {@link sqlError} says
 */
export async function withDuckDb<T>(
  context: Pick<Workspace, 'resources' | 'scratch' | 'signal'>,
  work: (database: Database) => Promise<T>,
  options: { threads?: number } = {},
): Promise<T> {
  context.signal.throwIfAborted();
  const { threads, memory } = { ...limitsOf(context.resources).database, ...options };
  const temporary = join(context.scratch, 'duckdb');
  await makeFolder(temporary).catch((error: unknown) => {
    throw diskError(error, temporary);
  });
  // Only here: it takes a third of a second of computing to load, and most commands and some workers need no database.
  const { DuckDBInstance } = await import('@duckdb/node-api');
  const instance = await DuckDBInstance.create(':memory:', {
    threads: String(threads),
    memory_limit: `${Math.floor(memory / 2 ** 20)}MiB`,
    temp_directory: temporary,
    // Files are read once or twice, and the system caches them: DuckDB's own cache of them would fill its memory.
    enable_external_file_cache: 'false',
    // Everything used is built in, and nothing is fetched at run time.
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
  });
  const connection = await instance.connect();
  const interrupt = () => connection.interrupt();
  context.signal.addEventListener('abort', interrupt);
  try {
    // Else moments with a zone would have the days and hours of the machine's own.
    await connection.run("SET TimeZone = 'UTC'");
    return await work(new Database(connection, context.signal));
  } finally {
    context.signal.removeEventListener('abort', interrupt);
    connection.closeSync();
    instance.closeSync();
  }
}

/** A connection to an embedded DuckDB. */
export class Database {
  constructor(
    private readonly connection: DuckDBConnection,
    private readonly signal: AbortSignal,
  ) {}

  async run(sql: string, origin?: QueryOrigin): Promise<void> {
    await this.guarded(() => this.connection.run(sql), origin);
  }

  /** All rows of a small result. */
  async rows<Row extends Record<string, SqlValue>>(sql: string, origin?: QueryOrigin): Promise<Row[]> {
    const reader = await this.guarded(() => this.connection.runAndReadAll(sql), origin);
    return reader.getRowObjects() as Row[];
  }

  /** Share of the query at work that is done, 0 to 1, by DuckDB's estimate; counted after `SET enable_progress_bar = true`. */
  progress(): number {
    return Math.min(1, Math.max(0, this.connection.progress.percentage / 100));
  }

  /** A large result, a chunk of up to 2,048 rows at a time; a chunk is good until the next one is asked for. */
  async *chunks(sql: string, origin?: QueryOrigin): AsyncIterable<DuckDBDataChunk> {
    const result = await this.guarded(() => this.connection.stream(sql), origin);
    for (;;) {
      const chunk = await this.guarded(() => result.fetchChunk(), origin);
      if (!chunk || chunk.rowCount === 0) return;
      yield chunk;
    }
  }

  private async guarded<T>(call: () => Promise<T>, origin?: QueryOrigin): Promise<T> {
    this.signal.throwIfAborted();
    try {
      return await call();
    } catch (error) {
      this.signal.throwIfAborted();
      throw sqlError(error, origin);
    }
  }
}

/** A column of a query's result. */
export interface ResultColumn {
  name: string;
  /** DuckDB's name of its type. */
  type: string;
}

/** The columns that a query gives. */
export async function describe(database: Database, query: string, origin?: QueryOrigin): Promise<ResultColumn[]> {
  const described = await database.rows<{ column_name: string; column_type: string }>(`DESCRIBE ${query}`, origin);
  return described.map(({ column_name, column_type }) => ({ name: column_name, type: column_type }));
}

/** Names of a relation's columns. */
export async function columnsOf(database: Database, relation: string): Promise<string[]> {
  return (await describe(database, `SELECT * FROM ${relation}`)).map(({ name }) => name);
}

/** Condition that two relations agree in their keys. @param operator `=` where an absent key is like no other */
export function sameKeySql(keys: string[], a: string, b: string, operator = 'IS NOT DISTINCT FROM'): string {
  return keys.map((key) => `${a}.${identifier(key)} ${operator} ${b}.${identifier(key)}`).join(' AND ');
}

/**
 * `read_parquet` over local files, in the order given.
 *
 * @param options `fileRow` adds the column `FILE_ROW`, a row's number within its file from 0; `file` adds `INTERNAL.file`, its path
 */
export function readParquetSql(paths: string[], options: { fileRow?: boolean; file?: boolean } = {}): string {
  // Without the first flag a folder named "key=value" on the way to a file would become a column.
  const flags = `, hive_partitioning = false${options.fileRow ? `, ${FILE_ROW} = true` : ''}${options.file ? `, filename = ${literal(INTERNAL.file)}` : ''}`;
  return `read_parquet([${paths.map(literal).join(', ')}]${flags})`;
}
