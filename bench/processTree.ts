import { spawn } from 'node:child_process';
import { readFile, readdir } from 'node:fs/promises';

/** How often memory is looked at. A peak shorter than this can be missed. */
const SAMPLE_MS = 100;

export interface Measured {
  /** Wall-clock seconds of the whole process, its start and end included. */
  seconds: number;
  /** Seconds until standard error said what was waited for; `NaN` where it never did. */
  secondsUntil: number;
  stdout: string;
  /**
   * Largest sum of resident bytes at one moment, by the name that `nameOf` gives a process, its children included, and
   * of all processes as `whole`; largest value of each gauge, by its name.
   */
  peaks: Record<string, number>;
}

/**
 * Runs a command to its end and measures it. With `whole`, so is its memory; with `nameOf`, the processes that it names are watched with everything
 * below them (Linux only: read from `/proc`); with `gauges`, whatever they read off; with `until`, when standard error says it.
 *
 * @throws Error where the command ends with another code than it may
 */
export async function measure(
  command: string,
  args: string[],
  options: {
    cwd: string;
    env?: NodeJS.ProcessEnv;
    whole?: boolean;
    nameOf?: (commandLine: string) => string | undefined;
    gauges?: Record<string, () => number>;
    until?: string;
    /** With which it may end. @default 0 alone */
    codes?: number[];
  },
): Promise<Measured> {
  const started = performance.now();
  const child = spawn(command, args, {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (bytes: Buffer) => (stdout += bytes.toString()));
  let secondsUntil = NaN;
  child.stderr.on('data', (bytes: Buffer) => {
    stderr += bytes.toString();
    if (options.until !== undefined && Number.isNaN(secondsUntil) && stderr.includes(options.until))
      secondsUntil = secondsSince(started);
  });
  const peaks: Record<string, number> = {};
  const { whole, nameOf, gauges = {} } = options;
  let looking = false;
  const look = () => {
    for (const [name, read] of Object.entries(gauges)) peaks[name] = Math.max(peaks[name] ?? 0, read());
    if ((!nameOf && !whole) || looking) return;
    looking = true;
    void allProcesses()
      .then((processes) => {
        const root = child.pid ?? 0;
        if (whole) raise(peaks, 'whole', residentIn(processes, root));
        for (const { pid, commandLine } of nameOf ? below(root, processes) : []) {
          const name = nameOf!(commandLine);
          if (name !== undefined) raise(peaks, name, residentIn(processes, pid));
        }
      })
      .finally(() => (looking = false));
  };
  const sampling = setInterval(look, SAMPLE_MS);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  clearInterval(sampling);
  if (!(options.codes ?? [0]).includes(code ?? NaN))
    throw new Error(
      `${command} ${args.join(' ')} ended with ${code}: ${stderr.trim().split('\n').slice(-5).join('\n')}`,
    );
  return { seconds: secondsSince(started), secondsUntil, stdout, peaks };
}

function secondsSince(started: number): number {
  return (performance.now() - started) / 1000;
}

/** Resident bytes of a process and all below it, now. */
export async function residentOf(pid: number): Promise<number> {
  return residentIn(await allProcesses(), pid);
}

function residentIn(processes: Process[], pid: number): number {
  const own = processes.filter((process) => process.pid === pid);
  return [...own, ...below(pid, processes)].reduce((sum, { resident }) => sum + resident, 0);
}

function raise(peaks: Record<string, number>, name: string, value: number): void {
  peaks[name] = Math.max(peaks[name] ?? 0, value);
}

/** Every process below one, at this moment. Linux only: read from `/proc`. */
export async function processesBelow(pid: number): Promise<Process[]> {
  return below(pid, await allProcesses());
}

export interface Process {
  pid: number;
  parent: number;
  commandLine: string;
  resident: number;
}

function below(pid: number, processes: Process[]): Process[] {
  const children = processes.filter(({ parent }) => parent === pid);
  return children.flatMap((child) => [child, ...below(child.pid, processes)]);
}

async function allProcesses(): Promise<Process[]> {
  const pids = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(pids.map((pid) => readProcess(Number(pid)).catch(() => undefined)));
  return found.filter((process) => process !== undefined);
}

async function readProcess(pid: number): Promise<Process> {
  const [status, commandLine] = await Promise.all([
    readFile(`/proc/${pid}/status`, 'utf8'),
    readFile(`/proc/${pid}/cmdline`, 'utf8'),
  ]);
  const field = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? 0);
  return {
    pid,
    parent: field('PPid'),
    commandLine: commandLine.replaceAll('\0', ' '),
    resident: field('VmRSS') * 1024,
  };
}
