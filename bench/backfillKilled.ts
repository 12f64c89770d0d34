import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { confFolder, loadPipeline } from '../src/config/load.js';
import { openStores } from '../src/platform/storage/stores.js';
import { readTimeline } from '../src/registry/timeline.js';
import { backfillArgs, loans, NO_LOANS, PIPELINE, undisturbedFolder, WEEKS } from './backfill.js';
import { kill, leftBehind, startCommand } from './killedRun.js';
import type { Section } from './section.js';
import { differences, storedObjects } from './storedObjects.js';

/** The week in which everything is killed, from 1. */
const KILLED_IN = 80;
/** From the end of the week before it: its processing, evaluation or inference is at work. */
const INTO_THE_WEEK_MS = 300;
const POLL_MS = 50;

/** Three years of credit scoring, killed on the way and started again, beside an undisturbed run of the same. */
export const backfillKilled: Section = {
  title: `Backfill killed: SIGKILL to the command, its server and its workers in week ${KILLED_IN} of ${WEEKS}, and the same command again`,
  async run(_pipeline, temporary, tell) {
    const csv = loans();
    if (!csv) return [NO_LOANS];
    const calm = await undisturbedFolder(temporary);
    const folder = join(dirname(calm), 'killed');
    await mkdir(folder, { recursive: true });
    const asked = { conf: confFolder(), args: backfillArgs(csv) };

    const weeksDone = await weeksOf(folder);

    tell(`${KILLED_IN - 1} weeks`);
    const command = startCommand({ folder, ...asked });
    while ((await weeksDone()) < KILLED_IN - 1 && command.child.exitCode === null) await sleep(POLL_MS);
    await sleep(INTO_THE_WEEK_MS);
    const { pids } = await kill(command, 'together');
    const before = await weeksDone();
    const left = await leftBehind(pids);

    tell(`weeks ${before + 1} to ${WEEKS}, by the same command`);
    const again = await startCommand({ folder, ...asked }).ended;
    if (again.code !== 0) return [`The command that was started again ended with ${again.code}: ${again.stderr}`];

    if ((await (await weeksOf(calm))()) < WEEKS) {
      tell(`${WEEKS} weeks, undisturbed`);
      const undisturbed = await startCommand({ folder: calm, ...asked }).ended;
      if (undisturbed.code !== 0)
        return [`The undisturbed command ended with ${undisturbed.code}: ${undisturbed.stderr}`];
    }
    tell('comparing what they left');
    const [wanted, found] = [await storedObjects(calm), await storedObjects(folder)];
    const other = differences(wanted, found);
    return [
      `weeks done when it was killed            ${before}, and ${left.length} of ${pids.length} processes left behind`,
      `objects in the undisturbed store         ${wanted.size}, ${wanted.size - other.length} of them the same but for ids, instants and what was measured`,
      ...other,
    ];
  },
};

/** Tells how many weeks the store below a folder has. */
async function weeksOf(folder: string): Promise<() => Promise<number>> {
  const open = await openStores(join(folder, '.perdure', 'store'));
  const { modelRegistry } = open(await loadPipeline(PIPELINE));
  return async () => (await readTimeline(modelRegistry))?.periods.length ?? 0;
}
