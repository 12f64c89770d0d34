import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PipelineDefinition } from '../../src/config/schema.js';
import type { AlgorithmTrained } from '../../src/contracts/index.js';
import { defaultSql } from '../../src/data/defaultSql.js';
import { Mt19937 } from '../../src/ml/mt19937.js';
import { isHeldOut } from '../support/heldOut.js';
import { createShortPipeline, type ShortPipeline } from '../support/shortPipeline.js';
import { temporaryFolder } from '../support/temporaryFolder.js';
import { tinyEngines } from '../support/tinyPipeline.js';

const folder = temporaryFolder(afterAll);
const engines = tinyEngines();
afterAll(() => engines.close());

/** 600 parcels, sent on a day, which is written as 31/12/2023: those of a weekend are late. Every 25th has no day. */
const random = new Mt19937(5);
const uniform = () => (random.uint32() + 0.5) / 2 ** 32;
const PARCELS = Array.from({ length: 600 }, (_, i) => {
  const sent = new Date(Date.UTC(2023, 0, 1 + Math.floor(uniform() * 365)));
  const weekend = [0, 6].includes(sent.getUTCDay());
  const [day, month] = [sent.getUTCDate(), sent.getUTCMonth() + 1];
  return {
    id: i,
    sent: i % 25 === 0 ? '' : `${day}/${month}/2023`,
    weekend,
    late: (weekend && uniform() < 0.95) || uniform() < 0.05 ? 'yes' : 'no',
  };
});

describe('a column of days that is no time of the row', () => {
  let pipeline: ShortPipeline;
  let trained: AlgorithmTrained;
  beforeAll(async () => {
    pipeline = await createShortPipeline(engines, folder, {
      source: 'table.csv',
      key: 'id',
      label: { column: 'late', positive: 'yes' },
    });
    await pipeline.process(
      ['id,sent,weight,late', ...PARCELS.map(({ id, sent, late }) => `${id},${sent},${(id * 7) % 13},${late}`)].join(
        '\n',
      ),
    );
    const result = (await pipeline.train(['lightgbm'])).algorithms.lightgbm!;
    if (result.status !== 'completed') throw new Error(result.reason);
    trained = result;
  }, 60_000);

  test('is learned by its weekday, which only its parts tell', () => {
    expect(trained.test!.roc_auc).toBeGreaterThan(0.85);
  });

  test('is predicted from, also where it has no value', async () => {
    const predicted = await pipeline.predict('lightgbm');
    const by = new Map(predicted.map((row) => [Number(row.id), row.label]));
    expect(by.size).toBe(PARCELS.length);
    const dated = PARCELS.filter(({ sent }) => sent !== '');
    const right = dated.filter(({ id, weekend }) => Number(by.get(id)) === Number(weekend)).length;
    expect(right / dated.length).toBeGreaterThan(0.9);
  });

  test('is watched as one feature', async () => {
    const { drift } = await pipeline.monitor({ algorithm: 'lightgbm', version: trained.version });
    expect(drift).toMatchObject({ status: 'measured', drifted: [], missing: [] });
    const others = PARCELS.filter(({ id }) => isHeldOut(id));
    if (drift.status === 'measured') {
      expect(Object.keys(drift.psi)).toEqual(['sent', 'weight']);
      expect(drift.missing_rate.sent).toBeCloseTo(others.filter(({ sent }) => sent === '').length / others.length, 10);
    }
  });
});

describe('columns that the day of a row is made of are no features', () => {
  const columns = {
    id: 'BIGINT',
    year: 'BIGINT',
    month: 'BIGINT',
    day: 'BIGINT',
    date: 'DATE',
    'Seen on': 'DATE',
  } as const;

  test.each<[string, string[]]>([
    ['make_date(year, month, day)', ['date', 'Seen on']],
    ['"Seen on"', ['year', 'month', 'day', 'date']],
    ['seen_on', ['year', 'month', 'day', 'date', 'Seen on']],
    // Functions, types and texts that are called as columns are none of them.
    ["strptime(year || '-' || Month, '%Y-day')", ['day', 'date', 'Seen on']],
    ['CAST(year("date") || \'-01-01\' AS date)', ['year', 'month', 'day', 'Seen on']],
    ["CAST(year || '-01-01' as\n  date)", ['month', 'day', 'date', 'Seen on']],
  ])('%s', (time, features) => {
    const written = PipelineDefinition.parse({ source: { file: 'a.csv', columns }, key: 'id', label: 'id2', time });
    const definition = { ...written, name: 'a', title: 'a', labelSource: { sql: 'true' } };
    expect(defaultSql(definition, 'feature_store')).toBe(
      `SELECT ${['id', 'snapshot_date', ...features].map((name) => `"${name}"`).join(', ')} FROM silver`,
    );
  });
});
