import { beforeEach, describe, expect, test } from 'vitest';
import { withDuckDb } from '../../src/data/duckdb.js';
import { goldFilesAsOf } from '../../src/data/goldAsOf.js';
import { readTrainingRows } from '../../src/data/trainingRows.js';
import { ZERO_OR_ONE } from '../../src/contracts/task.js';
import { CONF, createMedallion, RESOURCES, visitsOf, type Medallion } from '../support/medallion.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

let world: Medallion;
beforeEach(async () => {
  world = await createMedallion();
  // Nothing is dropped: what the keys are is up to gold.
  world.writeConf('expectations.json', { silver: [] });
});

const YEAR = { from: '2020-01-01', to: '2020-12-31' };
const COST = [{ name: 'cost', kind: 'number' as const, type: 'numeric' as const }];

/** Cost and label of every training row. */
async function trainingRows(): Promise<[cost: number, costly: number][]> {
  const pipeline = await loadVisits();
  return withDuckDb(
    { resources: RESOURCES, scratch: temporaryFolder(), signal: new AbortController().signal },
    async (database) => {
      const reader = { database, scratch: temporaryFolder(), pipeline, stores: world.stores };
      const files = await goldFilesAsOf(reader, YEAR, YEAR.to);
      const found: [number, number][] = [];
      for (const name of ['train', 'test', 'oot'] as const) {
        const { table, labels } = await readTrainingRows(
          database,
          pipeline,
          files,
          { name, asOf: YEAR.to, labelledTo: YEAR.to },
          COST,
          ZERO_OR_ONE,
        );
        const { values } = table.columns.get('cost') as { values: Float64Array };
        found.push(...Array.from(labels, (label, i): [number, number] => [values[i]!, label]));
      }
      return found;
    },
  );
}

async function loadVisits() {
  const { loadPipeline } = await import('../../src/config/load.js');
  return loadPipeline('visits', world.env);
}

/** `day` isn't a key, nor are other names than these. */
function keysAre(...keys: string[]): void {
  world.writeConf('pipeline.json', { ...CONF['pipeline.json'], keys });
}

describe('keys that name no row, or several, are refused with what to do', () => {
  const featureKeys =
    /feature_store\.sql gives 2 rows of partition 2020_01 whose keys another row has, such as id 7, day 2020-01-05: a key names one row; correct the query or pipeline\.json's keys, or leave such rows out by an expectation such as `count\(\*\) OVER \(PARTITION BY "id", "day"\) = 1`\.$/;

  test('keys of three rows', async () => {
    world.writeCsv([...visitsOf(1), ...[1, 2, 3].map((cost) => ({ id: 7, day: '2020-01-05', kind: 'urgent', cost }))]);
    await expect(world.process()).rejects.toMatchObject({
      type: 'InputInvalid',
      retryable: false,
      message: expect.stringMatching(featureKeys) as string,
    });
    expect((await world.manifest('gold')).partitions).toEqual({});
  });

  test('a row without a key', async () => {
    world.writeConf('silver.sql', "SELECT nullif(id, 2) AS id, day, coalesce(kind, 'None') AS kind, cost FROM bronze");
    world.writeCsv(visitsOf(2));
    await expect(world.process()).rejects.toMatchObject({
      type: 'InputInvalid',
      message: expect.stringMatching(
        /feature_store\.sql gives 1 row of partition 2020_01 without id, by which .* are joined; give every row one, or leave such rows out by an expectation such as `"id" IS NOT NULL`\.$/,
      ) as string,
    });
  });

  test('a query that doubles rows', async () => {
    world.writeConf('feature_store.sql', `${CONF['feature_store.sql']} CROSS JOIN range(2)`);
    world.writeCsv(visitsOf(2));
    await expect(world.process()).rejects.toMatchObject({
      type: 'InputInvalid',
      message: expect.stringMatching(
        /feature_store\.sql gives 4 rows of partition 2020_01 whose keys another row has, such as id 1, day 2020-01-10: it makes 8 rows of 4 in silver, so a join in it may multiply rows; correct the query/,
      ) as string,
    });
  });

  test('labels that are doubled, or lack their key', async () => {
    world.writeConf('label_store.sql', `${CONF['label_store.sql']} CROSS JOIN range(2)`);
    world.writeCsv(visitsOf(1));
    await expect(world.process()).rejects.toMatchObject({
      message: expect.stringMatching(
        /label_store\.sql gives 4 rows of partition 2020_01 whose keys another row has/,
      ) as string,
    });
    world.writeConf('label_store.sql', 'SELECT id, CASE WHEN id > 1 THEN day END AS day, 0 AS costly FROM silver');
    await expect(world.process()).rejects.toMatchObject({
      message: expect.stringMatching(/label_store\.sql gives 1 row of partition 2020_01 without day/) as string,
    });
  });

  test('a key that stands in two partitions, again and again', async () => {
    keysAre('id');
    world.writeCsv([...visitsOf(2), { id: 2, day: '2020-02-20', kind: 'urgent', cost: 5 }]);
    for (let run = 0; run < 2; run++) {
      await expect(world.process()).rejects.toMatchObject({
        type: 'InputInvalid',
        message: expect.stringMatching(
          /feature_store\.sql gives 1 row whose keys a row of another partition has, such as id 2: where its day was corrected, process a file that has the rows of both partitions \(--csv\); where both are rows, add day to "keys" in pipeline\.json, or leave one of them out\.$/,
        ) as string,
      });
    }
    // The remedy works.
    keysAre('id', 'day');
    expect((await world.process()).gold.rows).toBe(9);
  });

  test('a day that is moved out of its partition', async () => {
    world.writeConf('feature_store.sql', 'SELECT id, day + 31 AS day, 1 AS urgent, cost, 1 AS constant FROM silver');
    world.writeCsv(visitsOf(1));
    await expect(world.process()).rejects.toMatchObject({
      type: 'InputInvalid',
      message: expect.stringMatching(
        /feature_store\.sql gives 4 rows of partition 2020_01 whose day lies outside of it \(such as 2020-02-1\d\); leave the column as bronze\.sql gives it\.$/,
      ) as string,
    });
  });
});

describe('the remedies that are told work', () => {
  test.each([
    ['count(*) OVER (PARTITION BY "id", "day") = 1', 3],
    ['"id" IS NOT NULL', 5],
  ])('%s', async (check, rows) => {
    world.writeConf('expectations.json', { silver: [{ name: 'keys_name_one_row', check, on_failure: 'drop' }] });
    world.writeConf(
      'silver.sql',
      "SELECT CASE WHEN cost = 40 THEN NULL ELSE id END AS id, day, coalesce(kind, 'None') AS kind, cost FROM bronze",
    );
    const twice = check.startsWith('count')
      ? [{ id: 1, day: '2020-01-10', kind: 'urgent', cost: 3 }]
      : [
          { id: 9, day: '2020-01-10', kind: 'urgent', cost: 3 },
          { id: 8, day: '2020-01-10', kind: 'urgent', cost: 3 },
        ];
    // Of id 1 to 4, the one that costs 40 loses its id, and id 1 stands there twice where the first check is tried.
    world.writeCsv([...visitsOf(1), ...twice].filter(({ cost }) => !check.startsWith('count') || cost !== 40));
    const { silver, gold } = await world.process();
    expect(gold.rows).toBe(check.startsWith('count') ? 2 : rows);
    expect(Object.values(silver.dropped)).toEqual([check.startsWith('count') ? 2 : 1]);
  });
});

test('keys that differ in nothing but the case of letters are different keys', async () => {
  const definition = structuredClone(CONF['pipeline.json']);
  world.writeConf('pipeline.json', { ...definition, keys: ['kind', 'day'] });
  world.writeConf('feature_store.sql', 'SELECT kind, day, 1 AS urgent, cost, 1 AS constant FROM silver');
  world.writeConf(
    'label_store.sql',
    'SELECT kind, day, CAST(cost > 1 AS INTEGER) AS costly FROM silver ORDER BY id DESC',
  );
  world.writeCsv(['ab', 'AB', 'aB'].map((kind, i) => ({ id: i, day: '2020-01-10', kind, cost: i })));
  await world.process();
  expect(await trainingRows()).toEqual([
    [0, 0],
    [1, 0],
    [2, 1],
  ]);
});

test('a label comes from its own row, wherever its key stands besides', async () => {
  // Gold checks a changed set of keys anew, so this is what a store holds that an earlier version wrote.
  world.writeCsv(visitsOf(2).map((visit) => ({ ...visit, id: visit.id % 4 })));
  await world.process();
  keysAre('id');
  // Costs 10 to 40 in January and 50 to 80 in February have the ids 1, 2, 3, 0; the label is id % 3 = 0.
  expect(await trainingRows()).toEqual([
    [10, 0],
    [20, 0],
    [30, 1],
    [40, 1],
    [50, 0],
    [60, 0],
    [70, 1],
    [80, 1],
  ]);
});

test('a training refuses keys that several rows of gold have', async () => {
  // Gold checks a changed set of keys anew; this training comes before it.
  world.writeCsv(visitsOf(2).map((visit) => ({ ...visit, id: visit.id === 6 ? 5 : visit.id })));
  await world.process();
  keysAre('id');
  await expect(trainingRows()).rejects.toMatchObject({
    type: 'InputInvalid',
    message: 'Several rows of gold have the same id; add an expectation that drops them and run data processing again.',
  });
});

describe('a gold column that no model can read is told with its file', () => {
  test.each([
    [
      'feature_store.sql',
      "SELECT id, day, 1 AS urgent, 'much' AS cost, 1 AS constant FROM silver",
      /feature_store\.sql gives cost as VARCHAR, where a number is expected; write it as one, as CAST\("cost" = '\.\.\.' AS INTEGER\) does for one of two values\.$/,
    ],
    [
      'label_store.sql',
      "SELECT id, day, 'yes' AS costly FROM silver",
      /label_store\.sql gives costly as VARCHAR, where a number is expected/,
    ],
    [
      'feature_store.sql',
      'SELECT id, CAST(day AS VARCHAR) AS day, 1 AS urgent, cost, 1 AS constant FROM silver',
      /feature_store\.sql gives the column day, by which rows are partitioned, as VARCHAR; make it a DATE/,
    ],
    [
      'bronze.sql',
      'SELECT * REPLACE (CAST(day AS VARCHAR) AS day) FROM source',
      /bronze\.sql gives the column day, by which rows are partitioned, as VARCHAR; make it a DATE, by its type in source\.columns or with CAST or strptime in the query\.$/,
    ],
  ] as [keyof typeof CONF, string, RegExp][])('%s: %s', async (file, sql, message) => {
    world.writeConf(file, sql);
    world.writeCsv(visitsOf(1));
    await expect(world.process()).rejects.toMatchObject({
      type: 'ConfigInvalid',
      message: expect.stringMatching(message) as string,
    });
  });
});
