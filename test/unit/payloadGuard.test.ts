import { ApplicationFailure } from '@temporalio/common';
import { describe, expect, test } from 'vitest';
import { checkPayloads } from '../../src/platform/temporal/payloadGuard.js';

const KIB = 1024;
const text = (kib: number) => 'x'.repeat(kib * KIB);

function refusal(...values: unknown[]): ApplicationFailure {
  try {
    checkPayloads('The input of activity "refit"', values, 10 * KIB);
  } catch (error) {
    if (error instanceof ApplicationFailure) return error;
  }
  throw new Error('expected an ApplicationFailure');
}

test('what fits passes', () => {
  checkPayloads('x', [{ uri: 'file:///a' }, undefined, null, 3, text(9)], 10 * KIB);
  checkPayloads('x', []);
});

test('what does not is refused for good, with its size and what to do', () => {
  const failure = refusal({ pipeline: 'readmission', candidates: [text(6), text(6)] });
  expect(failure).toMatchObject({ type: 'PayloadTooLarge', nonRetryable: true });
  expect(failure.message).toBe(
    'The input of activity "refit" takes 13 KiB where 10 KiB are allowed, most of it in "candidates"; store it as an object and pass its address.',
  );
});

describe('the field at fault', () => {
  test.each([
    ['the deepest that alone is too large', [{ a: { b: [{}, { rows: text(20) }] } }], '"a.b.1.rows"'],
    ['the largest where none alone is', [{ a: text(4), b: text(7) }], '"b"'],
    ['counted from its argument where there are several', [{ a: 1 }, { rows: text(20) }], '"1.rows"'],
    [
      'an object with many fields that are small',
      [{ psi: Object.fromEntries(Array.from({ length: 3_000 }, (_, i) => [`feature_${i}`, i])) }],
      '"psi"',
    ],
  ])('%s', (_, values, field) => {
    expect(refusal(...values).message).toContain(`most of it in ${field};`);
  });

  test.each([[text(20)], [Array.from({ length: 5_000 }, () => 'row')]])('none in a text or a list of rows', (value) => {
    expect(refusal(value).message).toMatch(/allowed; store it/);
  });
});

test('bytes count, not characters', () => {
  expect(refusal({ name: 'ü'.repeat(6 * KIB) }).message).toContain('13 KiB');
});
