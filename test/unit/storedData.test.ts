import { appendFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import type { Pipeline } from '../../src/config/load.js';
import type { DatasetRef } from '../../src/contracts/index.js';
import { readCsvHeader } from '../../src/data/csv.js';
import {
  datasetKey,
  datasetMetadata,
  readDatasetMetadata,
  readDatasetProfile,
  roundKey,
  searchKey,
  splitOfDataset,
  type DatasetFile,
} from '../../src/data/dataset.js';
import {
  featureStoreFiles,
  goldPartitions,
  labelStoreFiles,
  manifestKey,
  partitionFile,
  rawKey,
  readManifest,
  readManifestToWrite,
  tableOf,
  type LayerManifest,
  type StoredTable,
  type TableName,
} from '../../src/data/layers.js';
import { declaredTask, labelReader, lastLabelledDay, taskSpecOf, type RawLabel } from '../../src/data/labels.js';
import { daysAsked } from '../../src/data/newRows.js';
import { intactPredictions, openPredictions, predictionsFiles, storePredictions } from '../../src/data/predictions.js';
import { besides, newestArrivals } from '../../src/data/scoredRows.js';
import { sha256 } from '../../src/platform/storage/checksum.js';
import { datasetProfile } from '../../src/monitoring/profile.js';
import { PerdureError } from '../../src/errors.js';
import { writeJson } from '../support/anyDocument.js';
import { datasetMetadataOf } from '../support/wholeDocuments.js';
import { FolderStore } from '../../src/platform/storage/folderStore.js';
import { ZERO_OR_ONE } from '../../src/contracts/task.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

let store: FolderStore;
let folder: string;
beforeEach(() => {
  folder = temporaryFolder();
  store = new FolderStore(join(folder, 'store'));
});

const run = (runId: string) => ({ workflowId: `w-${runId}`, runId, startedAt: '2020-01-01T00:00:00Z' });

describe('predictions', () => {
  const entry = (runId: string, asOf = '2020-03-01T12:00:00Z') => ({
    rows: 3,
    batches: 1,
    model: { algorithm: 'xgboost', version: 'v1', uri: 'u' },
    features: ['x'],
    run: run(runId),
    asOf,
  });
  let written = 0;
  const file = (text: string) => {
    const path = join(folder, `${written++}.parquet`);
    writeFileSync(path, text);
    return path;
  };
  const put = async (runId: string, asOf?: string) =>
    storePredictions(store, file(runId), await predictionsFiles(store), entry(runId, asOf));
  const local = (key: string) => fileURLToPath(store.uri(key));

  test('are stored under their day, and a second run of a day under a name of its own', async () => {
    expect(await predictionsFiles(store)).toEqual([]);
    const first = await put('a');
    expect(first).toEqual({
      key: 'predictions_2020-03-01.parquet',
      checksum: sha256('a'),
      rows: 3,
      batches: 1,
      model: { algorithm: 'xgboost', version: 'v1' },
      features: ['x'],
      run: { workflowId: 'w-a', runId: 'a' },
      asOf: '2020-03-01T12:00:00Z',
      at: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
    });
    const keys = [(await put('b')).key, (await put('c')).key, (await put('d', '2020-03-02')).key];
    expect(keys).toEqual([
      'predictions_2020-03-01_2.parquet',
      'predictions_2020-03-01_3.parquet',
      'predictions_2020-03-02.parquet',
    ]);
    expect((await predictionsFiles(store)).map(({ key }) => key)).toEqual([first.key, ...keys]);
    expect(await openPredictions(store, [first])).toEqual([local(first.key)]);
  });

  test('that can not be looked at just now are not taken for lost', async () => {
    const first = await put('a');
    rmSync(local(first.key));
    // A link to itself can't be opened, as a disk that is away.
    symlinkSync(local(first.key), local(first.key));
    const failed = { type: 'StoreUnavailable' };
    await expect(intactPredictions(store)).rejects.toMatchObject(failed);
    await expect(openPredictions(store, [first])).rejects.toMatchObject(failed);
    expect(await predictionsFiles(store)).toEqual([first]);
  });

  test('of a run that saw less than there is now are refused, and its next attempt keeps its name', async () => {
    await put('a');
    await expect(storePredictions(store, file('b'), [], entry('b'))).rejects.toMatchObject({
      type: 'PreconditionFailed',
      message: `Another run stored predictions in ${store.uri('index.json')} meanwhile; run inference again.`,
    });
    expect(await predictionsFiles(store)).toHaveLength(1);
    expect((await put('b')).key).toBe('predictions_2020-03-01_2.parquet');
  });

  test('that are gone or damaged count no longer, and are told where they are needed', async () => {
    const [a, b, c] = [await put('a'), await put('b'), await put('c')];
    rmSync(local(a.key));
    appendFileSync(local(c.key), 'more');
    await expect(openPredictions(store, [a])).rejects.toMatchObject({
      type: 'ObjectCorrupt',
      message: `${store.uri(a.key)} is gone or not what was written; run inference again, which scores its rows anew.`,
    });
    await expect(openPredictions(store, [c])).rejects.toMatchObject({ type: 'ObjectCorrupt' });
    expect(await intactPredictions(store)).toEqual({ files: [b], paths: [local(b.key)] });
    expect(await predictionsFiles(store)).toEqual([b]);
    // The names stay taken.
    expect((await put('d')).key).toBe('predictions_2020-03-01_4.parquet');
  });

  test('of the same bytes as others that are lost stay', async () => {
    const same = async (runId: string) =>
      storePredictions(store, file('same'), await predictionsFiles(store), entry(runId));
    const [lost, kept] = [await same('a'), await same('b')];
    expect(lost.checksum).toBe(kept.checksum);
    rmSync(local(lost.key));
    expect(await intactPredictions(store)).toEqual({ files: [kept], paths: [local(kept.key)] });
    expect(await predictionsFiles(store)).toEqual([kept]);
  });

  test.each(['deleted', 'emptied'])(
    'are found by what lies beside them where the index is %s, but not those of a run that did not finish',
    async (damage) => {
      const [a, b] = [await put('a'), await put('b')];
      await store.put('predictions_2020-03-01_3.parquet', 'of a run that was killed');
      if (damage === 'deleted') await store.delete('index.json');
      else await store.put('index.json', '');
      expect(await predictionsFiles(store)).toEqual([a, b]);
      expect((await put('d')).key).toBe('predictions_2020-03-01_4.parquet');
      expect((await predictionsFiles(store)).map(({ run: { runId } }) => runId)).toEqual(['a', 'b', 'd']);
    },
  );
});

describe('a layer', () => {
  const table = async (kind: TableName, name: string, text = `${kind} ${name}`): Promise<StoredTable> => {
    const key = `gold/${kind}_${name}.parquet`;
    await store.put(key, text);
    return { table: kind, key, checksum: sha256(text), size: text.length, rows: 7 };
  };
  const gold = async (...names: string[]): Promise<LayerManifest> => {
    const manifest: LayerManifest = { partitions: {} };
    for (const name of names)
      manifest.partitions[name] = {
        inputs: 'i',
        objects: [await table('feature_store', name), await table('label_store', name)],
      };
    await writeJson(store, manifestKey('gold'), manifest);
    return manifest;
  };
  const stores = () => ({ datamart: store });

  test('that was never written is empty; one that lost its manifest says so, and how to get it back', async () => {
    expect(await readManifest(store, 'gold')).toEqual({ partitions: {} });
    expect(await goldPartitions(stores())).toEqual([]);
    expect(await readManifestToWrite(store, 'gold')).toBeUndefined();
    await gold('2020_01');
    await store.delete(manifestKey('gold'));
    await expect(readManifest(store, 'gold')).rejects.toMatchObject({
      type: 'ObjectCorrupt',
      message: `${store.uri('gold/manifest.json')} is gone, though there is gold/feature_store_2020_01.parquet; run data processing again, which writes it anew.`,
    });
    expect(await readManifest(store, 'silver')).toEqual({ partitions: {} });
    await store.put(manifestKey('gold'), '{"parti');
    await expect(readManifest(store, 'gold')).rejects.toMatchObject({
      type: 'ObjectCorrupt',
      message: expect.stringContaining('run data processing again, which writes it anew.'),
    });
    expect(await readManifestToWrite(store, 'gold')).toBeUndefined();
  });

  test('has its partitions in order of time, those with a day among the days asked for', async () => {
    await gold('2020_10', '2019_12', '2020_02');
    const names = async (days?: { from?: string; to?: string }) =>
      (await goldPartitions(stores(), days)).map(({ name }) => name);
    expect(await names()).toEqual(['2019_12', '2020_02', '2020_10']);
    expect(await names({ from: '2019-12-31', to: '2020-02-01' })).toEqual(['2019_12', '2020_02']);
    expect(await names({ from: '2020-01-01', to: '2020-01-31' })).toEqual([]);
    expect(await names({ from: '2020-02-29' })).toEqual(['2020_02', '2020_10']);
    expect(await names({ to: '2020-09-30' })).toEqual(['2019_12', '2020_02']);
    expect((await goldPartitions(stores()))[1]).toMatchObject({
      start: '2020-02-01',
      end: '2020-02-29',
      rows: 7,
      featureStore: { table: 'feature_store' },
      labelStore: { table: 'label_store' },
    });
    expect((await featureStoreFiles(stores(), { to: '2019-12-31' })).map(({ path }) => path)).toEqual([
      fileURLToPath(store.uri('gold/feature_store_2019_12.parquet')),
    ]);
    expect(await labelStoreFiles(stores(), { to: '2019-12-31' })).toEqual([
      {
        partition: '2019_12',
        path: fileURLToPath(store.uri('gold/label_store_2019_12.parquet')),
        checksum: sha256('label_store 2019_12'),
        rows: 7,
      },
    ]);
    expect([rawKey('a.csv'), manifestKey('bronze')]).toEqual(['raw/a.csv', 'bronze/manifest.json']);
  });

  test('that lost a file, or holds another, says which and how to get it back', async () => {
    const { partitions } = await gold('2020_01', '2020_02');
    const [damaged, gone] = ['2020_01', '2020_02'].map((name) => tableOf(partitions[name]!, 'feature_store')) as [
      StoredTable,
      StoredTable,
    ];
    await store.put(damaged.key, 'another');
    await store.delete(gone.key);
    await writeJson(store, manifestKey('bronze'), {
      partitions: { '2020_02': { inputs: 'i', objects: [{ ...gone, table: 'bronze' }] } },
    });
    const again = 'run data processing again, which writes it anew.';
    // A reader waits a second for a writer that may be at work.
    await Promise.all([
      expect(featureStoreFiles(stores(), { to: '2020-01-31' })).rejects.toMatchObject({
        type: 'ObjectCorrupt',
        message: `${store.uri(damaged.key)} is damaged: it is not what was written; delete it and ${again}`,
      }),
      expect(featureStoreFiles(stores(), { from: '2020-02-01' })).rejects.toMatchObject({
        type: 'ObjectCorrupt',
        message: `${store.uri(gone.key)} is gone; ${again}`,
      }),
      expect(partitionFile(store, 'bronze', 'bronze', '2020_02', gone)).rejects.toMatchObject({
        message: `${store.uri(gone.key)} is gone; run data processing with a CSV that has the rows of 2020_02.`,
      }),
    ]);
    await expect(partitionFile(store, 'gold', 'label_store', '2020_03', gone)).rejects.toMatchObject({
      message: `${store.uri(gone.key)} is gone; ${again}`,
    });
    expect(() => tableOf({ inputs: 'i', objects: [] }, 'label_store')).toThrow(
      'A manifest names no label_store file for a partition; delete the manifest and run data processing again, which writes it anew.',
    );
  });

  test('that can not be read just now is not taken for damaged', async () => {
    const { partitions } = await gold('2020_01');
    const known = tableOf(partitions['2020_01']!, 'feature_store');
    const open = () => partitionFile(store, 'gold', 'feature_store', '2020_01', known);
    const local = vi.spyOn(store, 'localFile');
    for (const failure of [new PerdureError('StoreUnavailable', 'The store is away.'), new Error('no')]) {
      local.mockRejectedValueOnce(failure);
      await expect(open()).rejects.toBe(failure);
    }
    expect((await open()).checksum).toBe(known.checksum);
  });

  test('that is written meanwhile is read as it is then', async () => {
    const { partitions } = await gold('2020_01');
    const known = tableOf(partitions['2020_01']!, 'feature_store');
    const next = await table('feature_store', '2020_01', 'newer');
    setTimeout(
      () => void writeJson(store, manifestKey('gold'), { partitions: { '2020_01': { inputs: 'j', objects: [next] } } }),
      100,
    );
    expect(await partitionFile(store, 'gold', 'feature_store', '2020_01', known)).toMatchObject({
      checksum: sha256('newer'),
    });
  });
});

describe('scored rows', () => {
  test('of the newest arrivals are as many as are needed', () => {
    const arrivals = [
      { day: '2020-01-01', rows: 5 },
      { day: '2020-01-03', rows: 3 },
      { day: '2020-01-04', rows: 2 },
    ];
    const from = (least: number) => newestArrivals(arrivals, least);
    expect(from(2)).toEqual({ from: '2020-01-04', to: '2020-01-04' });
    expect(from(3)).toEqual({ from: '2020-01-03', to: '2020-01-04' });
    expect(from(5)).toEqual({ from: '2020-01-03', to: '2020-01-04' });
    expect(from(6)).toEqual({ from: '2020-01-01', to: '2020-01-04' });
    expect(from(99)).toEqual({ from: '2020-01-01', to: '2020-01-04' });
  });

  test('that are too few are told beside the others that there are', () => {
    const days = { from: '2020-01-04', to: '2020-01-04' };
    const told = (trained: number, older: number, stale = 0) => besides({ days, rows: 1, trained, older, stale });
    expect(told(0, 0)).toBe('');
    expect(told(1, 0)).toBe(', besides 1 row that the version was trained on');
    expect(told(2, 1)).toBe(
      ', besides 2 rows that the version was trained on and 1 row from before 2020-01-04, which monitoring_config.window_days leaves out',
    );
    expect(told(0, 0, 2)).toBe(
      ', besides 2 rows whose features have changed since, or are gone (predict again to score them)',
    );
  });
});

describe('the days that are asked for', () => {
  const pipeline = { config: { inference_config: { start_date: '2020-02-01' } } } as Pipeline;
  test.each([
    [{ asOf: '2020-05-05T23:59:59Z' }, '2020-02-01', '2020-05-05'],
    [{ asOf: '2020-05-05', from: '2020-03-01', to: '2020-04-01' }, '2020-03-01', '2020-04-01'],
    [{ asOf: '2020-05-05', from: '2020-01-01', to: '2020-06-01' }, '2020-02-01', '2020-05-05'],
  ])('%j', (asked, from, to) => {
    expect(daysAsked(pipeline, asked)).toEqual({ from, to });
  });
});

describe("a CSV's header", () => {
  const header = (text: string, wanted = ['id', 'day']) => {
    writeFileSync(join(folder, 'a.csv'), text);
    return readCsvHeader(join(folder, 'a.csv'), wanted);
  };
  const refused = (text: string, wanted?: string[]) =>
    header(text, wanted).then(
      () => null,
      (error: Error) => error.message.replace(`${folder}/`, ''),
    );

  test('is read with its line ends, whatever is quoted', async () => {
    expect(await header('id,day\n1,2\n')).toMatchObject({ columns: ['id', 'day'], newLine: '\n' });
    expect(await header('\uFEFFday,,id\r\n')).toMatchObject({ columns: ['day', '', 'id'], newLine: '\r\n' });
    expect(await header('"id","d\nay","say ""x"", y"\r\n1', ['id'])).toMatchObject({
      columns: ['id', 'd\nay', 'say "x", y'],
      newLine: '\r\n',
    });
    expect(await header('id,day')).toMatchObject({ columns: ['id', 'day'], newLine: '\n' });
    expect(await header('id,other,other\n', ['id'])).toMatchObject({ columns: ['id', 'other', 'other'] });
    expect(await header('id,"a"b\n', ['id'])).toMatchObject({ columns: ['id', '"a"b'] });
    expect(await header('id,"d\ray"\n', ['id'])).toMatchObject({ columns: ['id', 'd\ray'], newLine: '\n' });
    expect(await header('id,a"b"\r\n', ['id'])).toMatchObject({ columns: ['id', 'a"b"'], newLine: '\r\n' });
  });

  test('that can not be used is told with what to do', async () => {
    expect(await refused('id,day\r1,2\r')).toBe(
      'a.csv ends its lines with carriage returns alone; save it with line feeds and run again.',
    );
    for (const empty of ['', '\n', ' , \n', '\uFEFF'])
      expect(await refused(empty)).toBe('a.csv is empty; give a CSV with a header line.');
    expect(await refused('id,day,id\n')).toBe(
      'a.csv names the column id twice in its header; rename one and run again.',
    );
    expect(await refused('id\n')).toBe('a.csv lacks the column day; add it or give another file.');
    expect(await refused('x\n')).toBe('a.csv lacks the columns id, day; add them or give another file.');
    expect(await refused('ID, day\n')).toBe(
      'a.csv lacks the columns id, day (it has "ID", " day"); add them or give another file.',
    );
    for (const [separator, name] of [
      [';', 'semicolons'],
      ['\t', 'tabs'],
      ['|', 'vertical bars'],
    ] as const) {
      expect(await refused(`id${separator}"say ""x"" ${separator} y"${separator}"day"\r\n`)).toBe(
        `a.csv separates its values by ${name}; save it with commas between them and run again.`,
      );
    }
    await expect(readCsvHeader(join(folder, 'none.csv'), ['id'])).rejects.toMatchObject({
      type: 'InputInvalid',
      message: `There is no file ${join(folder, 'none.csv')}; check the path, which must be one that the workers can read.`,
    });
    writeFileSync(join(folder, 'file'), '');
    await expect(readCsvHeader(join(folder, 'file', 'a.csv'), ['id'])).rejects.toMatchObject({
      message: expect.stringMatching(/^There is no file /),
    });
  });
});

describe('a preprocessed dataset', () => {
  test('is read where it is what was written, and else says what to do', async () => {
    const metadata = datasetMetadataOf('train_data_1', { features: ['x'] });
    const key = datasetKey('train_data_1', 'metadata.json');
    expect(key).toBe('gold/preprocessed/train_data_1/metadata.json');
    const dataset = { id: 'train_data_1', uri: '', checksum: '' } as DatasetRef;
    const gone = (file: DatasetFile) => ({
      type: 'NotFound',
      message: `${store.uri(datasetKey('train_data_1', file))} is not there; run the training again, which preprocesses anew.`,
    });
    await expect(readDatasetMetadata(store, dataset)).rejects.toMatchObject(gone('metadata.json'));
    await expect(readDatasetProfile(store, dataset)).rejects.toMatchObject(gone('profile.json'));
    await datasetMetadata.write(store, key, metadata);
    const { body } = (await store.get(key))!;
    dataset.checksum = sha256(body);
    expect(await readDatasetMetadata(store, dataset)).toEqual(metadata);
    await datasetMetadata.write(store, key, { ...metadata, features: ['z'] });
    await expect(readDatasetMetadata(store, dataset)).rejects.toMatchObject({
      type: 'ObjectCorrupt',
      message: `${store.uri(key)} does not hold the bytes that were written; run the training again, which preprocesses anew.`,
    });
    await datasetProfile.write(store, datasetKey('train_data_1', 'profile.json'), { window: {}, rows: 3, columns: {} });
    expect(await readDatasetProfile(store, dataset)).toMatchObject({ rows: 3 });
    expect(searchKey('d', 'xgboost', 12, 3)).toBe('gold/preprocessed/d/search/xgboost/12_3.json');
    expect(roundKey('d', 'xgboost', 2)).toBe('gold/preprocessed/d/search/xgboost/round_2.json');
    expect(() => roundKey('../d', 'xgboost', 2)).toThrow("can't name a dataset");
    expect(() => roundKey('d', '../a', 2)).toThrow("can't name an algorithm");
    const split = { rows: 3, unlabelled: 0, checksum: 'c' };
    const splits = { train: split, test: { ...split, rows: 4 } };
    expect(splitOfDataset({ id: 'd', splits }, 'test').rows).toBe(4);
    expect(() => splitOfDataset({ id: 'd', splits }, 'oot')).toThrow(
      expect.objectContaining({
        type: 'InputInvalid',
        message: 'The dataset d has no split oot (it has train, test); name another in the model config.',
      }) as Error,
    );
    for (const id of ['../d', 'a/b', '']) expect(() => datasetKey(id, 'metadata.json')).toThrow("can't name a dataset");
    expect(() => searchKey('d', '../a', 1, 1)).toThrow("can't name an algorithm");
  });
});

describe('labels', () => {
  const pipeline = (label_maturity_days: number) =>
    ({ definition: { label: 'y' }, config: { monitoring_config: { label_maturity_days } } }) as Pipeline;
  test('count once they are old enough', () => {
    expect(lastLabelledDay(pipeline(0), '2020-03-01T23:00:00Z')).toBe('2020-03-01');
    expect(lastLabelledDay(pipeline(1), '2020-03-01')).toBe('2020-02-29');
    expect(lastLabelledDay(pipeline(30), '2020-03-01')).toBe('2020-01-31');
    expect(lastLabelledDay(pipeline(36_525), '0050-01-01')).toBe('0000-01-01');
  });

  const defined = (definition: object) =>
    ({ definition: { label: 'y', ...definition }, folder: 'conf/pipelines/p' }) as unknown as Pipeline;
  const positive = (value: unknown) => ({ labelSource: { column: 'y', positive: value } });
  const numbers = (count: number) => Array.from({ length: count }, (_, i) => count - i);

  test.each<[string, object, RawLabel[], object]>([
    ['none that are known', {}, [null, NaN], { task: 'binary', classes: ['0', '1'] }],
    ['one number', {}, [1], { task: 'binary', classes: ['1', 'not 1'] }],
    ['two texts', {}, ['b', null, 'a'], { task: 'binary', classes: ['a', 'b'] }],
    ['two numbers, in their order', {}, [10, 9], { task: 'binary', classes: ['9', '10'] }],
    ['three texts', {}, ['c', 'a', 'b'], { task: 'multiclass', classes: ['a', 'b', 'c'] }],
    ['numbers and a text', {}, [2, 'x', 1], { task: 'multiclass', classes: ['1', '2', 'x'] }],
    ['twenty whole numbers', {}, numbers(20), { task: 'multiclass', classes: numbers(20).reverse().map(String) }],
    ['more of them', {}, numbers(21), { task: 'regression', objective: 'squared_error' }],
    ['numbers with a fraction', {}, [1, 2, 2.5], { task: 'regression', objective: 'squared_error' }],
    [
      'two numbers of a regression',
      { task: 'regression', objective: 'poisson' },
      [0, 1],
      { task: 'regression', objective: 'poisson' },
    ],
    [
      'two values that are called classes of more',
      { task: 'multiclass' },
      [1, 0],
      { task: 'multiclass', classes: ['0', '1'] },
    ],
    ['two texts, one of them positive', positive('a'), ['b', 'a'], { task: 'binary', classes: ['b', 'a'] }],
    ['a positive one of three', positive('b'), ['c', 'b', 'a'], { task: 'binary', classes: ['not b', 'b'] }],
    ['a positive one alone', positive('b'), ['b'], { task: 'binary', classes: ['not b', 'b'] }],
    ['a positive number', positive(1), [1, 2], { task: 'binary', classes: ['2', '1'] }],
    [
      'a positive one beside a task',
      { ...positive('b'), task: 'multiclass' },
      ['b', 'a'],
      { task: 'multiclass', classes: ['a', 'b'] },
    ],
    [
      'those that SQL gives',
      { labelSource: { sql: 'a > 1' } },
      ['true', 'false'],
      { task: 'binary', classes: ['false', 'true'] },
    ],
  ])('say what is predicted: %s', (_, definition, labels, spec) => {
    expect(taskSpecOf(defined(definition), labels)).toEqual(spec);
  });

  test('are refused where the task can not be of them', () => {
    const refused = (definition: object, labels: RawLabel[], message: string) =>
      expect(() => taskSpecOf(defined(definition), labels)).toThrow(
        expect.objectContaining({ type: 'ConfigInvalid', message }) as Error,
      );
    refused(
      { task: 'regression' },
      [1, 'b', 'a', null],
      'The task of conf/pipelines/p is a regression, and the label holds "a"; give numbers, or another "task".',
    );
    refused(
      { task: 'binary' },
      ['f', 'a', 'b', 'c', 'd', 'e'],
      'The task of conf/pipelines/p is binary, and the label has 6 values (a, b, c, d, e, and 1 more); name the positive one, "label": {"column": ..., "positive": ...}, or make the task multiclass.',
    );
  });

  test('need no look where 0 and 1 are declared', () => {
    expect(declaredTask(defined({}))).toEqual(ZERO_OR_ONE);
    expect(declaredTask(defined({ task: 'binary' }))).toEqual(ZERO_OR_ONE);
    expect(declaredTask(defined({ task: 'multiclass' }))).toBeUndefined();
    expect(declaredTask(defined(positive('a')))).toBeUndefined();
  });

  test('are read as positions of classes, or as values', () => {
    const read = (spec: Parameters<typeof labelReader>[1], ...labels: RawLabel[]) =>
      labels.map(labelReader(defined({}), spec));
    const classes = ['a', 'b', 'c'];
    expect(read({ task: 'multiclass', classes }, 'b', 'a', 'd', null)).toEqual([1, 0, null, undefined]);
    expect(read({ task: 'binary', classes: ['not b', 'b'] }, 'b', 'a', 'd', null)).toEqual([1, 0, 0, undefined]);
    expect(read({ task: 'multiclass', classes: ['not b', 'b'] }, 'b', 'a')).toEqual([1, null]);
    expect(read({ task: 'regression', objective: 'squared_error' }, 2.5, null, Infinity)).toEqual([
      2.5,
      undefined,
      undefined,
    ]);
    expect(() => read({ task: 'binary', classes: ['a', 'b'] }, 'c')).toThrow(
      'The column y of the label store holds "c"; expected a or b.',
    );
    expect(() => read({ task: 'regression', objective: 'squared_error' }, 'c')).toThrow(
      'The column y of the label store holds "c"; expected a number.',
    );
  });

  test('are 0, 1 or not known yet; anything else is refused', () => {
    expect([0, 1, null, NaN, Infinity].map((value) => labelReader(pipeline(1), ZERO_OR_ONE)(value))).toEqual([
      0,
      1,
      undefined,
      undefined,
      undefined,
    ]);
    for (const value of [2, -1, 0.5]) {
      expect(() => labelReader(pipeline(1), ZERO_OR_ONE)(value)).toThrow(
        expect.objectContaining({
          type: 'InputInvalid',
          message: `The column y of the label store holds ${value}; expected 0 or 1.`,
        }) as Error,
      );
    }
  });
});
