import { execFileSync } from 'node:child_process';

/** Engine hosts that are children of a process. */
export function hostsOf(parent: number): number[] {
  const lines = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,args='], { encoding: 'utf8' }).split('\n');
  return lines
    .map((line) => line.trim().split(/\s+/))
    .filter(([, ppid, ...args]) => Number(ppid) === parent && args.some((arg) => arg.endsWith('engines/host.js')))
    .map(([pid]) => Number(pid));
}
