import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { PerdureError, messageOf } from '../../../errors.js';
import type { GuardedProgram, GuardNews, ProgramEnd } from './guardProtocol.js';
import { Lines } from './lines.js';

/** What is run of a script. */
export interface ScriptCall extends GuardedProgram {
  /** How people call the script. */
  name: string;
  env: Record<string, string>;
  timeoutSeconds: number;
  /** A line of its output that is not for Perdure, and what it wrote to stderr. */
  onLog: (line: string) => void;
  /** A JSON object that it wrote as a line. */
  onMessage: (message: Record<string, unknown>) => void;
}

/** Python's last line where a package is not installed. */
const MODULE_MISSING = /^ModuleNotFoundError: No module named '([^']+)'/;

const GUARD = fileURLToPath(new URL('./guard.js', import.meta.url));

/** A program of the user's that runs, with all that it starts. */
export class ScriptProcess {
  /** Resolves when everything is over: why it was no good, or nothing. */
  readonly fault: Promise<PerdureError | undefined>;
  /** The most memory that it has had resident, in bytes. */
  peak = 0;
  private readonly guard: ChildProcess;
  private readonly complaints: Lines;
  private end: ProgramEnd | undefined;
  /** Why it was ended from here. */
  private stopped: PerdureError | undefined;

  constructor(private readonly call: ScriptCall) {
    const { program, args, folder, memory, work } = call;
    const guarded: GuardedProgram = { program, args, folder, memory, work };
    this.guard = fork(GUARD, [JSON.stringify(guarded)], {
      env: call.env,
      execArgv: [],
      stdio: ['pipe', 'pipe', 'pipe', 'ipc'],
    });
    const output = new Lines((line) => this.takeLine(line));
    this.complaints = new Lines(call.onLog);
    this.guard.stdout!.on('data', (chunk: Buffer) => output.take(chunk));
    this.guard.stderr!.on('data', (chunk: Buffer) => this.complaints.take(chunk));
    // A program that ended reads nothing more, which its end tells.
    this.guard.stdin!.on('error', () => undefined);
    this.guard.on('message', (news: GuardNews) => {
      if ('end' in news) this.end = news.end;
      else this.peak = Math.max(this.peak, news.peak);
    });
    this.fault = new Promise((resolve) => {
      this.guard.on('error', (error) => (this.end ??= failed(messageOf(error))));
      // What escaped its guard may have the streams still.
      this.guard.once('exit', () => setTimeout(() => this.guard.stdout!.destroy(), 500).unref());
      this.guard.once('close', () => {
        output.end();
        this.complaints.end();
        resolve(this.stopped ?? this.faultOf(this.end ?? failed('its guard was killed')));
      });
    });
  }

  write(line: string): void {
    this.guard.stdin!.write(`${line}\n`);
  }

  /** Ends what it reads. */
  closeInput(): void {
    this.guard.stdin!.end();
  }

  /** Ends it with all that it started. */
  kill(why?: PerdureError): void {
    this.stopped ??= why;
    // What can't be sent is a guard that ended, and everything with it.
    if (this.guard.connected) this.guard.send('end', () => undefined);
  }

  /** Waits for something, and ends the program where that takes too long. */
  async within<T>(doing: string, work: Promise<T>): Promise<T> {
    const { name, timeoutSeconds } = this.call;
    const timer = setTimeout(
      () =>
        this.kill(
          new PerdureError(
            'EngineFailed',
            `The script ${name} was ended as it had not ${doing} after ${timeoutSeconds} s; make it faster, or raise its "timeout_seconds".`,
          ),
        ),
      timeoutSeconds * 1000,
    );
    try {
      return await work;
    } finally {
      clearTimeout(timer);
    }
  }

  private takeLine(line: string): void {
    const message = objectOf(line);
    if (message) this.call.onMessage(message);
    else this.call.onLog(line);
  }

  private faultOf({ code, signal, left, killed, failure }: ProgramEnd): PerdureError | undefined {
    const { name, program, memory } = this.call;
    const script = `The script ${name}`;
    if (failure !== undefined)
      return new PerdureError(
        'EngineMissing',
        `${script} can't be started (${failure}); install ${program}, or correct its "command".`,
      );
    if (killed === 'memory')
      return new PerdureError(
        'EngineCrashed',
        `${script} was ended as it had more than its ${Math.round(memory / 1e6)} MB of memory; give the worker more memory, or have the script take less.`,
      );
    if (killed === 'processes')
      return new PerdureError(
        'EngineFailed',
        `${script} was ended as it started more than a thousand processes; correct what starts them.`,
      );
    if (left > 0) this.call.onLog(`left processes behind, which were ended: ${left}`);
    if (signal === 'SIGKILL')
      return new PerdureError(
        'EngineCrashed',
        `${script} was killed (SIGKILL), probably for its memory; give the worker more memory, or have the script take less.`,
      );
    if (signal !== null)
      return new PerdureError(
        'EngineCrashed',
        `${script} died of ${signal}; run again, and correct it if that happens each time.`,
      );
    if (code === 0) return undefined;
    const { complaint } = this.complaints;
    const module = MODULE_MISSING.exec(complaint ?? '')?.[1];
    if (module !== undefined)
      return new PerdureError(
        'EngineMissing',
        `${script} needs the Python module ${module}, which is not installed; install it for ${program}, or pin it in the script's requirements.txt.`,
      );
    const said = complaint === undefined ? 'and wrote nothing to stderr' : `and said "${complaint}"`;
    return new PerdureError('EngineFailed', `${script} ended with exit code ${code} ${said}; correct it.`);
  }
}

function failed(failure: string): ProgramEnd {
  return { code: null, signal: null, left: 0, failure };
}

function objectOf(line: string): Record<string, unknown> | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    return JSON.parse(line) as Record<string, unknown>;
  } catch {
    // Something else that begins with a brace.
    return undefined;
  }
}
