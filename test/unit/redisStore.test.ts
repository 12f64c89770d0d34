import { readdirSync } from 'node:fs';
import { createClient } from '@redis/client';
import { afterAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Pipeline } from '../../src/config/load.js';
import { openOnlineStore } from '../../src/data/onlineStore/features.js';
import { RedisStore } from '../../src/data/onlineStore/redisStore.js';
import { redisServer } from '../../src/platform/setup/redisServer.js';
import { FolderStore } from '../../src/platform/storage/folderStore.js';
import { batches, broken, features, testOnlineStore } from '../support/onlineStores.js';
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

afterAll(() => vi.unstubAllEnvs());

let owners = 0;
const newOwner = () => `test:owner-${++owners}`;

if (redis)
  testOnlineStore('Redis', () => {
    const owner = newOwner();
    return () => RedisStore.open(redis.url, owner);
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

  it('is the one of REDIS_URL, in which those of each environment and pipeline are apart', async () => {
    vi.stubEnv('REDIS_URL', redis!.url);
    const scratch = temporaryFolder();
    const openFor = (environment: string, name: string) =>
      openOnlineStore({ environment, definition: { name } } as Pipeline, new FolderStore(scratch), scratch);
    const own = await openFor('dev', owner);
    await own.write(features('one'), batches([['a', '1']]));
    expect(own.address).toBe(store.address);
    await own.close();
    for (const [environment, name, version] of [
      ['dev', owner, 'one'],
      ['prod', owner, undefined],
      ['dev', 'other', undefined],
    ] as const) {
      const other = await openFor(environment, name);
      expect((await other.current())?.version).toBe(version);
      await other.close();
    }
    expect(readdirSync(scratch)).toEqual([]);
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
