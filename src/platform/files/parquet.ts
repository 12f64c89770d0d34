import { readFile, writeFile } from 'node:fs/promises';
import {
  Column as ArrowColumn,
  Type,
  columnFromArray,
  tableFromColumns,
  tableFromIPC,
  tableToIPC,
  type DataType,
  type FloatType,
  type IntType,
} from '@uwdata/flechette';
import {
  Compression,
  Table as WasmTable,
  WriterPropertiesBuilder,
  readParquet,
  readSchema,
  writeParquet,
} from 'parquet-wasm';
import { PerdureError, messageOf, systemCode } from '../../errors.js';
import { diskError } from './diskError.js';
import { agreeing, listOf } from '../../contracts/counts.js';

/** A column of numbers, a value a row. */
export type Column =
  | Float32Array
  | Float64Array
  | Int8Array
  | Int16Array
  | Int32Array
  | BigInt64Array
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | BigUint64Array;

/** Rows `[offset, offset + limit)`; all by default. */
export interface RowRange {
  offset?: number;
  limit?: number;
}

/**
 * Numbers and rows decoded at a time: WebAssembly memory never shrinks, so this bounds what a large file leaves behind. A
 * file of 202,000 rows x 155 columns, whole, took 1.0 GB and 1.6 s; so it takes .56 GB and 1.1 s.
 */
const CHUNK_NUMBERS = 1 << 22;
const CHUNK_ROWS = 1 << 18;

/**
 * Reads columns of numbers of a Parquet file. A null of a floating-point column is `NaN`.
 *
 * @returns the columns in the order of `names`, in the file's own types
 * @throws PerdureError `ObjectCorrupt` for a torn file; `InputInvalid` for a file, a column or a value that isn't there
 */
export async function readColumns(path: string, names: string[], rows: RowRange = {}): Promise<Column[]> {
  const chunks: Column[][] = [];
  for await (const chunk of readChunks(path, names, rows)) chunks.push(chunk);
  return names.map((_, i) => joined(chunks.map((chunk) => chunk[i]!)));
}

/** As {@link readColumns}, with a part of the rows decoded at a time. There is one chunk at least, which may be empty. */
export async function* readChunks(path: string, names: string[], rows: RowRange = {}): AsyncGenerator<Column[], void> {
  const file = await readWhole(path);
  checkColumns(path, file, names);
  const { offset = 0, limit = Infinity } = rows;
  const most = Math.min(CHUNK_ROWS, Math.max(1, Math.floor(CHUNK_NUMBERS / names.length)));
  let read = 0;
  for (;;) {
    const wanted = Math.min(most, limit - read);
    const chunk = decoding(path, () =>
      tableFromIPC(
        readParquet(file, {
          columns: names,
          offset: offset + read,
          limit: wanted,
          batchSize: most,
        }).intoIPCStream(),
      ),
    );
    yield names.map((name) => columnOf(path, name, chunk.getChild(name)));
    read += chunk.numRows;
    if (read >= limit || chunk.numRows < wanted) return;
  }
}

/** Columns by their names, as {@link writeColumns} takes them. @param columns aligned with the names */
export function namedColumns(names: string[], columns: Column[]): Record<string, Column> {
  return Object.fromEntries(names.map((name, i) => [name, columns[i]!]));
}

/**
 * Writes columns of equal length to a Parquet file (Snappy). The same columns give the same bytes.
 * @throws PerdureError `StoreFull`, `StoreUnavailable`
 */
export async function writeColumns(path: string, columns: Record<string, Column>): Promise<void> {
  const table = tableFromColumns(Object.entries(columns).map(([name, values]) => [name, arrowColumn(values)]));
  // Dictionaries of numbers that hardly repeat took five times as long to write, for a tenth of the size.
  const properties = new WriterPropertiesBuilder()
    .setCompression(Compression.SNAPPY)
    .setDictionaryEnabled(false)
    .build();
  const bytes = writeParquet(WasmTable.fromIPCStream(tableToIPC(table, { format: 'stream' })!), properties);
  await writeFile(path, bytes).catch((error: unknown) => {
    throw diskError(error, path);
  });
}

/** Names of the columns of a Parquet file, in its order. Throws as {@link readColumns}. */
export async function columnNames(path: string): Promise<string[]> {
  const file = await readWhole(path);
  return decoding(path, () => tableFromIPC(readSchema(file).intoIPCStream()).schema.fields.map(({ name }) => name));
}

async function readWhole(path: string): Promise<Uint8Array> {
  return readFile(path).catch((error: unknown) => {
    if (systemCode(error) === 'ENOENT') {
      throw new PerdureError('InputInvalid', `${path} is not there; run the stage that writes it.`);
    }
    throw diskError(error, path);
  });
}

function checkColumns(path: string, file: Uint8Array, names: string[]): void {
  const schema = decoding(path, () => tableFromIPC(readSchema(file).intoIPCStream()).schema);
  const missing = names.filter((name) => !schema.fields.some((field) => field.name === name));
  if (missing.length > 0) {
    throw new PerdureError(
      'InputInvalid',
      `${path} lacks the ${agreeing(missing.length, 'column', 'columns')} ${listOf(missing)}; run the stage that writes it again.`,
    );
  }
  for (const field of schema.fields) {
    if (names.includes(field.name) && !isNumeric(field.type)) {
      throw new PerdureError(
        'InputInvalid',
        `The column ${field.name} of ${path} is of type ${typeName(field.type)}; expected numbers.`,
      );
    }
  }
}

type NumericType = IntType | FloatType;

function isNumeric(type: DataType): type is NumericType {
  return type.typeId === Type.Int || type.typeId === Type.Float;
}

/** As Arrow has it, e.g. `Utf8`. */
function typeName({ typeId }: DataType): string {
  return Object.entries(Type).find(([, id]) => id === typeId)![0];
}

/** A column for Arrow to write. One without rows has no values to tell its type by. */
function arrowColumn(values: Column): ArrowColumn<unknown> {
  return values.length > 0
    ? columnFromArray(values, undefined, { useBigInt: true })
    : new ArrowColumn([], columnFromArray(new (values.constructor as ColumnType)(1)).type);
}

function decoding<T>(path: string, decode: () => T): T {
  try {
    return decode();
  } catch (error) {
    throw new PerdureError(
      'ObjectCorrupt',
      `${path} is not a whole Parquet file (${messageOf(error)}); delete it and run the stage that writes it again.`,
      { cause: error },
    );
  }
}

function joined(parts: Column[]): Column {
  return parts.length === 1 ? parts[0]! : copied(parts[0]!.constructor as ColumnType, parts);
}

type ColumnType = new (length: number) => Column;

function copied(Type: ColumnType, parts: Column[]): Column {
  const column = new Type(parts.reduce((sum, part) => sum + part.length, 0));
  let start = 0;
  for (const part of parts) {
    (column.set as (values: Column, offset: number) => void)(part, start);
    start += part.length;
  }
  return column;
}

function columnOf(path: string, name: string, { type, nullCount, data }: ArrowColumn<unknown>): Column {
  // A copy, as the batches are parts of the decoded bytes of all columns.
  const column = copied(
    (type as NumericType).values,
    data.map(({ values }) => values),
  );
  if (nullCount === 0) return column;
  if (!(column instanceof Float32Array || column instanceof Float64Array)) {
    throw new PerdureError(
      'InputInvalid',
      `The column ${name} of ${path} holds nulls, which whole numbers can't express; run the stage that writes it again.`,
    );
  }
  let start = 0;
  for (const batch of data) {
    if (batch.nullCount > 0)
      for (let row = 0; row < batch.length; row++) if (!batch.isValid(row)) column[start + row] = NaN;
    start += batch.length;
  }
  return column;
}
