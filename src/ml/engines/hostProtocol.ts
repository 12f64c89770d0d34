import type { Progress } from '../../contracts/index.js';
import type { ErrorType } from '../../errors.js';
import type { EngineCalls } from './pool.js';

/** What the pool asks of a host, one call at a time. */
export interface HostCall {
  method: keyof EngineCalls;
  request: unknown;
  /** Bytes that the call may take. */
  memory: number;
}

/** How far the call at work is, as a program tells it. */
export interface HostNews {
  progress: Progress;
}

/** What the host answers. */
export type HostReply = { ok: true; value: unknown } | { ok: false; type: ErrorType; message: string };
