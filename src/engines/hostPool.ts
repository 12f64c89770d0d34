import { setMaxListeners } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { packageFolder } from '../config/load.js';
import { PerdureError } from '../errors.js';
import type { Resources } from '../sizes/resources.js';
import { EngineHost } from './engineHost.js';
import type { EngineCalls, EnginePool, EvaluateRequest } from './pool.js';

/** Of a host's memory what it may spend on matrices kept for later calls; the rest is for the call at work. */
const CACHE_SHARE = 0.5;

/**
 * Makes a pool of engine hosts, each started when first needed and kept warm until `close`. Calls beyond their number
 * wait in order of arrival.
 */
export function createEnginePool({ hosts, memory }: Resources['engines']): EnginePool {
  const pool = new HostPool(hosts, (memory / hosts) * CACHE_SHARE);
  return {
    evaluate: (request, signal, onFold) => pool.evaluate(request, signal, onFold),
    fit: (request, signal) => pool.call('fit', request, signal, request.train.checksum),
    predictProbability: (request, signal) => pool.call('predictProbability', request, signal, request.modelPath),
    contributions: (request, signal) => pool.call('contributions', request, signal, request.modelPath),
    version: () => pool.call('version', undefined),
    close: () => pool.close(),
  };
}

/** A call without a host yet. */
interface Waiting {
  reads: string | undefined;
  proceed: (host: EngineHost) => void;
  refuse: (error: Error) => void;
}

class HostPool {
  private readonly hosts = new Set<EngineHost>();
  private idle: EngineHost[] = [];
  private waiting: Waiting[] = [];
  private closed = false;

  constructor(
    private readonly size: number,
    private readonly cacheBytes: number,
  ) {}

  /** @param reads name of the matrix or model that the call reads: a host that holds it is preferred */
  async call<M extends keyof EngineCalls>(
    method: M,
    request: Parameters<EngineCalls[M]>[0],
    signal?: AbortSignal,
    reads?: string,
  ): Promise<Awaited<ReturnType<EngineCalls[M]>>> {
    return this.withHost<Awaited<ReturnType<EngineCalls[M]>>>(reads, signal, async (host) => (await host.call({ method, request }, signal)) as never);
  }

  /** Folds are calls of their own on one host, so that what is finished is known while the rest is under way. */
  async evaluate(request: EvaluateRequest, signal: AbortSignal, onFold: (score: number, seconds: number) => void = () => {}): ReturnType<EngineCalls['evaluate']> {
    const scores: number[] = [];
    let seconds = 0;
    await this.withHost(request.train.checksum, signal, async (host) => {
      for (const fold of request.folds) {
        const call = { method: 'evaluate', request: { ...request, folds: [fold] } } as const;
        const evaluated = (await host.call(call, signal)) as Awaited<ReturnType<EngineCalls['evaluate']>>;
        scores.push(...evaluated.scores);
        seconds += evaluated.seconds;
        onFold(evaluated.scores[0]!, evaluated.seconds);
      }
    });
    return { scores, seconds };
  }

  async close(): Promise<void> {
    this.closed = true;
    for (const { refuse } of this.waiting) refuse(poolClosed());
    this.waiting = [];
    await Promise.all([...this.hosts].map((host) => host.kill()));
  }

  private async withHost<Result>(reads: string | undefined, signal: AbortSignal | undefined, work: (host: EngineHost) => Promise<Result>): Promise<Result> {
    const host = await this.acquire(reads, signal);
    try {
      return await work(host);
    } finally {
      if (reads) host.holds.add(reads);
      if (host.alive) this.idle.push(host);
      this.dispatch();
    }
  }

  private async acquire(reads: string | undefined, signal: AbortSignal | undefined): Promise<EngineHost> {
    signal?.throwIfAborted();
    if (this.closed) throw poolClosed();
    hostScript();
    // Any number of calls may wait on one signal.
    if (signal) setMaxListeners(0, signal);
    let leave: (() => void) | undefined;
    try {
      return await new Promise<EngineHost>((proceed, refuse) => {
        const waiting = { reads, proceed, refuse };
        leave = () => {
          this.waiting = this.waiting.filter((other) => other !== waiting);
          refuse(signal!.reason as Error);
        };
        signal?.addEventListener('abort', leave);
        this.waiting.push(waiting);
        this.dispatch();
      });
    } finally {
      if (leave) signal?.removeEventListener('abort', leave);
    }
  }

  /** Gives idle hosts, and new ones while there are too few, to the calls that wait. */
  private dispatch(): void {
    while (this.waiting.length > 0) {
      const host = this.takeIdle(this.waiting[0]!.reads) ?? this.startHost();
      if (!host) return;
      this.waiting.shift()!.proceed(host);
    }
  }

  private takeIdle(reads: string | undefined): EngineHost | undefined {
    const holder = this.idle.findIndex((host) => reads !== undefined && host.holds.has(reads));
    return this.idle.splice(Math.max(0, holder), 1)[0];
  }

  private startHost(): EngineHost | undefined {
    if (this.closed || this.hosts.size >= this.size) return undefined;
    const host = new EngineHost(hostScript(), this.cacheBytes);
    this.hosts.add(host);
    void host.gone.then(() => {
      this.hosts.delete(host);
      this.idle = this.idle.filter((other) => other !== host);
      this.dispatch();
    });
    return host;
  }
}

/** The compiled entry of a host; it is the same whether the pool runs compiled or from its sources. */
function hostScript(): string {
  const script = join(packageFolder(), 'dist', 'src', 'engines', 'host.js');
  if (!existsSync(script)) throw new PerdureError('EngineMissing', `${script} is not there; run \`npm run build\`.`);
  return script;
}

function poolClosed(): PerdureError {
  return new PerdureError('EngineCrashed', 'The engine pool is closed; start the worker anew.');
}
