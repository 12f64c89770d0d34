import type { Client } from '@temporalio/client';
import { describe, expect, test } from 'vitest';
import { startWorkflow } from '../../src/client.js';
import { loadPipeline } from '../../src/config/load.js';
import { PipelineDefinition } from '../../src/config/schema.js';
import { readManifest, tableFiles } from '../../src/data/layers.js';
import { partitionDays, partitionKey } from '../../src/data/partitions.js';
import { aliasKey, latestKey } from '../../src/registry/pointers.js';
import { versionKey } from '../../src/registry/versions.js';
import { writeJson } from '../support/anyDocument.js';
import { CONF, createMedallion, visitsOf } from '../support/medallion.js';

/** What no name may hold. */
const BAD = [
  '../other',
  '..',
  '/etc',
  'a/b',
  'a\\b',
  "o'hara",
  'a"b',
  'a;b',
  'two\nlines',
  'a\0b',
  'a b',
  '1a',
  'é',
  '',
  'x'.repeat(101),
];

const refusal = (name: string) =>
  expect.objectContaining({
    type: 'InputInvalid',
    retryable: false,
    message: expect.stringContaining(JSON.stringify(name)) as string,
  }) as Error;

describe.each(BAD)('%j', (name) => {
  test('names no pipeline', async () => {
    await expect(loadPipeline(name)).rejects.toThrow(refusal(name));
    // Refused before the server is asked.
    await expect(startWorkflow(undefined as unknown as Client, 'lifecycle', { pipeline: name })).rejects.toThrow(
      refusal(name),
    );
  });

  test('names no algorithm, version or alias', () => {
    expect(() => aliasKey(name)).toThrow(refusal(name));
    expect(() => latestKey(name)).toThrow(refusal(name));
    expect(() => versionKey({ algorithm: name, version: 'v1' }, 'model.ubj')).toThrow(refusal(name));
    expect(() => versionKey({ algorithm: 'xgboost', version: name }, 'model.ubj')).toThrow(refusal(name));
  });

  test('names no partition', () => {
    expect(() => partitionKey('silver/{partition}.parquet', name)).toThrow(refusal(name));
    expect(() => partitionDays(name)).toThrow(refusal(name));
  });
});

test.each([
  '../../{partition}.parquet',
  '/{partition}.parquet',
  'silver/{partition}/../x.parquet',
  "silver/'{partition}.parquet",
])('a layer is not kept at %s', (path) => {
  const definition = structuredClone(CONF['pipeline.json']);
  definition.layers.silver.path = path;
  const { error } = PipelineDefinition.safeParse(definition);
  expect(error?.issues.map((issue) => issue.path.join('.'))).toEqual(['layers.silver.path']);
});

describe('data', () => {
  test.each(['0044-01-01 (BC)', '12345-01-01', 'infinity', '-infinity'])(
    'of the day %s makes no partition',
    async (day) => {
      const world = await createMedallion();
      world.writeConf(
        'bronze.sql',
        `SELECT * REPLACE (CASE id WHEN 99 THEN DATE '${day}' ELSE day END AS day) FROM source`,
      );
      world.writeCsv([...visitsOf(1), { id: 99, day: '2020-01-31', kind: 'urgent', cost: 1 }]);
      await expect(world.bronze(world.csv, '2020-12-31')).rejects.toThrow(
        expect.objectContaining({
          type: 'InputInvalid',
          message: `The column day of ${world.csv} holds days outside the years 0 to 9999; correct them and run again.`,
        }) as Error,
      );
      expect(world.snapshot()).toEqual({});
    },
  );

  test('of a partition that a manifest misnames is not read', async () => {
    const world = await createMedallion();
    world.writeCsv(visitsOf(1));
    await world.process();
    const manifest = await readManifest(world.stores.datamart, 'silver');
    await writeJson(world.stores.datamart, 'silver/manifest.json', {
      partitions: { "2020_01'; DROP": manifest.partitions['2020_01'] },
    });
    await expect(tableFiles(world.stores.datamart, 'silver', 'silver')).rejects.toThrow(refusal("2020_01'; DROP"));
  });
});
