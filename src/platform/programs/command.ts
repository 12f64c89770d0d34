import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { variables, type Variables } from '../../environment.js';
import { systemCode } from '../../errors.js';

export interface CommandResult {
  ok: boolean;
  stdout: string;
  /** The last line that says something, for telling why a command failed. */
  complaint: string;
}

export interface CommandOptions {
  env?: NodeJS.ProcessEnv;
  cwd?: string;
  /** Milliseconds after which the command is killed. */
  timeout: number;
}

/** Runs a program to its end. A failure, also to start, is a result and not an error. */
export function runCommand(program: string, args: string[], options: CommandOptions): Promise<CommandResult> {
  return new Promise((resolve) => {
    execFile(
      program,
      args,
      {
        env: { ...variables(), ...options.env },
        cwd: options.cwd,
        timeout: options.timeout,
        killSignal: 'SIGKILL',
        maxBuffer: 64 << 20,
      },
      (error, stdout, stderr) => {
        const lines = `${stdout}\n${stderr}`.split('\n').filter((line) => line.trim() !== '');
        const said = lines.findLast((line) => /error/i.test(line)) ?? lines.at(-1) ?? error?.message ?? '';
        const complaint = error?.killed ? `gave up after ${options.timeout / 1000} s` : said.trim();
        resolve({ ok: error === null, stdout, complaint });
      },
    );
  });
}

/** The executable that a shell would run for `name`. */
export async function onPath(name: string, env: Variables = variables()): Promise<string | undefined> {
  const names = process.platform === 'win32' ? [`${name}.exe`, `${name}.cmd`] : [name];
  for (const folder of (env.PATH ?? '').split(delimiter).filter(Boolean)) {
    for (const candidate of names) {
      const path = join(folder, candidate);
      if (await isExecutable(path)) return path;
    }
  }
  return undefined;
}

export async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}

/** Whether a process of this number is there. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return systemCode(error) === 'EPERM';
  }
}
