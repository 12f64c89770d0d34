import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { Adwin } from '../../src/monitoring/adwin.js';

interface Golden {
  adwin: Record<string, { stream: number[]; changes: { index: number; length: number; mean: number }[] }>;
}
/** river's changes, by fixtures/make_detector_fixtures.py. */
const golden = JSON.parse(
  readFileSync(new URL('../fixtures/statistics/detectors.json', import.meta.url), 'utf8'),
) as Golden;

test.each(Object.entries(golden.adwin))("ADWIN sees river's changes in a stream: %s", (_, { stream, changes }) => {
  const detector = new Adwin();
  const found = stream.flatMap((value, index) =>
    detector.update(value) ? [{ index, length: detector.length, mean: detector.mean }] : [],
  );
  expect(found).toEqual(changes.map((change) => ({ ...change, mean: expect.closeTo(change.mean, 9) as number })));
});

test('ADWIN sees the change of the reference stream where river does', () => {
  const { stream, adwin } = JSON.parse(
    readFileSync(new URL('../fixtures/statistics/river.json', import.meta.url), 'utf8'),
  ) as { stream: number[]; adwin: number[] };
  const detector = new Adwin();
  expect(stream.flatMap((value, index) => (detector.update(value) ? [index] : []))).toEqual(adwin);
});
