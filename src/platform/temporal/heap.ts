import { fork } from 'node:child_process';
import { once } from 'node:events';
import { variables } from '../../environment.js';

/** Option of Node for a heap of so many bytes. */
export function heapOption(bytes: number): string {
  return `--max-old-space-size=${Math.floor(bytes / 2 ** 20)}`;
}

/** Whether whoever started this process chose its heap. */
export function heapIsSet(): boolean {
  return [...process.execArgv, variables().NODE_OPTIONS ?? ''].some((option) =>
    option.includes('--max-old-space-size'),
  );
}

/**
 * Runs this program once more with a heap of its own, as Node can't change it after its start, and passes on what this
 * process is told. Returns its exit code.
 */
export async function runWithHeap(bytes: number): Promise<number> {
  // The child ends with this process, also where this one is killed: it has a channel that then closes.
  const child = fork(process.argv[1]!, process.argv.slice(2), { execArgv: [heapOption(bytes)] });
  const signals = ['SIGTERM', 'SIGINT'] as const;
  for (const signal of signals) process.on(signal, () => child.kill(signal));
  const [code] = (await once(child, 'exit')) as [number | null];
  return code ?? 1;
}
