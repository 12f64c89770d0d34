import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { dirname } from 'node:path';
import { variables, type Variables } from '../../environment.js';

/**
 * Two watch over the program, so that it ends with this process also where one of them was killed before. Where
 * `setpriv` can, the kernel sends the program SIGTERM when its parent is gone. Everywhere a helper in the background
 * waits for the end of file on descriptor 3, whose other end is this process's, and then ends the shell's process,
 * which by then is the program's.
 */
const BOUND = [
  'setpriv --pdeathsig TERM true 2>/dev/null && set -- setpriv --pdeathsig TERM "$@"',
  'program=$$',
  '(cat <&3; kill -TERM $program && sleep 5 && kill -KILL $program) >/dev/null 2>&1 & exec "$@" 3<&-',
].join('; ');

/**
 * Spawns a program that ends when this process does, and writes its words to `log`. Ctrl-C in the terminal is not for
 * it: it has its own group. On Windows a process that is killed leaves it behind.
 */
export function spawnBound(program: string, args: string[], log: string, env: Variables = variables()): ChildProcess {
  mkdirSync(dirname(log), { recursive: true });
  const output = openSync(log, 'a');
  try {
    const child =
      process.platform === 'win32'
        ? spawn(program, args, { env, stdio: ['ignore', output, output], windowsHide: true })
        : spawn('/bin/sh', ['-c', BOUND, 'sh', program, ...args], {
            env,
            stdio: ['ignore', output, output, 'pipe'],
            detached: true,
          });
    const lifeline = child.stdio[3];
    // Releases the one that waits, so that it doesn't outlive what it watches.
    child.once('exit', () => lifeline?.destroy());
    child.once('error', () => lifeline?.destroy());
    return child;
  } finally {
    closeSync(output);
  }
}

export function hasExited(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

/** Asks a child to end, insists after `patience` milliseconds, and returns when it is gone. */
export async function stopProcess(child: ChildProcess, patience: number): Promise<void> {
  if (hasExited(child)) return;
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  const insist = setTimeout(() => child.kill('SIGKILL'), patience);
  try {
    await exited;
  } finally {
    clearTimeout(insist);
  }
}

/** Kills what is left of the process group that a child led which was spawned `detached`. */
export function killGroupOf(child: ChildProcess): void {
  if (child.pid === undefined || process.platform === 'win32') return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    // Nobody is left.
  }
}

/** How a child ended, in words. */
export function describeExit(child: ChildProcess): string {
  return child.signalCode ? `was ended by ${child.signalCode}` : `ended with code ${child.exitCode}`;
}

/** `preferred` where nobody listens there on this host, else any free port. */
export async function freePort(preferred?: number): Promise<number> {
  if (preferred !== undefined) {
    const port = await tryListen(preferred);
    if (port !== undefined) return port;
  }
  const port = await tryListen(0);
  if (port === undefined) throw new Error('no TCP port is free on 127.0.0.1');
  return port;
}

/** Whether nobody listens on a port of this host. */
export async function isFree(port: number): Promise<boolean> {
  return (await tryListen(port)) !== undefined;
}

/** Whether something takes connections at `host:port`. */
export function listens(address: string): Promise<boolean> {
  const { hostname, port } = new URL(`tcp://${address}`);
  return new Promise((resolve) => {
    const socket = connect({ host: hostname, port: Number(port) });
    socket.once('error', () => resolve(false));
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
  });
}

function tryListen(port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(undefined));
    server.listen(port, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : undefined));
    });
  });
}
