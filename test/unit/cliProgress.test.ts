import { describe, expect, test } from 'vitest';
import { progressLines } from '../../src/cli/progressText.js';
import type { RunView } from '../../src/cli/runView.js';

function view(told: Partial<RunView['told']> & { step: string }, rest: Partial<RunView> = {}): RunView {
  return { workflowId: 'w', told: { children: {}, ended: {}, ...told }, activities: [], children: {}, ...rest };
}

function texts(run: RunView): string[] {
  return progressLines(run).map(({ text }) => text);
}

describe('what a run is at, in words', () => {
  test('a step with counted units', () => {
    const run = view({ step: 'silver: clean', progress: { what: 'partitions', done: 1012, total: 1200 } });
    expect(texts(run)).toEqual(['silver: clean, 1,012 of 1,200 partitions']);
  });

  test('a step without units tells those of its furthest activity', () => {
    const run = view(
      { step: 'bronze' },
      {
        activities: [
          { type: 'bronze', attempt: 1, progress: { what: 'partitions', done: 3, total: 120 } },
          { type: 'bronze', attempt: 1, progress: { what: 'partitions', done: 60, total: 120 } },
        ],
      },
    );
    expect(texts(run)).toEqual(['bronze, 60 of 120 partitions']);
  });

  test('every child has a line of its own, and ended ones their outcome', () => {
    const search = view({
      step: 'searching',
      progress: { what: 'candidates', done: 5, total: 20 },
      best: { params: { C: 0.1 }, cv_score: 0.61234 },
    });
    const run = view(
      { step: 'training', ended: { logistic_regression: 'completed' } },
      { children: { xgboost: search } },
    );
    expect(texts(run)).toEqual([
      'training',
      'logistic_regression: completed',
      'xgboost: searching, 5 of 20 candidates, best so far 0.6123',
    ]);
  });

  test('an activity that is tried again says why', () => {
    const run = view(
      { step: 'silver' },
      { activities: [{ type: 'silver', attempt: 2, lastFailure: "The store can't be reached." }] },
    );
    expect(texts(run)).toEqual(["silver; silver is tried again (attempt 2) after: The store can't be reached."]);
  });

  test('a child that no worker has begun says nothing yet', () => {
    const waiting: RunView = { workflowId: 'c', activities: [], children: {} };
    expect(texts(view({ step: 'training' }, { children: { xgboost: waiting } }))).toEqual(['training']);
  });

  test('the step without numbers stays the same while the numbers grow', () => {
    const [early] = progressLines(view({ step: 'silver', progress: { what: 'partitions', done: 1, total: 9 } }));
    const [late] = progressLines(view({ step: 'silver', progress: { what: 'partitions', done: 8, total: 9 } }));
    expect(late).toMatchObject({ key: early?.key, step: early?.step });
  });
});
