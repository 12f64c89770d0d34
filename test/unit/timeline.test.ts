import { beforeEach, expect, test } from 'vitest';
import type { PeriodRecord, RetrainingTracker } from '../../src/contracts/index.js';
import { FolderStore } from '../../src/platform/storage/folderStore.js';
import {
  dropFromTimeline,
  readTimeline,
  readTracker,
  recordInTimeline,
  writeTracker,
} from '../../src/registry/timeline.js';
import { writeJson } from '../support/anyDocument.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

let store: FolderStore;
beforeEach(() => {
  store = new FolderStore(temporaryFolder());
});

const model = { algorithm: 'lightgbm', version: 'v1' };

/** A week that trained, with all that a record may have. */
function week(from: string, rows = 64): PeriodRecord {
  return {
    from,
    to: from,
    outcome: 'trained',
    evaluation: {
      status: 'measured',
      period: { from, to: from },
      model,
      rows: 60,
      metric: 'f1_macro',
      value: 0.95,
      metrics: { n: 60 },
      rows_not_measured: 'Of 4 rows no label is known.',
    },
    decision: { retrain: true, because: 'age', reason: 'The last retraining lies 90 days back.' },
    training: {
      model,
      metric: 'validation.f1_macro',
      score: 0.9,
      promoted: true,
      reason: 'It is the first.',
      left_out: { xgboost: 'It is not enabled.' },
    },
    model,
    rows,
  };
}
const FIRST = '2023-01-01';
const SECOND = '2023-01-08';
const THIRD = '2023-01-15';

/** Puts something else in the place of an object, of which there is one. */
async function damage(): Promise<void> {
  for await (const { key } of store.list('')) await writeJson(store, key, {});
}

test('a timeline has its periods in the order of their days, and each once, as it was run last', async () => {
  expect(await readTimeline(store)).toBeUndefined();
  await recordInTimeline(store, 'week', week(SECOND));
  await recordInTimeline(store, 'week', week(THIRD));
  await recordInTimeline(store, 'week', week(FIRST));
  const periods = [week(FIRST), week(SECOND, 7), week(THIRD)];
  // How it is cut stays as it began.
  expect(await recordInTimeline(store, 'month', week(SECOND, 7))).toEqual({ by: 'week', periods });
  expect(await readTimeline(store)).toEqual({ by: 'week', periods });
});

test('a period that there was nothing for is recorded as well', async () => {
  const skipped: PeriodRecord = {
    ...week(FIRST, 0),
    outcome: 'skipped',
    evaluation: { status: 'skipped', reason: 'There is no champion to evaluate yet.' },
    training: null,
    model: null,
  };
  expect(await recordInTimeline(store, 'day', skipped)).toEqual({ by: 'day', periods: [skipped] });
});

test('periods that are to be run again are taken out', async () => {
  expect(await dropFromTimeline(store, new Set([FIRST]))).toBeUndefined();
  for (const from of [FIRST, SECOND, THIRD]) await recordInTimeline(store, 'week', week(from));
  const left = { by: 'week', periods: [week(SECOND)] };
  expect(await dropFromTimeline(store, new Set([FIRST, THIRD]))).toEqual(left);
  expect(await readTimeline(store)).toEqual(left);
});

test('a damaged timeline says what it is and what to do, and is not written over', async () => {
  await recordInTimeline(store, 'week', week(FIRST));
  await damage();
  const refusal = {
    type: 'ObjectCorrupt',
    message: expect.stringMatching(
      / is damaged: it is no timeline of a pipeline \(.*\); delete it, and run the backfill again from its first day\.$/,
    ) as string,
  };
  await expect(readTimeline(store)).rejects.toMatchObject(refusal);
  await expect(recordInTimeline(store, 'week', week(SECOND))).rejects.toMatchObject(refusal);
  await expect(dropFromTimeline(store, new Set([FIRST]))).rejects.toMatchObject(refusal);
});

test('the last retraining is kept, or that there is none', async () => {
  const last: RetrainingTracker = {
    last_retraining_date: FIRST,
    model_name: 'lightgbm',
    model_version: 'v1',
    model_type: 'lightgbm',
    metric: 'validation.f1_macro',
    score: null,
    macro_f1_score: 0.9,
    registration_date: '2023-01-01T00:00:00.000Z',
  };
  expect(await readTracker(store)).toBeUndefined();
  await writeTracker(store, last);
  expect(await readTracker(store)).toEqual(last);
  await writeTracker(store, null);
  expect(await readTracker(store)).toBeUndefined();
  await damage();
  await expect(readTracker(store)).rejects.toMatchObject({
    type: 'ObjectCorrupt',
    message: expect.stringMatching(
      / is damaged: it is no last retraining of a pipeline \(.*\); delete it: it counts as long ago then\.$/,
    ) as string,
  });
});
