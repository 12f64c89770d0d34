import { readFileSync, renameSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeEach, describe, expect, test } from 'vitest';
import { featureStoreFiles, goldPartitions, partitionFile, tableOf, type TableName } from '../../src/data/layers.js';
import { LayerWriter, type BuiltTable } from '../../src/data/layerWriter.js';
import { bronze } from '../../src/stages/bronze.js';
import { silver } from '../../src/stages/silver.js';
import { CONF, createMedallion, csvOf, visitsOf, type Medallion } from '../support/medallion.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

let world: Medallion;
beforeEach(async () => {
  world = await createMedallion();
});

const MONTHS = ['2020_01', '2020_02', '2020_03'];

/** A file for a partition, of any content. */
function tableIn(table: TableName, partition: string): BuiltTable {
  const path = `${temporaryFolder()}/${partition}.parquet`;
  writeFileSync(path, `rows of ${partition}`);
  return { table, key: `${table}/${partition}.parquet`, path, rows: 4 };
}

describe('the layers', () => {
  test('hold the source by month, unchanged and in file order', async () => {
    const visits = visitsOf(3).reverse();
    world.writeCsv(visits);
    const { bronze: result } = await world.process();

    expect(result).toEqual({ rows: 12, written: MONTHS, unchanged: [] });
    const rows = await world.rows('bronze', 'bronze');
    expect(rows.map(({ id }) => Number(id))).toEqual([4, 3, 2, 1, 8, 7, 6, 5, 12, 11, 10, 9]);
    expect(rows[0]).toEqual({ id: 4n, day: '2020-01-13', kind: 'urgent', cost: 40 });
  });

  test('keep the text None apart from what is missing', async () => {
    writeFileSync(world.csv, 'id,day,kind,cost\n1,2020-01-01,None,1\n2,2020-01-02,,\n');
    await world.bronze();
    expect(await world.rows('bronze', 'bronze')).toEqual([
      { id: 1n, day: '2020-01-01', kind: 'None', cost: 1 },
      { id: 2n, day: '2020-01-02', kind: null, cost: null },
    ]);
  });

  test('read a source whose columns stand in another order, among others, quoted, with a byte order mark and CRLF', async () => {
    writeFileSync(world.csv, '\uFEFF"cost","kind","unused","day","id"\r\n2.5,"ur""g, ent",x,2020-01-01,7\r\n');
    await world.bronze();
    expect(await world.rows('bronze', 'bronze')).toEqual([{ id: 7n, day: '2020-01-01', kind: 'ur"g, ent', cost: 2.5 }]);
  });

  test('give features and labels in gold', async () => {
    world.writeCsv(visitsOf(3));
    const { gold } = await world.process();
    expect(gold).toEqual({ rows: 12, written: MONTHS, unchanged: [] });
    expect((await world.rows('gold', 'feature_store'))[1]).toEqual({
      id: 2n,
      day: '2020-01-11',
      urgent: 1,
      cost: 20,
      constant: 1,
    });
    expect((await world.rows('gold', 'label_store'))[2]).toEqual({ id: 3n, day: '2020-01-12', costly: 1 });
    expect(await goldPartitions(world.stores)).toMatchObject([
      { name: '2020_01', start: '2020-01-01', end: '2020-01-31', rows: 4 },
      { name: '2020_02', start: '2020-02-01', end: '2020-02-29', rows: 4 },
      { name: '2020_03', rows: 4 },
    ]);
    const february = await featureStoreFiles(world.stores, { from: '2020-02-29', to: '2020-02-29' });
    expect(february.map(({ partition }) => partition)).toEqual(['2020_02']);
  });

  test('are the same bytes when made again elsewhere', async () => {
    world.writeCsv(visitsOf(3));
    await world.process();
    const { csv, snapshot } = world;
    const other = await createMedallion();
    await other.process(csv);
    const parquet = (files: Record<string, string>) =>
      Object.entries(files).filter(([name]) => name.endsWith('.parquet'));
    expect(parquet(snapshot())).toHaveLength(12);
    expect(parquet(other.snapshot())).toEqual(parquet(snapshot()));
  });
});

describe('a second run', () => {
  test('does no work on the same source, given again or remembered', async () => {
    world.writeCsv(visitsOf(3));
    await world.process();
    const before = world.snapshot();
    const written = statSync(await world.path('silver', '2020_01')).mtimeMs;

    for (const source of [world.csv, undefined]) {
      expect(await world.process(source)).toEqual({
        bronze: { rows: 12, written: [], unchanged: MONTHS },
        silver: { rows: 12, written: [], unchanged: MONTHS, dropped: {} },
        gold: { rows: 12, written: [], unchanged: MONTHS },
      });
    }
    expect(world.snapshot()).toEqual(before);
    expect(statSync(await world.path('silver', '2020_01')).mtimeMs).toBe(written);
  });

  test("knows a source that was moved, and the pipeline's own in the store", async () => {
    world.writeCsv(visitsOf(3));
    await world.process();
    const moved = `${world.csv}.moved`;
    renameSync(world.csv, moved);
    expect((await world.bronze(moved)).written).toEqual([]);
    const unnamed = () => world.perform(bronze, { ...world.stage, asOf: '2020-12-31' });
    expect((await unnamed()).unchanged).toEqual(MONTHS);

    const own = await createMedallion();
    await own.stores.datamart.put('raw/visits.csv', readFileSync(moved));
    expect(await own.perform(bronze, { ...own.stage, asOf: '2020-12-31' })).toEqual({
      rows: 12,
      written: MONTHS,
      unchanged: [],
    });
    expect((await own.perform(bronze, { ...own.stage, asOf: '2020-12-31' })).unchanged).toEqual(MONTHS);
  });

  test('keeps months whose rows are the same, whatever else is in a large file, and all rows in their order', async () => {
    const visits = Array.from({ length: 140_000 }, (_, i) => ({
      id: i,
      day: i % 3 ? '2020-01-15' : '2020-02-15',
      kind: 'None',
      cost: i,
    }));
    world.writeCsv(visits);
    await world.process();
    const inOrder = [
      ...visits.filter(({ day }) => day === '2020-01-15'),
      ...visits.filter(({ day }) => day === '2020-02-15'),
    ];
    for (const [layer, table] of [
      ['bronze', 'bronze'],
      ['gold', 'feature_store'],
      ['gold', 'label_store'],
    ] as const) {
      const ids = (await world.rows(layer, table)).map(({ id }) => Number(id));
      expect(
        ids.findIndex((id, row) => id !== inOrder[row]!.id),
        table,
      ).toBe(-1);
    }

    world.writeCsv([{ id: 1_000_000, day: '2020-03-01', kind: 'None', cost: 1 }, ...visits]);
    expect(await world.bronze()).toEqual({ rows: 140_001, written: ['2020_03'], unchanged: ['2020_01', '2020_02'] });
  }, 60_000);

  test('redoes only the months whose rows changed', async () => {
    const visits = visitsOf(3);
    world.writeCsv(visits);
    await world.process();
    visits[5]!.cost = 777;
    world.writeCsv(visits);

    const { bronze, silver, gold } = await world.process();
    for (const layer of [bronze, silver, gold]) {
      expect(layer).toMatchObject({ rows: 12, written: ['2020_02'], unchanged: ['2020_01', '2020_03'] });
    }
    expect((await world.rows('gold', 'feature_store'))[5]).toMatchObject({ id: 6n, cost: 777 });
  });

  test('stops where a change makes no difference', async () => {
    const visits = visitsOf(3);
    world.writeCsv(visits);
    await world.process();
    visits[0]!.kind = ' None ';
    world.writeCsv(visits);
    const { bronze, silver, gold } = await world.process();
    expect([bronze.written, silver.written, gold.written]).toEqual([['2020_01'], ['2020_01'], []]);
  });

  test('redoes the layers that changed SQL decides, and no others', async () => {
    world.writeCsv(visitsOf(3));
    await world.process();
    world.writeConf('feature_store.sql', 'SELECT id, day, 0 AS urgent, cost / 2 AS cost, 1 AS constant FROM silver;\n');
    const { bronze, silver, gold } = await world.process();
    expect([bronze.written, silver.written, gold.written]).toEqual([[], [], MONTHS]);
    expect((await world.rows('gold', 'feature_store'))[1]).toMatchObject({ urgent: 0, cost: 10 });
  });

  test('leaves months alone that a new source says nothing of', async () => {
    world.writeCsv(visitsOf(3));
    await world.process();
    writeFileSync(world.csv, csvOf([...visitsOf(2).slice(4), { id: 100, day: '2020-02-05', kind: 'urgent', cost: 5 }]));
    const { bronze } = await world.process();
    expect(bronze).toEqual({ rows: 13, written: ['2020_02'], unchanged: ['2020_01', '2020_03'] });
    expect((await world.rows('gold', 'feature_store')).map(({ id }) => Number(id))).toEqual([
      1, 2, 3, 4, 5, 6, 7, 8, 100, 9, 10, 11, 12,
    ]);
  });

  test('repairs what was deleted or cut short since', async () => {
    world.writeCsv(visitsOf(3));
    await world.process();
    const before = world.snapshot();
    rmSync(await world.path('bronze', '2020_01'));
    truncateSync(await world.path('silver', '2020_02'), 50);
    rmSync(await world.path('gold', '2020_03'));

    const { bronze, silver, gold } = await world.process();
    expect([bronze.written, silver.written, gold.written]).toEqual([['2020_01'], ['2020_02'], ['2020_03']]);
    expect(world.snapshot()).toEqual(before);
  });
});

describe('rows after asOf', () => {
  test('do not exist until their day has come', async () => {
    world.writeCsv(visitsOf(3));
    expect((await world.bronze(world.csv, '2020-02-11T23:59:00Z')).rows).toBe(6);
    expect((await world.rows('bronze', 'bronze')).map(({ day }) => day).at(-1)).toBe('2020-02-11');
    expect(await world.bronze(world.csv, '2020-02-11')).toEqual({
      rows: 6,
      written: [],
      unchanged: ['2020_01', '2020_02'],
    });

    expect(await world.bronze(world.csv, '2020-03-31')).toEqual({
      rows: 12,
      written: ['2020_02', '2020_03'],
      unchanged: ['2020_01'],
    });
    expect(await world.bronze(world.csv, '2021-01-01')).toEqual({ rows: 12, written: [], unchanged: MONTHS });
  });

  test('may be all of them', async () => {
    world.writeCsv(visitsOf(3));
    expect(await world.bronze(world.csv, '2019-12-31')).toEqual({ rows: 0, written: [], unchanged: [] });
  });
});

describe('silver', () => {
  test('leaves out exact duplicates, wherever they are, and rows that break an expectation, and counts them', async () => {
    const visits = visitsOf(3);
    const again = [visits[0]!, { ...visits[4]! }, { ...visits[4]! }];
    const contradicting = { ...visits[8]!, cost: 1 };
    const negative = { id: 50, day: '2020-01-20', kind: 'urgent', cost: -1 };
    world.writeCsv([...visits, ...again, contradicting, negative]);

    const { silver } = await world.process();
    expect(silver.dropped).toEqual({ repeated_visit: 3, cost_not_negative: 1, one_row_a_visit: 2 });
    expect(silver.rows).toBe(11);
    expect((await world.rows('silver', 'silver')).map(({ id }) => Number(id))).toEqual([
      1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12,
    ]);
    expect((await world.process()).silver).toEqual({ ...silver, written: [], unchanged: MONTHS });
  });

  test('finds duplicates where the keys are made by the queries', async () => {
    world.writeConf('pipeline.json', {
      ...CONF['pipeline.json'],
      keys: ['visit', 'on_day'],
      partition: { column: 'on_day', by: 'month' },
    });
    world.writeConf('bronze.sql', 'SELECT *, id AS visit, day AS on_day FROM source');
    world.writeConf('silver.sql', 'SELECT * FROM bronze');
    world.writeConf('expectations.json', { duplicates: CONF['expectations.json'].duplicates, silver: [] });
    for (const [file, columns] of [
      ['feature_store.sql', '1 AS urgent, cost, 1 AS constant'],
      ['label_store.sql', '1 AS costly'],
    ] as const) {
      world.writeConf(file, `SELECT visit, on_day, ${columns} FROM silver`);
    }
    world.writeCsv([...visitsOf(2), visitsOf(2)[0]!, visitsOf(2)[5]!]);
    expect(await world.process()).toMatchObject({
      silver: { rows: 8, dropped: { repeated_visit: 2 } },
      gold: { rows: 8 },
    });
  });

  test('finds a duplicate in another month where days go by position, and keeps the earlier one', async () => {
    const { source, ...rest } = CONF['pipeline.json'];
    world.writeConf('pipeline.json', {
      ...rest,
      source: { ...source, columns: { id: 'BIGINT', kind: 'VARCHAR', cost: 'DOUBLE' } },
    });
    world.writeConf(
      'bronze.sql',
      "SELECT *, DATE '2020-01-25' + 10 * CAST(row_number() OVER () - 1 AS INTEGER) AS day FROM source",
    );
    writeFileSync(world.csv, 'id,kind,cost\n1,urgent,3\n2,urgent,3\n1,urgent,3\n1,None,3\n1,urgent,3\n');
    const { silver } = await world.process();
    expect(silver).toMatchObject({ rows: 3, dropped: { repeated_visit: 2 } });
    expect(await world.rows('silver', 'silver')).toEqual([
      { id: 1n, day: '2020-01-25', kind: 'urgent', cost: 3 },
      { id: 2n, day: '2020-02-04', kind: 'urgent', cost: 3 },
      { id: 1n, day: '2020-02-24', kind: 'None', cost: 3 },
    ]);
  });

  test('takes a row in again once it repeats none any more', async () => {
    const visits = visitsOf(2);
    world.writeCsv([...visits, visits[4]!]);
    expect((await world.process()).silver).toMatchObject({ rows: 8, dropped: { repeated_visit: 1 } });
    world.writeCsv(visits);
    expect((await world.process()).silver).toEqual({
      rows: 8,
      dropped: {},
      written: ['2020_02'],
      unchanged: ['2020_01'],
    });
  });

  test('may leave nothing of a month', async () => {
    world.writeCsv(visitsOf(2).map((visit) => (visit.day < '2020-02' ? visit : { ...visit, cost: -1 })));
    const { silver, gold } = await world.process();
    expect(silver).toMatchObject({ rows: 4, written: ['2020_01', '2020_02'], dropped: { cost_not_negative: 4 } });
    expect(gold.rows).toBe(4);
    expect(await world.rows('gold', 'label_store')).toHaveLength(4);
  });

  test('of a partition that bronze does not have is refused', async () => {
    world.writeCsv(visitsOf(1));
    await world.process();
    const none = (layer: string) => ({
      type: 'NotFound',
      message: `${layer} holds no partition 2020_09; run data processing with a source that has it.`,
    });
    await expect(world.silver(['2020_09'])).rejects.toMatchObject(none('bronze'));
    await expect(world.gold(['2020_09'])).rejects.toMatchObject(none('silver'));
  });

  test('may read tables of the pipeline, which are told where they are gone', async () => {
    const kinds = join(world.root, 'conf', 'pipelines', 'visits', 'kinds.csv');
    world.writeConf('pipeline.json', { ...CONF['pipeline.json'], tables: { Kinds: 'kinds.csv' } });
    world.writeConf('kinds.csv', 'kind,known\nurgent,None\nNone,urgent\n');
    world.writeConf(
      'silver.sql',
      'SELECT id, day, known AS kind, cost FROM bronze JOIN kinds USING (kind) ORDER BY id',
    );
    world.writeCsv(visitsOf(1));
    await world.process();
    expect((await world.rows('silver', 'silver')).map(({ kind }) => kind)).toEqual([
      'urgent',
      'None',
      'urgent',
      'None',
    ]);
    // What the table says now counts.
    world.writeConf('kinds.csv', 'kind,known\nurgent,urgent\nNone,None\n');
    expect((await world.process()).silver.written).toEqual(['2020_01']);
    rmSync(kinds);
    await expect(world.silver(['2020_01'])).rejects.toMatchObject({
      type: 'ConfigInvalid',
      message: expect.stringMatching(
        /kinds\.csv, the table Kinds of pipeline\.json, can't be read \(.*ENOENT.*\); restore it\.$/,
      ) as string,
      cause: { code: 'ENOENT' },
    });
    rmSync(join(world.root, 'conf', 'pipelines', 'visits', 'bronze.sql'));
    await expect(world.bronze()).rejects.toMatchObject({
      type: 'ConfigInvalid',
      cause: expect.anything() as Error,
    });
  });

  test('refuses a source that breaks what must hold', async () => {
    world.writeCsv([...visitsOf(2), { id: 60, day: '2020-02-20', kind: 'odd', cost: 1 }]);
    await expect(world.process()).rejects.toMatchObject({
      type: 'InputInvalid',
      message:
        'The expectation kind_known, which must hold, is broken by 1 row of partition 2020_02; correct the source, or the rows that "perdure data quarantine visits" shows, and run again.',
    });
    expect(Object.keys((await world.manifest('silver')).partitions)).toEqual(['2020_01']);
    expect(await world.rows('gold', 'feature_store')).toEqual([]);
  });
});

describe('a run that is stopped halfway', () => {
  test('leaves what is done, and the next one ends where an undisturbed one would', async () => {
    world.writeCsv(visitsOf(6));
    const undisturbed = await createMedallion();
    await undisturbed.process(world.csv);

    const abort = new AbortController();
    const stopAfter = (partitions: number) => ({
      signal: abort.signal,
      report: ({ what, done }: { what: string; done: number }) => {
        if (what === 'partitions' && done === partitions) abort.abort();
      },
    });
    const { written } = await world.bronze();
    await expect(world.perform(silver, { ...world.stage, partitions: written }, stopAfter(2))).rejects.toThrow('abort');
    expect(Object.keys((await world.manifest('silver')).partitions)).toEqual(['2020_01', '2020_02']);

    const counted: { done: number; total: number }[] = [];
    await world.perform(
      silver,
      { ...world.stage, partitions: written },
      { report: ({ done, total }) => counted.push({ done, total }) },
    );
    expect(counted).toEqual([3, 4, 5, 6].map((done) => ({ done, total: 6 })));
    await world.process();
    expect(world.snapshot()).toEqual(undisturbed.snapshot());
  });

  test('stops a query at work', async () => {
    world.writeCsv(visitsOf(1));
    world.writeConf('bronze.sql', 'SELECT source.* FROM source, range(100000000000) AS many(i) WHERE hash(i) = 1');
    const abort = new AbortController();
    setTimeout(() => abort.abort(), 200);
    await expect(
      world.perform(bronze, { ...world.stage, source: world.csv, asOf: '2020-12-31' }, { signal: abort.signal }),
    ).rejects.toThrow('abort');
    expect(world.snapshot()).toEqual({});
  });

  test('shows readers nothing that its manifest does not name', async () => {
    world.writeCsv(visitsOf(2));
    await world.process();
    const writer = await LayerWriter.open(world.stores.datamart, 'gold');
    const path = `${temporaryFolder()}/orphan.parquet`;
    writeFileSync(path, readFileSync(await world.path('gold', '2020_01')));
    await writer.write('2020_09', 'never committed', [
      { table: 'feature_store', key: 'gold/features_2020_09.parquet', path, rows: 4 },
    ]);

    expect((await goldPartitions(world.stores)).map(({ name }) => name)).toEqual(['2020_01', '2020_02']);
    expect(await world.rows('gold', 'feature_store')).toHaveLength(8);
  });

  test('reads as a layer without partitions where it was the first one', async () => {
    const writer = await LayerWriter.open(world.stores.datamart, 'silver');
    await writer.write('2020_01', 'never committed', [tableIn('silver', '2020_01')]);
    expect(await world.manifest('silver')).toMatchObject({ partitions: {} });
  });
});

describe('readers and writers at the same time', () => {
  test('a reader whose manifest is out of date gets the new partition', async () => {
    const visits = visitsOf(1);
    world.writeCsv(visits);
    await world.process();
    const known = tableOf((await world.manifest('gold')).partitions['2020_01']!, 'feature_store');
    visits[0]!.cost = 5;
    world.writeCsv(visits);
    await world.process();

    const file = await partitionFile(world.stores.datamart, 'gold', 'feature_store', '2020_01', known);
    expect(file.checksum).not.toBe(known.checksum);
    expect(file.rows).toBe(4);
  });

  test('a partition is seen by readers half a second after it was written, while its writer is still at work', async () => {
    const writer = await LayerWriter.open(world.stores.datamart, 'silver');
    const seen = async () => Object.keys((await world.manifest('silver')).partitions);
    await writer.write('2020_02', 'i', [tableIn('silver', '2020_02')]);
    await writer.write('2020_03', 'i', [tableIn('silver', '2020_03')]);
    expect(await seen()).toEqual([]);
    await sleep(500);
    await writer.write('2020_01', 'i', [tableIn('silver', '2020_01')]);
    expect(await seen()).toEqual(['2020_01', '2020_02', '2020_03']);
  });

  test('what a writer has written it does not write again over what others wrote since', async () => {
    const [first, second] = [
      await LayerWriter.open(world.stores.datamart, 'silver'),
      await LayerWriter.open(world.stores.datamart, 'silver'),
    ];
    for (const [writer, inputs] of [
      [first, 'old'],
      [second, 'new'],
    ] as const) {
      await writer.write('2020_01', inputs, [tableIn('silver', '2020_01')]);
      await writer.commit();
    }
    await first.write('2020_02', 'old', [tableIn('silver', '2020_02')]);
    await first.commit();
    const { partitions } = await world.manifest('silver');
    expect(Object.entries(partitions).map(([name, { inputs }]) => [name, inputs])).toEqual([
      ['2020_01', 'new'],
      ['2020_02', 'old'],
    ]);
  });

  test('pieces of a layer share its manifest', async () => {
    world.writeCsv(visitsOf(12, 2));
    const { written } = await world.bronze();
    const pieces = [written.slice(0, 4), written.slice(4, 8), written.slice(8)];
    await Promise.all(pieces.map((piece) => world.silver(piece)));
    expect(Object.keys((await world.manifest('silver')).partitions)).toEqual(written);
  });
});
