import { open } from 'node:fs/promises';
import { PerdureError, systemCode } from '../errors.js';
import { diskError } from '../storage/diskError.js';
import { identifier, literal } from './duckdb.js';

/** The first line of a CSV. */
export interface CsvHeader {
  columns: string[];
  newLine: '\n' | '\r\n';
}

/** A header line longer than this, in bytes, is no header. */
const HEADER_LIMIT = 1 << 20;

/**
 * Reads a CSV's header and checks that it names every one of `wanted`, in any order and among others.
 * @throws PerdureError `InputInvalid` for a missing or empty file, a missing or repeated column
 */
export async function readCsvHeader(path: string, wanted: string[]): Promise<CsvHeader> {
  const start = await readStart(path);
  const end = start.indexOf('\n');
  const line = end === -1 ? start : start.slice(0, end);
  const newLine = line.endsWith('\r') ? '\r\n' : '\n';
  const columns = splitRecord(line.replace(/^\uFEFF/, '').replace(/\r$/, ''));
  if (line.trim() === '') throw new PerdureError('InputInvalid', `${path} is empty; give a CSV with a header line.`);
  const missing = wanted.filter((column) => !columns.includes(column));
  if (missing.length > 0) {
    throw new PerdureError('InputInvalid', `${path} lacks the column${missing.length === 1 ? '' : 's'} ${enumerate(missing)}; add ${missing.length === 1 ? 'it' : 'them'} or give another file.`);
  }
  const repeated = columns.find((column, i) => columns.indexOf(column) !== i);
  if (repeated !== undefined) {
    throw new PerdureError('InputInvalid', `${path} names the column ${repeated} twice in its header; rename one and run again.`);
  }
  return { columns, newLine };
}

/** SQL that reads a CSV's `columns` with their DuckDB types, in the order of `columns`; rows are in file order. */
export function readCsvSql(path: string, header: CsvHeader, columns: Record<string, string>): string {
  const types = header.columns.map((column) => `${literal(column)}: ${literal(columns[column] ?? 'VARCHAR')}`);
  const newLine = header.newLine === '\r\n' ? String.raw`\r\n` : String.raw`\n`;
  return `SELECT ${Object.keys(columns).map(identifier).join(', ')} FROM read_csv(${literal(path)},
    auto_detect = false, header = true, columns = {${types.join(', ')}},
    delim = ',', quote = '"', escape = '"', new_line = '${newLine}')`;
}

async function readStart(path: string): Promise<string> {
  try {
    const file = await open(path);
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(HEADER_LIMIT), 0, HEADER_LIMIT, 0);
      return buffer.toString('utf8', 0, bytesRead);
    } finally {
      await file.close();
    }
  } catch (error) {
    const code = systemCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') {
      throw new PerdureError('InputInvalid', `There is no file ${path}; check the path, which must be one that the workers can read.`, { cause: error });
    }
    if (code === 'EISDIR') throw new PerdureError('InputInvalid', `${path} is a folder; give the CSV file in it.`, { cause: error });
    if (code === 'EACCES') throw new PerdureError('InputInvalid', `${path} may not be read by this user; change its permissions and run again.`, { cause: error });
    throw diskError(error, path);
  }
}

/** The fields of a record that may be quoted. */
function splitRecord(line: string): string[] {
  const fields = line.match(/("([^"]|"")*"|[^,]*)(,|$)/g) ?? [];
  const values = fields.map((field) => field.replace(/,$/, '').replace(/^"(.*)"$/s, '$1').replaceAll('""', '"'));
  // The pattern also matches the empty end of a line that doesn't end in a comma.
  return line.endsWith(',') ? values : values.slice(0, -1);
}

function enumerate(names: string[]): string {
  const shown = names.slice(0, 5).join(', ');
  return names.length > 5 ? `${shown} and ${names.length - 5} more` : shown;
}
