import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readParquetSql, withDuckDb } from '../../src/data/duckdb.js';
import { loadPipeline } from '../../src/config/load.js';
import { labelsEntry } from '../../src/data/labelsFile.js';
import { labelStoreFiles, readManifest } from '../../src/data/layers.js';
import { Mt19937 } from '../../src/ml/mt19937.js';
import { RESOURCES } from '../support/medallion.js';
import { createShortPipeline, type ShortPipeline } from '../support/shortPipeline.js';
import { temporaryFolder } from '../support/temporaryFolder.js';
import { tinyEngines } from '../support/tinyPipeline.js';

const folder = temporaryFolder(afterAll);
const engines = tinyEngines();
afterAll(() => engines.close());

const random = new Mt19937(3);
const uniform = () => (random.uint32() + 0.5) / 2 ** 32;
const ROWS = Array.from({ length: 400 }, (_, i) => ({ id: `c-${i}`, x: uniform(), gone: '' })).map((row) => ({
  ...row,
  gone: row.x + uniform() / 4 > 0.6 ? 'yes' : 'no',
}));
const SOURCE = ['id,x', ...ROWS.map(({ id, x }) => `${id},${x.toFixed(4)}`)].join('\n') + '\n';
const DEFINITION = {
  source: 'table.csv',
  key: 'id',
  label: { column: 'gone', positive: 'yes' },
  labels: { file: 'labels.csv', on: { id: 'customer' } },
};
const text = (rows: { id: string; gone: string }[]) =>
  ['customer;gone', ...rows.map(({ id, gone }) => `${id};${gone}`)].join('\n') + '\n';

let files = 0;
function labelsFile(content: string): string {
  const path = join(folder, `labels-${++files}.csv`);
  writeFileSync(path, content);
  return path;
}

async function storedLabels({ stores }: ShortPipeline): Promise<Record<string, string | null>> {
  const paths = (await labelStoreFiles(stores)).map(({ path }) => path);
  return withDuckDb(
    { resources: RESOURCES, scratch: temporaryFolder(), signal: new AbortController().signal },
    async (database) =>
      Object.fromEntries(
        (
          await database.rows<{ id: string; label: string | null }>(`SELECT id, label FROM ${readParquetSql(paths)}`)
        ).map(({ id, label }) => [id, label]),
      ),
  );
}

describe('labels that come in a second file, after the rows', () => {
  let pipeline: ShortPipeline;
  const early = ROWS.slice(0, 250);
  beforeAll(async () => {
    pipeline = await createShortPipeline(engines, folder, DEFINITION);
  });

  test('are the object that pipeline.json names, where nobody names another', async () => {
    const file = pathToFileURL(labelsFile(text(ROWS.slice(0, 3)))).href;
    const addressed = await createShortPipeline(engines, folder, {
      ...DEFINITION,
      labels: { ...DEFINITION.labels, file },
    });
    await expect(addressed.process(SOURCE)).rejects.toThrow(`${file} does not lie in the store at `);
    await expect(
      createShortPipeline(engines, folder, { ...DEFINITION, source: 'http://example.org/table.csv' }),
    ).rejects.toThrow(
      /source: expected a path, or an address that begins with s3:\/\/ or file:\/\/; download the file/,
    );
  });

  test('are known of the rows that they are of, and not yet of the others', async () => {
    const path = labelsFile(text([...early, { id: 'c-9999', gone: 'yes' }]));
    const { labels, written } = await pipeline.process(SOURCE, { labels: path });
    expect(labels).toEqual({ rows: 251, unknown: 1 });
    expect(written).toEqual(['all']);
    const stored = await storedLabels(pipeline);
    expect(ROWS.map(({ id }) => stored[id])).toEqual(ROWS.map(({ gone }, i) => (i < 250 ? gone : null)));
    expect(await pipeline.isRead({ labels: path })).toBe(true);
    expect(await pipeline.isRead()).toBe(true);
    expect(await pipeline.isRead({ labels: labelsFile(text(early)) })).toBe(false);
    const gone = labelsFile(text(early));
    rmSync(gone);
    expect(await pipeline.isRead({ labels: gone })).toBe(false);
  });

  test('train and measure by those that are known; the column is no feature', async () => {
    const training = await pipeline.train(['lightgbm']);
    expect(Object.values(training.dataset.rows).reduce((sum, rows) => sum + rows, 0)).toBe(250);
    const { train } = training.dataset.rows;
    const trained = training.algorithms.lightgbm!;
    if (trained.status !== 'completed') throw new Error(trained.reason);
    expect(trained.test!.roc_auc).toBeGreaterThan(0.85);
    expect(await pipeline.predict('lightgbm')).toHaveLength(400);
    const model = { algorithm: 'lightgbm', version: trained.version };
    expect((await pipeline.monitor(model)).performance).toMatchObject({
      status: 'measured',
      metrics: { n: 250 - train! },
    });
    await pipeline.process(SOURCE, { labels: labelsFile(text(ROWS.slice(250, 350))) });
    expect((await pipeline.monitor(model)).performance).toMatchObject({
      status: 'measured',
      metrics: { n: 350 - train! },
    });
  });

  test('are added to and corrected by a later file, which need not have the earlier ones', async () => {
    const corrected = { id: 'c-0', gone: ROWS[0]!.gone === 'yes' ? 'no' : 'yes' };
    const path = labelsFile(text([corrected, { id: 'c-399', gone: 'no' }]));
    expect(await pipeline.isRead({ labels: path })).toBe(false);
    const { labels } = await pipeline.process(SOURCE, { labels: path });
    expect(labels).toEqual({ rows: 352, unknown: 1 });
    const stored = await storedLabels(pipeline);
    expect([stored['c-0'], stored['c-1'], stored['c-399'], stored['c-360']]).toEqual([
      corrected.gone,
      ROWS[1]!.gone,
      'no',
      null,
    ]);
  });

  test('are the same again from the same file, without work', async () => {
    const before = await readManifest(pipeline.stores.datamart, 'gold');
    const { written } = await pipeline.process(SOURCE);
    expect(written).toEqual([]);
    expect(await readManifest(pipeline.stores.datamart, 'gold')).toEqual(before);
  });

  test('are what the file says where it is to replace what was known', async () => {
    const { labels } = await pipeline.process(SOURCE, { labels: labelsFile(text(early)), replace: true });
    expect(labels).toEqual({ rows: 250, unknown: 0 });
  });

  test('make anew only the partitions whose rows they are of', async () => {
    const dated = await createShortPipeline(engines, folder, { ...DEFINITION, time: 'day', partition: 'month' });
    const source = 'id,day,x\na,2024-01-05,1\nb,2024-02-05,2\n';
    await dated.process(source, { labels: labelsFile('customer;gone\na;yes\n') });
    const { written } = await dated.process(source, { labels: labelsFile('customer;gone\nb;no\n') });
    expect(written).toEqual(['2024_02']);
  });
});

describe('a file of labels is refused in a sentence', () => {
  test('where it says two things of one key, and nothing changes', async () => {
    const pipeline = await createShortPipeline(engines, folder, DEFINITION);
    await pipeline.process(SOURCE, { labels: labelsFile(text(ROWS.slice(0, 10))) });
    const before = await readManifest(pipeline.stores.datamart, 'bronze');
    await expect(
      pipeline.process(SOURCE, { labels: labelsFile('customer;gone\nc-1;yes\nc-2;no\nc-1;no\n') }),
    ).rejects.toThrow(
      /labels-\d+\.csv says more than one thing of customer c-1 \(no and yes\); leave one row of each in the file\.$/,
    );
    expect(await readManifest(pipeline.stores.datamart, 'bronze')).toEqual(before);
  });

  test('where it is not there, by its path or in the store', async () => {
    const pipeline = await createShortPipeline(engines, folder, DEFINITION);
    await expect(pipeline.process(SOURCE)).rejects.toMatchObject({
      type: 'InputInvalid',
      message: `There are no labels at ${pipeline.stores.datamart.uri('raw/labels.csv')}; name the file that has them with --labels.`,
    });
    expect(await pipeline.isRead()).toBe(false);
    const absent = join(folder, 'absent.csv');
    await expect(pipeline.process(SOURCE, { labels: absent })).rejects.toThrow(absent);
    const { definition } = await loadPipeline('table');
    await expect(
      labelsEntry({ definition } as Awaited<ReturnType<typeof loadPipeline>>, pipeline.stores.datamart),
    ).rejects.toMatchObject({
      type: 'NotFound',
      message: 'Bronze holds no labels of labels.csv yet; run data processing, which reads them.',
    });
  });

  test('but one that says the same twice, or of some rows nothing yet, is read', async () => {
    const pipeline = await createShortPipeline(engines, folder, DEFINITION);
    const path = labelsFile('customer;gone\nc-1;yes\nc-1;yes\nc-2;\nc-3;no\nc-2;no\n');
    expect((await pipeline.process(SOURCE, { labels: path })).labels).toEqual({ rows: 3, unknown: 0 });
    expect((await storedLabels(pipeline))['c-2']).toBe('no');
  });

  test.each<[string, object, RegExp]>([
    ['no key to join by', { key: undefined, labels: { file: 'labels.csv' } }, /labels\.on: expected the columns/],
    ['a table of that name', { tables: { Labels: 'labels.csv' } }, /tables: expected another name than "labels"/],
  ])('as is a definition with %s', async (_, more, message) => {
    await expect(createShortPipeline(engines, folder, { ...DEFINITION, ...more })).rejects.toThrow(message);
  });
});

test('labels may be SQL over both files, joined on a column of several rows', async () => {
  const pipeline = await createShortPipeline(engines, folder, {
    source: 'table.csv',
    key: 'visit',
    drop: ['patient'],
    label: { sql: 'cost > limit_of' },
    labels: { file: 'labels.csv', on: 'patient' },
  });
  const source = 'visit,patient,limit_of,x\n1,p,10,1\n2,p,30,2\n3,q,10,3\n';
  await pipeline.process(source, { labels: labelsFile('patient,cost\np,20\n') });
  const paths = (await labelStoreFiles(pipeline.stores)).map(({ path }) => path);
  const found = await withDuckDb(
    { resources: RESOURCES, scratch: temporaryFolder(), signal: new AbortController().signal },
    (database) => database.rows(`SELECT visit::INT AS visit, label FROM ${readParquetSql(paths)} ORDER BY visit`),
  );
  expect(found).toEqual([
    { visit: 1, label: true },
    { visit: 2, label: false },
    { visit: 3, label: null },
  ]);
});
