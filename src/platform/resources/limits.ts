import type { Resources } from './resources.js';

/** What follows from resources for a process that runs stages. Memory is in bytes. */
export interface Limits {
  /** Activities at once. */
  concurrency: number;
  database: {
    threads: number;
    /** Of each open database; beyond it DuckDB spills to disk. */
    memory: number;
  };
  engines: {
    /** Child processes. Most calls have a thread; what says the same with any number of them has as many as there are hosts. */
    hosts: number;
    /** Of all hosts together. */
    memory: number;
  };
}

/**
 * The one function that makes limits of resources.
 *
 * Memory: half is for whatever stage is at work, DuckDB or engines, which count what they take. The rest is for what
 * nobody counts: Node and Temporal's core, columns on their way between DuckDB and Parquet, and what DuckDB allocates
 * outside its own count.
 *
 * CPUs: a fit has one thread (two fits side by side beat one of two threads), so there are as many hosts and
 * activities as CPUs.
 */
export function limitsOf({ cpus, memory }: Resources): Limits {
  const concurrency = Math.max(1, Math.floor(cpus));
  return {
    concurrency,
    // Each activity at once may have a database open.
    database: { threads: concurrency, memory: memory / 2 / concurrency },
    engines: { hosts: concurrency, memory: memory / 2 },
  };
}

/** Bytes of JavaScript heap for a process that runs stages: a limit that it comes nowhere near, as data lies outside. */
export function stageHeap({ memory }: Resources): number {
  return memory / 4;
}

/** Bytes of JavaScript heap for a process that runs workflows. They have a thread, and so a heap, of their own. */
export function workflowHeap({ memory }: Resources): number {
  return (memory * 3) / 8;
}
