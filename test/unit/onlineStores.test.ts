import { copyFileSync, existsSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createClient } from '@redis/client';
import { afterAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { loadPipeline, type Pipeline } from '../../src/config/load.js';
import { lookupFeatures, openOnlineStore, publishFeatures } from '../../src/data/onlineStore/features.js';
import { LmdbStore } from '../../src/data/onlineStore/lmdbStore.js';
import type { OnlineFeatures, OnlineRow, OnlineStore } from '../../src/data/onlineStore/onlineStore.js';
import { RedisStore } from '../../src/data/onlineStore/redisStore.js';
import { redisServer } from '../../src/platform/setup/redisServer.js';
import { FolderStore } from '../../src/platform/storage/folderStore.js';
import { CONF, createMedallion, RESOURCES, VISITS, visitsOf, type Medallion } from '../support/medallion.js';
import { startRedis } from '../support/redisServer.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

const server = await redisServer.find();
const redis = server && (await startRedis(server, temporaryFolder(afterAll)));
afterAll(() => redis?.stop());
const client = redis && (await createClient({ url: redis.url }).connect());
afterAll(() => client?.destroy());
if (!redis)
  it('features in Redis: there is no server', () => {
    console.warn(`Nothing is tested in Redis: ${redisServer.name} is not there; ${redisServer.remedy}.`);
  });

afterAll(() => {
  vi.useRealTimers();
  vi.unstubAllEnvs();
});

const features = (version: string, expires_at: string | null = null): OnlineFeatures => ({
  version,
  written_at: '2020-06-01T00:00:00.000Z',
  expires_at,
  rows: 2,
});

/** Batches of rows, as they come from a query. */
async function* batches(...all: OnlineRow[][]): AsyncIterable<OnlineRow[]> {
  for (const batch of all) yield await Promise.resolve(batch);
}

async function* broken(): AsyncIterable<OnlineRow[]> {
  yield await Promise.resolve([['a', 'half']] satisfies OnlineRow[]);
  throw new Error('the rows ended early');
}

let owners = 0;
const newOwner = () => `test:owner-${++owners}`;

describe.each(['embedded', ...(redis ? ['Redis'] : [])])('a store: %s', (kind) => {
  let open: () => Promise<OnlineStore>;
  beforeEach(() => {
    const folder = temporaryFolder();
    const owner = newOwner();
    open = () =>
      kind === 'Redis'
        ? RedisStore.open(redis!.url, owner)
        : Promise.resolve(new LmdbStore(new FolderStore(join(folder, 'bucket')), join(folder, 'scratch', 'new')));
  });

  it('has nothing before it is written, and then what was written, for every reader', async () => {
    const [writer, reader] = [await open(), await open()];
    expect(await writer.current()).toBeUndefined();
    expect(await reader.current()).toBeUndefined();
    const written = features('one');
    await writer.write(
      written,
      batches(
        [],
        [
          ['a', '{"x":1}'],
          ['ü "1"', '2'],
        ],
        [],
        [['c', '3']],
      ),
    );
    for (const store of [writer, reader]) {
      expect(await store.current()).toEqual(written);
      expect(await store.lookup('one', ['c', 'nobody', 'ü "1"', 'a', 'c'])).toEqual([
        '3',
        undefined,
        '2',
        '{"x":1}',
        '3',
      ]);
      expect(await store.lookup('one', [])).toEqual([]);
      await store.close();
    }
  });

  it('changes to another version whole, and lookups of the one before still find it', async () => {
    const store = await open();
    await store.write(
      features('one'),
      batches([
        ['a', '1'],
        ['b', '1'],
      ]),
    );
    expect(await store.lookup('one', ['a'])).toEqual(['1']);
    await store.write(features('two'), batches([['a', '2']]));
    expect(await store.current()).toEqual(features('two'));
    expect(await store.lookup('two', ['a', 'b'])).toEqual(['2', undefined]);
    expect(await store.lookup('one', ['a', 'b'])).toEqual(['1', '1']);
    expect(await store.lookup('two', ['a'])).toEqual(['2']);
    await store.close();
  });

  it('stays as it is where the rows of another version end early', async () => {
    const store = await open();
    await store.write(features('one'), batches([['a', '1']]));
    await expect(store.write(features('two'), broken())).rejects.toThrow('the rows ended early');
    expect(await store.current()).toEqual(features('one'));
    expect(await store.lookup('one', ['a'])).toEqual(['1']);
    await store.write(features('two'), batches([['a', '2']]));
    expect(await store.lookup('two', ['a'])).toEqual(['2']);
    await store.close();
  });

  it('takes a version anew, with another time to live', async () => {
    const store = await open();
    await store.write(features('one'), batches([['a', '1']]));
    const longer = features('one', '2999-01-01T00:00:00.000Z');
    await store.write(longer, batches([['a', '1']]));
    expect(await store.current()).toEqual(longer);
    expect(await store.lookup('one', ['a'])).toEqual(['1']);
    await store.close();
    await store.close();
  });
});

describe('the embedded store', () => {
  let bucket: FolderStore;
  let store: LmdbStore;
  let files: () => string[];
  let file: (version: string) => string;
  beforeEach(() => {
    const folder = temporaryFolder();
    bucket = new FolderStore(join(folder, 'bucket'));
    store = new LmdbStore(bucket, join(folder, 'scratch'));
    files = () => readdirSync(join(folder, 'bucket', 'gold', 'online_store')).sort();
    file = (version) => join(folder, 'bucket', 'gold', 'online_store', `${version}.mdb`);
    return () => store.close();
  });
  const write = (version: string) => store.write(features(version), batches([['a', version]]));

  it('is at an address in the datamart', () => {
    expect(store.address).toBe(bucket.uri('gold/online_store'));
  });

  it('keeps the version before, and no older one', async () => {
    await write('one');
    expect(files()).toEqual(['current.json', 'one.mdb']);
    await write('two');
    expect(files()).toEqual(['current.json', 'one.mdb', 'two.mdb']);
    await write('three');
    expect(files()).toEqual(['current.json', 'three.mdb', 'two.mdb']);
    await write('three');
    await write('two');
    expect(files()).toEqual(['current.json', 'three.mdb', 'two.mdb']);
    await write('three');
    expect(files()).toEqual(['current.json', 'three.mdb', 'two.mdb']);
    expect(await store.lookup('three', ['a'])).toEqual(['three']);
  });

  it.each(['lost', 'torn'])('is nothing where its current version is %s, and is written over that', async (how) => {
    await write('one');
    const current = file('current').replace('.mdb', '.json');
    if (how === 'lost') rmSync(current);
    else truncateSync(current, 20);
    expect(await store.current()).toBeUndefined();
    await write('two');
    expect(await store.current()).toEqual(features('two'));
    expect(await store.lookup('two', ['a'])).toEqual(['two']);
  });

  it('is nothing where its file is lost', async () => {
    await write('one');
    rmSync(file('one'));
    expect(await store.current()).toBeUndefined();
  });

  it.each(['gone', 'another'])('tells that a file is %s, and what to do', async (how) => {
    await write('one');
    await write('two');
    if (how === 'gone') rmSync(file('two'));
    else copyFileSync(file('one'), file('two'));
    await expect(store.lookup('two', ['a'])).rejects.toMatchObject({
      type: 'ObjectCorrupt',
      message: `${bucket.uri('gold/online_store/two.mdb')} is gone or damaged; delete ${bucket.uri('gold/online_store/current.json')} and run data processing again, which writes it anew.`,
      cause: { type: how === 'gone' ? 'NotFound' : 'ObjectCorrupt' },
    });
    // The version before is another file, and is read without its checksum.
    expect(await store.lookup('one', ['a'])).toEqual(['one']);
  });

  it('tells that its current version is damaged where a lookup comes upon that', async () => {
    await write('one');
    writeFileSync(file('current').replace('.mdb', '.json'), '{}');
    await expect(store.lookup('one', ['a'])).rejects.toMatchObject({
      type: 'ObjectCorrupt',
      message: expect.stringMatching(/; run data processing again, which writes it anew\.$/) as string,
    });
  });

  it('tells of a datamart that can not be read as what it is', async () => {
    await write('one');
    const away = new Error('the disk is away');
    vi.spyOn(bucket, 'localFile').mockRejectedValue(away);
    await expect(store.lookup('one', ['a'])).rejects.toBe(away);
  });

  it('opens a file once', async () => {
    await write('one');
    expect(await store.lookup('one', ['a'])).toEqual(['one']);
    rmSync(file('one'));
    expect(await store.lookup('one', ['a'])).toEqual(['one']);
    await store.close();
    await expect(store.lookup('one', ['a'])).rejects.toMatchObject({ type: 'ObjectCorrupt' });
  });
});

describe.skipIf(!redis)('the store in Redis', () => {
  let owner: string;
  let store: RedisStore;
  const key = (version?: string) => `perdure:{${owner}}:features${version === undefined ? '' : `:${version}`}`;
  beforeEach(async () => {
    owner = newOwner();
    store = await RedisStore.open(redis!.url, owner);
    return () => store.close();
  });
  const write = (version: string, expires_at: string | null = null) =>
    store.write(features(version, expires_at), batches([['a', version]]));
  const secondsLeft = async (version: string) => Number(await client!.ttl(key(version)));

  it('is told without its password, with its user', async () => {
    expect(store.address).toBe(redis!.url.replace('s3cret', '***').replace(/\/?$/, ''));
    await expect(RedisStore.open(redis!.url.replace('redis://:', 'redis://default:'), owner)).resolves.toMatchObject({
      address: redis!.url.replace(':s3cret', 'default:***'),
    });
  });

  it('stays for ever, or goes at its time', async () => {
    await write('one');
    expect(await secondsLeft('one')).toBe(-1);
    await write('one', '2999-01-01T00:00:00.000Z');
    expect(Number(await client!.expireTime(key('one')))).toBe(Date.parse('2999-01-01T00:00:00.000Z') / 1_000);
    await write('one');
    expect(await secondsLeft('one')).toBe(-1);
  });

  it('keeps the version before for a minute, and one that was never made the current one for a day', async () => {
    await write('one');
    await write('two');
    expect(await secondsLeft('two')).toBe(-1);
    expect(await secondsLeft('one')).toSatisfy((left) => left > 50 && left <= 60);
    await expect(store.write(features('three'), broken())).rejects.toThrow();
    expect(await secondsLeft('three')).toSatisfy((left) => left > 86_300 && left <= 86_400);
  });

  it.each([
    ['its rows were evicted', () => client!.del(key('one'))],
    ['its name is no JSON', () => client!.set(key(), 'one')],
    ['its name is of another release', () => client!.set(key(), '{"version":"one"}')],
  ])('is nothing where %s, and is written over that', async (_what, damage) => {
    await write('one');
    await damage();
    expect(await store.current()).toBeUndefined();
    await write('two');
    expect(await store.current()).toEqual(features('two'));
  });

  it("is its owner's alone", async () => {
    await write('one');
    const other = await RedisStore.open(redis!.url, `${owner}0`);
    expect(await other.current()).toBeUndefined();
    expect(await other.lookup('one', ['a'])).toEqual([undefined]);
    await other.close();
  });

  it('does nothing any more once it is closed', async () => {
    await write('one');
    await store.close();
    await expect(store.current()).rejects.toMatchObject({ type: 'StoreUnavailable' });
    store = await RedisStore.open(redis!.url, owner);
  });

  it('that refuses a command is told', async () => {
    await client!.set(key('one'), 'no hash');
    const failure: unknown = await store.lookup('one', ['a']).catch((error: unknown) => error);
    expect(failure).toMatchObject({ type: 'StoreUnavailable', cause: expect.any(Error) as Error });
    expect((failure as Error).message).toBe(
      `Redis at ${store.address} did not do what it was asked (WRONGTYPE Operation against a key holding the wrong kind of value); look whether it is up and takes writes, or correct REDIS_URL.`,
    );
  });

  it('that goes while it is used is told, and is not waited for', async () => {
    const own = await startRedis(server!, temporaryFolder());
    const short = await RedisStore.open(own.url, owner);
    await own.stop();
    await expect(short.current()).rejects.toMatchObject({ type: 'StoreUnavailable' });
    await expect(short.write(features('one'), batches())).rejects.toMatchObject({ type: 'StoreUnavailable' });
    await short.close();
  });
});

it.each(['http://127.0.0.1', 'localhost:6379', 'xredis://x', 'redisx://x', ''])(
  '%j is no address of Redis',
  async (url) => {
    await expect(RedisStore.open(url, 'x')).rejects.toMatchObject({
      type: 'ConfigInvalid',
      message:
        'REDIS_URL names no Redis server; give an address such as redis://host:6379, or unset it to have features in the datamart.',
    });
  },
);

it('a Redis that does not answer is told with its address, without its password', async () => {
  await expect(RedisStore.open('rediss://me:secret@127.0.0.1:1', 'x')).rejects.toMatchObject({
    type: 'StoreUnavailable',
    message: expect.stringMatching(
      /^Redis at rediss:\/\/me:\*\*\*@127\.0\.0\.1:1 did not do what it was asked \(\S.*\); look whether/,
    ) as string,
    cause: expect.any(Error) as Error,
  });
});

describe('features of gold', () => {
  const HOUR = 3_600_000;
  const START = Date.parse('2020-06-01T00:00:00.000Z');
  let world: Medallion;
  let store: OnlineStore;
  beforeEach(async () => {
    vi.stubEnv('REDIS_URL', '');
    world = await createMedallion();
    store = await openOnlineStore({} as Pipeline, world.stores.datamart, join(world.root, 'scratch'));
    return () => {
      vi.useRealTimers();
      return store.close();
    };
  });

  /** A pipeline whose features are those of the columns of `sql`, for `ttl_hours`. */
  async function configure(sql: string, more: object = {}) {
    world.writeConf('pipeline.json', { ...CONF['pipeline.json'], keys: ['id'], online_store: {}, ...more });
    world.writeConf('feature_store.sql', sql);
    return loadPipeline(VISITS, world.env);
  }
  const publish = async (pipeline: Pipeline, hours = 0) =>
    publishFeatures(
      { resources: RESOURCES, scratch: temporaryFolder(), signal: new AbortController().signal, report: () => {} },
      pipeline,
      world.stores.datamart,
      store,
      new Date(START + hours * HOUR).toISOString(),
    );
  const PLAIN = CONF['feature_store.sql'];

  it('are written anew when half of their time to live is over, and where that time changed', async () => {
    world.writeCsv(visitsOf(2, 2));
    const day = await configure(PLAIN, { online_store: { ttl_hours: 24 } });
    await world.process();
    const first = await publish(day);
    expect(first).toEqual({
      written: true,
      features: {
        version: expect.stringMatching(/^[0-9a-f]{16}$/) as string,
        written_at: '2020-06-01T00:00:00.000Z',
        expires_at: '2020-06-02T00:00:00.000Z',
        rows: 4,
      },
    });
    expect(await publish(day, 11.9)).toEqual({ ...first, written: false });
    const second = await publish(day, 12);
    expect(second).toEqual({
      written: true,
      features: {
        ...first.features,
        written_at: '2020-06-01T12:00:00.000Z',
        expires_at: '2020-06-02T12:00:00.000Z',
      },
    });

    const forEver = await configure(PLAIN);
    const third = await publish(forEver, 12);
    expect(third.written).toBe(true);
    expect(third.features.expires_at).toBeNull();
    expect(await publish(forEver, 10_000_000)).toEqual({ ...third, written: false });
    expect((await publish(day, 12)).written).toBe(true);
  });

  it('are another version where other columns are features', async () => {
    world.writeCsv(visitsOf(1, 2));
    const pipeline = await configure(PLAIN);
    await world.process();
    const { features } = await publish(pipeline);
    expect((await lookupFeatures(pipeline, store, ['1'])).rows).toEqual([{ urgent: 0, cost: 10, constant: 1 }]);
    const fewer = await configure(PLAIN, { features: [{ name: 'cost', type: 'numeric' }] });
    const changed = await publish(fewer);
    expect(changed.written).toBe(true);
    expect(changed.features.version).not.toBe(features.version);
    expect((await lookupFeatures(fewer, store, ['1'])).rows).toEqual([{ cost: 10 }]);
  });

  it('are of these types as JSON has them, and a number that is none is null', async () => {
    world.writeCsv(visitsOf(1, 2));
    const names = ['whole', 'half', 'less', 'no', 'endless', 'flag', 'word', 'dec', 'absent'];
    const pipeline = await configure(
      `SELECT id, day, 9007199254740991 AS whole, 0.5::FLOAT AS half, -1.25::DOUBLE AS less, 'nan'::DOUBLE AS no,
        '-inf'::FLOAT AS endless, id = 1 AS flag, 'it''s "so"' AS word, 1.50::DECIMAL(4, 2) AS dec, NULL::DOUBLE AS absent FROM silver`,
      { features: names.map((name) => ({ name, type: name === 'word' ? 'categorical' : 'numeric' })) },
    );
    await world.process();
    await publish(pipeline);
    const { rows } = await lookupFeatures(pipeline, store, ['2', '3', '1']);
    expect(rows).toEqual([
      {
        whole: 9007199254740991,
        half: 0.5,
        less: -1.25,
        no: null,
        endless: null,
        flag: false,
        word: 'it\'s "so"',
        dec: 1.5,
        absent: null,
      },
      null,
      expect.objectContaining({ flag: true }),
    ]);
    expect(Object.keys(rows[0]!)).toEqual(names);
  });

  it('of rows beyond one batch are all there', async () => {
    writeFileSync(
      world.csv,
      `id,day,kind,cost\n${Array.from({ length: 5_000 }, (_, i) => `${i},2020-01-01,urgent,${i / 2}`).join('\n')}\n`,
    );
    const pipeline = await configure(PLAIN);
    await world.process();
    expect((await publish(pipeline)).features.rows).toBe(5_000);
    const keys = Array.from({ length: 5_000 }, (_, i) => String(i));
    const { rows } = await lookupFeatures(pipeline, store, keys);
    expect(rows.map((row) => row!.cost)).toEqual(keys.map((key) => Number(key) / 2));
  });

  it('may be none: of gold without rows, and before there is gold', async () => {
    const pipeline = await configure(`${PLAIN} WHERE id < 0`);
    const none = await publish(pipeline);
    expect(none).toMatchObject({ written: true, features: { rows: 0 } });
    expect((await lookupFeatures(pipeline, store, ['1'])).rows).toEqual([null]);

    const some = await configure(`${PLAIN} WHERE month(day) = 2`);
    world.writeCsv(visitsOf(3, 2));
    await world.process();
    expect(await publish(some)).toMatchObject({ written: true, features: { rows: 2 } });
    // Ids 1 and 2 are of January, 3 and 4 of February.
    expect((await lookupFeatures(some, store, ['2', '3'])).rows).toEqual([null, { urgent: 0, cost: 30, constant: 1 }]);
  });

  it('are found until the very moment at which they are too old', async () => {
    world.writeCsv(visitsOf(1, 2));
    const pipeline = await configure(PLAIN, { online_store: { ttl_hours: 2 } });
    await world.process();
    const message = `There are no features of visits at ${store.address} to look up; run "perdure process visits", and see that pipeline.json has "online_store".`;
    await expect(lookupFeatures(pipeline, store, ['1'])).rejects.toMatchObject({ type: 'NotFound', message });
    const { features } = await publish(pipeline);
    vi.useFakeTimers({ toFake: ['Date'], now: START + 2 * HOUR - 1 });
    expect(await lookupFeatures(pipeline, store, ['1', '1'])).toEqual({
      features,
      rows: [
        { urgent: 0, cost: 10, constant: 1 },
        { urgent: 0, cost: 10, constant: 1 },
      ],
    });
    vi.setSystemTime(START + 2 * HOUR);
    await expect(lookupFeatures(pipeline, store, ['1'])).rejects.toMatchObject({
      type: 'NotFound',
      message: `The features of visits at ${store.address} were good until 2020-06-01T02:00:00.000Z, by "ttl_hours" in pipeline.json; run "perdure process visits", which writes them anew.`,
    });
  });

  it('are of a key of as many texts as the key has columns', async () => {
    world.writeCsv(visitsOf(1, 2));
    const single = await configure(PLAIN);
    await expect(lookupFeatures(single, store, [['1', '2']])).rejects.toMatchObject({
      type: 'InputInvalid',
      message: 'The key ["1","2"] has 2 values, and a key here is of id; give a value for each.',
    });
    const pipeline = await configure(PLAIN, { keys: ['day', 'id'] });
    await world.process();
    await publish(pipeline);
    const { rows } = await lookupFeatures(pipeline, store, [
      ['2020-01-11', '2'],
      ['2', '2020-01-11'],
    ]);
    expect(rows).toEqual([{ urgent: 1, cost: 20, constant: 1 }, null]);
    await expect(lookupFeatures(pipeline, store, ['1'])).rejects.toMatchObject({
      message: 'The key ["1"] has 1 value, and a key here is of day, id; give a value for each.',
    });
  });

  it('are in the datamart, or in the Redis of REDIS_URL, there those of each environment apart', async () => {
    expect(store.address).toBe(world.stores.datamart.uri('gold/online_store'));
    if (!redis) return;
    world.writeCsv(visitsOf(1, 2));
    const pipeline = await configure(PLAIN);
    await world.process();
    await store.close();
    vi.stubEnv('REDIS_URL', redis.url);
    store = await openOnlineStore(pipeline, world.stores.datamart, world.root);
    await publish(pipeline);
    expect((await lookupFeatures(pipeline, store, ['1'])).rows).toHaveLength(1);
    await store.close();
    for (const other of [
      { ...pipeline, environment: 'prod' },
      { ...pipeline, definition: { ...pipeline.definition, name: 'other' } },
    ]) {
      store = await openOnlineStore(other as Pipeline, world.stores.datamart, world.root);
      expect(await store.current()).toBeUndefined();
      await store.close();
    }
    expect(existsSync(join(world.root, 'online_store'))).toBe(false);
  });
});
