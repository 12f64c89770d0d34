import { setTimeout as sleep } from 'node:timers/promises';
import type { Client, WorkflowHandleWithFirstExecutionRunId } from '@temporalio/client';
import type { Workflows } from '../client.js';
import type { LifecycleResult, RunProgress } from '../contracts/index.js';
import { progressLines, type ProgressLine } from './progressText.js';
import { createReporter, type Reporter } from './reporter.js';
import { viewRun, type RunView } from './runView.js';
import { STAGES, STAGE_WORKFLOWS, summarize, type Stage } from './stages.js';
import { duration } from './terminal.js';

/** How long a run may wait for its first worker before the display says what to do. */
const UNCLAIMED_MS = 10_000;

/** The results of the stages that a run has: all of a lifecycle's, or one. */
export type StageResults = Partial<LifecycleResult>;

/** A run that was started, and the stages it consists of. */
export interface StartedRun {
  name: keyof Workflows;
  handle: WorkflowHandleWithFirstExecutionRunId;
}

/**
 * Waits for a run and shows meanwhile how it goes.
 *
 * @param stop ends the following, not the run
 * @throws the run's failure, or the reason of `stop`
 */
export async function followRun(client: Client, { name, handle }: StartedRun, stop: AbortSignal): Promise<StageResults> {
  const stages = STAGES.filter((stage) => name === 'lifecycle' || name === STAGE_WORKFLOWS[stage]);
  const display = new StageDisplay(client, handle.workflowId, stages);
  const results = handle.result().then((result: unknown) => resultsByStage(stages, result));
  const settled = results.then(() => true, () => true);
  try {
    const watching = watch();
    const found = await Promise.race([results, whenAborted(stop)]);
    await watching;
    await display.complete(found);
    return found;
  } finally {
    await display.close();
  }

  async function watch(): Promise<void> {
    for (let ended = false; !ended && !stop.aborted; ) {
      // A look that fails is made again; the result tells where the server is gone for good.
      await viewRun(client, handle.workflowId).then((view) => display.show(view)).catch(() => undefined);
      ended = await Promise.race([settled, sleep(display.interval, false, { ref: false })]);
    }
  }
}

function resultsByStage(stages: readonly Stage[], result: unknown): StageResults {
  const [only, ...more] = stages;
  return more.length > 0 || !only ? (result as LifecycleResult) : { [only]: result };
}

function whenAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const abort = () => reject(signal.reason as Error);
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort, { once: true });
  });
}

/** Gives what is seen of a run to the reporter, stage by stage. */
class StageDisplay {
  private readonly reporter: Reporter;
  /** Stages that aren't complete. */
  private readonly ahead: Stage[];
  private readonly began = Date.now();
  /** Whether a worker has taken the run: from then on silence only means that workers are busy. */
  private claimed = false;
  private closed = false;

  constructor(
    private readonly client: Client,
    private readonly workflowId: string,
    private readonly stages: readonly Stage[],
  ) {
    this.reporter = createReporter(stages);
    this.ahead = [...stages];
  }

  async show(view: RunView): Promise<void> {
    if (this.closed) return;
    if (this.isLifecycle) await this.completeEnded(view.told?.ended ?? {});
    const stage = this.ahead[0];
    if (!stage) return;
    this.claimed ||= view.told !== undefined;
    const atWork = this.isLifecycle ? view.children[stage] : view;
    if (!this.claimed) this.reporter.update(stage, this.unclaimed());
    else if (atWork?.told) this.reporter.update(stage, progressLines(atWork));
  }

  async complete(results: StageResults): Promise<void> {
    for (const stage of [...this.ahead]) await this.completeNext(stage, results);
  }

  async close(): Promise<void> {
    this.closed = true;
    await this.reporter.close();
  }

  get interval(): number {
    return this.reporter.interval;
  }

  private get isLifecycle(): boolean {
    return this.stages.length > 1;
  }

  private async completeEnded(ended: RunProgress['ended']): Promise<void> {
    for (const stage of [...this.ahead]) {
      if (ended[stage] === undefined || ended[stage] === 'failed') return;
      const result: unknown = await this.client.workflow.getHandle(this.idOf(stage)).result();
      await this.completeNext(stage, { [stage]: result });
    }
  }

  private async completeNext<S extends Stage>(stage: S, results: StageResults): Promise<void> {
    const result = results[stage];
    if (!result) return;
    const { startTime, closeTime } = await this.client.workflow.getHandle(this.idOf(stage)).describe();
    const took = closeTime ? ` (${duration(closeTime.getTime() - startTime.getTime())})` : '';
    this.reporter.complete(stage, { skipped: result.status === 'skipped', summary: `${summarize(stage, result)}${took}` });
    this.ahead.shift();
  }

  /** A lifecycle's stages are its children, whose ids end in the stage's name. */
  private idOf(stage: Stage): string {
    return this.isLifecycle ? `${this.workflowId}-${stage}` : this.workflowId;
  }

  private unclaimed(): ProgressLine[] {
    const waited = Date.now() - this.began;
    const text = waited < UNCLAIMED_MS ? 'waiting for a worker' : 'no worker has taken the run yet; "perdure up" starts some, "perdure doctor" looks for faults';
    return [{ key: this.workflowId, step: text, text }];
  }
}
