import { resolve } from 'node:path';
import type { Pipeline } from '../config/load.js';
import { readCsvHeader } from '../data/csv.js';
import { readManifest } from '../data/layers.js';
import { folderStores } from '../stages/createContext.js';

/**
 * The raw data of a run, looked at before anything starts: the file given, else `undefined` for what was read last, else
 * generated data.
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
  return undefined;
}
