import { readdirSync, readFileSync } from 'node:fs';

/** A process as Linux tells it. */
export interface FoundProcess {
  pid: number;
  parent: number;
  group: number;
  state: string;
  /** Bytes of resident memory, what it shares with others included. */
  resident: number;
}

const PAGE = 4096;

/**
 * The processes that a program started and what these started: descendants of `guard`, and whoever is in the program's
 * group. Only on Linux, whose `/proc` tells; elsewhere none are found.
 *
 * @param guard the number of the process that they all come to
 * @param group of the program, which is its own number too
 */
export function processesOf(guard: number, group: number): FoundProcess[] {
  const all = allProcesses();
  const parents = new Map(all.map(({ pid, parent }) => [pid, parent]));
  const isOurs = ({ pid, group: own }: FoundProcess) => {
    if (own === group) return true;
    for (let at = parents.get(pid); at !== undefined && at > 1; at = parents.get(at)) if (at === guard) return true;
    return false;
  };
  return all.filter((found) => found.pid !== guard && isOurs(found));
}

/** Whether it still does something: one that ended stays in the list until its parent has asked for it. */
export function isRunning({ state }: FoundProcess): boolean {
  return state !== 'Z' && state !== 'X';
}

/**
 * Memory of some processes, in bytes. What they share counts for each, unless that is more than a limit: then it is looked
 * at more closely, which takes longer.
 */
export function residentBytes(found: readonly FoundProcess[], limit: number): number {
  const bytes = found.reduce((sum, { resident }) => sum + resident, 0);
  return bytes <= limit ? bytes : found.reduce((sum, one) => sum + shareOf(one), 0);
}

/** Resident memory of which what is shared counts in equal parts (`Pss`). */
function shareOf({ pid, resident }: FoundProcess): number {
  const found = /^Pss:\s+(\d+) kB$/m.exec(read(`/proc/${pid}/smaps_rollup`) ?? '')?.[1];
  return found === undefined ? resident : Number(found) * 1024;
}

function allProcesses(): FoundProcess[] {
  if (process.platform !== 'linux') return [];
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name): FoundProcess[] => {
      const stat = read(`/proc/${name}/stat`);
      // The second field is a name in brackets, which may have any characters.
      const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ');
      if (!fields) return [];
      const [state, parent, group] = fields;
      return [
        {
          pid: Number(name),
          parent: Number(parent),
          group: Number(group),
          state: state!,
          resident: Number(fields[21]) * PAGE,
        },
      ];
    });
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // It ended since it was listed.
    return undefined;
  }
}
