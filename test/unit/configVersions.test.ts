import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { newestConfig, pipelineOf } from '../../src/config/pinned.js';
import { digestOf, takeSnapshot } from '../../src/config/snapshot.js';
import type { ConfigRef } from '../../src/contracts/index.js';
import { checkModelConfig } from '../../src/stages/checkModelConfig.js';
import { createRunStage } from '../../src/stages/createContext.js';
import { gold } from '../../src/stages/gold.js';
import { pinConfig } from '../../src/stages/pinConfig.js';
import { sha256 } from '../../src/platform/storage/checksum.js';
import { listedKeys } from '../support/buckets.js';
import { temporaryFolder } from '../support/temporaryFolder.js';
import { createTinyWorld, NO_ENGINES, runRef, TINY, type TinyWorld } from '../support/tinyWorld.js';

let world: TinyWorld;
beforeEach(async () => {
  world = await createTinyWorld(NO_ENGINES);
});
afterEach(() => world.close());

const asked = (id: string, startedAt?: string) => ({ pipeline: TINY, run: runRef(id, startedAt) });
const folder = () => join(process.env.PERDURE_CONF!, 'pipelines', TINY);

/** A stage's input of a run that goes by a configuration. */
function by(config: ConfigRef, id = 'a') {
  const { pipeline, run } = asked(id);
  return { pipeline, run: { ...run, config } };
}

async function folds(input: Parameters<typeof pipelineOf>[1]): Promise<number | undefined> {
  return (await pipelineOf(TINY, input, world.storeRoot)).config.model_config.cv_folds;
}

describe('the configuration of a run', () => {
  test('is the one at its start, whatever is changed or deleted later; the next run takes the change', async () => {
    const first = await world.perform(pinConfig, asked('a', '2002-03-01T12:00:00.000Z'));
    world.configure((config) => (config.model_config.cv_folds = 4));
    const second = await world.perform(pinConfig, asked('b', '2002-03-01T13:00:00.000Z'));
    rmSync(folder(), { recursive: true });

    expect(await folds(by(first).run)).toBe(3);
    expect(await folds(by(second).run)).toBe(4);
    expect(first.source).toBe(folder());
    expect(first.checksum).not.toBe(second.checksum);
    // A document for each, beside the files of both: all but one are the same.
    expect(first.uri).toBe(world.stores.datamart.uri(`conf/versions/${first.checksum}.json`));
    const keys = await listedKeys(world.stores.datamart);
    expect(keys.filter((key) => key.startsWith('conf/versions/'))).toHaveLength(2);
    expect(keys.filter((key) => key.startsWith('conf/files/'))).toHaveLength(7 + 1);
    expect(await newestConfig(world.stores.datamart)).toEqual({
      ...second,
      started_at: '2002-03-01T13:00:00.000Z',
      workflow_id: 'tiny-b',
    });
  });

  test('has a digest over every file of the folder, which nothing else changes', async () => {
    const first = await world.perform(pinConfig, asked('a'));
    const files = [
      'bronze.sql',
      'expectations.json',
      'feature_store.sql',
      'label_store.sql',
      'model_config.dev.json',
      'pipeline.json',
      'silver.sql',
    ];
    // By hand: SHA-256 of the sorted list of paths and checksums, as JSON.
    expect(first.checksum).toBe(
      sha256(JSON.stringify(files.map((file) => [file, sha256(readFileSync(join(folder(), file)))]))),
    );
    expect(await world.perform(pinConfig, asked('b'))).toEqual(first);
    for (const file of files) {
      const kept = readFileSync(join(folder(), file));
      writeFileSync(join(folder(), file), Buffer.concat([kept, Buffer.from('\n')]));
      expect((await world.perform(pinConfig, asked('c'))).checksum).not.toBe(first.checksum);
      writeFileSync(join(folder(), file), kept);
    }
    expect((await world.perform(pinConfig, asked('d'))).checksum).toBe(first.checksum);
  });

  test('is found by a worker on another machine, SQL included', async () => {
    const config = await world.perform(pinConfig, asked('a'));
    world.writeSql('silver', 'SELECT nothing_of_the_kind FROM bronze');
    const elsewhere = createRunStage({
      storeRoot: world.storeRoot,
      engines: NO_ENGINES,
      resources: { cpus: 1, memory: 2 ** 31 },
      scratchRoot: temporaryFolder(onTestFinished),
    });
    const call = { signal: new AbortController().signal, report: () => {} };
    expect(await elsewhere(checkModelConfig, by(config), call)).toMatchObject({ status: 'ready' });
    const pipeline = await pipelineOf(TINY, by(config).run, world.storeRoot, temporaryFolder(onTestFinished));
    expect(readFileSync(join(pipeline.folder, 'silver.sql'), 'utf8')).toBe('SELECT * FROM bronze');
    expect(pipeline.address).toBe(folder());
  });

  test('that is gone or damaged is said, with the address and what to do; the present one is not taken instead', async () => {
    const config = await world.perform(pinConfig, asked('a'));
    const elsewhere = () => pipelineOf(TINY, by(config).run, world.storeRoot, temporaryFolder(onTestFinished));
    const kept = join(world.storeRoot, 'kept');
    const path = fileURLToPath(config.uri);
    cpSync(path, kept);

    writeFileSync(path, readFileSync(path).subarray(0, 50));
    await expect(elsewhere()).rejects.toThrow(
      `${config.uri} is damaged: it is not whole JSON; restore it, or start the run again, which takes the present configuration.`,
    );
    rmSync(path);
    await expect(elsewhere()).rejects.toThrow(
      `${config.uri}, the configuration that this run began with, is not there; restore it, or start the run again, which takes the present configuration.`,
    );
    cpSync(kept, path);
    const [file] = (await listedKeys(world.stores.datamart)).filter((key) => key.startsWith('conf/files/'));
    rmSync(fileURLToPath(world.stores.datamart.uri(file!)));
    await expect(elsewhere()).rejects.toThrow(
      `${world.stores.datamart.uri(file!)}, of the configuration that this run began with, is gone or damaged`,
    );

    // What the sentences say repairs each of them.
    writeFileSync(path, 'damaged');
    writeFileSync(fileURLToPath(world.stores.datamart.uri(file!)), 'damaged');
    expect(await world.perform(pinConfig, asked('b'))).toEqual(config);
    expect((await elsewhere()).config.model_config.cv_folds).toBe(3);
  });

  test('is never another one, which lies where it was', async () => {
    const first = await world.perform(pinConfig, asked('a'));
    world.configure((config) => (config.model_config.cv_folds = 4));
    const second = await world.perform(pinConfig, asked('b'));
    cpSync(fileURLToPath(second.uri), fileURLToPath(first.uri));

    await expect(
      pipelineOf(TINY, by(first).run, world.storeRoot, temporaryFolder(onTestFinished)),
    ).rejects.toMatchObject({
      type: 'ObjectCorrupt',
      message: `${first.uri} is not the configuration that this run began with; restore it, or start the run again, which takes the present configuration.`,
    });
  });

  test('is the newest by the start of its run, whichever was kept last', async () => {
    await world.perform(pinConfig, asked('late', '2002-03-01T13:00:00.000Z'));
    await world.perform(pinConfig, asked('early', '2002-03-01T12:00:00.000Z'));
    expect(await newestConfig(world.stores.datamart)).toMatchObject({ workflow_id: 'tiny-late' });
  });

  test('is refused at the start where it is invalid, by the file that people know', async () => {
    writeFileSync(join(folder(), 'model_config.dev.json'), '{}');
    await expect(world.perform(pinConfig, asked('a'))).rejects.toThrow(
      new RegExp(`^${join(folder(), 'model_config.dev.json')} has \\d+ faults`),
    );
    expect(await listedKeys(world.stores.datamart)).toEqual([]);
  });

  test('is told by the file that people know where a stage finds its fault', async () => {
    world.writeSql('silver', 'SELECT now() FROM bronze');
    const config = await world.perform(pinConfig, asked('a'));
    await world.writeGold(['2000_01']);
    world.writeSql('feature_store', 'SELECT now() FROM silver');
    const next = await world.perform(pinConfig, asked('b'));
    await expect(world.perform(gold, { ...by(next), partitions: ['2000_01'] })).rejects.toThrow(
      join(folder(), 'feature_store.sql'),
    );
    expect(config.checksum).not.toBe(next.checksum);
  });

  test('is never a mix of two: files that change while they are copied are copied again', async () => {
    const scratch = temporaryFolder(onTestFinished);
    const write = (version: number) => {
      for (const file of ['bronze.sql', 'silver.sql', 'feature_store.sql', 'label_store.sql'])
        writeFileSync(join(folder(), file), `-- ${version}\n`);
    };
    write(0);
    let version = 0;
    const writing = setInterval(() => version < 40 && write(++version), 20);
    try {
      while (version < 40) {
        const { conf, digest, files } = await takeSnapshot(dirname(dirname(folder())), TINY, scratch);
        const texts = ['bronze.sql', 'silver.sql', 'feature_store.sql', 'label_store.sql'].map((file) =>
          readFileSync(join(conf, 'pipelines', TINY, file), 'utf8'),
        );
        expect(new Set(texts).size).toBe(1);
        expect(digestOf(files)).toBe(digest);
      }
    } finally {
      clearInterval(writing);
    }
  });
});
