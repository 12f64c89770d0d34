/**
 * Set-up of each file of tests that share a process, which spares all but the first the time of their imports. When a
 * file is over, the process is put back as the file found it, and the file fails where it left something running: no
 * file depends on which were before it. What it imported stays, so no module may keep what a test changed in it, and
 * none may be mocked.
 */
import { afterAll, vi } from 'vitest';

const HANDLED = ['uncaughtException', 'unhandledRejection', 'SIGINT', 'SIGTERM', 'SIGHUP'] as const;
/** What a test starts and has to end, by Node's names: child processes, and servers of addresses and of sockets. */
const STARTED = ['ProcessWrap', 'TCPServerWrap', 'PipeServerWrap'];
/** What was ended last may still be on its way out. */
const ENDING_MS = 5_000;

/** @returns what puts this process back as it is now */
export function remembered(): () => void {
  const env = { ...process.env };
  const folder = process.cwd();
  const { exitCode } = process;
  const handlers = HANDLED.map((event) => process.rawListeners(event));
  return () => {
    vi.useRealTimers();
    vi.restoreAllMocks();
    vi.unstubAllGlobals();
    vi.unstubAllEnvs();
    // A thread, where a mutant's tests run, can't change it at all.
    if (process.cwd() !== folder) process.chdir(folder);
    process.exitCode = exitCode;
    for (const name of Object.keys(process.env)) if (!(name in env)) delete process.env[name];
    // Only what differs, as writing TZ alone sets the time zone anew.
    for (const [name, value] of Object.entries(env)) if (process.env[name] !== value) process.env[name] = value;
    for (const [i, event] of HANDLED.entries())
      for (const listener of process.rawListeners(event))
        if (!handlers[i]!.includes(listener)) process.off(event, listener as () => void);
  };
}

/** How many of what a test has to end are running. */
export function running(): Record<string, number> {
  const found = process.getActiveResourcesInfo();
  return Object.fromEntries(STARTED.map((kind) => [kind, found.filter((name) => name === kind).length]));
}

const putBack = remembered();
const before = running();
afterAll(async () => {
  putBack();
  await vi.waitFor(
    () => {
      const left = running();
      for (const kind of STARTED)
        if (left[kind]! > before[kind]!)
          throw new Error(`The file leaves ${left[kind]! - before[kind]!} ${kind} running; end what it starts.`);
    },
    { timeout: ENDING_MS },
  );
});
