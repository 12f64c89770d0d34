// npm run mutation -- [--minutes N] [--mutants N] [--seed N] [--concurrency N] [ROOM...]
// Changes the code of the rooms that need no server, one small change (a mutant) at a time, and counts the changes that
// their tests notice. A room has hundreds of mutants; a random sample stands for them, and the seed says which.
import { readFileSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { setTimeout as sleep } from 'node:timers/promises';
import type { LogLevel, MutantResult, MutantStatus } from '@stryker-mutator/api/core';
import type { Logger } from '@stryker-mutator/api/logging';
import { Stryker } from '@stryker-mutator/core';
import { Instrumenter, type File } from '@stryker-mutator/instrumenter';
import { messageOf } from '../../src/errors.js';
import { Mt19937 } from '../../src/ml/mt19937.js';
import { codeOf, ROOMS, testsOf, type Room } from './rooms.js';
import { keyOf, results, SAMPLE, type Place } from './sample.js';

/** Share of a room's mutants, in percent, that its tests are to notice. */
const AIM = 90;
/** Copies of the code, of this run alone. */
const WORK = join('.stryker-tmp', String(process.pid));

const USAGE = `npm run mutation -- [--minutes N] [--mutants N of each room] [--seed N] [--concurrency N] [ROOM...]
Rooms: ${Object.keys(ROOMS).join(', ')}.`;

const sources = new Map<string, string[]>();

/** Measures the rooms one after another; ends with 1 where one is below the aim, or was not measured whole. */
async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      minutes: { type: 'string', default: '60' },
      mutants: { type: 'string', default: '40' },
      seed: { type: 'string', default: '1' },
      concurrency: { type: 'string', default: '2' },
    },
  });
  const [minutes, mutants, seed, concurrency] = [values.minutes, values.mutants, values.seed, values.concurrency].map(
    positive,
  ) as [number, number, number, number];
  const unknown = positionals.filter((name) => !(name in ROOMS));
  if (unknown.length > 0) throw new Error(`There is no room ${unknown.join(', ')}.`);
  const rooms = positionals.length > 0 ? positionals : Object.keys(ROOMS);

  const deadline = AbortSignal.timeout(minutes * 60_000);
  let short = false;
  for (const name of rooms) {
    const room = ROOMS[name]!;
    const { all, drawn } = await sampleOf(room, mutants, seed);
    const sample = new Set(drawn.map((mutant) => keyOf(mutant, 0)));
    results.length = 0;
    if (!deadline.aborted) {
      // Stryker can't be cancelled: at the deadline it is left, and ends with this process.
      await Promise.race([
        testMutants(room, drawn, concurrency),
        sleep(2 ** 31 - 1, undefined, { signal: deadline, ref: false }).catch(() => undefined),
      ]);
    }
    if (!report(name, all, sample)) short = true;
  }
  if (deadline.aborted)
    console.log(
      `The ${minutes} minutes are over. What was not tried counts as nothing; give more --minutes, fewer --mutants, or name a room.`,
    );
  process.exit(short ? 1 : 0);
}

/** Some mutants of a room, drawn by the seed, and how many it has in all. */
async function sampleOf(room: Room, size: number, seed: number): Promise<{ all: number; drawn: Place[] }> {
  const files: File[] = codeOf(room).map((name) => ({
    name: join(process.cwd(), name),
    content: readFileSync(name, 'utf8'),
    mutate: true,
  }));
  const { mutants } = await new Instrumenter(SILENT).instrument(files, {
    plugins: null,
    excludedMutations: [],
    ignorers: [],
  });
  const left = [...mutants];
  const random = new Mt19937(seed);
  const drawn = Array.from(
    { length: Math.min(left.length, size) },
    () => left.splice(random.integer(left.length - 1), 1)[0]!,
  );
  return { all: mutants.length, drawn };
}

/** Runs the room's tests against each mutant of the sample; `results` has what came of it. */
async function testMutants(room: Room, drawn: Place[], concurrency: number): Promise<void> {
  process.env.MUTATION_TESTS = (await testsOf(room)).join(',');
  const stryker = new Stryker({
    mutate: drawn.map(rangeOf),
    plugins: ['@stryker-mutator/vitest-runner', fileURLToPath(new URL('./sample.js', import.meta.url))],
    checkers: [SAMPLE],
    reporters: [SAMPLE],
    [SAMPLE]: drawn.map((mutant) => keyOf(mutant, 0)),
    testRunner: 'vitest',
    vitest: { configFile: 'test/mutation/vitest.config.ts', related: false },
    coverageAnalysis: 'perTest',
    concurrency,
    // Endless loops are noticed sooner, by their hits; on a busy machine a slow test must not pass for one.
    timeoutMS: 60_000,
    dryRunTimeoutMinutes: 60,
    fileLogLevel: 'off' as LogLevel,
    logLevel: 'error' as LogLevel,
    allowConsoleColors: false,
    ignorePatterns: ['/deploy', '/test/replay', '/test/integration', '.perdure', '.stryker-tmp'],
    tempDirName: WORK,
  });
  await stryker.runMutationTest();
}

/**
 * A mutant's place, as Stryker reads it: nothing else of the file is prepared for mutants, each of which slows the code
 * down by a question at each pass. Loops of the learning room take many times as long with one at each operator.
 */
function rangeOf({ fileName, location: { start, end } }: Place): string {
  const path = relative(process.cwd(), fileName);
  return `${path}:${start.line + 1}:${start.column}-${end.line + 1}:${end.column}`;
}

/** Prints what came of a room's sample. @returns whether all of it was tried, and enough of it noticed */
function report(name: string, all: number, sample: Set<string>): boolean {
  const tried = results.filter((result) => sample.has(keyOf(result, 1)));
  const of = (...statuses: MutantStatus[]) => tried.filter(({ status }) => statuses.includes(status));
  const killed = of('Killed').length;
  const timeouts = of('Timeout').length;
  const unnoticed = of('Survived', 'NoCoverage');
  const counted = killed + timeouts + unnoticed.length;
  const untried = sample.size - tried.length;
  const rate = (100 * (killed + timeouts)) / counted;

  const facts = [
    `${killed} killed`,
    `${timeouts} ran out of time`,
    `${of('Survived').length} survived`,
    `${of('NoCoverage').length} reached by no test`,
    ...(untried > 0 ? [`${untried} not tried`] : []),
  ];
  const whole = untried === 0 && counted > 0;
  const measured = whole ? `${rate.toFixed(1)}% noticed (aim ${AIM}%)` : 'not measured whole';
  console.log(`${name}: ${measured}; of ${sample.size} of its ${all} mutants: ${facts.join(', ')}`);
  for (const mutant of unnoticed) console.log(`  ${describe(mutant)}`);
  return whole && rate >= AIM;
}

/** Where a mutant is, and what of which text it makes. */
function describe(mutant: MutantResult): string {
  const path = relative(process.cwd(), mutant.fileName);
  if (!sources.has(path)) sources.set(path, readFileSync(path, 'utf8').split('\n'));
  const { start, end } = mutant.location;
  // A result's lines and columns start at 1.
  const lines = sources.get(path)!.slice(start.line - 1, end.line);
  lines.push(lines.pop()!.slice(0, end.column - 1));
  lines.unshift(lines.shift()!.slice(start.column - 1));
  const short = (text: string) => text.replace(/\s+/g, ' ').slice(0, 80);
  return `${path}:${start.line}:${start.column} ${short(lines.join(' '))}  ->  ${short(mutant.replacement ?? '')}${mutant.status === 'NoCoverage' ? '  (no test)' : ''}`;
}

function positive(text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new Error(`${text} is not a number above 0.`);
  return value;
}

const SILENT = new Proxy({} as Logger, { get: () => () => false });

process.on('exit', () => rmSync(WORK, { recursive: true, force: true }));
try {
  await main();
} catch (error) {
  console.error(`${messageOf(error)}\n${USAGE}`);
  process.exit(2);
}
