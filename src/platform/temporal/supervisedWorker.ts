import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { packageFolder } from '../../package.js';
import { variables } from '../../environment.js';
import { PerdureError, messageOf } from '../../errors.js';
import { formatResources } from '../resources/resources.js';
import type { TemporalTarget } from './connection.js';
import { RestartLimiter } from './restartLimiter.js';
import { heapOption } from './heap.js';
import { describeExit, hasExited, killGroupOf, stopProcess } from './processes.js';
import { SHUTDOWN_FORCE_MS, WORKERS, type WorkerDefinition, type WorkerMessage } from './workers.js';

export interface SupervisionOptions {
  target: TemporalTarget;
  /** Root folder of the object store. */
  storeRoot: string;
  logFolder: string;
  /** Address of the server's web UI, where it is known: alerts link to it. */
  webUi?: string;
  /** Called with one line whenever the worker dies and is started again. */
  tell?: (line: string) => void;
}

/** Loading and connecting take a second or two, more where the machine is busy. */
const START_TIMEOUT_MS = 60_000;

/** A worker ends by itself before this. */
const STOP_PATIENCE_MS = SHUTDOWN_FORCE_MS + 10_000;

/** A worker in a process of its own, which is started again when it dies and ends when this process does. */
export class SupervisedWorker {
  /** Rejects with `WorkerFailed` when the worker died too often. Never resolves. */
  readonly broken: Promise<never>;
  private giveUp!: (error: unknown) => void;
  private child?: ChildProcess;
  private stopping = false;
  private readonly restarts = new RestartLimiter();
  private readonly log: string;

  constructor(
    private readonly definition: WorkerDefinition,
    private readonly options: SupervisionOptions,
  ) {
    this.log = join(options.logFolder, `${definition.taskQueue}.log`);
    this.broken = new Promise((_, reject) => (this.giveUp = reject));
    // Whoever doesn't wait for it must not crash of it.
    this.broken.catch(() => undefined);
  }

  /** The process at work now. */
  get pid(): number | undefined {
    return this.child?.pid;
  }

  /**
   * Returns when the worker polls its queue. One that is killed before is started again.
   * @throws PerdureError `WorkerFailed`, `SetupFailed` where Perdure isn't built
   */
  async start(): Promise<void> {
    const child = await this.launch();
    this.supervise(child).catch(this.giveUp);
  }

  /** Returns when the process is gone. */
  async stop(): Promise<void> {
    this.stopping = true;
    if (this.child) await stopProcess(this.child, STOP_PATIENCE_MS);
  }

  private async supervise(first: ChildProcess): Promise<void> {
    let child = first;
    for (;;) {
      if (!hasExited(child)) await once(child, 'exit');
      if (this.stopping) return;
      this.tellDeath(child);
      child = this.spawn();
      await untilReady(child).catch(() => stopProcess(child, 0));
    }
  }

  /** Counts a death, and says that another process takes over; throws where there were too many. */
  private tellDeath(child: ChildProcess): void {
    if (this.restarts.isExceeded()) throw this.failure(`${describeExit(child)}, and not for the first time`);
    this.options.tell?.(`The ${this.definition.taskQueue} worker ${describeExit(child)}; starting it again.`);
  }

  private async launch(): Promise<ChildProcess> {
    for (;;) {
      const child = this.spawn();
      try {
        await untilReady(child);
        return child;
      } catch (error) {
        const wasKilled = child.signalCode !== null;
        await stopProcess(child, 0);
        if (!wasKilled || this.stopping) throw this.failure(messageOf(error));
        this.tellDeath(child);
      }
    }
  }

  private spawn(): ChildProcess {
    const entry = join(packageFolder(), 'dist', 'workers', `${this.definition.entry}.js`);
    if (!existsSync(entry)) {
      throw new PerdureError('SetupFailed', `${entry} is not there; build Perdure with "npm run build".`);
    }
    mkdirSync(this.options.logFolder, { recursive: true });
    const output = openSync(this.log, 'a');
    try {
      const { resources } = this.definition;
      const child = fork(entry, ['--size', formatResources(resources)], {
        execArgv: [heapOption(this.definition.heap(resources))],
        env: {
          ...temporalEnvironment(this.options.target),
          ...healthEnvironment(this.definition),
          PERDURE_STORE: this.options.storeRoot,
          ...(this.options.webUi && { PERDURE_TEMPORAL_UI: this.options.webUi }),
        },
        stdio: ['ignore', output, output, 'ipc'],
        // Ctrl-C in the terminal is not for the worker: it is stopped in its turn.
        detached: true,
      });
      // An engine host in the middle of a fit doesn't notice that its worker was killed.
      child.once('exit', () => killGroupOf(child));
      this.child = child;
      return child;
    } finally {
      closeSync(output);
    }
  }

  private failure(how: string): PerdureError {
    return new PerdureError(
      'WorkerFailed',
      `The ${this.definition.taskQueue} worker ${how}; see ${this.log} and run "perdure doctor".`,
    );
  }
}

/** Waits for a worker's word; throws how it failed, as a predicate of "The worker". */
function untilReady(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new Error(`was not ready within ${START_TIMEOUT_MS / 1000} s`)),
      START_TIMEOUT_MS,
    );
    const settle = (outcome: () => void) => {
      clearTimeout(timer);
      outcome();
    };
    child.once('message', (message: WorkerMessage) =>
      settle(() =>
        'ready' in message ? resolve() : reject(new Error(`could not start: ${message.failed.replace(/\.$/, '')}`)),
      ),
    );
    child.once('exit', () => settle(() => reject(new Error(describeExit(child)))));
    child.once('error', (error) => settle(() => reject(error)));
  });
}

/** The environment in which {@link configuredTarget} finds the target. */
function temporalEnvironment(target: TemporalTarget): NodeJS.ProcessEnv {
  const address = { TEMPORAL_ADDRESS: target.address, TEMPORAL_NAMESPACE: target.namespace };
  const { tls, apiKey, metadata } = target.security;
  // A target with any of these comes from this very environment.
  if (tls !== undefined || apiKey !== undefined || metadata !== undefined) return { ...variables(), ...address };
  const others = Object.entries(variables()).filter(([name]) => !name.startsWith('TEMPORAL_'));
  // A file that isn't there counts as one that says nothing, in place of the one in the user's home.
  return { ...Object.fromEntries(others), TEMPORAL_CONFIG_FILE: join(packageFolder(), 'no-temporal.toml'), ...address };
}

/** Workers on one host can't share a port: from the one that the environment names on, one each. */
function healthEnvironment({ entry }: WorkerDefinition): NodeJS.ProcessEnv {
  const { PERDURE_HEALTH_PORT: first } = variables();
  return first ? { PERDURE_HEALTH_PORT: String(Number(first) + Object.keys(WORKERS).indexOf(entry)) } : {};
}
