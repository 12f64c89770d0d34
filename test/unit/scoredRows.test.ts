import { describe, expect, test } from 'vitest';
import { INTERNAL } from '../../src/config/columns.js';
import { ZERO_OR_ONE, type TaskSpec } from '../../src/contracts/index.js';
import type { Pipeline } from '../../src/config/load.js';
import { inputsDigestSql } from '../../src/data/newRows.js';
import { scoredFeatures } from '../../src/data/scoredFeatures.js';
import { countArrivals, loadScoredRows, scoreColumns, SCORED_ROWS } from '../../src/data/scoredRows.js';
import { keyDigestSql } from '../../src/data/trainedRows.js';
import { sharedDatabase } from '../support/sharedDatabase.js';
import { parquetOf, pipelineOf, storedTables } from '../support/storedTables.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

const opened = sharedDatabase();
const config = { monitoring_config: { window_days: 366 }, inference_config: { start_date: '2020-01-01' } };
const dated = pipelineOf({ partition: { by: 'month', column: 'day' } }, config);
const undated = pipelineOf({}, config);
const CLASSES: TaskSpec = { task: 'multiclass', classes: ['a', 'b'] };

/** Rows `[id, day, probability]` as a predictions file has them. */
const scores = (...rows: [id: number, day: string, probability: number][]) =>
  `SELECT id, day, CAST(probability AS DOUBLE) AS probability, 1::TINYINT AS label FROM (VALUES ${rows.map(([id, day, probability]) => `(${id}, DATE '${day}', ${probability})`).join(', ')}) AS t (id, day, probability)`;

async function world(pipeline = dated) {
  const database = await opened;
  const folder = temporaryFolder();
  const tables = storedTables(database, folder);
  return {
    ...tables,
    folder,
    /** What is found, and the rows in the table. */
    load: async ({
      model = { algorithm: 'xgboost', version: 'v1' },
      task = ZERO_OR_ONE,
      trainedRows,
      until = '2020-12-31',
      from,
      monitoring = {},
    }: {
      model?: { algorithm: string; version: string };
      task?: TaskSpec;
      trainedRows?: string;
      until?: string;
      from?: string;
      monitoring?: Partial<Pipeline['config']['monitoring_config']>;
    } = {}) => {
      const monitoring_config = { ...pipeline.config.monitoring_config, ...monitoring };
      const asked = { ...pipeline, config: { ...pipeline.config, monitoring_config } };
      const found = await loadScoredRows(database, asked, tables.stores, model, { task, trainedRows, from, until });
      if (!found.days) return found;
      const rows = await database.rows<{ id: number }>(
        `SELECT id, ${scoreColumns(task).join(', ')} FROM ${SCORED_ROWS} ORDER BY id`,
      );
      expect(found.rows).toBe(rows.length);
      return { ...found, rows: rows.map((row) => Object.values(row)) };
    },
  };
}

describe('scored rows', () => {
  const NONE = { days: undefined, rows: 0, trained: 0, older: 0, stale: 0 };

  test('are those of the version, each as it was scored last', async () => {
    const { predictions, load } = await world();
    expect(await load()).toEqual(NONE);
    await predictions(scores([1, '2020-03-01', 0.1], [2, '2020-03-05', 0.2], [3, '2020-03-10', 0.3]));
    await predictions(scores([9, '2020-03-11', 0.9]), { version: 'v2' });
    await predictions(scores([2, '2020-03-05', 0.8]));
    expect(await load()).toEqual({
      days: { from: '2020-03-01', to: '2020-03-10' },
      trained: 0,
      stale: 0,
      older: 0,
      rows: [
        [1, 0.1],
        [2, 0.8],
        [3, 0.3],
      ],
    });
    expect(await load({ model: { algorithm: 'xgboost', version: 'v2' } })).toMatchObject({ rows: [[9, 0.9]] });
    expect(await load({ model: { algorithm: 'lightgbm', version: 'v1' } })).toEqual(NONE);
  });

  test('are those up to a day, and of so many days before the newest', async () => {
    const { predictions, load } = await world();
    await predictions(scores([1, '2020-03-01', 0.1], [2, '2020-03-05', 0.2], [3, '2020-03-10', 0.3]));
    expect(await load({ until: '2020-03-05' })).toMatchObject({ days: { from: '2020-03-01', to: '2020-03-05' } });
    expect(await load({ until: '2020-03-04' })).toMatchObject({ days: { to: '2020-03-01' }, rows: [[1, 0.1]] });
    expect(await load({ until: '2020-02-29' })).toEqual(NONE);
    // Of five days the first is March 6.
    expect(await load({ monitoring: { window_days: 5 } })).toMatchObject({ older: 2, rows: [[3, 0.3]] });
    expect(await load({ monitoring: { window_days: 6 } })).toMatchObject({
      older: 1,
      days: { from: '2020-03-05', to: '2020-03-10' },
    });
    expect(await load({ from: '2020-03-02', until: '2020-03-09' })).toMatchObject({ older: 1, rows: [[2, 0.2]] });
    expect(await load({ from: '2020-03-11' })).toMatchObject({ days: undefined });
  });

  test('are of a month where no config says how many days, or of as many as hold the rows that a measure needs', async () => {
    const { predictions, load } = await world();
    await predictions(
      scores(
        [1, '2020-01-01', 0.1],
        [2, '2020-02-10', 0.2],
        [3, '2020-02-10', 0.3],
        [4, '2020-02-11', 0.4],
        [5, '2020-03-11', 0.5],
      ),
    );
    const ofMonth = async (min_samples_for_metrics: number) => {
      const monitoring = { window_days: undefined, min_samples_for_metrics };
      return (await load({ monitoring })).days?.from;
    };
    // The 30 days up to March 11 of a leap year begin on February 11.
    expect(await ofMonth(1)).toBe('2020-02-11');
    expect(await ofMonth(2)).toBe('2020-02-11');
    expect(await ofMonth(3)).toBe('2020-02-10');
    expect(await ofMonth(4)).toBe('2020-02-10');
    expect(await ofMonth(5)).toBe('2020-01-01');
    expect(await ofMonth(99)).toBe('2020-01-01');
  });

  test('are not those that the version was trained on, which are counted whatever their days are', async () => {
    const { predictions, load, folder } = await world();
    await predictions(scores([1, '2020-03-01', 0.1], [2, '2020-03-05', 0.2], [3, '2020-03-10', 0.3]));
    const trained = async (...ids: number[]) =>
      (
        await parquetOf(
          await opened,
          folder,
          `SELECT ${keyDigestSql(['id'], 't')} AS ${INTERNAL.row} FROM (SELECT unnest([${ids.join(', ')}]) AS id) AS t`,
        )
      ).path;
    expect(await load({ trainedRows: await trained(3, 7) })).toMatchObject({
      days: { from: '2020-03-01', to: '2020-03-05' },
      trained: 1,
      older: 0,
    });
    expect(await load({ trainedRows: await trained(3), monitoring: { window_days: 4 } })).toMatchObject({
      days: { from: '2020-03-05', to: '2020-03-05' },
      trained: 1,
      older: 1,
      rows: [[2, 0.2]],
    });
    expect(await load({ trainedRows: await trained(1), monitoring: { window_days: 1 } })).toMatchObject({
      trained: 1,
      older: 1,
    });
    expect(await load({ trainedRows: await trained(1, 2, 3) })).toEqual({ ...NONE, trained: 3 });
  });

  test('go by the day that they were scored for where they have none', async () => {
    const { predictions, load } = await world(undated);
    await predictions('SELECT 1 AS id, 0.1::DOUBLE AS probability', { asOf: '2020-03-01T23:59:00Z' });
    await predictions('SELECT 2 AS id, 0.2::DOUBLE AS probability', { asOf: '2020-04-01' });
    expect(await load()).toMatchObject({ days: { from: '2020-03-01', to: '2020-04-01' }, rows: [[1, 0.1], [2, 0.2]] }); // prettier-ignore
    expect(await load({ until: '2020-03-31' })).toMatchObject({ rows: [[1, 0.1]] });
    expect(await countArrivals(await opened, `SELECT * FROM ${SCORED_ROWS}`)).toEqual([{ day: '2020-03-01', rows: 1 }]);
    await load();
    expect(await countArrivals(await opened, `SELECT * FROM ${SCORED_ROWS}`)).toEqual([
      { day: '2020-03-01', rows: 1 },
      { day: '2020-04-01', rows: 1 },
    ]);
  });

  test('have a number for each class, or a value', async () => {
    const { predictions, load } = await world(undated);
    await predictions("SELECT 1 AS id, 'b' AS label, 0.3::DOUBLE AS probability_a, 0.7::DOUBLE AS probability_b");
    expect(await load({ task: CLASSES })).toMatchObject({ rows: [[1, 0.3, 0.7]] });
    await predictions('SELECT 1 AS id, 4.5::DOUBLE AS prediction', { version: 'v2' });
    expect(
      await load({
        task: { task: 'regression', objective: 'squared_error' },
        model: { algorithm: 'xgboost', version: 'v2' },
      }),
    ).toMatchObject({ rows: [[1, 4.5]] });
  });

  describe('whose features are known', () => {
    const digested = (rows: string) =>
      `SELECT id, day, 0.5::DOUBLE AS probability, ${inputsDigestSql(['x'], [{ name: 'x', type: 'INTEGER' }])} AS ${INTERNAL.inputs} FROM (VALUES ${rows}) AS t (id, day, x)`;
    const first = digested(`(1, DATE '2020-03-01', 1), (2, DATE '2020-03-02', 22)`);
    const gold = `SELECT * FROM (VALUES (1, 1), (2, 2), (3, 3)) AS t (id, x)`;

    test('count where the row has them still', async () => {
      const { predictions, partition, load } = await world();
      await predictions(first, { features: ['x'] });
      expect(await load()).toEqual({ ...NONE, stale: 2 });
      await partition('2020_02', gold);
      expect(await load()).toEqual({ ...NONE, stale: 2 });
      await partition('2020_03', gold);
      expect(await load()).toMatchObject({ rows: [[1, 0.5]], stale: 1 });
      await predictions(digested(`(2, DATE '2020-03-02', 2)`), { features: ['x'] });
      expect(await load()).toMatchObject({ rows: [[1, 0.5], [2, 0.5]], stale: 0 }); // prettier-ignore
    });

    test('count whatever they are now where that can not be told of all', async () => {
      const { predictions, partition, load } = await world();
      await partition('2020_03', gold);
      await predictions(first, { features: ['x'] });
      await predictions(scores([3, '2020-03-03', 0.3]));
      expect(await load()).toMatchObject({ rows: [[1, 0.5], [2, 0.5], [3, 0.3]] }); // prettier-ignore
      const other = await world();
      await other.partition('2020_03', 'SELECT * EXCLUDE (x) FROM (' + gold + ')');
      await other.predictions(first, { features: ['x'] });
      expect(await other.load()).toMatchObject({ rows: [[1, 0.5], [2, 0.5]] }); // prettier-ignore
    });
  });
});

test('a key of several columns tells scored rows apart by all of them', async () => {
  const database = await opened;
  const keys = ['id', 'place'];
  const folder = temporaryFolder();
  const { stores, partition, predictions } = storedTables(database, folder);
  const scored = (rows: string) =>
    predictions(
      `SELECT id, place, DATE '2020-03-01' AS day, p::DOUBLE AS probability, ${inputsDigestSql(['x'], [{ name: 'x', type: 'INTEGER' }])} AS ${INTERNAL.inputs} FROM (VALUES ${rows}) AS t (id, place, p, x)`,
      { features: ['x'] },
    );
  await scored("(1, 'a', 0.1, 5), (1, 'b', 0.2, 6), (2, 'a', 0.3, 7), (2, 'b', 0.4, 8)");
  await scored("(1, 'b', 0.9, 6)");
  // Of (2, 'a') the feature is another by now.
  await partition(
    '2020_03',
    "SELECT * FROM (VALUES (1, 'a', 5), (1, 'b', 6), (2, 'a', 70), (2, 'b', 8)) AS t (id, place, x)",
  );
  const { path } = await parquetOf(
    database,
    folder,
    `SELECT ${keyDigestSql(keys, 't')} AS ${INTERNAL.row} FROM (SELECT 2 AS id, 'b' AS place UNION ALL SELECT 1, 'z') AS t`,
  );
  const pipeline = pipelineOf({ keys, partition: { by: 'month', column: 'day' } }, config);
  const model = { algorithm: 'xgboost', version: 'v1' };
  const asked = { task: ZERO_OR_ONE, trainedRows: path, until: '2020-12-31' };
  expect(await loadScoredRows(database, pipeline, stores, model, asked)).toEqual({
    ...{ days: { from: '2020-03-01', to: '2020-03-01' }, rows: 2, trained: 1, older: 0, stale: 1 },
  });
  const rows = await database.rows(
    `SELECT id, place, ${scoreColumns(ZERO_OR_ONE).join(', ')} FROM ${SCORED_ROWS} ORDER BY id, place`,
  );
  expect(rows.map((row) => Object.values(row))).toEqual([
    [1, 'a', 0.1],
    [1, 'b', 0.9],
  ]);
});

test('features of scored rows are read as training had them; what gold has otherwise, or not at all, is null', async () => {
  const database = await opened;
  const { stores, predictions, partition, load } = await world();
  await predictions(scores([1, '2020-03-01', 0.1], [2, '2020-03-05', 0.2], [3, '2020-04-01', 0.3]));
  await load();
  const days = { from: '2020-03-01', to: '2020-03-31' };
  const inputs = [
    { name: 'n', kind: 'number' as const, type: 'numeric' as const },
    { name: 'K"1', kind: 'category' as const, type: 'categorical' as const },
    { name: 'd', kind: 'date' as const, type: 'numeric' as const },
    { name: 'gone', kind: 'number' as const, type: 'numeric' as const },
  ];
  expect(await scoredFeatures(database, dated, stores, inputs, days)).toBeUndefined();
  await partition(
    '2020_03',
    `SELECT * FROM (VALUES (1, '1.5', 7, '1970-01-02 12:00:00', 2), (2, 'many', NULL, 'soon', 3), (3, '1', 1, NULL, 4), (4, '1', 1, NULL, 5)) AS t (id, n, "k""1", d, other)`,
  );
  const found = (await scoredFeatures(database, dated, stores, inputs, days))!;
  const read = (names: string[]) =>
    database.rows(
      `SELECT ${names.map((name, i) => `${found.valueOf(name)} AS v${i}`).join(', ')} FROM ${found.relation} ORDER BY ${SCORED_ROWS}.id`,
    );
  expect((await read(['n', 'K"1', 'd', 'gone', 'other'])).map((row) => Object.values(row))).toEqual([
    [1.5, '7', 1.5, null, 2],
    [null, null, null, null, 3],
  ]);
  expect(found.valueOf('gone')).toBe('NULL');
});
