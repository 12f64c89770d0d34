import { join, relative } from 'node:path';
import { loadPipeline } from '../../config/load.js';
import type { Progress } from '../../contracts/index.js';
import { downloadSource } from '../../data/download.js';
import { interruption } from '../interruption.js';
import type { JsonOption } from '../options.js';
import { dataFolder, generateData } from '../source.js';
import { print, printJson, say } from '../terminal.js';

/** Downloads the pipeline's real data and prints its path. */
export async function getData(name: string, options: JsonOption): Promise<void> {
  const pipeline = await loadPipeline(name);
  const { file, download } = pipeline.definition.source;
  const path = join(dataFolder(pipeline), file);
  if (download) say(`Data: ${download.url} (${download.licence})`);
  const { downloaded } = await downloadSource(pipeline, path, {
    signal: interruption(),
    report: sparingly(sayMegabytes),
  });
  if (!downloaded) say('Data: the file is there already, and whole.');
  tell(name, path, options);
}

/** Generates data like the pipeline's real one and prints its path. */
export async function generateDataFile(name: string, options: JsonOption): Promise<void> {
  tell(name, await generateData(await loadPipeline(name)), options);
}

function tell(pipeline: string, path: string, { json }: JsonOption): void {
  say(`Next: perdure run ${pipeline} --csv ${relative('.', path)}`);
  if (json) printJson({ path });
  else print(path);
}

function sayMegabytes({ done, total }: Progress): void {
  const [reached, all] = [done, total].map((bytes) => (bytes / 1e6).toFixed(1));
  say(`Data: ${reached} of ${all} MB`);
}

const INTERVAL_MS = 2_000;

/** Lets progress through every few seconds. */
function sparingly(report: (progress: Progress) => void): (progress: Progress) => void {
  let last = Date.now();
  return (progress) => {
    if (Date.now() - last < INTERVAL_MS) return;
    last = Date.now();
    report(progress);
  };
}
