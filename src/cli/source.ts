import { mkdir, realpath, stat } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import type { Pipeline } from '../config/load.js';
import { fileNameOf } from '../config/schema.js';
import { bronzeFiles } from '../data/bronzeFiles.js';
import { readCsvHeader } from '../data/csv.js';
import { manifestKey, rawKey, readManifestToWrite } from '../data/layers.js';
import { generateCsv } from '../data/synthetic.js';
import { PerdureError } from '../errors.js';
import { absoluteSource, isAddress, openStores } from '../platform/storage/stores.js';
import { stateFolder } from './stateFolder.js';
import { countOf, say } from './terminal.js';

/**
 * Looks at the file that was given for a run, and returns its absolute path. At an address, such as
 * `s3://bucket/raw/file.csv`, the workers look.
 *
 * @throws PerdureError `InputInvalid` where it is missing or short of a column
 */
export async function checkCsv({ definition }: Pipeline, csv: string): Promise<string> {
  const path = absoluteSource(csv);
  if (isAddress(path)) return path;
  await readCsvHeader(path, Object.keys(definition.source.columns));
  return path;
}

/**
 * The raw data of a run that was given none: `undefined` where the workers know what was read last or have a raw file
 * in the store, else the file that the pipeline was made for, else generated data.
 */
export async function defaultSource(pipeline: Pipeline, storeRoot: string): Promise<string | undefined> {
  const { datamart } = (await openStores(storeRoot))(pipeline);
  const manifest = await readManifestToWrite(datamart, 'bronze');
  if (manifest?.source || (await datamart.head(rawKey(pipeline.definition.source.file)))) return undefined;
  if (
    !manifest &&
    ((await datamart.head(manifestKey('bronze'))) || (await bronzeFiles(pipeline, datamart)).length > 0)
  ) {
    throw new PerdureError(
      'InputInvalid',
      `${datamart.uri(manifestKey('bronze'))}, which says what CSV was read last, is gone or damaged; name that CSV with --csv, and data processing writes it anew.`,
    );
  }
  const { path } = pipeline.definition.source;
  if (path !== undefined) return checkCsv(pipeline, await ownCsv(pipeline, 'source', path));
  say('Data: none was given or read before, so some is generated; --csv takes a real file.');
  return generateData(pipeline);
}

/**
 * The labels of a run, where `pipeline.json` has them in a second file: `undefined` where the workers know which were read
 * last or have a raw file in the store.
 *
 * @param asked the file that was given, if one was
 * @throws PerdureError `InputInvalid` where there is no such file, or the pipeline has no second one
 */
export async function labelsOf(
  pipeline: Pipeline,
  storeRoot: string,
  asked: string | undefined,
): Promise<string | undefined> {
  const { labels } = pipeline.definition;
  if (!labels) {
    if (asked === undefined) return undefined;
    throw new PerdureError(
      'InputInvalid',
      `The labels of ${pipeline.definition.name} are in its source; leave --labels out, or give pipeline.json "labels": {"file": ..., "on": ...}.`,
    );
  }
  if (asked !== undefined) {
    const path = absoluteSource(asked);
    if (!isAddress(path)) await readCsvHeader(path, []);
    return path;
  }
  const { datamart } = (await openStores(storeRoot))(pipeline);
  const manifest = await readManifestToWrite(datamart, 'bronze');
  if (manifest?.labels || (await datamart.head(rawKey(fileNameOf(labels.file))))) return undefined;
  return ownCsv(pipeline, 'labels', labels.file);
}

/** A CSV that `pipeline.json` names by its path: from the pipeline's folder, from the present one, or where `perdure init` found it. */
async function ownCsv(pipeline: Pipeline, what: 'source' | 'labels', path: string): Promise<string> {
  const { address } = pipeline;
  if (isAddress(path)) return path;
  const paths = [...new Set([...(isAddress(address) ? [] : [resolve(address, path)]), resolve(path)])];
  for (const candidate of [...paths, join(dataFolder(pipeline), fileNameOf(path))]) {
    if (
      await stat(candidate).then(
        (found) => found.isFile(),
        () => false,
      )
    )
      return realpath(candidate);
  }
  throw new PerdureError(
    'InputInvalid',
    `pipeline.json of ${address} names the ${what} ${path}, and there is no file ${paths.join(' or ')}; correct "${what}", or give the file with --${what === 'source' ? 'csv' : 'labels'}.`,
  );
}

/** Writes the pipeline's synthetic data, the same bytes every time, and returns its path. */
export async function generateData(pipeline: Pipeline): Promise<string> {
  const { name, source } = pipeline.definition;
  if (!source.synthetic) {
    throw new PerdureError('InputInvalid', `The pipeline ${name} describes no synthetic data; give a file with --csv.`);
  }
  const path = join(dataFolder(pipeline), `synthetic_${source.file}`);
  await mkdir(dirname(path), { recursive: true });
  const { rows } = await generateCsv(pipeline, path);
  say(`Data: ${countOf(rows, 'row')} generated into ${relative('.', path)}`);
  return path;
}

/** Where generated and downloaded raw data of a pipeline lies. */
export function dataFolder({ definition }: Pipeline): string {
  return join(stateFolder(), 'data', definition.name);
}
