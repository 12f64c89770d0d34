import type { Client } from '@temporalio/client';
import { expect, test } from 'vitest';
import { SEARCH_ATTRIBUTES } from '../../src/contracts/index.js';
import { lastInference } from '../../src/platform/notify/runHistory.js';

interface Run {
  status: string;
  began: number;
  ended?: number;
}

/** Days of a month as moments. */
const on = (day: number) => new Date(Date.UTC(2026, 0, day));

/** The last moment of these runs, in the order in which Temporal lists them, and how many of them were looked at. */
async function lastOf(runs: Run[]): Promise<{ last: Date | undefined; looked: number }> {
  let looked = 0;
  async function* list() {
    for (const { status, began, ended } of runs) {
      looked += 1;
      await Promise.resolve();
      yield {
        ...{ status: { name: status }, startTime: on(began), closeTime: ended === undefined ? undefined : on(ended) },
        ...{ searchAttributes: { [SEARCH_ATTRIBUTES.pipeline]: ['churn'] }, memo: {} },
      };
    }
  }
  const client = { workflow: { list } } as unknown as Client;
  return { last: await lastInference(client, 'churn'), looked };
}

test.each<[string, Run[], number, number]>([
  ['the end of one that succeeded', [{ status: 'COMPLETED', began: 3, ended: 5 }], 5, 1],
  ['the beginning of one that failed', [{ status: 'FAILED', began: 3, ended: 5 }], 3, 1],
  [
    'the beginning of one that is at work, though another is for longer',
    [
      { status: 'RUNNING', began: 2 },
      { status: 'RUNNING', began: 6 },
      { status: 'COMPLETED', began: 3, ended: 5 },
    ],
    6,
    3,
  ],
  [
    'the end of one that succeeded while a failed one was at work',
    [
      { status: 'FAILED', began: 1, ended: 9 },
      { status: 'COMPLETED', began: 3, ended: 4 },
    ],
    4,
    2,
  ],
  [
    'the beginning of one that failed while an earlier one was at work, and no older one is looked at beyond the next',
    [
      { status: 'TERMINATED', began: 1, ended: 9 },
      { status: 'FAILED', began: 7, ended: 8 },
      { status: 'FAILED', began: 5, ended: 6 },
      { status: 'COMPLETED', began: 2, ended: 4 },
    ],
    7,
    3,
  ],
])('the last moment of inference is %s', async (_, runs, day, looked) => {
  expect(await lastOf(runs)).toEqual({ last: on(day), looked });
});

test('there is none where Temporal knows of no run', async () => {
  expect(await lastOf([])).toEqual({ last: undefined, looked: 0 });
});
