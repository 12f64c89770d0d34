import { fork, type ChildProcess } from 'node:child_process';
import { variables } from '../../environment.js';
import type { Progress } from '../../contracts/index.js';
import { PerdureError, messageOf } from '../../errors.js';
import type { HostCall, HostNews, HostReply } from './hostProtocol.js';

/** Hears how far a call is. */
export type OnProgress = (progress: Progress) => void;

/** A child process that runs native code, one call at a time. */
export class EngineHost {
  /** Names of what this host has read: matrices and models. */
  readonly holds = new Set<string>();
  /** Resolves when the process is gone. */
  readonly gone: Promise<void>;
  private readonly child: ChildProcess;
  private underWay:
    | {
        method: string;
        onProgress?: OnProgress | undefined;
        resolve(value: unknown): void;
        reject(reason: unknown): void;
      }
    | undefined;
  /** How the process ended, in words. */
  private end: string | undefined;

  /**
   * @param script the compiled `host.js`
   * @param cacheBytes bytes that its matrices may take between calls
   * @param threads of a call whose result is the same with any number of them
   */
  constructor(script: string, cacheBytes: number, threads: number) {
    this.child = fork(script, [String(cacheBytes), String(threads)], {
      serialization: 'advanced',
      // The libraries take no more threads than these, whatever a call asks for. OpenMP's default spinning would make calls
      // that run side by side wait for each other.
      env: { ...variables(), OMP_NUM_THREADS: String(threads), OMP_WAIT_POLICY: 'passive' },
      execArgv: ['--expose-gc'],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    this.child.on('message', (reply: HostReply | HostNews) => {
      if ('progress' in reply) return this.underWay?.onProgress?.(reply.progress);
      const call = this.takeCall();
      if (reply.ok) call?.resolve(reply.value);
      else call?.reject(new PerdureError(reply.type, reply.message));
    });
    this.gone = new Promise((resolve) => {
      const onEnd = (how: string) => {
        this.end ??= how;
        const call = this.takeCall();
        call?.reject(this.crashed(call.method));
        resolve();
      };
      this.child.once('exit', (code, signal) => onEnd(describeEnd(code, signal)));
      this.child.on('error', (error) =>
        onEnd(`could not be started (${messageOf(error)}); free some memory or processes`),
      );
    });
  }

  get alive(): boolean {
    return this.end === undefined;
  }

  /**
   * @param signal kills the process when it is aborted; the call then throws the signal's reason
   * @throws PerdureError what the host threw, or `EngineCrashed` when it died
   */
  async call({ method, request, memory }: HostCall, signal?: AbortSignal, onProgress?: OnProgress): Promise<unknown> {
    signal?.throwIfAborted();
    if (!this.alive) throw this.crashed(method);
    const onAbort = () => {
      this.takeCall()?.reject(signal!.reason);
      void this.kill();
    };
    signal?.addEventListener('abort', onAbort);
    try {
      return await new Promise((resolve, reject) => {
        this.underWay = { method, onProgress, resolve, reject };
        // What can't be sent is a process that ended, and its end settles the call.
        this.child.send({ method, request, memory }, () => undefined);
      });
    } finally {
      signal?.removeEventListener('abort', onAbort);
    }
  }

  async kill(): Promise<void> {
    this.end ??= 'was stopped with its pool; start the worker anew';
    this.child.kill('SIGKILL');
    await this.gone;
  }

  private crashed(method: string): PerdureError {
    return new PerdureError('EngineCrashed', `The engine process of a call to ${method} ${this.end}.`);
  }

  private takeCall(): EngineHost['underWay'] {
    const call = this.underWay;
    this.underWay = undefined;
    return call;
  }
}

function describeEnd(code: number | null, signal: NodeJS.Signals | null): string {
  if (signal === 'SIGKILL') {
    return 'was killed (SIGKILL), probably for its memory; give the worker more memory or fewer cpus';
  }
  return `died of ${signal ?? `exit code ${code}`}; run again, and report it if it happens each time`;
}
