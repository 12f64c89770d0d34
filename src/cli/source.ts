import { mkdir } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { Pipeline } from '../config/load.js';
import { readCsvHeader } from '../data/csv.js';
import { readManifest } from '../data/layers.js';
import { generateCsv } from '../data/synthetic.js';
import { PerdureError } from '../errors.js';
import { folderStores } from '../stages/createContext.js';
import { stateFolder } from './stateFolder.js';
import { countOf, say } from './terminal.js';

/**
 * The raw data of a run, looked at before anything starts: the file given; else none, where the workers know what was
 * read last or have a raw file in the store; else generated data.
 *
 * @throws PerdureError `InputInvalid` for a file that is missing or short of a column
 */
export async function chooseSource(pipeline: Pipeline, storeRoot: string, csv?: string): Promise<string | undefined> {
  if (csv !== undefined) {
    const path = resolve(csv);
    await readCsvHeader(path, Object.keys(pipeline.definition.source.columns));
    return path;
  }
  const { datamart } = folderStores(storeRoot, pipeline);
  const { source } = await readManifest(datamart, 'bronze');
  if (source || (await datamart.head(`raw/${pipeline.definition.source.file}`))) return undefined;
  say('Data: none was given or read before, so some is generated; --csv takes a real file.');
  return generateData(pipeline);
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
  say(`Data: ${countOf(rows, 'row')} generated into ${path}`);
  return path;
}

/** Where generated and downloaded raw data of a pipeline lies. */
export function dataFolder({ definition }: Pipeline): string {
  return join(stateFolder(), 'data', definition.name);
}
