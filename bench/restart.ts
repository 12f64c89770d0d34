import { randomInt } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { AFTER_ALL, createTinyWorld, MONTHS, TINY, tinyEngines } from '../test/support/tinyPipeline.js';
import { EXIT } from '../src/cli/exitCodes.js';
import { Mt19937 } from '../src/ml/mt19937.js';
import {
  kill,
  leftBehind,
  registryOf,
  startCommand,
  VICTIMS,
  type Command,
  type Registry,
  type Victim,
} from './killedRun.js';
import type { Section } from './section.js';

const POLL_MS = 50;

/** One random moment in each thirtieth of the run, each with the next victim in turn. */
const MOMENTS = 30;

/** A command that lasts this long hangs. */
const HANG_MS = 300_000;

/**
 * The main job after a kill: the command, started again the same way, ends with what an undisturbed one leaves. On data
 * so small that most of a run is what lies around the fits.
 */
export const restart: Section = {
  title: `Restart: perdure run is killed with SIGKILL at ${MOMENTS} random moments, and started again the same way`,
  async run(_pipeline, folder, tell) {
    const engines = tinyEngines();
    const world = await createTinyWorld(engines);
    try {
      world.configure(({ training_config: training }) => (training.hyperparameter_tuning = false));
      const args = ['run', TINY, '--csv', await world.writeCsv(MONTHS), '--as-of', AFTER_ALL];
      return await measure({ conf: process.env.PERDURE_CONF!, pipeline: TINY, args }, folder, tell);
    } finally {
      world.close();
      await engines.close();
    }
  },
};

async function measure(cycle: Omit<Cycle, 'folder'>, folder: string, tell: (what: string) => void): Promise<string[]> {
  const seed = Number(process.env.SEED ?? randomInt(2 ** 32));
  const random = new Mt19937(seed);
  tell(`an undisturbed run; seed ${seed}`);
  const whole = await undisturbed({ ...cycle, folder: await emptyFolder(folder, 'undisturbed') });
  const lines = [
    `undisturbed: ${(whole.ms / 1000).toFixed(1)} s, champion ${whole.registry.champion?.slice(0, 24)}, ${whole.registry.predictions} rows predicted`,
    `seed ${seed}: with SEED=${seed} the moments are at the same shares of the run`,
    HEAD,
  ];
  const outcomes: Outcome[] = [];
  for (let i = 0; i < MOMENTS; i += 1) {
    const victim = VICTIMS[i % VICTIMS.length]!;
    const ms = Math.round(((i + random.integer(999) / 1000) / MOMENTS) * whole.ms);
    const outcome = await killedAt(
      { ...cycle, folder: await emptyFolder(folder, String(i)) },
      victim,
      ms,
      whole.registry,
    );
    outcomes.push(outcome);
    lines.push(row(i + 1, victim, ms, outcome));
    tell(lines.at(-1)!);
    if (!outcome.isRight) tell(outcome.said);
  }
  const well = outcomes.filter(({ isRight }) => isRight).length;
  lines.push(`${well} of ${MOMENTS} end with the registry of an undisturbed run, or say why not`);
  if (well < MOMENTS) throw new Error(lines.join('\n'));
  return lines;
}

interface Cycle {
  folder: string;
  conf: string;
  pipeline: string;
  args: string[];
}

interface Outcome {
  isRight: boolean;
  /** How the killed command ended, how the second one did, and what was left behind. */
  first: string;
  second: string;
  left: string;
  /** What both commands said. */
  said: string;
}

async function emptyFolder(parent: string, name: string): Promise<string> {
  const folder = join(parent, name);
  await mkdir(folder);
  return folder;
}

async function undisturbed(cycle: Cycle): Promise<{ ms: number; registry: Registry }> {
  const began = performance.now();
  const { code, stderr } = await startCommand(cycle).ended;
  if (code !== 0) throw new Error(`The undisturbed run failed: ${stderr}`);
  const ms = performance.now() - began;
  return { ms, registry: await registryOf(cycle.folder, cycle.conf, cycle.pipeline) };
}

async function killedAt(cycle: Cycle, victim: Victim, ms: number, wanted: Registry): Promise<Outcome> {
  const command = startCommand(cycle);
  await Promise.race([sleep(ms), command.ended]);
  // A worker that isn't there yet is killed as soon as it is.
  let { killed, pids } = await kill(command, victim);
  while (!killed && command.child.exitCode === null) {
    await sleep(POLL_MS);
    ({ killed, pids } = await kill(command, victim));
  }
  const first = await endOf(command);
  // At once, as a person would: what is left of the first command is still ending.
  const second = await endOf(startCommand(cycle));
  const left = await leftBehind(pids);
  const isSame = isDeepStrictEqual(await registryOf(cycle.folder, cycle.conf, cycle.pipeline), wanted);
  const sentence = second.stderr.trim().split('\n').at(-1) ?? '';
  const isWell = second.code === EXIT.ok || second.code === EXIT.skipped;
  const saysWhy = !isWell && second.code !== null && sentence.startsWith('perdure: ');
  // One that was not killed itself has started again what was.
  const firstWell =
    first.signal !== null ? killed && (victim === 'command' || victim === 'together') : first.code === EXIT.ok;
  const said = `${first.stderr}\n--- the same again:\n${second.stderr}`;
  return {
    isRight: firstWell && left.length === 0 && !STACK_TRACE.test(said) && (isWell ? isSame : saysWhy),
    first: killed ? (first.signal ?? `exit ${first.code}`) : `not there; exit ${first.code}`,
    second: isWell
      ? `exit ${second.code}, ${isSame ? 'same registry' : 'OTHER REGISTRY'}`
      : `exit ${second.code}: ${sentence}`,
    left: left.length === 0 ? 'nothing' : `${left.length} processes`,
    said,
  };
}

const STACK_TRACE = /^ +at /m;

/** How a command ended; one that hangs is killed, and so ends by a signal. */
async function endOf(command: Command): Promise<Awaited<Command['ended']>> {
  const timer = setTimeout(() => command.child.kill('SIGKILL'), HANG_MS);
  try {
    return await command.ended;
  } finally {
    clearTimeout(timer);
  }
}

const HEAD = `${'#'.padStart(2)} ${'killed'.padEnd(16)} ${'after'.padStart(7)}  ${'the killed command'.padEnd(22)} ${'the same again'.padEnd(24)} left behind`;

function row(number: number, victim: Victim, ms: number, { first, second, left }: Outcome): string {
  return `${String(number).padStart(2)} ${victim.padEnd(16)} ${`${(ms / 1000).toFixed(1)} s`.padStart(7)}  ${first.padEnd(22)} ${second.padEnd(24)} ${left}`;
}
