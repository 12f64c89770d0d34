import { expect, test } from 'vitest';
import { statisticsTable, summarizeRuns } from '../../src/cli/phaseStatistics.js';

test('the mean duration is that of work that was done: skips and failures are counted, not averaged', () => {
  const found = summarizeRuns('training', [
    { outcome: 'completed', seconds: 100 },
    { outcome: 'completed', seconds: 50 },
    { outcome: 'skipped', seconds: 1 },
    { outcome: 'failed', seconds: 3_600 },
  ]);
  expect(found).toEqual({ phase: 'training', runs: 4, skipped: 1, success_rate: 0.75, mean_seconds: 75 });
  expect(statisticsTable([found])).toMatch(/training +4 +1 +75% +1 min 15 s/);
});

test('where nothing was done there is no mean', () => {
  const found = summarizeRuns('inference', [{ outcome: 'skipped', seconds: 1 }]);
  expect(found).toEqual({ phase: 'inference', runs: 1, skipped: 1, success_rate: 1, mean_seconds: null });
  expect(statisticsTable([found])).toMatch(/inference +1 +1 +100% +-/);
  expect(summarizeRuns('inference', [])).toMatchObject({ runs: 0, success_rate: 0, mean_seconds: null });
});
