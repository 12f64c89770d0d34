import { describe, expect, test } from 'vitest';
import { summaryOf } from '../../src/client.js';
import { Schedules } from '../../src/config/schedules.js';
import { clipped, inShort, SUMMARY_BYTES, utf8Bytes } from '../../src/contracts/index.js';

describe('texts that Temporal takes only so long', () => {
  test('are cut between characters, and say so', () => {
    expect(clipped('abc', 3)).toBe('abc');
    expect(clipped('abcdefgh', 6)).toBe('abc...');
    for (const text of ['ä'.repeat(500), '漢'.repeat(500), '😀'.repeat(500), `a${'😀'.repeat(500)}`]) {
      const short = clipped(text, 100);
      expect(utf8Bytes(short)).toBeLessThanOrEqual(100);
      expect(utf8Bytes(short)).toBeGreaterThan(80);
      expect(short).not.toMatch(/\p{Cs}/u);
      expect(text.startsWith(short.slice(0, -3))).toBe(true);
    }
  });

  test('such as the line of a run, whose reason may be of any length', () => {
    expect(utf8Bytes(summaryOf('modelTraining', { pipeline: 'churn', reason: 'ü'.repeat(5_000) }))).toBeLessThanOrEqual(
      SUMMARY_BYTES,
    );
  });

  test('are shown of any value', () => {
    const nested = JSON.parse(`${'['.repeat(100_000)}${']'.repeat(100_000)}`) as unknown;
    expect([inShort(undefined), inShort({ a: 1 }), inShort(10n), inShort(nested)]).toEqual([
      'nothing',
      '{"a":1}',
      'a value that can not be shown',
      'a value that can not be shown',
    ]);
  });
});

describe('the zone of a schedule', () => {
  const schedule = {
    at: '02:00',
    overlap: 'skip',
    catchup_window_minutes: 60,
    jitter_seconds: 0,
    pause_on_failure: false,
  };
  const accepted = (more: object) =>
    Schedules.safeParse({ inference: { ...schedule, time_zone: 'UTC', ...more } }).success;

  // As Go's loader, which the server uses, has them: it tells capitals from small letters.
  test.each([
    ['UTC', true],
    ['Europe/London', true],
    ['Asia/Kolkata', true],
    ['Asia/Calcutta', true],
    ['US/Eastern', true],
    ['Etc/GMT+5', true],
    ['Europe/london', false],
    ['europe/london', false],
    ['utc', false],
    ['+05:00', false],
    ['EUROPE/LONDON', false],
    ['constructor', false],
    ['', false],
    ['Local', false],
    ['Factory', false],
  ])('%s: %s', (time_zone, valid) => {
    expect(accepted({ time_zone })).toBe(valid);
  });

  test('and its days are some', () => {
    expect(accepted({ days_of_month: { from: 1, to: 7 } })).toBe(true);
    expect(accepted({ days_of_month: { from: 7, to: 7 } })).toBe(true);
    expect(accepted({ days_of_month: { from: 8, to: 7 } })).toBe(false);
  });
});
