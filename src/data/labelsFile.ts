import { join } from 'node:path';
import { INTERNAL, isAmong } from '../config/columns.js';
import type { Pipeline } from '../config/load.js';
import { fileNameOf } from '../config/schema.js';
import { countOf, listOf, type LabelCounts } from '../contracts/index.js';
import { PerdureError } from '../errors.js';
import { sha256File } from '../platform/storage/checksum.js';
import { localFileOr } from '../platform/storage/lost.js';
import { diskError } from '../platform/files/diskError.js';
import type { ObjectStore } from '../platform/storage/objectStore.js';
import { absoluteSource, isAddress } from '../platform/storage/stores.js';
import type { Workspace } from './workspace.js';
import { badValue, isBadValue, readCsvSql } from './csv.js';
import { columnsOf, identifier, literal, readParquetSql, sameKeySql, withDuckDb, type Database } from './duckdb.js';
import { fingerprint } from './layerSql.js';
import { LayerWriter } from './layerWriter.js';
import { rawKey, readManifest, tableFiles, tableOf, type LabelsEntry, type LayerManifest } from './layers.js';
import { openLabels } from './sourceReading.js';

/** The relation in which a label store's SQL finds the labels of a second file. */
export const LABELS = 'labels';

/** Which file of labels is meant. */
export interface LabelsAsked {
  /** A path or an address; by default the one that was read last, else the pipeline's own in the store's `raw/` folder. */
  labels?: string;
  /** Whether the file is all that is known, rather than more of it. */
  replace?: boolean;
}

/** What bronze holds of labels, and whether that is what the file says. */
interface Found {
  given: string | undefined;
  path: string;
  checksum: string;
  etag?: string;
  last: LabelsEntry | undefined;
  current: boolean;
}

/**
 * Keeps the labels of a second file beside bronze, a row per key. They may come later than the rows that they are of, and
 * earlier. A later file adds to what is known and corrects it; labels that it doesn't name stay. What is kept is in the
 * order of the keys, so that the same labels give the same bytes.
 *
 * @returns `undefined` for a pipeline that has its labels in its source
 * @throws PerdureError `InputInvalid` for a file that is absent or lacks a column, and for keys with two labels
 */
export async function takeLabels(
  context: Workspace,
  pipeline: Pipeline,
  datamart: ObjectStore,
  asked: LabelsAsked,
): Promise<LabelCounts | undefined> {
  const { labels } = pipeline.definition;
  if (!labels) return undefined;
  const manifest = await readManifest(datamart, 'bronze');
  const found = await find(pipeline, datamart, manifest, asked);
  const { given, checksum, etag, last } = found;
  if (found.current && last) return countsOf(last);
  const recipe = recipeOf(pipeline);
  const kept = last?.recipe === recipe ? last : undefined;
  const entry = await withDuckDb(
    context,
    async (database): Promise<LabelsEntry> => {
      const store = async (): Promise<LabelsEntry['object']> => {
        await readIncoming(context, database, pipeline, found.path);
        const before = kept && !asked.replace ? await openObject(datamart, kept) : undefined;
        const file = join(context.scratch, 'labels.parquet');
        const rows = await writeMerged(database, Object.keys(labels.on), before, file);
        const key = `bronze/labels_${(await sha256File(file)).slice(0, 32)}.parquet`;
        const { checksum, size } = await datamart.upload(file, key);
        return { key, checksum, size, rows };
      };
      const object = kept && kept.checksum === checksum && !asked.replace ? kept.object : await store();
      const path = await openObject(datamart, { object });
      return {
        ...(given === undefined ? {} : { path: given }),
        checksum,
        ...(etag === undefined ? {} : { etag }),
        recipe,
        object,
        bronze: bronzeOf(manifest),
        ...(await placesOf(database, pipeline, datamart, path)),
      };
    },
    { threads: 1 },
  );
  const writer = await LayerWriter.open(datamart, 'bronze');
  await writer.commit({ labels: entry });
  return countsOf(entry);
}

/** Whether the labels that bronze holds are those that a run would take; `false` also where that can't be told from here. */
export async function labelsAreTaken(pipeline: Pipeline, datamart: ObjectStore, asked: LabelsAsked): Promise<boolean> {
  if (!pipeline.definition.labels) return true;
  const manifest = await readManifest(datamart, 'bronze');
  const { labels: last } = manifest;
  const named = asked.labels ?? last?.path ?? ownAddress(pipeline);
  const given = named === undefined ? undefined : absoluteSource(named);
  if (!last || last.path !== given || asked.replace) return false;
  if (given === undefined || isAddress(given)) return (await find(pipeline, datamart, manifest, asked)).current;
  const checksum = await sha256File(given).catch(() => undefined);
  return checksum !== undefined && (await find(pipeline, datamart, manifest, asked, checksum)).current;
}

/** The labels that were taken, as bronze's manifest has them. Throws `NotFound` where none were. */
export async function labelsEntry({ definition }: Pipeline, datamart: ObjectStore): Promise<LabelsEntry | undefined> {
  if (!definition.labels) return undefined;
  const { labels } = await readManifest(datamart, 'bronze');
  if (labels) return labels;
  throw new PerdureError(
    'NotFound',
    `Bronze holds no labels of ${definition.labels.file} yet; run data processing, which reads them.`,
  );
}

/** Makes the labels known to SQL under the name {@link LABELS}. Throws `ObjectCorrupt` where they are lost. */
export async function openLabelsTable(database: Database, datamart: ObjectStore, entry: LabelsEntry): Promise<void> {
  const path = await openObject(datamart, entry);
  await database.run(`CREATE OR REPLACE TEMP VIEW ${LABELS} AS SELECT * FROM ${readParquetSql([path])}`);
}

/** The labels' local file. Where it is lost, no run can make it again: it holds what all files said that were read. */
function openObject(datamart: ObjectStore, { object }: Pick<LabelsEntry, 'object'>): Promise<string> {
  return localFileOr(
    datamart,
    object,
    ', which held the labels, is gone or not what was written; give a file that has all of them and ask to replace (--replace, or "replace": true).',
  );
}

function countsOf({ object, unknown }: LabelsEntry): LabelCounts {
  return { rows: object.rows, unknown };
}

/** The address that `pipeline.json` names its labels by, where it does; a path is one of the machine that a command is given on. */
function ownAddress({ definition: { labels } }: Pipeline): string | undefined {
  return labels && isAddress(labels.file) ? labels.file : undefined;
}

/** @param known SHA-256 of the file that is meant, where it was computed already */
async function find(
  pipeline: Pipeline,
  datamart: ObjectStore,
  manifest: LayerManifest,
  { labels: asked, replace }: LabelsAsked,
  known?: string,
): Promise<Found> {
  const { file } = pipeline.definition.labels!;
  const last = manifest.labels;
  const named = asked ?? last?.path ?? ownAddress(pipeline);
  const given = named === undefined ? undefined : absoluteSource(named);
  const key = given === undefined ? rawKey(fileNameOf(file)) : isAddress(given) ? datamart.key(given) : undefined;
  const head = key === undefined ? undefined : await datamart.head(key);
  if (key !== undefined && !head)
    throw new PerdureError(
      'InputInvalid',
      `There are no labels at ${datamart.uri(key)}; name the file that has them with --labels.`,
    );
  const path = key === undefined ? given! : await datamart.localFile(key);
  const checksum =
    known ??
    (await sha256File(path).catch((error: unknown) => {
      throw diskError(error, path);
    }));
  const current =
    last !== undefined &&
    !replace &&
    last.path === given &&
    last.checksum === checksum &&
    last.recipe === recipeOf(pipeline) &&
    last.bronze === bronzeOf(manifest) &&
    (await datamart.head(last.object.key)) !== undefined &&
    !(await datamart.isChanged(last.object.key, last.object.checksum));
  return { given, path, checksum, ...(head && { etag: head.etag }), last, current };
}

/** Fingerprint of what decides which columns are kept of a file. */
function recipeOf({ definition: { labels, labelSource, source } }: Pipeline): string {
  const on = Object.entries(labels!.on);
  return fingerprint(
    on,
    on.map(([column]) => source.columns[column] ?? null),
    labelSource ?? null,
  );
}

/** Fingerprint of the rows that labels are sought of. */
function bronzeOf({ partitions }: LayerManifest): string {
  return fingerprint(Object.entries(partitions).map(([name, entry]) => [name, tableOf(entry, 'bronze').checksum]));
}

/** Fills the table `INTERNAL.labels` with a row per key of the file: its keys under the source's names, and its other columns. */
async function readIncoming(
  context: Workspace,
  database: Database,
  { definition }: Pipeline,
  path: string,
): Promise<void> {
  const { labels, labelSource, source } = definition;
  const on = Object.entries(labels!.on);
  const label = labelSource && 'column' in labelSource ? labelSource.column : undefined;
  const types = Object.fromEntries(
    on.flatMap(([column, name]) => (source.columns[column] ? [[name, source.columns[column]]] : [])),
  );
  const wanted = [...on.map(([, name]) => name), ...(label === undefined ? [] : [label])];
  const opened = await openLabels(context, path, wanted, types);
  const others = (label === undefined ? Object.keys(opened.reading.columns) : [label]).filter(
    (name) => !isAmong(Object.values(labels!.on), name),
  );
  if (others.length === 0)
    throw new PerdureError(
      'InputInvalid',
      `${path} has no column beside ${wanted.join(', ')}; give a file that has the labels too.`,
    );
  const keys = on.map(([column, name]) => `${identifier(name)} AS ${identifier(column)}`);
  const { rows, labels: incoming } = INTERNAL;
  await database
    .run(
      `CREATE OR REPLACE TEMP TABLE ${rows} AS SELECT ${[...keys, ...others.map(identifier)].join(', ')} FROM (${readCsvSql(opened.path, opened.header, opened.reading)})`,
      { csv: path },
    )
    .catch(async (error: unknown) => {
      throw isBadValue(error)
        ? await badValue(database, path, opened.path, opened.header, opened.reading, true)
        : error;
    });
  const names = on.map(([column]) => identifier(column));
  const differing = others.map((name) => `count(DISTINCT ${identifier(name)}) > 1`);
  /** The first column that differs, by its least or greatest value. */
  const example = (pick: 'min' | 'max') =>
    `CASE ${others.map((name, i) => `WHEN ${differing[i]} THEN ${pick}(CAST(${identifier(name)} AS VARCHAR))`).join(' ')} END`;
  const [conflict] = await database.rows<{ key: string; one: string; other: string; keys: bigint }>(
    `SELECT ${names.map((name) => `coalesce(CAST(${name} AS VARCHAR), 'nothing')`).join(` || ', ' || `)} AS key, ${example('min')} AS one, ${example('max')} AS other, count(*) OVER () AS keys
      FROM ${rows} GROUP BY ${names.join(', ')} HAVING ${differing.join(' OR ')} ORDER BY ${names.join(', ')} LIMIT 1`,
  );
  if (conflict) {
    const more = Number(conflict.keys) - 1;
    throw new PerdureError(
      'InputInvalid',
      `${path} says more than one thing of ${on.map(([, name]) => name).join(', ')} ${conflict.key} (${conflict.one} and ${conflict.other})${more > 0 ? ` and of ${countOf(more, 'other key')}` : ''}; leave one row of each in the file.`,
    );
  }
  await database.run(
    `CREATE OR REPLACE TEMP TABLE ${incoming} AS SELECT ${names.join(', ')}, ${others.map((name) => `any_value(${identifier(name)}) AS ${identifier(name)}`).join(', ')} FROM ${rows} GROUP BY ${names.join(', ')}`,
  );
}

/** Writes what was known before, where the new labels don't say otherwise, and these. Returns the number of rows. */
async function writeMerged(
  database: Database,
  on: string[],
  before: string | undefined,
  file: string,
): Promise<number> {
  const { labels } = INTERNAL;
  const known =
    before === undefined
      ? ''
      : ` UNION ALL BY NAME SELECT * FROM ${readParquetSql([before])} AS known ANTI JOIN ${labels} ON ${sameKeySql(on, 'known', labels)}`;
  const [written] = await database.rows<{ Count: bigint }>(
    `COPY (SELECT * FROM (SELECT * FROM ${labels}${known}) ORDER BY ${on.map(identifier).join(', ')}) TO ${literal(file)} (FORMAT parquet)`,
  );
  return Number(written!.Count);
}

/** Which labels each partition of bronze has, as a digest by its name, and how many are of no row. */
async function placesOf(
  database: Database,
  pipeline: Pipeline,
  datamart: ObjectStore,
  labels: string,
): Promise<Pick<LabelsEntry, 'partitions' | 'unknown'>> {
  const on = Object.keys(pipeline.definition.labels!.on);
  const files = (await tableFiles(datamart, 'bronze', 'bronze')).filter(({ rows }) => rows > 0);
  const known = readParquetSql([labels]);
  if (files.length === 0) {
    const [all] = await database.rows<{ rows: bigint }>(`SELECT count(*) AS rows FROM ${known}`);
    return { partitions: {}, unknown: Number(all!.rows) };
  }
  const given = await columnsOf(database, readParquetSql([files[0]!.path]));
  const lacking = on.find((name) => !isAmong(given, name));
  if (lacking !== undefined)
    throw new PerdureError(
      'ConfigInvalid',
      `"labels.on" of pipeline.json names ${lacking}, which the rows don't have (they have ${listOf(given)}); name columns of the source.`,
    );
  const rows = readParquetSql(
    files.map(({ path }) => path),
    { file: true },
  );
  const text = (await columnsOf(database, known))
    .map((name) => `coalesce(CAST(known.${identifier(name)} AS VARCHAR), '')`)
    .join(', ');
  const found = await database.rows<{ path: string; digest: string }>(
    `SELECT own.${INTERNAL.file} AS path, CAST(sum(CAST(md5_number_lower(concat_ws(chr(31), ${text})) AS HUGEINT)) AS VARCHAR) AS digest
      FROM ${rows} AS own JOIN ${known} AS known ON ${sameKeySql(on, 'own', 'known', '=')} GROUP BY ALL`,
  );
  const digests = new Map(found.map(({ path, digest }) => [path, digest]));
  const [unknown] = await database.rows<{ rows: bigint }>(
    `SELECT count(*) AS rows FROM ${known} AS known ANTI JOIN ${rows} AS own ON ${sameKeySql(on, 'own', 'known', '=')}`,
  );
  return {
    partitions: Object.fromEntries(files.map(({ partition, path }) => [partition, digests.get(path) ?? ''])),
    unknown: Number(unknown!.rows),
  };
}
