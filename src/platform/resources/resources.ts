import { variables, type Variables } from '../../environment.js';
import { PerdureError } from '../../errors.js';
import { containerLimits } from './cgroup.js';

/** What a worker or task may use. */
export interface Resources {
  cpus: number;
  /** Bytes. */
  memory: number;
}

export const GIB = 2 ** 30;

/**
 * Resources as people write them: vCPUs, "x", GiB of memory, e.g. `2x4` or `0.5x1`.
 * @param source where it was written, for the error
 * @throws PerdureError `ConfigInvalid`
 */
export function parseResources(text: string, source: string): Resources {
  const [, cpus, gibibytes] = /^(\d+(?:\.\d+)?)x(\d+(?:\.\d+)?)$/.exec(text) ?? [];
  const resources = { cpus: Number(cpus), memory: Math.floor(Number(gibibytes) * GIB) };
  if (!(resources.cpus > 0 && resources.memory > 0)) {
    throw new PerdureError('ConfigInvalid', `${source} is "${text}"; expected vCPUs and GiB such as 1x2 or 2x4.`);
  }
  return resources;
}

/** The inverse of {@link parseResources}. */
export function formatResources({ cpus, memory }: Resources): string {
  return `${cpus}x${memory / GIB}`;
}

/**
 * The resources that this process keeps to: what was asked for, else what `PERDURE_SIZE` says, else the container's limits,
 * each in place of the standard's.
 *
 * @param asked text of `--size`, where it was given
 * @throws PerdureError `ConfigInvalid` for a text that says none
 */
export function chosenResources(standard: Resources, asked?: string, env: Variables = variables()): Resources {
  if (asked !== undefined) return parseResources(asked, '--size');
  if (env.PERDURE_SIZE) return parseResources(env.PERDURE_SIZE, 'PERDURE_SIZE');
  return { ...standard, ...containerLimits() };
}
