import { readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import type { Resources } from './resources.js';

/** Where Linux shows a process's control groups; another root in tests. */
export interface CgroupFiles {
  /** @default /proc/self/cgroup */
  membership: string;
  /** @default /sys/fs/cgroup */
  mount: string;
}

const LINUX: CgroupFiles = { membership: '/proc/self/cgroup', mount: '/sys/fs/cgroup' };

/** Version 1 writes "no limit" as the largest multiple of a page; no machine has this much memory, in bytes. */
const NO_LIMIT = 2 ** 60;

/** What the control groups of this process allow it, of version 2 or 1; nothing where they set no limit. */
export function containerLimits(files: CgroupFiles = LINUX): Partial<Resources> {
  const groups = membership(files.membership);
  const memory = least([
    ...limits(files.mount, groups.get(''), 'memory.max', Number),
    ...limits(join(files.mount, 'memory'), groups.get('memory'), 'memory.limit_in_bytes', Number),
  ]);
  const cpus = least([
    ...limits(files.mount, groups.get(''), 'cpu.max', (text) => quotient(...(text.split(' ') as [string, string]))),
    ...limits(join(files.mount, 'cpu'), groups.get('cpu'), 'cpu.cfs_quota_us', (quota, folder) =>
      quotient(quota, read(join(folder, 'cpu.cfs_period_us')) ?? ''),
    ),
  ]);
  return { ...(memory === undefined ? {} : { memory }), ...(cpus === undefined ? {} : { cpus }) };
}

/** Path of this process's control group by controller; that of version 2 has the empty name. */
export function membership(path: string = LINUX.membership): Map<string, string> {
  const lines = (read(path) ?? '').split('\n').filter((line) => line !== '');
  return new Map(
    lines.flatMap((line) => {
      const [, controllers = '', group = '/'] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
      return controllers.split(',').map((controller) => [controller, group] as const);
    }),
  );
}

/** The limit of a group and of each group above it. A container without a namespace of its own sees itself as the root. */
function limits(
  mount: string,
  group: string | undefined,
  file: string,
  parse: (text: string, folder: string) => number,
): number[] {
  if (group === undefined) return [];
  const folders = [join(mount, group)];
  for (let path = group; path !== '/'; path = posix.dirname(path)) folders.push(join(mount, posix.dirname(path)));
  return folders.flatMap((folder) => {
    const text = read(join(folder, file));
    return text === undefined ? [] : [parse(text, folder)];
  });
}

function least(values: number[]): number | undefined {
  const limited = values.filter((value) => value > 0 && value < NO_LIMIT);
  return limited.length > 0 ? Math.min(...limited) : undefined;
}

/** CPUs; NaN without a quota ("max", or -1 in version 1). */
function quotient(quota: string, period: string): number {
  return Number(quota) / Number(period);
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    // Another system, another version, or a controller that isn't there: no limit of this kind.
    return undefined;
  }
}
