import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { bronze } from '../../src/stages/bronze.js';
import { CONF, createMedallion, csvOf, visitsOf, type Medallion } from '../support/medallion.js';

let world: Medallion;
beforeEach(async () => {
  world = await createMedallion();
});

const MONTHS = ['2020_01', '2020_02', '2020_03'];
const pipelineFile = (name: string) => join(world.root, 'conf', 'pipelines', 'visits', name);
const source = (name: string, visits: ReturnType<typeof visitsOf>) => {
  const path = join(world.root, name);
  writeFileSync(path, csvOf(visits));
  return path;
};
const goldIds = async () => (await world.rows('gold', 'feature_store')).map(({ id }) => Number(id));

describe('a changed recipe', () => {
  test('rebuilds months that the new source has no rows of', async () => {
    world.writeCsv(visitsOf(2));
    await world.process();
    world.writeConf('label_store.sql', 'SELECT id, day, CAST(id % 3 <> 0 AS INTEGER) AS costly FROM silver');
    world.writeConf('silver.sql', "SELECT id, day, coalesce(trim(kind), 'None') AS kind, 2 * cost AS cost FROM bronze");
    const march = source('march.csv', visitsOf(3).slice(8));

    const { bronze, silver, gold } = await world.process(march);
    expect([bronze.written, silver.written, gold.written]).toEqual([['2020_03'], MONTHS, MONTHS]);
    expect((await world.rows('gold', 'feature_store')).map(({ cost }) => cost)).toEqual(
      visitsOf(3).map(({ cost }) => 2 * Number(cost)),
    );
    expect((await world.rows('gold', 'label_store')).map(({ costly }) => costly)).toEqual(
      visitsOf(3).map(({ id }) => Number(id % 3 !== 0)),
    );
  });

  test('of bronze is refused while months would keep the old one, and taken with a source that has them', async () => {
    world.writeCsv(visitsOf(2));
    await world.process();
    world.writeConf('bronze.sql', 'SELECT * REPLACE (cost + 1 AS cost) FROM source');
    const march = source('march.csv', visitsOf(3).slice(8));
    const before = world.snapshot();

    await expect(world.process(march)).rejects.toMatchObject({
      type: 'ConfigInvalid',
      message: expect.stringMatching(
        /^2 partitions \(2020_01 to 2020_02\) were made before .*bronze\.sql or the source's columns were changed, and .*march\.csv has no rows of them; process a file that has, undo the change, or empty them by asking to replace/,
      ) as string,
    });
    expect(world.snapshot()).toEqual(before);

    expect((await world.process(source('all.csv', visitsOf(3)))).gold.written).toEqual(MONTHS);
    expect((await world.rows('gold', 'feature_store')).map(({ cost }) => cost)).toEqual(
      visitsOf(3).map(({ cost }) => Number(cost) + 1),
    );
    expect((await world.process(march)).gold.written).toEqual([]);
  });

  test('of bronze empties those months where it is asked to replace', async () => {
    world.writeCsv(visitsOf(2));
    await world.process();
    world.writeConf('bronze.sql', 'SELECT * REPLACE (cost + 1 AS cost) FROM source');
    expect((await world.process(source('march.csv', visitsOf(3).slice(8)), undefined, true)).gold).toMatchObject({
      rows: 4,
      written: MONTHS,
    });
    expect(await goldIds()).toEqual([9, 10, 11, 12]);
  });

  test('is noticed where only the definition names another column', async () => {
    world.writeCsv(visitsOf(1));
    await world.process();
    const { features, ...rest } = CONF['pipeline.json'];
    world.writeConf('pipeline.json', { ...rest, features: [...features, { name: 'age', type: 'numeric' }] });
    await expect(world.process()).rejects.toMatchObject({
      type: 'ConfigInvalid',
      message: expect.stringMatching(/pipeline\.json names age, which .*feature_store\.sql doesn't give/) as string,
    });
  });
});

describe('SQL that depends on more than its input', () => {
  const outside = (csv: string): [what: string, file: keyof typeof CONF, content: unknown, message: RegExp][] => [
    [
      'a file',
      'label_store.sql',
      `SELECT id, day, costly FROM silver JOIN read_csv('${csv}') USING (id)`,
      /label_store\.sql reads read_csv\(\.\.\.\), of which no run would notice a change: it may read silver; put/,
    ],
    [
      'a file by its name',
      'silver.sql',
      `SELECT * FROM bronze WHERE id IN (SELECT id FROM '${csv}')`,
      /silver\.sql reads ".*labels\.csv"/,
    ],
    [
      'a query in a text',
      'silver.sql',
      "SELECT * FROM query('SELECT * FROM bronze')",
      /silver\.sql reads query\(\.\.\.\)/,
    ],
    [
      'a file in a common table',
      'feature_store.sql',
      `WITH l AS (FROM read_text('${csv}')) SELECT id, day, 1 AS urgent, cost, 1 AS constant FROM silver, l`,
      /feature_store\.sql reads read_text/,
    ],
    [
      'chance',
      'bronze.sql',
      'SELECT * FROM source WHERE random() < 2',
      /bronze\.sql uses random\(\), which gives another result each time; compute it from the columns alone\.$/,
    ],
    ['a sample', 'bronze.sql', 'SELECT * FROM source USING SAMPLE 50%', /bronze\.sql uses a sample without a seed/],
    [
      'the clock',
      'silver.sql',
      'SELECT * REPLACE (cost + year(current_date) AS cost) FROM bronze',
      /silver\.sql uses current_date/,
    ],
    [
      'the clock, unsaid',
      'silver.sql',
      'SELECT * REPLACE (cost + year(age(day)) AS cost) FROM bronze',
      /silver\.sql uses age\(\)/,
    ],
    [
      'chance in an expectation',
      'expectations.json',
      { silver: [{ name: 'lucky', check: 'random() < 0.9', on_failure: 'drop' }] },
      /expectations\.json: the check of lucky uses random\(\)/,
    ],
    ['two queries', 'silver.sql', 'SELECT * FROM bronze; SELECT * FROM bronze', /silver\.sql holds 2 statements/],
  ];
  test.each(outside('/tmp/labels.csv'))('is refused: %s', async (_what, file, content, message) => {
    world.writeCsv(visitsOf(1));
    await world.process();
    const before = world.snapshot();
    world.writeConf(file, content);
    await expect(world.process()).rejects.toMatchObject({
      type: 'ConfigInvalid',
      message: expect.stringMatching(message) as string,
    });
    expect(world.snapshot()).toEqual(before);
  });

  test('is taken where it reads its input alone', async () => {
    world.writeCsv(visitsOf(1));
    world.writeConf(
      'silver.sql',
      `WITH RECURSIVE Numbered AS (SELECT *, row_number() OVER (ORDER BY id) AS position FROM Bronze)
      SELECT id, day, coalesce(trim(kind), 'None') AS kind, cost + (SELECT max(i) FROM range(3) AS r(i)) AS cost FROM numbered WHERE position > 0`,
    );
    await world.process();
    expect((await world.rows('gold', 'feature_store')).map(({ cost }) => cost)).toEqual([12, 22, 32, 42]);
  });

  test('may hold semicolons, a last one and a byte order mark', async () => {
    world.writeCsv(visitsOf(1));
    world.writeConf(
      'silver.sql',
      "\uFEFFSELECT id, day, CASE kind WHEN ';' THEN 'urgent' ELSE 'None' END AS kind, cost FROM bronze;\n",
    );
    await world.process();
    expect((await world.rows('silver', 'silver')).map(({ kind }) => kind)).toEqual(['None', 'None', 'None', 'None']);
  });

  test('may read a Parquet file that the pipeline names', async () => {
    world.writeCsv(visitsOf(1));
    await world.process();
    cpSync(await world.path('bronze', '2020_01'), pipelineFile('earlier.parquet'));
    world.writeConf('pipeline.json', { ...CONF['pipeline.json'], tables: { earlier: 'earlier.parquet' } });
    world.writeConf(
      'label_store.sql',
      'SELECT silver.id, silver.day, CAST(earlier.cost > 20 AS INTEGER) AS costly FROM silver JOIN earlier USING (id)',
    );
    await world.process();
    expect((await world.rows('gold', 'label_store')).map(({ costly }) => costly)).toEqual([0, 0, 1, 1]);
  });

  test('may give the day with its time', async () => {
    world.writeCsv(visitsOf(2));
    world.writeConf('bronze.sql', "SELECT * REPLACE (CAST(day AS TIMESTAMP) + INTERVAL '23 hours' AS day) FROM source");
    expect((await world.process()).gold.written).toEqual(['2020_01', '2020_02']);
  });

  test('may read a file that the pipeline names, and is done again when it changes', async () => {
    const { ...definition } = CONF['pipeline.json'];
    world.writeConf('pipeline.json', { ...definition, tables: { outcomes: 'outcomes.csv' } });
    world.writeConf('label_store.sql', 'SELECT silver.id, day, outcomes.costly FROM silver JOIN outcomes USING (id)');
    const labels = (value: (id: number) => number) =>
      writeFileSync(
        pipelineFile('outcomes.csv'),
        `id,costly\n${visitsOf(2)
          .map(({ id }) => `${id},${value(id)}`)
          .join('\n')}\n`,
      );
    labels((id) => id % 2);
    world.writeCsv(visitsOf(2));
    await world.process();
    expect((await world.process()).gold.written).toEqual([]);

    labels((id) => 1 - (id % 2));
    expect((await world.process()).gold.written).toEqual(['2020_01', '2020_02']);
    expect((await world.rows('gold', 'label_store')).map(({ costly }) => Number(costly))).toEqual([
      0, 1, 0, 1, 0, 1, 0, 1,
    ]);

    rmSync(pipelineFile('outcomes.csv'));
    await expect(world.process()).rejects.toMatchObject({
      type: 'ConfigInvalid',
      message: expect.stringMatching(/outcomes\.csv, the table outcomes of pipeline\.json, can't be read/) as string,
    });
    mkdirSync(pipelineFile('outcomes.csv'));
    await expect(world.process()).rejects.toMatchObject({ type: 'ConfigInvalid' });
  });
});

test('expectations that drop every row leave gold as it was', async () => {
  world.writeCsv(visitsOf(2));
  await world.process();
  world.writeConf('expectations.json', { silver: [{ name: 'cheap', check: 'cost < 0', on_failure: 'drop' }] });
  await expect(world.process()).rejects.toMatchObject({
    type: 'InputInvalid',
    message:
      'Every one of the 8 rows is left out by an expectation (cheap 8), so features and labels stay as they were; correct the expectation, the query or the data.',
  });
  expect(await goldIds()).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
});

test('a copied pipeline that keeps the bucket is refused, and the first one goes on', async () => {
  world.writeCsv(visitsOf(1));
  await world.process();
  const before = world.snapshot();
  cpSync(join(world.root, 'conf', 'pipelines', 'visits'), join(world.root, 'conf', 'pipelines', 'copy'), {
    recursive: true,
  });
  await expect(
    world.perform(bronze, { ...world.stage, pipeline: 'copy', source: world.csv, asOf: '2020-12-31' }),
  ).rejects.toMatchObject({
    type: 'ConfigInvalid',
    message:
      'The bucket that storage.datamart_bucket names for copy holds what the pipeline visits wrote; give copy a bucket of its own.',
  });
  expect(world.snapshot()).toEqual(before);
  expect((await world.process()).bronze.unchanged).toEqual(['2020_01']);
});

describe('an earlier as-of', () => {
  test('leaves what was read later as it is, and what is new of those days is read', async () => {
    world.writeCsv(visitsOf(3));
    await world.process(world.csv, '2020-03-31');
    const before = world.snapshot();
    expect(await world.process(world.csv, '2020-02-11')).toMatchObject({
      bronze: { rows: 12, written: [], unchanged: MONTHS },
      gold: { rows: 12, written: [] },
    });
    expect(world.snapshot()).toEqual(before);

    // A correction of January comes, and the run stands in the middle of February.
    const corrected = visitsOf(3).map((visit) => (visit.id === 1 ? { ...visit, cost: 99 } : visit));
    const { gold } = await world.process(source('corrected.csv', corrected), '2020-02-11');
    expect(gold.written).toEqual(['2020_01']);
    expect((await world.rows('gold', 'feature_store')).map(({ cost }) => cost)).toEqual(
      corrected.map(({ cost }) => cost),
    );
  });

  test('still keeps rows back that nobody has read', async () => {
    const visits = visitsOf(3);
    world.writeCsv(visits.slice(0, 6));
    await world.process(world.csv, '2020-12-31');
    // Of February two rows were read, to the 11th; the 12th is seen by no run at the 11th.
    expect((await world.process(source('more.csv', visits), '2020-02-11')).bronze).toMatchObject({
      rows: 6,
      written: [],
    });
    expect((await world.process(source('more.csv', visits), '2020-02-12')).bronze).toMatchObject({
      rows: 7,
      written: ['2020_02'],
    });
  });
});

describe('a source that lacks rows that were read', () => {
  test('is refused, and nothing changes', async () => {
    world.writeCsv(visitsOf(3));
    await world.process();
    const before = world.snapshot();
    // January anew, and one late row for March.
    const january = [...visitsOf(1), { id: 99, day: '2020-03-02', kind: 'None', cost: 1 }];
    const path = source('january.csv', january);
    await expect(world.process(path)).rejects.toMatchObject({
      type: 'InputInvalid',
      message: `${path} lacks 4 rows that the partition 2020_03 had before, and a file is taken for the whole of each month it has rows of; give one that has them, or ask to replace what was read (--replace, or "replace": true).`,
    });
    expect(world.snapshot()).toEqual(before);
  });

  test('is taken where it is asked for', async () => {
    world.writeCsv(visitsOf(3));
    await world.process();
    await world.process(source('march.csv', [{ id: 99, day: '2020-03-02', kind: 'None', cost: 1 }]), undefined, true);
    expect(await goldIds()).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 99]);
  });

  test('may correct values, repeat rows no more, add rows, and move one to another month', async () => {
    world.writeCsv([...visitsOf(3), visitsOf(1)[0]!]);
    await world.process();
    const [moved, ...rest] = visitsOf(3);
    const changed = [
      ...rest.map((visit) => ({ ...visit, cost: 5 })),
      { ...moved!, day: '2020-02-01' },
      { id: 77, day: '2020-01-02', kind: 'None', cost: 1 },
    ];
    await world.process(source('changed.csv', changed));
    expect((await goldIds()).sort((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 77]);
  });
});
