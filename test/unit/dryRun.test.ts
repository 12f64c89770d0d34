import { rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import type { RefineInput } from '../../src/contracts/index.js';
import { rawKey } from '../../src/data/layers.js';
import { bronze } from '../../src/stages/bronze.js';
import { gold } from '../../src/stages/gold.js';
import { silver } from '../../src/stages/silver.js';
import { listedKeys } from '../support/buckets.js';
import { AFTER_ALL, createTinyWorld, NO_ENGINES, runRef, TINY, type TinyWorld } from '../support/tinyWorld.js';

const MONTHS = ['2000_01', '2000_02', '2000_03'];
const asked = { pipeline: TINY, run: runRef('a'), asOf: AFTER_ALL };
let world: TinyWorld;

beforeEach(async () => {
  world = await createTinyWorld(NO_ENGINES);
  const made = world;
  onTestFinished(() => made.close());
});

/** Partitions that each layer's dry run finds up to date; `undefined` where bronze's dry run finds work. */
async function dryRun(source?: string) {
  const before = await listedKeys(world.stores.datamart);
  const raw = await world.perform(bronze, { ...asked, source, dryRun: true });
  const input: RefineInput = { ...asked, partitions: MONTHS, dryRun: true };
  const [refined, features] = [await world.perform(silver, input), await world.perform(gold, input)];
  expect([raw.written, refined.written, features.written]).toEqual([[], [], []]);
  expect(await listedKeys(world.stores.datamart)).toEqual(before);
  return { bronze: raw.pending ? undefined : raw.unchanged, silver: refined.unchanged, gold: features.unchanged };
}

async function processData(source?: string) {
  const made = await world.perform(bronze, { ...asked, source });
  const partitions = [...made.written, ...made.unchanged].sort();
  await world.perform(silver, { ...asked, partitions });
  await world.perform(gold, { ...asked, partitions });
}

async function edit(file: string, change: (document: Record<string, unknown>) => void): Promise<void> {
  const path = join((await world.pipeline()).folder, file);
  const document = JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>;
  change(document);
  writeFileSync(path, JSON.stringify(document));
}

describe('a dry run of the layers', () => {
  test('finds everything up to date where a run would write nothing, and says the same counts', async () => {
    const csv = await world.writeCsv(MONTHS);
    await processData(csv);
    expect(await dryRun(csv)).toEqual({ bronze: MONTHS, silver: MONTHS, gold: MONTHS });
    expect(await dryRun()).toEqual({ bronze: MONTHS, silver: MONTHS, gold: MONTHS });
    const [seen, done] = [
      await world.perform(bronze, { ...asked, source: csv, dryRun: true }),
      await world.perform(bronze, { ...asked, source: csv }),
    ];
    expect(seen).toEqual(done);
    const input = { ...asked, partitions: MONTHS };
    expect(await world.perform(gold, { ...input, dryRun: true })).toEqual(await world.perform(gold, input));
  });

  test('finds work in another file, in a file that the worker cannot read, and for lost partitions', async () => {
    const csv = await world.writeCsv(MONTHS);
    await processData(csv);
    expect((await dryRun(await world.writeCsv([...MONTHS, '2000_04']))).bronze).toBeUndefined();
    rmSync(csv);
    expect((await dryRun()).bronze).toBeUndefined();
    for await (const { key } of world.stores.datamart.list('gold/silver/')) {
      if (key.includes('2000_02')) rmSync(fileURLToPath(world.stores.datamart.uri(key)));
    }
    expect(await dryRun()).toMatchObject({ silver: ['2000_01', '2000_03'], gold: MONTHS });
  });

  test('tells a raw file in the store by its mark, and one that was replaced', async () => {
    const { datamart } = world.stores;
    await datamart.put(rawKey('tiny.csv'), await readFile(await world.writeCsv(MONTHS)));
    await processData();
    expect((await dryRun()).bronze).toEqual(MONTHS);
    await datamart.put(rawKey('tiny.csv'), await readFile(await world.writeCsv([...MONTHS, '2000_04'])));
    expect((await dryRun()).bronze).toBeUndefined();
  });

  test('finds work where SQL was changed', async () => {
    await processData(await world.writeCsv(MONTHS));
    world.writeSql('silver', 'SELECT * FROM bronze WHERE x1 >= 0');
    // What gold is made by is another then, which is to be noted of its partitions.
    expect(await dryRun()).toEqual({ bronze: MONTHS, silver: [], gold: [] });
    world.writeSql('bronze', 'SELECT * FROM source WHERE x1 >= 0');
    expect((await dryRun()).bronze).toBeUndefined();
  });

  test('knows of duplicates that were sought before, and finds work where they were not', async () => {
    await edit(
      'expectations.json',
      (expectations) => (expectations.duplicates = { name: 'repeated', on_failure: 'drop' }),
    );
    const csv = await world.writeCsv(MONTHS);
    await processData(csv);
    expect((await dryRun()).silver).toEqual(MONTHS);
    await world.perform(bronze, { ...asked, source: await world.writeCsv([...MONTHS, '2000_04']) });
    expect((await dryRun()).silver).toEqual([]);
  });

  test('does not take keys for checked that a run has refused', async () => {
    await edit('pipeline.json', (definition) => (definition.keys = ['id']));
    await processData(await world.writeCsv(MONTHS));
    expect((await dryRun()).gold).toEqual(MONTHS);

    world.writeSql('feature_store', 'SELECT id % 60 AS id, day, x1, x2, flag FROM silver');
    world.writeSql('label_store', 'SELECT id % 60 AS id, day, label FROM silver');
    const input = { ...asked, partitions: MONTHS };
    await expect(world.perform(gold, input)).rejects.toThrow('whose keys a row of another partition has');
    expect((await dryRun()).gold).toEqual([]);
    await expect(world.perform(gold, input)).rejects.toThrow('whose keys a row of another partition has');
  });
});
