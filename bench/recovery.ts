import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { WorkflowHandle } from '@temporalio/client';
import { requiredTsToMs } from '@temporalio/common/lib/time.js';
import proto from '@temporalio/proto';
import { startWorkflow } from '../src/client.js';
import { loadPipeline } from '../src/config/load.js';
import { generateCsv } from '../src/data/synthetic.js';
import { connectClient } from '../src/platform/temporal/connection.js';
import { startStack } from '../src/platform/temporal/stack.js';
import type { Section } from './section.js';

type History = Awaited<ReturnType<WorkflowHandle['fetchHistory']>>;

const { PENDING_ACTIVITY_STATE_STARTED: STARTED } = proto.temporal.api.enums.v1.PendingActivityState;
const POLL_MS = 50;

/** How long the work stands still when a process is killed, by the server's own times. */
export const recovery: Section = {
  title: 'Recovery: seconds from a SIGKILL until the run that it hits gets on, and until what was lost is made up for',
  async run(pipeline, folder, tell) {
    tell('generated data');
    const source = join(folder, 'source.csv');
    await generateCsv(await loadPipeline(pipeline), source);
    const stack = await startStack({ storeRoot: join(folder, 'store'), stateFolder: folder });
    try {
      const client = await connectClient(stack.target);
      const { orchestrator, dataProcessing, modelTraining } = stack.workers;
      const lines = [`${'killed'.padEnd(24)} ${'gets on'.padStart(8)} ${'made up for'.padStart(12)}`];
      const kill = async (name: string, process: { pid?: number }, run: WorkflowHandle, type: string) => {
        tell(`${name} is killed`);
        lines.push(row(name, await killed(process.pid!, run, type)));
      };

      const processing = await startWorkflow(client, 'dataProcessing', { pipeline, source });
      await kill('orchestrator', orchestrator, processing, 'silver');
      await kill('data-processing worker', dataProcessing, processing, 'gold');
      await processing.result();

      const training = await startWorkflow(client, 'modelTraining', { pipeline, algorithms: ['xgboost'] });
      const search = client.workflow.getHandle(`${training.workflowId}-xgboost`);
      await kill('model-training worker', modelTraining, search, 'evaluateCandidate');
      await training.result();

      const again = await startWorkflow(client, 'modelTraining', { pipeline, algorithms: ['xgboost'], again: true });
      await kill(
        'Temporal server',
        stack.server!,
        client.workflow.getHandle(`${again.workflowId}-xgboost`),
        'evaluateCandidate',
      );
      await again.result();
      await client.connection.close();
      return lines;
    } finally {
      await stack.stop();
    }
  },
};

interface Recovery {
  /** Seconds until the run's next decision that follows on a finished activity. */
  getsOn: number;
  /** Seconds until every activity that was at work is finished. */
  madeUpFor: number;
}

/** Kills a process while the run has an activity of this type at work. */
async function killed(pid: number, run: WorkflowHandle, type: string): Promise<Recovery> {
  const lost = await eventually(async () => {
    const { raw } = await run.describe();
    const atWork = (raw.pendingActivities ?? []).filter(
      ({ state, activityType }) => state === STARTED && activityType?.name === type,
    );
    return atWork.length > 0 ? atWork.map(({ activityId }) => activityId!) : undefined;
  });
  const at = Date.now();
  process.kill(pid, 'SIGKILL');
  return eventually(async () => {
    const history = await run.fetchHistory();
    const nextFinished = finishes(history).find(({ ms }) => ms > at);
    const decided =
      nextFinished &&
      (history.events ?? []).find(
        (event) => event.workflowTaskCompletedEventAttributes && msOf(event) >= nextFinished.ms,
      );
    const lostFinishes = finishes(history).filter(({ activity }) => lost.includes(activity));
    if (!decided || lostFinishes.length < lost.length) return undefined;
    return {
      getsOn: (msOf(decided) - at) / 1000,
      madeUpFor: (Math.max(...lostFinishes.map(({ ms }) => ms)) - at) / 1000,
    };
  });
}

/** When activities were finished, in that order. */
function finishes({ events }: History): { activity: string; ms: number }[] {
  const ids = new Map(
    (events ?? []).map(({ eventId, activityTaskScheduledEventAttributes: scheduled }) => [
      String(eventId),
      scheduled?.activityId,
    ]),
  );
  return (events ?? []).flatMap((event) => {
    const { activityTaskCompletedEventAttributes: completed } = event;
    return completed ? [{ activity: ids.get(String(completed.scheduledEventId))!, ms: msOf(event) }] : [];
  });
}

function msOf(event: NonNullable<History['events']>[number]): number {
  return requiredTsToMs(event.eventTime, 'eventTime');
}

/** Looks until there is something; a look fails while the server is away or the run hasn't begun. */
async function eventually<Found>(look: () => Promise<Found | undefined>): Promise<Found> {
  for (;;) {
    const found = await look().catch(() => undefined);
    if (found !== undefined) return found;
    await sleep(POLL_MS);
  }
}

function row(name: string, { getsOn, madeUpFor }: Recovery): string {
  return `${name.padEnd(24)} ${getsOn.toFixed(1).padStart(8)} ${madeUpFor.toFixed(1).padStart(12)}`;
}
