import { expect, test } from 'vitest';
import { EXIT, exitCodeOf } from '../../src/cli/exitCodes.js';
import type { PhaseResults } from '../../src/cli/follow.js';

const DONE = { status: 'completed' };
const SKIPPED = { status: 'skipped', reason: 'x' };

test.each<[string, Record<string, object>, number]>([
  ['a lifecycle that did all', { processing: DONE, training: DONE, inference: DONE, monitoring: DONE }, EXIT.ok],
  [
    'one that found no reason to train, and used the model that there is',
    { processing: SKIPPED, training: SKIPPED, inference: SKIPPED, monitoring: DONE },
    EXIT.ok,
  ],
  [
    'one that has data and no model',
    { processing: DONE, training: SKIPPED, inference: SKIPPED, monitoring: SKIPPED },
    EXIT.skipped,
  ],
  [
    'one that did nothing',
    { processing: SKIPPED, training: SKIPPED, inference: SKIPPED, monitoring: SKIPPED },
    EXIT.skipped,
  ],
  ['processing alone', { processing: DONE }, EXIT.ok],
  ['processing alone that found nothing new', { processing: SKIPPED }, EXIT.skipped],
  ['a training that waits for data', { training: SKIPPED }, EXIT.skipped],
])('%s', (_what, results, code) => {
  expect(exitCodeOf(results as PhaseResults)).toBe(code);
});
