import { setMaxListeners } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { packageFolder } from '../../package.js';
import { PerdureError } from '../../errors.js';
import type { Limits } from '../../platform/resources/limits.js';
import { joined } from '../modelOutput.js';
import { EngineHost, type OnProgress } from './engineHost.js';
import { libraryBytes, matrixBytes } from './matrixSize.js';
import type {
  EngineCalls,
  EnginePool,
  EvaluateRequest,
  FoldEvaluation,
  MatrixFile,
  OnFold,
  PredictRequest,
} from './pool.js';

/** Of a host's memory what it may spend on matrices kept for later calls; the rest is for the call at work. */
const CACHE_SHARE = 0.5;

/**
 * Makes a pool of engine hosts, each started when first needed and kept warm until `close`. Calls beyond their number
 * wait in order of arrival. Training that needs more than a host's share of the memory takes the shares of others,
 * which end meanwhile: on large data there are fewer fits at once, rather than fits that die of their memory.
 */
export function createEnginePool({ hosts, memory }: Limits['engines']): EnginePool {
  const pool = new HostPool(hosts, memory / hosts);
  return {
    evaluate: (request, signal, onFold) => pool.evaluate(request, signal, onFold),
    crossPredict: (request, signal) =>
      Promise.all(
        request.folds.map((fold) =>
          pool.call('crossPredict', { ...request, folds: [fold] }, signal, training(request.train)),
        ),
      ),
    fit: (request, signal, onProgress) => pool.call('fit', request, signal, training(request.train), onProgress),
    predict: async (request, signal) =>
      joined(
        await Promise.all(
          inParts(request, hosts).map((part) => pool.call('predict', part, signal, { reads: request.modelPath })),
        ),
      ),
    contributions: (request, signal) => pool.call('contributions', request, signal, { reads: request.modelPath }),
    gain: (request, signal) => pool.call('gain', request, signal, { reads: request.modelPath }),
    version: (estimator, script) => pool.call('version', { estimator, script }),
    peakMemory: (signal) => pool.call('peakMemory', undefined, signal),
    close: () => pool.close(),
  };
}

/** What a call asks of its host. */
interface Needs {
  /** Name of the matrix or model that it reads: a host that holds it is preferred. */
  reads?: string;
  /** Memory in bytes; next to none by default. */
  bytes?: number;
}

/** A call without a host yet. */
interface Waiting {
  reads: string | undefined;
  /** Shares of the memory that it takes, of as many as there may be hosts. */
  shares: number;
  proceed: (host: EngineHost) => void;
  refuse: (error: Error) => void;
}

class HostPool {
  private readonly hosts = new Set<EngineHost>();
  private idle: EngineHost[] = [];
  private waiting: Waiting[] = [];
  private closed = false;
  /** Shares of the memory that calls at work have. */
  private taken = 0;

  /** @param shareBytes memory of a host */
  constructor(
    private readonly size: number,
    private readonly shareBytes: number,
  ) {}

  async call<M extends keyof EngineCalls>(
    method: M,
    request: Parameters<EngineCalls[M]>[0],
    signal?: AbortSignal,
    needs: Needs = {},
    onProgress?: OnProgress,
  ): Promise<Awaited<ReturnType<EngineCalls[M]>>> {
    return this.withHost<Awaited<ReturnType<EngineCalls[M]>>>(
      needs,
      signal,
      async (host, memory) => (await host.call({ method, request, memory }, signal, onProgress)) as never,
    );
  }

  /** Folds are calls of their own on one host, so that what is finished is known while the rest is under way. */
  async evaluate(request: EvaluateRequest, signal: AbortSignal, onFold: OnFold = () => {}): Promise<FoldEvaluation[]> {
    const evaluations: FoldEvaluation[] = [];
    await this.withHost(training(request.train), signal, async (host, memory) => {
      for (const fold of request.folds) {
        const call = { method: 'evaluate', request: { ...request, folds: [fold] }, memory } as const;
        const [evaluated] = (await host.call(call, signal)) as [FoldEvaluation];
        evaluations.push(evaluated);
        await onFold(evaluated);
      }
    });
    return evaluations;
  }

  async close(): Promise<void> {
    this.closed = true;
    for (const { refuse } of this.waiting) refuse(poolClosed());
    this.waiting = [];
    await Promise.all([...this.hosts].map((host) => host.kill()));
  }

  private async withHost<Result>(
    { reads, bytes = 0 }: Needs,
    signal: AbortSignal | undefined,
    work: (host: EngineHost, memory: number) => Promise<Result>,
  ): Promise<Result> {
    const shares = Math.min(this.size, Math.max(1, Math.ceil(bytes / this.shareBytes)));
    const host = await this.acquire(reads, shares, signal);
    try {
      return await work(host, shares * this.shareBytes);
    } finally {
      if (reads) host.holds.add(reads);
      if (host.alive) this.idle.push(host);
      this.taken -= shares;
      this.dispatch();
    }
  }

  private async acquire(
    reads: string | undefined,
    shares: number,
    signal: AbortSignal | undefined,
  ): Promise<EngineHost> {
    signal?.throwIfAborted();
    if (this.closed) throw poolClosed();
    hostScript();
    // Any number of calls may wait on one signal.
    if (signal) setMaxListeners(0, signal);
    let leave: (() => void) | undefined;
    try {
      return await new Promise<EngineHost>((proceed, refuse) => {
        const waiting = { reads, shares, proceed, refuse };
        leave = () => {
          this.waiting = this.waiting.filter((other) => other !== waiting);
          refuse(signal!.reason as Error);
          this.dispatch();
        };
        signal?.addEventListener('abort', leave);
        this.waiting.push(waiting);
        this.dispatch();
      });
    } finally {
      if (leave) signal?.removeEventListener('abort', leave);
    }
  }

  /** Gives idle hosts, and new ones while there are too few, to the calls that wait, while there is memory. */
  private dispatch(): void {
    for (let next = this.waiting[0]; next && this.taken + next.shares <= this.size; next = this.waiting[0]) {
      const host = this.takeIdle(next.reads) ?? this.startHost();
      if (!host) return;
      this.taken += next.shares;
      // What they keep for later calls is in the way.
      if (next.shares > 1) for (const idle of this.idle.splice(0)) void idle.kill();
      this.waiting.shift();
      next.proceed(host);
    }
  }

  private takeIdle(reads: string | undefined): EngineHost | undefined {
    const holder = this.idle.findIndex((host) => reads !== undefined && host.holds.has(reads));
    return this.idle.splice(Math.max(0, holder), 1)[0];
  }

  private startHost(): EngineHost | undefined {
    if (this.closed || this.hosts.size >= this.size) return undefined;
    const host = new EngineHost(hostScript(), this.shareBytes * CACHE_SHARE, this.size);
    this.hosts.add(host);
    void host.gone.then(() => {
      this.hosts.delete(host);
      this.idle = this.idle.filter((other) => other !== host);
      this.dispatch();
    });
    return host;
  }
}

/** Calls that make up one: shuffles are many predictions, which the hosts share. */
function inParts(request: PredictRequest, hosts: number): PredictRequest[] {
  const { data } = request;
  if (!('shuffles' in data)) return [request];
  const ofPart = Math.ceil(data.shuffles.length / hosts);
  return Array.from({ length: Math.ceil(data.shuffles.length / ofPart) }, (_, part) => ({
    ...request,
    data: { ...data, shuffles: data.shuffles.slice(part * ofPart, (part + 1) * ofPart) },
  }));
}

function training(train: MatrixFile): Needs {
  return { reads: train.checksum, bytes: matrixBytes(train) + libraryBytes(train) };
}

/** The compiled entry of a host; it is the same whether the pool runs compiled or from its sources. */
function hostScript(): string {
  const script = join(packageFolder(), 'dist', 'src', 'ml', 'engines', 'host.js');
  if (!existsSync(script)) throw new PerdureError('EngineMissing', `${script} is not there; run \`npm run build\`.`);
  return script;
}

function poolClosed(): PerdureError {
  return new PerdureError('EngineCrashed', 'The engine pool is closed; start the worker anew.');
}
