import { join } from 'node:path';
import type { Pipeline } from '../config/load.js';
import type { ColumnType } from '../config/schema.js';
import { PerdureError } from '../errors.js';
import { makeFolder } from '../platform/storage/folder.js';
import type { ObjectStore } from '../platform/storage/objectStore.js';
import type { Workspace } from './workspace.js';
import { readCsvHeader, type CsvHeader, type SourceReading } from './csv.js';
import { withDuckDb } from './duckdb.js';
import { asUtf8 } from './inspect/encoding.js';
import { showsPoints, sniffCsv, type SniffedCsv } from './inspect/sniff.js';
import { readManifest, type SourceEntry } from './layers.js';

/** A source at hand: a local path under which DuckDB can read it. */
export interface OpenSource {
  path: string;
  header: CsvHeader;
  /** How this file is read. */
  reading: SourceReading;
  /**
   * What stays of it for the files to come, where the reading was found in the source: the columns and their types. A
   * later file may be written otherwise.
   */
  found?: SourceReading;
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
 * @param isLast whether this is that one, read by the same settings: what was found in it stands
 * @throws PerdureError `InputInvalid` for what is no CSV, or lacks a column
 */
export async function openSource(
  context: Workspace,
  pipeline: Pipeline,
  path: string,
  last: SourceEntry | undefined,
  { isLast, replace }: { isLast: boolean; replace: boolean },
): Promise<OpenSource> {
  const { source, partition } = pipeline.definition;
  const { columns, null_values } = source;
  if (!source.findsColumns) return openAs(context, path, Object.keys(columns), { columns, null_values }, 'source');
  // Partitions of an earlier file stay: its columns and types are theirs.
  const stays = partition.by === 'none' || replace ? undefined : last?.reading;
  const known = isLast && !replace ? last?.own : undefined;
  const own = known ?? (await foundReading(context, path, null_values));
  const reading = stays && !known ? await writtenAs(context, path, stays, own) : own;
  return {
    ...(await openAs(context, path, Object.keys(reading.columns), reading, 'source')),
    found: stays ?? reading,
  };
}

/**
 * The columns of an earlier file as another one writes them: its separator, encoding, decimal sign, dates and texts for
 * what is not known. Where that file doesn't show how it writes dates or fractions, it is taken to do so as the earlier one.
 */
async function writtenAs(
  context: Workspace,
  path: string,
  { decimal, ...columns }: SourceReading,
  own: SourceReading,
): Promise<SourceReading> {
  const isComma =
    decimal !== undefined &&
    (own.decimal !== undefined || !(await withDuckDb(context, (database) => showsPoints(database, path, own))));
  const both = (name: 'null_values' | 'no_numbers') => [...new Set([...(columns[name] ?? []), ...(own[name] ?? [])])];
  return {
    ...columns,
    ...(isComma && { decimal }),
    ...own,
    columns: columns.columns,
    null_values: both('null_values'),
    no_numbers: both('no_numbers'),
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
  context: Workspace,
  path: string,
  wanted: string[],
  types: Record<string, ColumnType>,
): Promise<Omit<OpenSource, 'found'>> {
  const reading = await foundReading(context, path, []);
  reading.columns = { ...reading.columns, ...types };
  return openAs(context, path, wanted, reading, 'labels');
}

/** @param name of the folder for the file as UTF-8, where it has another encoding */
async function openAs(
  context: Workspace,
  path: string,
  wanted: string[],
  reading: SourceReading,
  name: string,
): Promise<Omit<OpenSource, 'found'>> {
  const header = await readCsvHeader(path, wanted, reading);
  const folder = join(context.scratch, name);
  await makeFolder(folder);
  return { path: await asUtf8(path, header.encoding, folder), header, reading };
}

async function foundReading(context: Workspace, path: string, known: string[]): Promise<SourceReading> {
  const { header: _, ...reading }: SniffedCsv = await withDuckDb(context, (database) => sniffCsv(database, path));
  if (Object.keys(reading.columns).length === 0)
    throw new PerdureError('InputInvalid', `${path} names no column in its header; give a CSV with a header line.`);
  return { ...reading, null_values: [...new Set([...known, ...reading.null_values])] };
}
