import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createShortPipeline, type ShortPipeline } from '../support/shortPipeline.js';
import { temporaryFolder } from '../support/temporaryFolder.js';
import { tinyEngines } from '../support/tinyPipeline.js';

const folder = temporaryFolder(afterAll);
const engines = tinyEngines();
afterAll(() => engines.close());

const HEAD = 'id,day,x,bought\n';
const rowsOf = (from: number, month: string) =>
  Array.from({ length: 60 }, (_, i) => {
    const id = from + i;
    return `${id},2024-${month}-${String(1 + (i % 28)).padStart(2, '0')},${(id * 7919) % 100},${(id * 7919) % 100 > 50 ? 'yes' : 'no'}\n`;
  });
const [JANUARY, FEBRUARY] = [rowsOf(1, '01'), rowsOf(101, '02')];
/** A row of January whose day was corrected, beside the rows of February. */
const MOVED = `1,2024-02-03,${7919 % 100},no\n`;

describe('a row whose day was corrected into another month, of which alone a later file has the rows', () => {
  let pipeline: ShortPipeline;
  let refusal: Promise<unknown>;
  beforeAll(async () => {
    const label = { column: 'bought', positive: 'yes' };
    pipeline = await createShortPipeline(engines, folder, { source: 'table.csv', key: 'id', time: 'day', partition: 'month', label, split: { by: 'random', test: 0.3 } }); // prettier-ignore
    await pipeline.process(HEAD + JANUARY.join(''));
    await pipeline.train(['logistic_regression']);
    refusal = pipeline.process(HEAD + FEBRUARY.join('') + MOVED);
    await refusal.catch(() => undefined);
  });

  const twice = (what: string) => ({
    type: 'InputInvalid',
    message: expect.stringMatching(
      new RegExp(
        `^${what} gives 1 row whose keys a row of another partition has, such as id 1: where its day was corrected, process a file that has the rows of both partitions \\(--csv\\); where both are rows, add day to "key" in pipeline\\.json, or leave one of them out\\.$`,
      ),
    ) as string,
  });

  test('is refused, and neither predicted nor learned from twice afterwards', async () => {
    await expect(refusal).rejects.toMatchObject(twice('The feature_store query that .*pipeline\\.json stands for'));
    await expect(pipeline.predict('logistic_regression')).rejects.toMatchObject(twice('Gold'));
    await expect(pipeline.train(['logistic_regression'], undefined, true)).rejects.toMatchObject(twice('Gold'));
  });

  test('is where it belongs once a file has the rows of both months', async () => {
    const { rows } = await pipeline.process(HEAD + JANUARY.slice(1).join('') + FEBRUARY.join('') + MOVED);
    expect(rows).toBe(120);
    expect(await pipeline.predict('logistic_regression')).toHaveLength(120);
    const { dataset } = await pipeline.train(['logistic_regression'], undefined, true);
    expect(Object.values(dataset.rows).reduce((sum, count) => sum + count)).toBe(120);
  });
});
