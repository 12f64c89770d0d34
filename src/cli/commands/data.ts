import { join, relative } from 'node:path';
import type { Command } from '@commander-js/extra-typings';
import { loadPipeline } from '../../config/load.js';
import type { Progress } from '../../contracts/index.js';
import { pipelineArgument, withExamples } from '../help.js';
import { interruption } from '../interruption.js';
import { jsonOption, storeOption, type JsonOption } from '../options.js';
import { print, printJson, say } from '../terminal.js';

/** `perdure data ...` */
export function addData(program: Command, pipelines: string[]): void {
  const data = program.command('data').description('get raw data, and see to rows that break what is expected of them');
  const add = (name: string, description: string) =>
    data
      .command(name)
      .description(description)
      .addArgument(pipelineArgument('<pipeline>', pipelines))
      .addOption(jsonOption());

  const get = add('get', 'download the real data from its public home into .perdure/data').action(
    async (name, options) => tell(name, await downloadData(name), options),
  );
  withExamples(get, pipelines, (pipeline) => [[`perdure data get ${pipeline}`, 'prints the path of the file']]);

  const generate = add(
    'generate',
    'generate data that looks like the real one into .perdure/data; the same every time',
  ).action(async (name, options) => {
    const { generateData } = await import('../source.js');
    tell(name, await generateData(await loadPipeline(name)), options);
  });
  withExamples(generate, pipelines, (pipeline) => [
    [`perdure data generate ${pipeline}`, 'prints the path of the file'],
  ]);

  const rows = add('quarantine', 'the rows that break an expectation: show, export, and take back corrected')
    .option('--csv <file>', 'write them all, with every column and what they break')
    .option('--return <file>', 'take the exported rows back, corrected; the next run checks them as any others')
    .addOption(storeOption())
    .action(async (name, options) => {
      const { quarantine } = await import('../quarantine.js');
      await quarantine(name, options);
    });
  withExamples(rows, pipelines, (pipeline) => [
    [`perdure data quarantine ${pipeline}`, 'how many rows break what, and the first of them'],
    [`perdure data quarantine ${pipeline} --csv bad.csv`, 'all of them, to correct'],
    [`perdure data quarantine ${pipeline} --return bad.csv`, 'what was corrected is taken by the next run'],
  ]);
}

/** Downloads the pipeline's real data; returns its path. */
async function downloadData(name: string): Promise<string> {
  const [{ downloadSource }, { dataFolder }] = await Promise.all([
    import('../../data/download.js'),
    import('../source.js'),
  ]);
  const pipeline = await loadPipeline(name);
  const { file, download } = pipeline.definition.source;
  const path = join(dataFolder(pipeline), file);
  if (download) say(`Data: ${download.url} (${download.licence})`);
  const { downloaded } = await downloadSource(pipeline, path, {
    signal: interruption(),
    report: sparingly(sayMegabytes),
  });
  if (!downloaded) say('Data: the file is there already, and whole.');
  return path;
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
