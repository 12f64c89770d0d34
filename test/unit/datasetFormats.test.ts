import { describe, expect, test } from 'vitest';
import { ZERO_OR_ONE } from '../../src/contracts/index.js';
import { datasetMetadata, datasetTransforms, latestDataset, upgradePreprocessing } from '../../src/data/dataset.js';
import { layerManifest } from '../../src/data/layers.js';
import { predictionsFiles, predictionsIndex } from '../../src/data/predictions.js';
import { corrections } from '../../src/data/validation/corrections.js';
import { validationResult } from '../../src/data/validation/results.js';
import { datasetProfile } from '../../src/monitoring/profile.js';
import { FolderStore } from '../../src/platform/storage/folderStore.js';
import { writeJson } from '../support/anyDocument.js';
import { temporaryFolder } from '../support/temporaryFolder.js';
import { datasetMetadataOf } from '../support/wholeDocuments.js';

/** As the first releases wrote it: labels of 0 and 1, features that are numbers, some of them scaled. */
const FIRST = { scaler: { cost: { mean: 10, scale: 2 } }, features: ['cost', 'urgent'], label: 'costly' };
const NOW = {
  task: ZERO_OR_ONE,
  inputs: [
    { name: 'cost', kind: 'number', type: 'numeric' },
    { name: 'urgent', kind: 'number', type: 'numeric' },
  ],
  transforms: {
    columns: [
      { column: 'cost', kind: 'number', steps: [{ scale: [{ center: 10, scale: 2 }] }], outputs: ['cost'] },
      { column: 'urgent', kind: 'number', steps: [], outputs: ['urgent'] },
    ],
  },
  features: ['cost', 'urgent'],
  label: 'costly',
};

test('preprocessing of the first format is what it does, in the present one', () => {
  expect(upgradePreprocessing(FIRST)).toEqual(NOW);
  // What every object has is no feature's scale.
  expect(upgradePreprocessing({ ...FIRST, features: ['constructor'] })).toMatchObject({
    transforms: { columns: [{ column: 'constructor', steps: [] }] },
  });
});

test('what was written between two formats has its transforms already, and nothing else of them', () => {
  const columns = [{ name: 'cost', steps: [] }];
  expect(upgradePreprocessing({ scaler: {}, features: ['cost'], transforms: { columns, numbers: 1 } })).toEqual({
    features: ['cost'],
    transforms: { columns },
  });
});

describe('metadata of a dataset of the first format', () => {
  const common = { id: 'd', pipeline: 'p', as_of: '2020-01-01', labelled_to: '2020-01-01', partitions: { '2019': { feature_store: 'f', label_store: 'l' } }, warnings: [], config_hash: 'h' }; // prettier-ignore
  const read = async (value: object) => {
    const store = new FolderStore(temporaryFolder());
    await writeJson(store, 'metadata.json', value);
    return datasetMetadata.read(store, 'metadata.json');
  };

  test('has the rows of each class by those that are positive', async () => {
    const window = { start_date: '2019-01-01', end_date: '2019-12-31', rows: 10, unlabelled: 1, checksum: 'c' };
    expect(
      await read({ ...common, ...FIRST, windows: { train: { ...window, positives: 3 }, test: { ...window, positives: 10 } } }), // prettier-ignore
    ).toEqual({
      ...common,
      ...NOW,
      splits: { train: { ...window, classes: [7, 3] }, test: { ...window, classes: [0, 10] } },
    });
  });

  test('keeps the splits that it has already', async () => {
    const splits = { train: { rows: 10, classes: [7, 3], unlabelled: 0, checksum: 'c' } };
    expect(await read({ ...common, ...FIRST, splits })).toEqual({ ...common, ...NOW, splits });
  });
});

test('metadata of a dataset is read as it was written, with features of every kind and the rows that share an entity', async () => {
  const store = new FolderStore(temporaryFolder());
  const metadata = datasetMetadataOf('train_data_1', {
    inputs: [
      { name: 'cost', kind: 'number', type: 'numeric' },
      { name: 'place', kind: 'category', type: 'categorical' },
      { name: 'day', kind: 'date', type: 'numeric' },
      { name: 'urgent', kind: 'number', type: 'binary' },
    ],
    splits: { test: { start_date: '2020-01-01', end_date: '2020-01-31', rows: 4, unlabelled: 1, checksum: 'c' } },
    row_files: { 'trained_rows.parquet': 't', 'reference_rows.parquet': 'r' },
    partitions: { '2020_01': { feature_store: 'f', label_store: 'l' } },
    entity: { column: 'person', shared: [{ split: 'test', rows: 4, sharedRows: 2, groups: 3, sharedGroups: 1 }] },
    warnings: ['2 of 4 rows of test are of persons whom train has.'],
  });
  await datasetMetadata.write(store, 'metadata.json', metadata);
  expect(await datasetMetadata.read(store, 'metadata.json')).toEqual(metadata);
});

test.each([
  [datasetMetadata, 'metadata of a dataset'],
  [datasetTransforms, 'transforms of a dataset'],
  [datasetProfile, 'profile of a dataset'],
  [layerManifest, 'manifest of a layer'],
  [corrections, 'corrections of rows'],
  [predictionsIndex, 'index of predictions'],
  [latestDataset, 'pointer to the newest dataset'],
  [validationResult, 'validation of a partition'],
])('what is something else is called by what it should be: $1', async (kind, name) => {
  const store = new FolderStore(temporaryFolder());
  await writeJson(store, 'a.json', { format: kind.format, something: 'else' });
  await expect(kind.read(store, 'a.json')).rejects.toThrow(`${store.uri('a.json')} is damaged: it is no ${name} (`);
});

const FILE = {
  key: 'predictions_2020-01-01.parquet',
  checksum: 'c',
  rows: 1,
  batches: 1,
  model: { algorithm: 'xgboost', version: 'v1' },
  run: { workflowId: 'w', runId: 'r' },
  asOf: '2020-01-01',
  at: '2020-01-01T00:00:00.000Z',
};

test('predictions of the first format are read without their pipeline, from the index and from the entries beside the files', async () => {
  const store = new FolderStore(temporaryFolder());
  await store.put(FILE.key, 'rows');
  await writeJson(store, 'predictions_2020-01-01.json', { ...FILE, pipeline: 'p' });
  expect(await predictionsFiles(store)).toEqual([FILE]);
  await writeJson(store, 'index.json', { files: [{ ...FILE, rows: 2, pipeline: 'p' }], names: { [FILE.key]: 'r' } });
  expect(await predictionsFiles(store)).toEqual([{ ...FILE, rows: 2 }]);
});

test('predictions whose index is lost are those of the entries, in the order they were stored', async () => {
  const store = new FolderStore(temporaryFolder());
  // Names go by the day that a run stood at, which may be before that of an earlier run.
  for (const [day, minute] of [
    ['2020-01-01', '02'],
    ['2020-01-02', '01'],
    ['2020-01-03', '03'],
  ]) {
    const key = `predictions_${day}.parquet`;
    await store.put(key, day!);
    await writeJson(store, `predictions_${day}.json`, { ...FILE, key, at: `2020-02-01T00:${minute}:00.000Z` });
  }
  await store.put('predictions_notes.txt', 'of a person');
  const stored = await predictionsFiles(store);
  expect(stored.map(({ key }) => key.slice(12, 22))).toEqual(['2020-01-02', '2020-01-01', '2020-01-03']);
});
