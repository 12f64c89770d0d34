import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import type { Workflows } from '../client.js';
import { PHASES, WORKFLOW_OF_PHASE, type LifecycleResult, type RunProgress, type Phase } from '../contracts/index.js';
import { PerdureError } from '../errors.js';
import { progressLines, type ProgressLine } from './progressText.js';
import { createReporter, type Reporter } from './reporter.js';
import { lastTaskFailure, viewRun, type RunView } from './runView.js';
import { summarize } from './phases.js';
import { duration } from './terminal.js';

/** How long a run may wait for its first worker before the display says what to do. */
const UNCLAIMED_MS = 10_000;

/** How long the orchestrator may say nothing of a run before the display says so: longer than a new one takes to start. */
const UNANSWERED_MS = 60_000;

/** The results of the phases that a run has: all of a lifecycle's, or one. */
export type PhaseResults = Partial<LifecycleResult>;

/** A run that was started. */
export interface StartedRun {
  /** Its workflow, which says what phases it consists of. */
  name: keyof Workflows;
  workflowId: string;
  runId: string;
}

/** A run to follow; the newest of its workflow's where it isn't said which. */
export type FollowedRun = Omit<StartedRun, 'runId'> & Partial<StartedRun>;

/**
 * Waits for a run and shows meanwhile how it goes.
 *
 * @param stop ends the following, not the run
 * @throws the run's failure, or the reason of `stop`
 */
export async function followRun(
  client: Client,
  { name, workflowId, runId }: FollowedRun,
  stop: AbortSignal,
): Promise<PhaseResults> {
  const handle = client.workflow.getHandle(workflowId, runId);
  const phases = PHASES.filter((phase) => name === 'lifecycle' || name === WORKFLOW_OF_PHASE[phase]);
  const display = new PhaseDisplay(client, workflowId, phases);
  const results = handle.result().then((result: unknown) => resultsByPhase(phases, result));
  const settled = results.then(
    () => true,
    () => true,
  );
  const stuck = new AbortController();
  /** Attempts at a decision when it was first looked at: what failed before need not fail again. */
  const attempts = new Map<string, number>();
  try {
    const watching = watch();
    const found = await Promise.race([results, whenAborted(AbortSignal.any([stop, stuck.signal]))]);
    await watching;
    await display.complete(found);
    return found;
  } finally {
    await display.close();
  }

  async function look(): Promise<void> {
    const view = await viewRun(client, workflowId);
    await display.show(view);
    const fault = await faultOf(client, view, attempts);
    if (fault) stuck.abort(fault);
  }

  async function watch(): Promise<void> {
    for (let ended = false; !ended && !stop.aborted && !stuck.signal.aborted;) {
      // A look that fails is made again; the result tells where the server is gone for good.
      await look().catch(() => undefined);
      ended = await Promise.race([settled, sleep(display.interval, false, { ref: false })]);
    }
  }
}

function resultsByPhase(phases: readonly Phase[], result: unknown): PhaseResults {
  const [only, ...more] = phases;
  return more.length > 0 || !only ? (result as LifecycleResult) : { [only]: result };
}

/** From this attempt on at one decision, workers fail at it, rather than are busy or started again. */
const FAILING_ATTEMPTS = 3;

/** Why waiting for a run is in vain: workers take it, and can't go on with it. */
export async function faultOf(
  client: Client,
  view: RunView,
  attempts: Map<string, number>,
): Promise<PerdureError | undefined> {
  const failing = [view, ...Object.values(view.children)].find(({ workflowId, attempt = 0 }) => {
    const first = attempts.get(workflowId) ?? attempt;
    attempts.set(workflowId, Math.min(first, attempt));
    return attempt >= FAILING_ATTEMPTS && attempt > first;
  });
  const words = failing && (await lastTaskFailure(client, failing.workflowId));
  if (!words) return undefined;
  const remedy = /unknown encoding/i.test(words)
    ? 'give the workers the PERDURE_ENCRYPTION_KEY that this command has, and start them again'
    : 'see the log of the orchestrator worker';
  return new PerdureError(
    'WorkerFailed',
    `The workers can't go on with ${failing.workflowId} (${words.replace(/\.$/, '')}); ${remedy}: the run stays, and goes on when they can.`,
  );
}

export function whenAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const abort = () => reject(signal.reason as Error);
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort, { once: true });
  });
}

/** Gives what is seen of a run to the reporter, phase by phase. */
class PhaseDisplay {
  private readonly reporter: Reporter;
  /** Phases that aren't complete. */
  private readonly ahead: Phase[];
  private readonly began = Date.now();
  /** Whether a worker has taken the run: from then on silence only means that workers are busy. */
  private claimed = false;
  /** When a worker last answered for the run. */
  private answered = Date.now();
  private closed = false;

  constructor(
    private readonly client: Client,
    private readonly workflowId: string,
    private readonly phases: readonly Phase[],
  ) {
    this.reporter = createReporter(phases);
    this.ahead = [...phases];
  }

  async show(view: RunView): Promise<void> {
    if (this.closed) return;
    if (this.isLifecycle) await this.completeEnded(view.told?.ended ?? {});
    const phase = this.ahead[0];
    if (!phase) return;
    if (view.told) this.answered = Date.now();
    this.claimed ||= view.told !== undefined;
    const atWork = this.isLifecycle ? view.children[phase] : view;
    if (!this.claimed) this.reporter.update(phase, this.unclaimed());
    else if (Date.now() - this.answered > UNANSWERED_MS) this.reporter.update(phase, this.unanswered());
    else if (atWork?.told) this.reporter.update(phase, progressLines(atWork));
  }

  async complete(results: PhaseResults): Promise<void> {
    for (const phase of [...this.ahead]) await this.completeNext(phase, results);
  }

  async close(): Promise<void> {
    this.closed = true;
    await this.reporter.close();
  }

  get interval(): number {
    return this.reporter.interval;
  }

  private get isLifecycle(): boolean {
    return this.phases.length > 1;
  }

  private async completeEnded(ended: RunProgress['ended']): Promise<void> {
    for (const phase of [...this.ahead]) {
      if (ended[phase] === undefined || ended[phase] === 'failed') return;
      const result: unknown = await this.client.workflow.getHandle(this.idOf(phase)).result();
      await this.completeNext(phase, { [phase]: result });
    }
  }

  private async completeNext<S extends Phase>(phase: S, results: PhaseResults): Promise<void> {
    const result = results[phase];
    if (!result) return;
    const { startTime, closeTime } = await this.client.workflow.getHandle(this.idOf(phase)).describe();
    const took = closeTime ? ` (${duration(closeTime.getTime() - startTime.getTime())})` : '';
    this.reporter.complete(phase, {
      skipped: result.status === 'skipped',
      summary: `${summarize(phase, result)}${took}`,
    });
    this.ahead.shift();
  }

  /** A lifecycle's phases are its children, whose ids end in the phase's name. */
  private idOf(phase: Phase): string {
    return this.isLifecycle ? `${this.workflowId}-${phase}` : this.workflowId;
  }

  private unanswered(): ProgressLine[] {
    const text = 'no worker answers for the run any more; "perdure up" starts some, "perdure doctor" looks for faults';
    return [{ key: this.workflowId, step: text, text }];
  }

  private unclaimed(): ProgressLine[] {
    const waited = Date.now() - this.began;
    const text =
      waited < UNCLAIMED_MS
        ? 'waiting for a worker'
        : 'no worker has taken the run yet; "perdure up" starts some, "perdure doctor" looks for faults';
    return [{ key: this.workflowId, step: text, text }];
  }
}
