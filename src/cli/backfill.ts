import { setTimeout as sleep } from 'node:timers/promises';
import { WorkflowExecutionAlreadyStartedError, type Client, type WorkflowHandle } from '@temporalio/client';
import { startWorkflow } from '../client.js';
import {
  agreeing,
  BACKFILL,
  backfillIdOf,
  countOf,
  versionName,
  type BackfillCompleted,
  type BackfillInput,
  type BackfillResult,
  type BackfillState,
  type PeriodRecord,
  type PeriodUnit,
  type Steering,
} from '../contracts/index.js';
import { loadPipeline } from '../config/load.js';
import { PerdureError } from '../errors.js';
import { readTimeline } from '../registry/timeline.js';
import { EXIT } from './exitCodes.js';
import { faultOf, whenAborted, type FollowedRun } from './follow.js';
import { memoOf, openRunsOf } from './openRuns.js';
import { person } from './person.js';
import { runToEnd, type RunOptions } from './runWorkflow.js';
import { viewRun } from './runView.js';
import { openServed } from './session.js';
import { score } from './phases.js';
import { defaultSource, labelsOf } from './source.js';
import { chosenStore, openToRead } from './store.js';
import { print, printJson, say } from './terminal.js';
import { absoluteSource } from '../platform/storage/stores.js';

export interface BackfillOptions extends RunOptions {
  weeks?: number;
  periods?: number;
  by?: PeriodUnit;
  againFrom?: string;
  keepLater?: boolean;
  pause?: boolean;
  resume?: boolean;
}

/** Runs a pipeline's periods in order and prints a line for each; or pauses or resumes a backfill under way. */
export async function backfill(pipeline: string, options: BackfillOptions): Promise<void> {
  if (options.pause || options.resume) return steer(pipeline, options);
  const asked = askedOf(options);
  const { run, results } = await runToEnd<BackfillResult>(pipeline, options, asked, {
    name: 'backfill',
    async start(session, settings, request) {
      const store = session.store ?? chosenStore(options);
      const source = request.csv?.path ?? (await defaultSource(settings, store));
      const labels = await labelsOf(settings, store, options.labels);
      const input: BackfillInput = {
        ...{ pipeline, ...asked, source, labels, reason: options.reason, triggeredBy: person() },
      };
      const workflowId = backfillIdOf(pipeline);
      try {
        const { firstExecutionRunId } = await startWorkflow(
          session.client,
          'backfill',
          input,
          workflowId,
          memoOf(request),
        );
        return { name: 'backfill', workflowId, runId: firstExecutionRunId };
      } catch (error) {
        if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
        throw new PerdureError(
          'PreconditionFailed',
          `A backfill of ${pipeline} is under way already (${workflowId}); wait until it ends, or cancel it.`,
        );
      }
    },
    follow: (client, run, stop) => followBackfill(client, run, stop, options.json ? say : print),
    busyWith: (result) => (result.status === 'skipped' ? result.busyWith : undefined),
  });
  if (options.json) {
    const { stores } = await openToRead(pipeline, options);
    const timeline = await readTimeline(stores.modelRegistry);
    printJson({ run, result: results, timeline: timeline ?? null });
  } else print(results.status === 'skipped' ? `Backfill skipped: ${results.reason}` : describe(results));
  process.exitCode = results.status === 'skipped' ? EXIT.skipped : EXIT.ok;
}

function askedOf({
  from,
  weeks,
  periods,
  by,
  againFrom,
  keepLater,
  asOf,
  labels,
}: BackfillOptions): Omit<BackfillInput, 'pipeline'> {
  if (weeks !== undefined && by !== undefined && by !== 'week')
    throw new PerdureError('InputInvalid', `--weeks counts weeks, and --by says ${by}; give --periods.`);
  return {
    from,
    periods: periods ?? weeks,
    by: by ?? (weeks === undefined ? undefined : 'week'),
    againFrom,
    ...(keepLater && { later: 'keep' }),
    asOf,
    ...(labels !== undefined && { labels: absoluteSource(labels) }),
  };
}

const LOOK_MS = 500;
/** Between two looks whether workers fail at the run, which take longer. */
const FAULT_LOOKS = 10;

/** Waits for a backfill and tells each period as it is done. */
async function followBackfill(
  client: Client,
  { workflowId, runId }: FollowedRun,
  stop: AbortSignal,
  tell: (line: string) => void,
): Promise<BackfillResult> {
  const result = client.workflow.getHandle(workflowId, runId).result() as Promise<BackfillResult>;
  const settled = result.then(
    () => true,
    () => true,
  );
  const stuck = new AbortController();
  const told = new Set<string>();
  const attempts = new Map<string, number>();
  const watching = watch();
  const found = await Promise.race([result, whenAborted(AbortSignal.any([stop, stuck.signal]))]);
  await watching;
  await look().catch(() => undefined);
  return found;

  /** The newest run's state: one that continued as new is another. */
  async function look(): Promise<void> {
    const state = await client.workflow.getHandle(workflowId).query<BackfillState>(BACKFILL.queries.state);
    for (const record of state.recent) {
      if (told.has(record.from)) continue;
      told.add(record.from);
      tell(describePeriod(record));
    }
  }

  async function watch(): Promise<void> {
    for (let looks = 0, ended = false; !ended && !stop.aborted && !stuck.signal.aborted; looks++) {
      await look().catch(() => undefined);
      if (looks % FAULT_LOOKS === 0) {
        const fault = await viewRun(client, workflowId)
          .then((view) => faultOf(client, view, attempts))
          .catch(() => undefined);
        if (fault) stuck.abort(fault);
      }
      ended = await Promise.race([settled, sleep(LOOK_MS, false, { ref: false })]);
    }
  }
}

/** A period in one line. */
export function describePeriod({ from, evaluation, decision, training, model, rows }: PeriodRecord): string {
  const rated =
    evaluation.status === 'measured'
      ? `${evaluation.metric} ${score(evaluation.value)} of ${countOf(evaluation.rows, 'row')} of ${evaluation.period.from}`
      : 'not evaluated';
  if (!model && !training) return `${from}  skipped    ${decision.reason}`;
  const predicted = rows > 0 ? `${countOf(rows, 'row')} predicted` : 'nothing to predict';
  if (!training) return `${from}  predicted  ${predicted}; ${rated}`;
  const became = training.promoted ? '' : `; it was not promoted: ${training.reason}`;
  return `${from}  trained    ${versionName(training.model)}, ${training.metric} ${score(training.score)} (${decision.because.replaceAll('_', ' ')}: ${decision.reason}); ${predicted}; ${rated}${became}`;
}

function describe({ periods, by, trained, to, done_before, model, page }: BackfillCompleted): string {
  const before = done_before > 0 ? `, ${done_before} done before` : '';
  return `Backfill: ${countOf(periods, by)} until ${to}${before}; ${agreeing(trained, 'one trained', `${trained} trained`)}; champion ${model ? versionName(model) : 'none'}${page ? `\n${'uri' in page ? `Page: ${page.uri}` : `There is no page: ${page.not_written}`}` : ''}`;
}

/** The backfill that is at work, whoever started it; `undefined` where none is. */
export async function openBackfill(client: Client, pipeline: string): Promise<WorkflowHandle | undefined> {
  const open = (await openRunsOf(client, pipeline)).find(({ name }) => name === 'backfill');
  return open && client.workflow.getHandle(open.workflowId);
}

async function steer(pipeline: string, { pause, reason, json }: BackfillOptions): Promise<void> {
  await loadPipeline(pipeline);
  const session = await openServed();
  if (!session) throw new PerdureError('NotFound', `No Temporal server runs here, and so no backfill of ${pipeline}.`);
  try {
    const handle = await openBackfill(session.client, pipeline);
    if (!handle) throw new PerdureError('NotFound', `No backfill of ${pipeline} is under way.`);
    const args: [Steering] = [{ by: person(), ...(reason !== undefined && { reason }) }];
    const update = pause ? BACKFILL.updates.pause : BACKFILL.updates.resume;
    const state = await handle.executeUpdate<BackfillState, [Steering]>(update, { args });
    if (json) printJson(state);
    else if (!pause) print('Resumed.');
    else print(state.now ? `Paused, once the period of ${state.now.from} is done.` : 'Paused.');
  } finally {
    await session.close();
  }
}
