// Gives itself a heap of 200 MiB, prints what came of it, and ends with 7 when it is told to stop, as a worker does.
import { getHeapStatistics } from 'node:v8';
import { heapIsSet, runWithHeap } from '../../src/platform/temporal/heap.js';

if (!heapIsSet()) process.exit(await runWithHeap(200 * 2 ** 20));

process.once('SIGTERM', () => process.exit(7));
process.once('disconnect', () => process.exit(8));
process.stdout.write(`${JSON.stringify({ pid: process.pid, heap: getHeapStatistics().heap_size_limit })}\n`);
setInterval(() => undefined, 1_000);
