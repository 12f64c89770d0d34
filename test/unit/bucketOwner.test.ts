import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { loadPipeline, type Pipeline } from '../../src/config/load.js';
import type { ObjectStore, Stores } from '../../src/platform/storage/objectStore.js';
import { openStores } from '../../src/platform/storage/stores.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

const first = await loadPipeline('readmission');
/** A folder that was copied, with the names of its buckets. */
const copy: Pipeline = { ...first, folder: join(first.folder, '..', 'copy') };

const SETTINGS: Record<keyof Stores, string> = {
  datamart: 'storage.datamart_bucket',
  modelRegistry: 'model_config.model_registry_bucket',
  predictions: 'storage.predictions_bucket',
  monitoring: 'storage.monitoring_bucket',
};
const PURPOSES = Object.keys(SETTINGS) as (keyof Stores)[];

let root: string;
beforeEach(() => {
  root = temporaryFolder();
});

/** As another process opens them. */
const open = async (pipeline: Pipeline) => (await openStores(root))(pipeline);

async function keysOf(store: ObjectStore): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of store.list('')) keys.push(key);
  return keys;
}

describe.each(PURPOSES)('the bucket for %s', (purpose) => {
  const refusal = {
    type: 'ConfigInvalid',
    message: `The bucket that ${SETTINGS[purpose]} names for copy holds what the pipeline readmission wrote; give copy a bucket of its own.`,
  };

  test('is refused to a second pipeline, whatever that does with it, and loses nothing', async () => {
    const own = (await open(first))[purpose];
    await own.put('a/b.json', 'mine');
    const file = join(root, 'file');
    writeFileSync(file, 'other');

    const other = (await open(copy))[purpose];
    await expect(other.get('a/b.json')).rejects.toMatchObject(refusal);
    await expect(other.head('a/b.json')).rejects.toMatchObject(refusal);
    await expect(other.localFile('a/b.json')).rejects.toMatchObject(refusal);
    await expect(other.isChanged('a/b.json', '')).rejects.toMatchObject(refusal);
    await expect(keysOf(other)).rejects.toMatchObject(refusal);
    await expect(other.put('a/b.json', 'other')).rejects.toMatchObject(refusal);
    await expect(other.upload(file, 'c')).rejects.toMatchObject(refusal);
    await expect(other.delete('a/b.json')).rejects.toMatchObject(refusal);

    expect(Buffer.from((await own.get('a/b.json'))!.body).toString()).toBe('mine');
    expect(await keysOf((await open(first))[purpose])).toEqual(['a/b.json']);
  });

  test('belongs to nobody before something is written, and to one of two that write at once', async () => {
    for (const pipeline of [first, copy]) expect(await (await open(pipeline))[purpose].get('a')).toBeUndefined();
    const written = await Promise.allSettled(
      [first, copy].map(async (pipeline) => (await open(pipeline))[purpose].put('a', pipeline.folder)),
    );
    expect(written.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  });
});

test('a damaged mark is written again by the next write', async () => {
  const { datamart } = await open(first);
  await datamart.put('a', '1');
  const mark = join(root, first.config.storage.datamart_bucket, 'owner.json');
  const written = readFileSync(mark);
  expect(JSON.parse(written.toString())).toMatchObject({ pipeline: 'readmission' });
  for (const damage of ['', '{"pipeline": "re', written.toString().replace('readmission', 'readmissioN')]) {
    writeFileSync(mark, damage);
    await (await open(first)).datamart.put('a', '2');
    expect(readFileSync(mark)).toEqual(written);
  }
});

test("what was in a bucket before there were marks is its first writer's", async () => {
  const bucket = join(root, first.config.storage.predictions_bucket);
  mkdirSync(bucket, { recursive: true });
  writeFileSync(join(bucket, 'old'), 'kept');
  const { predictions } = await open(first);
  expect(Buffer.from((await predictions.get('old'))!.body).toString()).toBe('kept');
  await predictions.put('new', '1');
  await expect((await open(copy)).predictions.get('old')).rejects.toMatchObject({ type: 'ConfigInvalid' });
});
