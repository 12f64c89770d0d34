import { randomUUID } from 'node:crypto';
import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { membership } from '../src/platform/resources/cgroup.js';

/** A control group of Linux: the kernel kills what goes beyond its memory, and swaps nothing out. */
export interface MemoryGroup {
  /** Command and first arguments that run a command in the group. */
  enter: string[];
  /** Bytes that its processes hold now, the page cache left out, which the kernel takes back when it likes. */
  used(): number;
  remove(): void;
}

const MOUNT = '/sys/fs/cgroup';
/** A shell joins the group, then becomes the command. */
const ENTER = 'echo $$ > "$0" && exec "$@"';

/** A group below this process's own, or beside it; `undefined` where this user may not make one. */
export function createMemoryGroup(bytes: number): MemoryGroup | undefined {
  const groups = membership();
  const name = `perdure-${randomUUID()}`;
  const version1 = groups.get('memory');
  if (version1 !== undefined) {
    const limits = { 'memory.limit_in_bytes': bytes, 'memory.swappiness': 0 };
    return create(join(MOUNT, 'memory', version1, name), limits, 'total_rss');
  }
  // A group of version 2 that has processes can't have groups below it.
  const version2 = groups.get('');
  if (version2 === undefined) return undefined;
  return create(join(MOUNT, dirname(version2), name), { 'memory.max': bytes, 'memory.swap.max': 0 }, 'anon');
}

function create(folder: string, limits: Record<string, number>, statistic: string): MemoryGroup | undefined {
  try {
    mkdirSync(folder);
  } catch {
    return undefined;
  }
  try {
    for (const [file, value] of Object.entries(limits)) writeFileSync(join(folder, file), String(value));
  } catch {
    rmdirSync(folder);
    return undefined;
  }
  return {
    enter: ['/bin/sh', '-c', ENTER, join(folder, 'cgroup.procs')],
    used: () =>
      Number(new RegExp(`^${statistic} (\\d+)$`, 'm').exec(readFileSync(join(folder, 'memory.stat'), 'utf8'))?.[1]),
    remove: () => rmdirSync(folder),
  };
}
