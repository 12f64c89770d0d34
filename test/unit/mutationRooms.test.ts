import { existsSync } from 'node:fs';
import { expect, test } from 'vitest';
import { codeOf, ROOMS, testsOf } from '../mutation/rooms.js';

test.each(Object.entries(ROOMS))(
  'the room %s of `npm run mutation` has code, and tests of it that are there',
  async (_name, room) => {
    expect(codeOf(room).length).toBeGreaterThan(0);
    const tests = await testsOf(room);
    expect(tests.length).toBeGreaterThan(0);
    expect(tests.filter((file) => !existsSync(file))).toEqual([]);
  },
);

test('the tests of a room are those that use it, also through the support of the tests', async () => {
  const tests = await testsOf(ROOMS.data!);
  expect(tests).toContain('test/unit/init.test.ts');
  // It reads no file of the room: `support/medallion.ts` does.
  expect(tests).toContain('test/unit/rowsOverTime.test.ts');
  expect(tests).not.toContain('test/unit/stewardState.test.ts');
});

test('no test of a room starts other processes, by itself or through the support of the tests', async () => {
  const tests = await testsOf(ROOMS.learning!);
  expect(tests).toContain('test/unit/folds.test.ts');
  // A script's process, and the engines' that `support/tinyPipeline.ts` starts.
  expect(tests).not.toContain('test/unit/scriptPackages.test.ts');
  expect(tests).not.toContain('test/unit/trainLocally.test.ts');
});
