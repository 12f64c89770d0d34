import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ModelTrainingCompleted } from '../../src/contracts/index.js';
import { readParquetSql, withDuckDb, type SqlValue } from '../../src/data/duckdb.js';
import { labelStoreFiles, readManifest, tableFiles } from '../../src/data/layers.js';
import { Mt19937 } from '../../src/ml/mt19937.js';
import { RESOURCES } from '../support/medallion.js';
import { isHeldOut } from '../support/heldOut.js';
import { createShortPipeline, type ShortPipeline } from '../support/shortPipeline.js';
import { temporaryFolder } from '../support/temporaryFolder.js';
import { tinyEngines } from '../support/tinyPipeline.js';

const folder = temporaryFolder(afterAll);
const engines = tinyEngines();
afterAll(() => engines.close());

const random = new Mt19937(11);
const uniform = () => (random.uint32() + 0.5) / 2 ** 32;
interface Row {
  id: number;
  x: string;
  y: string;
  bought: string;
}
/** Rows of which x tells the label nearly; `shift` moves x by as much. */
const rowsOf = (first: number, count: number, shift = 0): Row[] =>
  Array.from({ length: count }, (_, i) => {
    const x = uniform() * 2;
    return {
      id: first + i,
      x: (x + shift).toFixed(3),
      y: uniform().toFixed(3),
      bought: x + uniform() / 2 > 1.2 ? 'yes' : 'no',
    };
  });
const text = (rows: Row[]) =>
  ['id,x,y,bought', ...rows.map(({ id, x, y, bought }) => `${id},${x},${y},${bought}`)].join('\n') + '\n';

const DAYS = ['2030-01-01', '2030-02-01', '2030-02-15'] as const;
const ARRIVALS = [rowsOf(0, 600), rowsOf(600, 200, 5), rowsOf(800, 150)] as const;
const DEFINITION = {
  source: 'table.csv',
  key: 'id',
  label: { column: 'bought', positive: 'yes' },
  partition: 'arrival',
};

async function query(sql: (table: string) => string, paths: string[]): Promise<Record<string, SqlValue>[]> {
  return withDuckDb(
    { resources: RESOURCES, scratch: temporaryFolder(), signal: new AbortController().signal },
    (database) => database.rows(sql(readParquetSql(paths))),
  );
}
const bronzePaths = async ({ stores }: ShortPipeline) =>
  (await tableFiles(stores.datamart, 'bronze', 'bronze')).map(({ path }) => path);

/** Rows of the first arrival that the version was not trained on. */
const others = ARRIVALS[0].filter(({ id }) => isHeldOut(id)).length;

describe('a table without dates whose rows arrive in three files, of which the second is not like the others', () => {
  let pipeline: ShortPipeline;
  let first: ModelTrainingCompleted;
  const predicted: number[][] = [];
  const monitored: Awaited<ReturnType<ShortPipeline['monitor']>>[] = [];
  const versionOf = (training: ModelTrainingCompleted) => {
    const trained = training.algorithms.lightgbm!;
    if (trained.status !== 'completed') throw new Error(trained.reason);
    return { algorithm: 'lightgbm', version: trained.version };
  };

  beforeAll(async () => {
    pipeline = await createShortPipeline(engines, folder, DEFINITION);
    for (const [i, asOf] of DAYS.entries()) {
      await pipeline.process(text(ARRIVALS[i]!), { asOf });
      if (i === 0) first = await pipeline.train(['lightgbm'], asOf);
      const rows = await pipeline.predict('lightgbm', asOf);
      predicted.push(rows.map(({ id }) => Number(id)));
      monitored.push(await pipeline.monitor(versionOf(first), asOf));
    }
  }, 60_000);

  test('keeps every arrival, though no file has the rows of the others', async () => {
    const { partitions } = await readManifest(pipeline.stores.datamart, 'bronze');
    expect(Object.entries(partitions).map(([name, { objects }]) => [name, objects[0]!.rows])).toEqual([
      ['2030_01_01', 600],
      ['2030_02_01', 200],
      ['2030_02_15', 150],
    ]);
  });

  test('predicts the keys that are new, and no others', () => {
    expect(predicted.map((ids) => ids.toSorted((a, b) => a - b))).toEqual(
      ARRIVALS.map((rows) => rows.map(({ id }) => id)),
    );
  });

  test('tells which arrival drifted, on its own day and afterwards', () => {
    const [one, two, three] = monitored.map(({ drift }) => drift);
    expect(one).toMatchObject({ status: 'measured', rows: others, trained_rows: 600 - others, drifted: [] });
    // The newest arrival decides: the rows of before don't thin it.
    expect(two).toMatchObject({ status: 'measured', rows: 200, drifted: ['x'] });
    expect(three).toMatchObject({
      status: 'measured',
      rows: 150,
      drifted: [],
      arrivals: [
        { arrival: '2030-01-01', rows: others, drifted: [] },
        { arrival: '2030-02-01', rows: 200, drifted: ['x'] },
        { arrival: '2030-02-15', rows: 150, drifted: [] },
      ],
    });
  });

  test('measures performance on the newest arrival that has enough labels', () => {
    expect(monitored.map(({ performance }) => performance.status === 'measured' && performance.metrics.n)).toEqual([
      others,
      200,
      150,
    ]);
  });

  test('is trained anew on all that has arrived, each row where it was', async () => {
    const again = await pipeline.train(['lightgbm'], DAYS[2]);
    const rowsIn = ({ dataset }: ModelTrainingCompleted) =>
      Object.values(dataset.rows).reduce((sum, rows) => sum + rows, 0);
    expect([rowsIn(first), rowsIn(again)]).toEqual([600, 950]);
    expect(versionOf(again).version).not.toBe(versionOf(first).version);
  });
});

describe('rows that arrive once more', () => {
  const corrected = { ...ARRIVALS[0][3]!, y: '0.777' };

  test('keep their day and place, with what is new of them', async () => {
    const pipeline = await createShortPipeline(engines, folder, DEFINITION);
    await pipeline.process(text(ARRIVALS[0]), { asOf: DAYS[0] });
    await pipeline.process(text([...ARRIVALS[1].slice(0, 2), corrected]), { asOf: DAYS[1] });
    const found = await query(
      (table) =>
        `SELECT CAST(arrival_date AS VARCHAR) AS day, count(*)::INT AS rows, max(y) FILTER (id = 3) AS y FROM ${table} GROUP BY ALL ORDER BY ALL`,
      await bronzePaths(pipeline),
    );
    expect(found).toEqual([
      { day: DAYS[0], rows: 600, y: 0.777 },
      { day: DAYS[1], rows: 2, y: null },
    ]);
    const order = await query(
      (table) => `SELECT id::INT AS id FROM ${table}`,
      (await bronzePaths(pipeline)).slice(0, 1),
    );
    expect(order.map(({ id }) => id)).toEqual(ARRIVALS[0].map(({ id }) => id));
  });

  test('in another order change nothing', async () => {
    const pipeline = await createShortPipeline(engines, folder, DEFINITION);
    await pipeline.process(text(ARRIVALS[0]), { asOf: DAYS[0] });
    const before = await readManifest(pipeline.stores.datamart, 'bronze');
    await pipeline.process(text(ARRIVALS[0].toReversed()), { asOf: DAYS[1] });
    const after = await readManifest(pipeline.stores.datamart, 'bronze');
    expect(after.partitions).toEqual(before.partitions);
  });

  test('are taken away only where that is asked for', async () => {
    const pipeline = await createShortPipeline(engines, folder, DEFINITION);
    await pipeline.process(text(ARRIVALS[0]), { asOf: DAYS[0] });
    await pipeline.process(text(ARRIVALS[0].slice(0, 100)), { asOf: DAYS[1], replace: true });
    expect((await labelStoreFiles(pipeline.stores)).map(({ partition, rows }) => [partition, rows])).toEqual([
      ['2030_01_01', 100],
    ]);
  });

  test('are not taken for new where the file of their arrival is lost', async () => {
    const pipeline = await createShortPipeline(engines, folder, DEFINITION);
    await pipeline.process(text(ARRIVALS[0]), { asOf: DAYS[0] });
    await pipeline.stores.datamart.delete('bronze/bronze_2030_01_01.parquet');
    await expect(pipeline.process(text(ARRIVALS[0]), { asOf: DAYS[1] })).rejects.toThrow(
      /Bronze has lost the partition 2030_01_01, and with it which rows arrived then; give a file/,
    );
    await pipeline.process(text(ARRIVALS[0]), { asOf: DAYS[1], replace: true });
    expect((await labelStoreFiles(pipeline.stores)).map(({ partition, rows }) => [partition, rows])).toEqual([
      ['2030_01_01', 0],
      ['2030_02_01', 600],
    ]);
  });
});

test.each([
  [{ key: undefined }, /key: expected the columns that tell rows apart/],
  [{ time: 'day' }, /time: expected none/],
])('a definition that arrival does not fit is refused: %o', async (more, message) => {
  await expect(createShortPipeline(engines, folder, { ...DEFINITION, ...more })).rejects.toThrow(message);
});
