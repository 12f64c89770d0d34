import { variables, type Variables } from '../../environment.js';
import { PerdureError } from '../../errors.js';
import { containerLimits } from './cgroup.js';

/** What a worker or task may use. */
export interface WorkerSize {
  cpus: number;
  /** Bytes. */
  memory: number;
}

export const GIB = 2 ** 30;

/**
 * A size as people write it: vCPUs, "x", GiB of memory, e.g. `2x4` or `0.5x1`.
 * @param source where it was written, for the error
 * @throws PerdureError `ConfigInvalid`
 */
export function parseSize(text: string, source: string): WorkerSize {
  const [, cpus, gibibytes] = /^(\d+(?:\.\d+)?)x(\d+(?:\.\d+)?)$/.exec(text) ?? [];
  const size = { cpus: Number(cpus), memory: Math.floor(Number(gibibytes) * GIB) };
  if (!(size.cpus > 0 && size.memory > 0)) {
    throw new PerdureError('ConfigInvalid', `${source} is "${text}"; expected vCPUs and GiB such as 1x2 or 2x4.`);
  }
  return size;
}

/** The inverse of {@link parseSize}. */
export function formatSize({ cpus, memory }: WorkerSize): string {
  return `${cpus}x${memory / GIB}`;
}

/**
 * The size that this process keeps to: what was asked for, else what `PERDURE_SIZE` says, else the container's limits,
 * each in place of the standard's.
 *
 * @param asked text of `--size`, where it was given
 * @throws PerdureError `ConfigInvalid` for a size that is none
 */
export function chosenSize(standard: WorkerSize, asked?: string, env: Variables = variables()): WorkerSize {
  if (asked !== undefined) return parseSize(asked, '--size');
  if (env.PERDURE_SIZE) return parseSize(env.PERDURE_SIZE, 'PERDURE_SIZE');
  return { ...standard, ...containerLimits() };
}
