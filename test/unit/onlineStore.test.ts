import { rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { openFeatureStore } from '../../src/data/onlineStore/featureStore.js';
import { redisServer } from '../../src/platform/setup/redisServer.js';
import { startRedis } from '../support/redisServer.js';
import { createShortPipeline, type ShortPipeline } from '../support/shortPipeline.js';
import { temporaryFolder } from '../support/temporaryFolder.js';
import { tinyEngines } from '../support/tinyPipeline.js';

const folder = temporaryFolder(afterAll);
const engines = tinyEngines();
afterAll(() => engines.close());
const server = await redisServer.find();
const redis = server && (await startRedis(server, folder));
afterAll(() => redis?.stop());
if (!redis)
  test('features in Redis: there is no server', () => {
    console.warn(`Nothing is tested in Redis: ${redisServer.name} is not there; ${redisServer.remedy}.`);
  });

const DEFINITION = {
  source: 'table.csv',
  key: 'id',
  label: 'y',
  task: 'binary',
  partition: 'arrival',
  online_store: { ttl_hours: 48 },
};
const csv = (...rows: string[]) => `id,name,amount,seen,y\n${rows.join('\n')}\n`;

async function lookup(pipeline: ShortPipeline, keys: (string | string[])[]) {
  const store = await openFeatureStore('table', pipeline.store);
  try {
    return await store.lookup(keys);
  } finally {
    await store.close();
  }
}

afterAll(() => vi.useRealTimers());

describe.each(['embedded', ...(redis ? ['Redis'] : [])])('features by key: %s', (kind) => {
  beforeEach(() => {
    vi.stubEnv('REDIS_URL', kind === 'Redis' ? redis!.url : '');
    return () => vi.unstubAllEnvs();
  });

  test('are those of gold, typed, for every key; another has none', async () => {
    const pipeline = await createShortPipeline(engines, folder, DEFINITION);
    await pipeline.process(csv('a,"x ""y"", z",1.5,2020-01-02,1', 'ü/1,,,,0', '3,q,-7,2021-12-31,'));
    const published = await pipeline.publish();
    expect(published).toMatchObject({ rows: 3, written: true });

    const { rows, features } = await lookup(pipeline, ['3', 'a', 'nobody', 'ü/1']);
    expect(features.version).toBe(published!.version);
    expect(rows).toEqual([
      { name: 'q', amount: -7, seen: '2021-12-31' },
      { name: 'x "y", z', amount: 1.5, seen: '2020-01-02' },
      null,
      { name: null, amount: null, seen: null },
    ]);
    // Features alone: neither the label nor the key.
    expect(Object.keys(rows[0]!)).toEqual(['name', 'amount', 'seen']);
  });

  test('of unchanged data are left alone; of changed data they are another version, whole at once', async () => {
    const pipeline = await createShortPipeline(engines, folder, { ...DEFINITION, drop: ['seen'] });
    await pipeline.process(csv('a,x,1,2020-01-02,1', 'b,y,2,2020-01-02,0'));
    const first = await pipeline.publish();
    expect(await pipeline.publish()).toEqual({ ...first, written: false });

    await pipeline.process(csv('a,x,10,2020-01-02,1', 'b,y,2,2020-01-02,0', 'c,z,3,2020-01-02,0'));
    expect((await lookup(pipeline, ['a'])).rows).toMatchObject([{ amount: 1 }]);
    const second = await pipeline.publish();
    expect(second).toMatchObject({ rows: 3, written: true });
    expect(second!.version).not.toBe(first!.version);
    expect((await lookup(pipeline, ['a', 'c'])).rows).toMatchObject([{ amount: 10 }, { amount: 3 }]);
  });

  test('of a key of several columns are found by all of them', async () => {
    const pipeline = await createShortPipeline(engines, folder, { ...DEFINITION, key: ['id', 'name'] });
    await pipeline.process(csv('a,x,1,2020-01-02,1', 'a,y,2,2020-01-02,0'));
    await pipeline.publish();
    expect(
      (
        await lookup(pipeline, [
          ['a', 'y'],
          ['a', 'z'],
        ])
      ).rows,
    ).toMatchObject([{ amount: 2 }, null]);
    await expect(lookup(pipeline, ['a'])).rejects.toThrow(
      'The key ["a"] has 1 value, and a key here is of id, name; give a value for each.',
    );
  });

  test('are not used beyond their time to live, and written anew before', async () => {
    const pipeline = await createShortPipeline(engines, folder, DEFINITION);
    await pipeline.process(csv('a,x,1,2020-01-02,1', 'b,y,2,2020-01-02,0'));
    const { version } = (await pipeline.publish())!;
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 30 * 3_600_000 });
    expect(await pipeline.publish()).toMatchObject({ version, written: true });
    vi.setSystemTime(Date.now() + 47 * 3_600_000);
    expect((await lookup(pipeline, ['a'])).rows).toMatchObject([{ amount: 1 }]);
    vi.setSystemTime(Date.now() + 2 * 3_600_000);
    await expect(lookup(pipeline, ['a'])).rejects.toThrow(
      /^The features of table at .* were good until .*, by "ttl_hours" in pipeline\.json; run "perdure process table", which writes them anew\.$/,
    );
    vi.useRealTimers();
  });

  test('that were never written are told, with what writes them', async () => {
    const pipeline = await createShortPipeline(engines, folder, { ...DEFINITION, online_store: undefined });
    await pipeline.process(csv('a,x,1,2020-01-02,1', 'b,y,2,2020-01-02,0'));
    expect(await pipeline.publish()).toBeNull();
    if (kind === 'Redis') return;
    await expect(lookup(pipeline, ['a'])).rejects.toThrow(
      /^There are no features of table at .*online_store to look up; run "perdure process table", and see that pipeline\.json has "online_store"\.$/,
    );
  });
});

test('an embedded file that is lost is written anew by the next run', async () => {
  vi.stubEnv('REDIS_URL', '');
  const pipeline = await createShortPipeline(engines, folder, DEFINITION);
  await pipeline.process(csv('a,x,1,2020-01-02,1', 'b,y,2,2020-01-02,0'));
  const { version } = (await pipeline.publish())!;
  rmSync(fileURLToPath(pipeline.stores.datamart.uri(`gold/online_store/${version}.mdb`)));
  await expect(lookup(pipeline, ['a'])).rejects.toThrow(/run "perdure process table"/);
  expect(await pipeline.publish()).toEqual({ version, rows: 2, written: true });
  expect((await lookup(pipeline, ['b'])).rows).toMatchObject([{ amount: 2 }]);
  vi.unstubAllEnvs();
});

test('a Redis that is away is told without its password, and the run that follows writes', async () => {
  const pipeline = await createShortPipeline(engines, folder, DEFINITION);
  await pipeline.process(csv('away,x,1,2020-01-02,1', 'b,y,2,2020-01-02,0'));
  vi.stubEnv('REDIS_URL', 'redis://:s3cret@127.0.0.1:1');
  const failure = await pipeline.publish().catch((error: unknown) => error as Error);
  expect(failure).toMatchObject({ type: 'StoreUnavailable' });
  expect((failure as Error).message).toMatch(
    /^Redis at redis:\/\/:\*\*\*@127\.0\.0\.1:1 did not do what it was asked \(.*\); look whether it is up and takes writes, or correct REDIS_URL\.$/,
  );
  vi.stubEnv('REDIS_URL', redis?.url ?? '');
  expect(await pipeline.publish()).toMatchObject({ written: true });
  vi.stubEnv('REDIS_URL', 'http://127.0.0.1');
  await expect(pipeline.publish()).rejects.toThrow(/^REDIS_URL names no Redis server; give an address such as redis:/);
  vi.unstubAllEnvs();
});
