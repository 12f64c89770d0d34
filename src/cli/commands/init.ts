import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir, totalmem } from 'node:os';
import { join, relative } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { Option, type Command } from '@commander-js/extra-typings';
import { confFolder } from '../../config/load.js';
import { fileNameOf } from '../../config/schema.js';
import { isRemote } from '../../config/snapshot.js';
import { TASKS } from '../../contracts/task.js';
import type { Finding, Proposal, Wishes } from '../../data/inspect/propose.js';
import { PerdureError } from '../../errors.js';
import { checkName } from '../../names.js';
import { absoluteSource, isAddress } from '../../platform/storage/stores.js';
import { chosenResources } from '../../platform/resources/resources.js';
import { interruption } from '../interruption.js';
import { withExamples } from '../help.js';
import { jsonOption, type JsonOption } from '../options.js';
import { stateFolder } from '../stateFolder.js';
import { print, printJson, say, terminalWidth } from '../terminal.js';

/** `perdure init` */
export function addInit(program: Command, pipelines: string[]): void {
  const command = program
    .command('init')
    .description('look at a CSV and write a pipeline for it')
    .argument('<name>', 'the new pipeline, which becomes a folder in conf/pipelines')
    .requiredOption('--csv <file>', 'the table, with the names of its columns in the first line')
    .requiredOption('--label <column>', 'the column to predict')
    .option('--positive <value>', 'the value of the label that is the positive class; all others are the other')
    .addOption(new Option('--task <task>', 'what the label is (default: what its values say)').choices(TASKS))
    .addOption(
      new Option(
        '--key <column>',
        'a column that tells rows apart; give it again for more (default: what does)',
      ).argParser((value: string, before: string[] = []) => [...before, value]),
    )
    .option('--time <sql>', "the column of a row's day, or SQL that gives it (default: what looks like it)")
    .option('--yes', 'write without asking')
    .addOption(jsonOption())
    .action((name, options) => init(name, options));
  withExamples(command, pipelines, () => [
    ['perdure init loans --csv loans.csv --label grade', 'the rest is decided by what the file holds'],
    ['perdure init churn --csv telco.csv --label Churn --positive Yes --key customerID', 'with what you know better'],
  ]);
}

/**
 * Looks at a CSV, says what it decided and why, and writes the pipeline; at a terminal it asks before.
 * @throws PerdureError `AlreadyExists` for a pipeline that is there, `InputInvalid` or `NotFound` for what can't become one
 */
async function init(name: string, options: { csv: string; yes?: boolean } & Wishes & JsonOption): Promise<void> {
  const conf = confFolder();
  checkName('a pipeline', name);
  if (isRemote(conf))
    throw new PerdureError(
      'ConfigInvalid',
      `A pipeline is written into a folder, and PERDURE_CONF names ${conf}; set it to a folder, and copy the pipeline from there.`,
    );
  const folder = join(conf, 'pipelines', name);
  if (existsSync(folder))
    throw new PerdureError(
      'AlreadyExists',
      `There is a pipeline ${name} already, in ${folder}; choose another name, or remove that folder.`,
    );

  const csv = absoluteSource(options.csv);
  if (isAddress(csv))
    throw new PerdureError(
      'InputInvalid',
      `${csv} is an address, and init looks at a file of this machine; download it and name its path, then write the address into "source" of pipeline.json.`,
    );
  const file = fileNameOf(csv);
  const scratch = await mkdtemp(join(tmpdir(), 'perdure-init-'));
  let proposal: Proposal;
  try {
    const [{ withDuckDb }, { propose }] = await Promise.all([
      import('../../data/duckdb.js'),
      import('../../data/inspect/propose.js'),
    ]);
    const resources = chosenResources({ cpus: availableParallelism(), memory: totalmem() });
    proposal = await withDuckDb({ resources, scratch, signal: interruption() }, (database) =>
      propose(database, csv, file, options),
    );
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }

  const { PIPELINE_SCHEMA } = await import('../../config/jsonSchema.js');
  const text = shortJson({ $schema: PIPELINE_SCHEMA, ...proposal.definition });
  if (!options.json) say(screen(name, proposal, text, Math.min(terminalWidth(process.stderr), 100)));
  if (
    !options.yes &&
    !options.json &&
    process.stdin.isTTY &&
    process.stderr.isTTY &&
    !(await agrees(`Write ${relative('.', folder)}/pipeline.json? [Y/n] `))
  ) {
    say('Nothing was written.');
    return;
  }
  await writeSchemas(conf);
  const written = await write(folder, { 'pipeline.json': text, 'expectations.json': suiteText(proposal.expectations) });
  await linkData(name, file, csv);
  say(`Next: perdure run ${name}`);
  const { definition, ...seen } = proposal;
  if (options.json) printJson({ path: written, config: definition, ...seen });
  else print(relative('.', written));
}

/** Puts the JSON Schemas of this version beside all pipelines, for editors. */
async function writeSchemas(conf: string): Promise<void> {
  const { jsonSchemas, schemaText } = await import('../../config/jsonSchema.js');
  await mkdir(conf, { recursive: true });
  for (const [name, schema] of Object.entries(jsonSchemas())) {
    const aside = join(conf, `.${name}-${process.pid}`);
    await writeFile(aside, schemaText(schema));
    await rename(aside, join(conf, name));
  }
}

/** All files, or none. Returns the path of `pipeline.json`. */
async function write(folder: string, files: Record<string, string>): Promise<string> {
  await mkdir(join(folder, '..'), { recursive: true });
  const aside = await mkdtemp(join(folder, '..', '.init-'));
  try {
    for (const [name, text] of Object.entries(files)) await writeFile(join(aside, name), text);
    await rename(aside, folder);
  } catch (error) {
    await rm(aside, { recursive: true, force: true });
    throw error;
  }
  return join(folder, 'pipeline.json');
}

/** Where a run without --csv finds the file. */
async function linkData(name: string, file: string, csv: string): Promise<void> {
  const data = join(stateFolder(), 'data', name);
  await mkdir(data, { recursive: true });
  await rm(join(data, file), { force: true });
  await symlink(csv, join(data, file));
}

async function agrees(question: string): Promise<boolean> {
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return !/^\s*n/i.test(await lines.question(question, { signal: interruption() }));
  } finally {
    lines.close();
  }
}

/** One line per field, however long its list is. */
function shortJson(definition: Record<string, unknown>): string {
  const fields = Object.entries(definition).map(([name, value]) => `  ${JSON.stringify(name)}: ${spaced(value)}`);
  return `{\n${fields.join(',\n')}\n}\n`;
}

/** One line per expectation. */
function suiteText({ name, expectations }: Proposal['expectations']): string {
  const lines = expectations.map((expectation) => `    ${spaced(expectation)}`);
  return `{\n  "name": ${JSON.stringify(name)},\n  "expectations": [\n${lines.join(',\n')}\n  ]\n}\n`;
}

function spaced(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(spaced).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  return `{ ${Object.entries(value)
    .map(([key, field]) => `${JSON.stringify(key)}: ${spaced(field)}`)
    .join(', ')} }`;
}

/** What was decided and why, what to look at, and the file, in lines of at most `width` characters. */
export function screen(
  name: string,
  { decisions, remarks, suspects, definition }: Proposal,
  text: string,
  width: number,
): string {
  const dropped = (definition.drop ?? []) as string[];
  const all = [...dropped, ...suspects.flatMap(({ columns }) => columns)];
  return [
    `${name}: what was decided, by all rows of the file`,
    ...decisions.flatMap((finding) => rowOf(finding, width)),
    ...(remarks.length > 0 ? ['', 'To know'] : []),
    ...remarks.flatMap((finding) => rowOf(finding, width)),
    ...(suspects.length > 0 ? ['', 'May not be known in time, or hold the answer (nothing is dropped by itself)'] : []),
    ...suspects.flatMap(({ columns, reason }) =>
      rowOf({ topic: 'suspect', text: `${columns.join(', ')}: ${reason}` }, width),
    ),
    ...(suspects.length > 0 ? rowOf({ topic: 'to drop', text: `"drop": ${spaced([...new Set(all)])}` }, width) : []),
    '',
    ...text
      .trimEnd()
      .split('\n')
      .flatMap((line) => folded(line, width, 4)),
    '',
  ].join('\n');
}

const MARGIN = 18;

function rowOf({ topic, text }: Finding, width: number): string[] {
  const [first = '', ...more] = folded(text, width - MARGIN, 0);
  return [`  ${topic.padEnd(MARGIN - 2)}${first}`, ...more.map((line) => `${' '.repeat(MARGIN)}${line}`)];
}

/** A text in lines that break between words. */
function folded(text: string, width: number, indent: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(/(?<=\S) +/)) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(lines.length === 0 ? word : `${' '.repeat(indent)}${word}`);
  }
  return lines;
}
