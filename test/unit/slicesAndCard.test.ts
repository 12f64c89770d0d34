import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { describeResults } from '../../src/cli/resultTables.js';
import type { AlgorithmTrained, ModelTrainingCompleted } from '../../src/contracts/index.js';
import { Mt19937 } from '../../src/ml/mt19937.js';
import { readCard, readVersionFile } from '../../src/registry/versions.js';
import { isHeldOut } from '../support/heldOut.js';
import { createShortPipeline, type ShortPipeline } from '../support/shortPipeline.js';
import { temporaryFolder } from '../support/temporaryFolder.js';
import { tinyEngines } from '../support/tinyPipeline.js';

describe('a version', () => {
  const folder = temporaryFolder(afterAll);
  const engines = tinyEngines();
  afterAll(() => engines.close());

  const random = new Mt19937(21);
  const uniform = () => (random.uint32() + 0.5) / 2 ** 32;
  /** What tells the label in the north tells nothing in the south; the west has a few rows. */
  const rows = Array.from({ length: 900 }, (_, i) => {
    const place = i % 30 === 0 ? 'west | <b>*_x' : i % 2 === 0 ? 'north' : 'south';
    const y = uniform() < 0.4 ? 1 : 0;
    const x = Math.round((uniform() + (place === 'north' ? y : 0)) * 1000) / 1000;
    return { id: `r-${i}`, place, x: i % 11 === 0 ? '' : x, y };
  });
  const csv = ['id,place,x,y', ...rows.map(({ id, place, x, y }) => `${id},${place},${x},${y}`)].join('\n') + '\n';

  let pipeline: ShortPipeline;
  let training: ModelTrainingCompleted;
  let trained: AlgorithmTrained;
  const ref = () => ({ algorithm: 'xgboost', version: trained.version });
  beforeAll(async () => {
    pipeline = await createShortPipeline(
      engines,
      folder,
      {
        source: 'rows.csv',
        key: 'id',
        label: { column: 'y', positive: 1 },
        title: 'Rows of [<places>](at_home)',
        transforms: [
          { columns: 'numbers', steps: [{ impute: 'median' }, { clip: { iqr: 1.5 } }, { scale: 'standard' }] },
          { columns: 'categories', steps: [{ one_hot: {} }] },
        ],
      },
      {
        evaluation: { slices: ['place', 'x'], min_slice_rows: 20 },
        promotion_gate: { slices: { minimums: { roc_auc: 0.65 } } },
      },
    );
    await pipeline.process(csv);
    training = await pipeline.train(['xgboost']);
    trained = training.algorithms.xgboost as AlgorithmTrained;
  });

  test('has its metrics per slice, as its predictions say, and tells small slices without them', async () => {
    const { splits } = await readVersionFile(pipeline.stores.modelRegistry, ref(), 'slices.json');
    const predicted = new Map(
      (await pipeline.predict('xgboost')).map(({ id, label }) => [id as string, label as number]),
    );
    const of = (place: string) => splits.test!.find(({ column, value }) => column === 'place' && value === place)!;
    expect(of('north').metrics!.roc_auc).toBeGreaterThan(0.8);
    expect(of('south').metrics!.roc_auc).toBeLessThan(0.65);
    expect(of('west | <b>*_x').metrics).toBeNull();
    // Both evaluating splits together, counted here.
    for (const place of ['north', 'south']) {
      const slices = [splits.validation!, splits.test!].map((split) =>
        split.find(({ column, value }) => column === 'place' && value === place)!,
      );
      const right = slices.reduce((sum, { rows, metrics }) => sum + rows * metrics!.accuracy!, 0);
      const mine = rows.filter((row) => row.place === place && isHeldOut(row.id));
      expect(mine).toHaveLength(slices.reduce((sum, { rows }) => sum + rows, 0));
      expect(right).toBeCloseTo(mine.filter(({ id, y }) => predicted.get(id) === y).length, 8);
    }
    const numbers = splits.test!.filter(({ column }) => column === 'x').map(({ value }) => value);
    expect(numbers).toHaveLength(5);
    expect(numbers.at(-1)).toBe('missing');
  });

  test('is refused where a slice misses its limit, which is told beside the slices that are too small', () => {
    expect(training.promotion.decision).toBe('refuse');
    const rules = training.promotion.rules.filter(({ rule }) => rule.includes('place = '));
    expect(rules.map(({ rule, passed }) => [rule, passed])).toEqual([
      ['minimum roc_auc of place = north', true],
      ['minimum roc_auc of place = south', false],
    ]);
    expect(training.promotion.not_judged).toEqual(['place = west | <b>*_x (7 rows)', 'x = missing (13 rows)']);
    const text = describeResults({ training });
    expect(text).toMatch(/roc_auc of place = south +\d\.\d{4} +[\d.]+ to [\d.]+ +>= 0\.65 +FAILED/);
    expect(text).toContain('Too few rows to judge by: place = west');
  });

  test('says what its inputs may be, and what becomes of others', async () => {
    const signature = await readVersionFile(pipeline.stores.modelRegistry, ref(), 'signature.json');
    expect(signature).toEqual({
      inputs: [
        {
          name: 'place',
          type: 'text',
          categories: ['north', 'south', 'west | <b>*_x'],
          missing: 'is none of the categories: each of their columns is 0',
          outside: 'is none of the categories: each of their columns is 0',
        },
        {
          name: 'x',
          type: 'number',
          range: [expect.any(Number), expect.any(Number)],
          missing: expect.stringMatching(/^becomes 0\.\d+$/) as string,
          outside: 'is moved to the nearer bound',
        },
      ],
      outputs: [
        { name: 'probability', type: 'DOUBLE' },
        { name: 'label', type: 'TINYINT' },
      ],
    });
  });

  test('has a card, with every metric and its interval, the slices, limits and lineage', async () => {
    const card = (await readCard(pipeline.stores.modelRegistry, ref()))!;
    for (const title of ['Purpose', 'Data', 'Model', 'Metrics', 'Slices', 'Inputs', 'Limits', 'Lineage'])
      expect(card).toContain(`\n## ${title}\n`);
    const shown = (value: number) => String(Number(value.toFixed(4)));
    const { roc_auc, intervals } = trained.test!;
    expect(card).toContain(`${shown(roc_auc!)} (${intervals!.roc_auc!.map(shown).join(' to ')})`);
    expect(card).toContain('# Rows of \\[&lt;places>\\](at_home): xgboost');
    // Names of people's own neither end a cell nor begin a tag, and none is a link or in italics.
    expect(card).toContain('place = west \\| &lt;b>');
    expect(card).not.toMatch(/<b>/);
    expect(card).toContain(training.dataset.id);
    for (const line of card.split('\n')) expect(line).not.toMatch(/undefined|\[object|NaN/);
  });
});
