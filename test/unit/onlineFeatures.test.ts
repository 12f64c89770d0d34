import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { loadPipeline, type Pipeline } from '../../src/config/load.js';
import { lookupFeatures, openOnlineStore, publishFeatures } from '../../src/data/onlineStore/features.js';
import type { OnlineStore } from '../../src/data/onlineStore/onlineStore.js';
import { CONF, createMedallion, RESOURCES, VISITS, visitsOf, type Medallion } from '../support/medallion.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

afterAll(() => {
  vi.useRealTimers();
  vi.unstubAllEnvs();
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

  it('are in the datamart where no Redis is named', () => {
    expect(store.address).toBe(world.stores.datamart.uri('gold/online_store'));
  });
});
