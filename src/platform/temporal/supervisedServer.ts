import { once } from 'node:events';
import { PerdureError } from '../../errors.js';
import { RestartLimiter } from './restartLimiter.js';
import { startDevServer, type DevServer, type DevServerOptions } from './devServer.js';
import { describeExit, hasExited } from './processes.js';

/** A dev server on a database file, which is started again at the same address when it dies. */
export class SupervisedServer {
  /** Rejects with `TemporalUnavailable` when the server died too often, or doesn't come back. Never resolves. */
  readonly broken: Promise<never>;
  private stopping = false;
  private readonly restarts = new RestartLimiter();
  private readonly supervision: Promise<void>;

  /** @param options without its ports: they are those of the `server` that runs already */
  constructor(
    private readonly options: Omit<DevServerOptions, 'port' | 'uiPort'>,
    private server: DevServer,
    private readonly tell: (line: string) => void = () => {},
  ) {
    this.supervision = this.supervise();
    this.broken = new Promise((_, reject) => void this.supervision.catch(reject));
    // Whoever doesn't wait for it must not crash of it.
    this.broken.catch(() => undefined);
  }

  get target(): DevServer['target'] {
    return this.server.target;
  }

  get webUi(): string | undefined {
    return this.server.webUi;
  }

  /** The process at work now. */
  get pid(): number | undefined {
    return this.server.process.pid;
  }

  /** Returns when the process is gone. */
  async stop(): Promise<void> {
    this.stopping = true;
    await this.server.stop();
    // One that was being started at that moment ends too.
    await this.supervision.catch(() => undefined);
  }

  private async supervise(): Promise<void> {
    for (;;) {
      const { process } = this.server;
      if (!hasExited(process)) await once(process, 'exit');
      if (this.stopping) return;
      if (this.restarts.isExceeded()) throw this.failure(`${describeExit(process)}, and not for the first time`);
      this.tell(`The Temporal server ${describeExit(process)}; starting it again.`);
      const { address } = this.target;
      const next = await startDevServer({
        ...this.options,
        port: portOf(address),
        uiPort: this.webUi === undefined ? undefined : portOf(this.webUi),
      });
      if (this.stopping) return next.stop();
      if (next.target.address !== address) {
        await next.stop();
        throw this.failure(`${describeExit(process)}, and another program took ${address} before it was back`);
      }
      this.server = next;
    }
  }

  private failure(how: string): PerdureError {
    return new PerdureError(
      'TemporalUnavailable',
      `The embedded Temporal server ${how}; see ${this.options.log}, start again, and what was under way goes on.`,
    );
  }
}

function portOf(address: string): number {
  return Number(address.split(':').at(-1));
}
