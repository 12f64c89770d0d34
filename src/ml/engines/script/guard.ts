/**
 * Entry of a process that stands between an engine host and a user's program, so that all of what the program started ends
 * with it, with its host, or when it takes more memory than it may: the host may be killed at any moment, and can't do it then.
 * The program has the streams of this process and a process group of its own. Argument: a `GuardedProgram` as JSON.
 */
import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { adoptOrphans } from '../processControl.js';
import type { GuardedProgram, GuardNews, ProgramEnd } from './guardProtocol.js';
import { isRunning, processesOf, residentBytes, type FoundProcess } from './processes.js';

/** How often memory is looked at. */
const LOOK_MS = 200;
/** What a program leaves behind has so long to end by itself. */
const GRACE_MS = 1000;
/** Processes of one program, at most. */
const MOST_PROCESSES = 1000;

const { program, args, folder, memory, work } = JSON.parse(process.argv[2]!) as GuardedProgram;

// Whoever works with the host decides what becomes of it.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);
adoptOrphans();

let killed: ProgramEnd['killed'];
let peak = 0;
const child = spawn(program, args, { cwd: folder, stdio: 'inherit', detached: true });

process.on('disconnect', () => {
  endAll();
  if (work !== undefined) rmSync(work, { recursive: true, force: true });
  process.exit();
});
process.on('message', endAll);
const watch = setInterval(look, LOOK_MS);
child.once('error', (error) => {
  tell({ end: { code: null, signal: null, left: 0, failure: error.message } });
});
child.once('exit', (code, signal) => {
  void left().then((count) => tell({ end: { code, signal, left: count, killed } }));
});

/** Ends everything that the program started, also what left its group. */
function endAll(): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    // Nobody of the group is there any more.
  }
  // What is killed leaves children, which come to this process and are found in the next look.
  for (let looks = 0; looks < 10; looks++) {
    const running = members();
    if (running.length === 0) return;
    for (const { pid } of running) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It ended by itself.
      }
    }
  }
}

function members(): FoundProcess[] {
  return child.pid === undefined ? [] : processesOf(process.pid, child.pid).filter(isRunning);
}

function look(): void {
  const running = members();
  const bytes = residentBytes(running, memory);
  if (bytes > peak * 1.05) tell({ peak: (peak = bytes) });
  if (killed === undefined && bytes > memory) killed = 'memory';
  if (killed === undefined && running.length > MOST_PROCESSES) killed = 'processes';
  if (killed !== undefined) endAll();
}

/** How many processes had to be ended that the program left behind. */
async function left(): Promise<number> {
  clearInterval(watch);
  for (let waited = 0; killed === undefined && waited < GRACE_MS && members().length > 0; waited += 100)
    await sleep(100);
  const count = killed === undefined ? members().length : 0;
  endAll();
  return count;
}

function tell(news: GuardNews): void {
  process.send!(news, () => {
    if ('end' in news) process.exit();
  });
}
