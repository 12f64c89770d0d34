import { expect } from 'vitest';
import type { StageRun } from '../../bench/sizedStages.js';
import { GIB } from '../../src/platform/resources/resources.js';

/** Of a worker's memory, what stays for that which a stage's own process doesn't have: Temporal's core and connections. */
const WORKERS_OWN = 1 / 8;

/** Says what a stage took, and holds it to its worker's memory, also where the kernel could not. */
export function expectWithinLimit({ stage, rows, seconds, peak, limit, held, spilled }: StageRun<unknown>): void {
  const took = `${stage}: ${rows} rows in ${seconds.toFixed(1)} s, peak ${inGib(peak)} of ${inGib(limit)} GiB, spilled ${inGib(spilled)} GiB`;
  console.log(
    held
      ? took
      : `${took}. This user may make no control group, so the memory was WATCHED, NOT LIMITED; run as root to have it limited.`,
  );
  expect(peak, took).toBeLessThan(limit * (1 - WORKERS_OWN));
}

function inGib(bytes: number): string {
  return (bytes / GIB).toFixed(2);
}
