import { join } from 'node:path';
import type { Pipeline } from '../config/load.js';
import type { ColumnType } from '../config/schema.js';
import { PerdureError } from '../errors.js';
import { makeFolder } from '../platform/storage/folder.js';
import type { ObjectStore } from '../platform/storage/objectStore.js';
import type { StageContext } from '../stages/context.js';
import { readCsvHeader, type CsvHeader } from './csv.js';
import { withDuckDb } from './duckdb.js';
import { asUtf8, type Encoding } from './inspect/encoding.js';
import { sniffCsv } from './inspect/sniff.js';
import { readManifest, type SourceEntry } from './layers.js';

/** How a source is read: what `pipeline.json` says of it, or what was found by reading it whole. */
export interface SourceReading {
  columns: Record<string, ColumnType>;
  null_values: string[];
  delimiter?: string;
  quote?: string;
  encoding?: Encoding;
  /** `strptime` format of days and moments that aren't written as 2005-12-31. */
  date_format?: string;
  /** Set where numbers have a decimal comma. */
  decimal?: ',';
}

/** A source at hand: a local path under which DuckDB can read it. */
export interface OpenSource {
  path: string;
  header: CsvHeader;
  reading: SourceReading;
  /** Whether the reading was found in the source. */
  found: boolean;
}

/** A pipeline whose columns are those that were found, where it leaves them to its source. */
export function withReading(pipeline: Pipeline, reading: SourceReading | undefined): Pipeline {
  if (!reading || !pipeline.definition.source.findsColumns) return pipeline;
  const { definition } = pipeline;
  return {
    ...pipeline,
    definition: {
      ...definition,
      source: { ...definition.source, columns: reading.columns, null_values: reading.null_values },
    },
  };
}

/** A pipeline with the columns that its source had when it was last read, where `pipeline.json` leaves them to it. */
export async function completed(pipeline: Pipeline, datamart: ObjectStore): Promise<Pipeline> {
  return pipeline.definition.source.findsColumns
    ? withReading(pipeline, (await readManifest(datamart, 'bronze')).source?.reading)
    : pipeline;
}

/**
 * Opens a source for reading. Where the columns are its own they are found by reading it whole, unless partitions of an
 * earlier file stay: then they have to fit those.
 *
 * @param last the source that was read last
 * @throws PerdureError `InputInvalid` for what is no CSV, or lacks a column
 */
export async function openSource(
  context: StageContext,
  pipeline: Pipeline,
  path: string,
  last: SourceEntry | undefined,
  replace: boolean,
): Promise<OpenSource> {
  const reading = await readingOf(context, pipeline, path, last, replace);
  const header = await readCsvHeader(path, Object.keys(reading.columns), reading);
  const folder = join(context.scratch, 'source');
  await makeFolder(folder);
  return {
    path: await asUtf8(path, reading.encoding ?? 'utf-8', folder),
    header,
    reading,
    found: pipeline.definition.source.findsColumns,
  };
}

/**
 * Opens a CSV of labels, whose columns are always found by reading it whole.
 *
 * @param wanted columns that it must have
 * @param types of columns that another file has too, and by which they are compared
 * @throws PerdureError `InputInvalid` for what is no CSV, or lacks a column
 */
export async function openLabels(
  context: StageContext,
  path: string,
  wanted: string[],
  types: Record<string, ColumnType>,
): Promise<Omit<OpenSource, 'found'>> {
  const reading = await foundReading(context, path, []);
  reading.columns = { ...reading.columns, ...types };
  const header = await readCsvHeader(path, wanted, reading);
  const folder = join(context.scratch, 'labels');
  await makeFolder(folder);
  return { path: await asUtf8(path, reading.encoding ?? 'utf-8', folder), header, reading };
}

async function readingOf(
  context: StageContext,
  pipeline: Pipeline,
  path: string,
  last: SourceEntry | undefined,
  replace: boolean,
): Promise<SourceReading> {
  const { source, partition } = pipeline.definition;
  if (!source.findsColumns) return { columns: source.columns, null_values: source.null_values };
  if (last?.reading && partition.by !== 'none' && !replace) return last.reading;
  return foundReading(context, path, source.null_values);
}

async function foundReading(context: StageContext, path: string, known: string[]): Promise<SourceReading> {
  const { columns, nullValues, delimiter, quote, encoding, dateFormat, decimal } = await withDuckDb(
    context,
    (database) => sniffCsv(database, path),
  );
  if (Object.keys(columns).length === 0)
    throw new PerdureError('InputInvalid', `${path} names no column in its header; give a CSV with a header line.`);
  return {
    columns,
    null_values: [...new Set([...known, ...nullValues])],
    delimiter,
    quote,
    encoding,
    ...(dateFormat !== undefined && { date_format: dateFormat }),
    ...(decimal && { decimal }),
  };
}
