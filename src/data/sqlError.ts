import { PerdureError, messageOf } from '../errors.js';
import { countOf } from '../contracts/counts.js';

/** What a query was about, for the sentence that says why it failed. */
export interface QueryOrigin {
  /** The pipeline's file that the SQL comes from. */
  sqlFile?: string;
  /** The CSV that is read. */
  csv?: string;
}

/**
 * What DuckDB says, as a typed error in one sentence: `StoreFull`, `InputInvalid` for data, `ObjectCorrupt` for a torn
 * Parquet file, `ConfigInvalid` for a pipeline's own SQL, `EngineFailed` for the rest.
 */
export function sqlError(error: unknown, origin: QueryOrigin = {}): PerdureError {
  if (error instanceof PerdureError) return error;
  const message = messageOf(error);
  const [type, sentence] = explain(message, origin);
  return new PerdureError(type, sentence, { cause: error });
}

/** What DuckDB says of a Parquet file that is cut or changed: of its ends, its footer, and what the footer names. */
const TORN_PARQUET =
  /^(Invalid Input Error: (No magic bytes found|Footer length error|File .* too small to be a Parquet|Failed to read Parquet)|Invalid Error: (TProtocolException|don't know what type|invalid TType)|IO Error: Could not read enough bytes from file)/;

function explain(message: string, { sqlFile, csv }: QueryOrigin): [PerdureError['type'], string] {
  const summary = firstSentence(message);
  if (/No space left on device|File too large|Disk quota exceeded|max_temp_directory_size/.test(message)) {
    const path = /file "([^"]+)"/.exec(message)?.[1];
    return ['StoreFull', `No space is left to write ${path ?? 'temporary files'}; free some and run again.`];
  }
  if (message.startsWith('Out of Memory Error')) {
    return ['EngineFailed', `A query needs more memory than the worker has (${summary}); give the worker more.`];
  }
  if (csv !== undefined && /CSV|sniffing file/.test(message)) return ['InputInvalid', explainCsv(message, csv)];
  if (TORN_PARQUET.test(message)) {
    const path = /['"]([^'"]+)['"]/.exec(message.split('\n', 1)[0]!)?.[1] ?? 'A file that is read';
    return ['ObjectCorrupt', `${path} is not a whole Parquet file; delete it and run the stage that writes it again.`];
  }
  const subject = sqlFile ?? 'A query';
  if (/^(Binder|Parser|Catalog|Syntax) Error/.test(message)) {
    return [sqlFile ? 'ConfigInvalid' : 'EngineFailed', `${subject} can't be run: ${summary}.`];
  }
  if (/^(Conversion|Out of Range|Invalid Input) Error/.test(message)) {
    return ['InputInvalid', `${subject} failed on its data: ${summary}; correct the data or the query.`];
  }
  return ['EngineFailed', `${subject} failed: ${summary}.`];
}

function explainCsv(message: string, csv: string): string {
  const line = /CSV Error on Line: (\d+)/.exec(message)?.[1];
  const where = line === undefined ? csv : `Line ${line} of ${csv}`;
  const counts = /Expected Number of Columns: (\d+) Found: (\d+)/.exec(message);
  if (counts) {
    return `${where} has ${countOf(Number(counts[2]), 'value')} where the header names ${countOf(Number(counts[1]), 'column')}, so the file may be torn; fetch it again or correct the line.`;
  }
  if (message.includes('unterminated quote'))
    return `${where} has a quote that is not closed; correct it and run again.`;
  if (message.includes('not utf-8')) return `${where} is not in UTF-8; save the file in UTF-8 and run again.`;
  if (message.includes('Maximum line size'))
    return `${where} is longer than 2 MB, so the file is hardly a CSV; fetch it again.`;
  return `${where} can't be read as CSV: line ends or quotes are not the same throughout; save it anew as plain CSV.`;
}

function firstSentence(message: string): string {
  const [first] = message.split('\n', 1);
  return first!.replace(/^[\w ]+ Error: /, '').replace(/[.\s]+$/, '');
}
