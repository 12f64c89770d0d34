import { expect } from 'vitest';
import type { StageRun } from '../../bench/sizedStages.js';
import { GIB } from '../../src/sizes/workerSize.js';

/** Says what a stage took, and holds it to its memory also where the kernel could not. */
export function expectWithinLimit({ stage, rows, seconds, peak, limit, held, spilled }: StageRun<unknown>): void {
  const took = `${stage}: ${rows} rows in ${seconds.toFixed(1)} s, peak ${inGib(peak)} of ${inGib(limit)} GiB, spilled ${inGib(spilled)} GiB`;
  console.log(held ? took : `${took}. This user may make no control group, so the memory was WATCHED, NOT LIMITED; run as root to have it limited.`);
  expect(peak, took).toBeLessThan(limit);
}

function inGib(bytes: number): string {
  return (bytes / GIB).toFixed(2);
}
