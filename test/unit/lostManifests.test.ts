import { copyFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { Database } from '../../src/data/duckdb.js';
import { LayerWriter } from '../../src/data/layerWriter.js';
import { manifestKey } from '../../src/data/layers.js';
import { PerdureError } from '../../src/errors.js';
import { createMedallion, csvOf, visitsOf, type Medallion } from '../support/medallion.js';

let world: Medallion;
beforeEach(async () => {
  world = await createMedallion();
});

const lose = () => world.stores.datamart.delete(manifestKey('bronze'));
const bronzeIds = async () => (await world.rows('bronze', 'bronze')).map(({ id }) => Number(id));
const ids = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, i) => first + i);
const february = () => writeFileSync(world.csv, csvOf(visitsOf(2).slice(4)));

describe('where the manifest of bronze is lost, its files tell what it was', () => {
  test('and months that the source no longer has stay', async () => {
    world.writeCsv(visitsOf(3));
    await world.process();
    const before = await world.manifest('bronze');
    await lose();
    february();
    expect(await world.process()).toMatchObject({
      bronze: { rows: 12, written: [] },
      silver: { written: [] },
      gold: { written: [] },
    });
    expect((await world.manifest('bronze')).partitions).toEqual(before.partitions);
    expect(await bronzeIds()).toEqual(ids(1, 12));
  });

  test('but for one that is damaged, which comes back with a source that has it', async () => {
    world.writeCsv(visitsOf(3));
    await world.process();
    const path = await world.path('bronze', '2020_01');
    await lose();
    writeFileSync(path, 'PAR1 and no more than that');
    february();
    expect((await world.bronze()).rows).toBe(8);
    expect(await bronzeIds()).toEqual(ids(5, 12));
    world.writeCsv(visitsOf(3));
    expect(await world.bronze()).toMatchObject({ rows: 12, written: ['2020_01'] });
    expect(await bronzeIds()).toEqual(ids(1, 12));
  });

  test('however it is damaged: cut anywhere, or with another footer', async () => {
    world.writeCsv(visitsOf(3));
    await world.process();
    const path = await world.path('bronze', '2020_01');
    const whole = readFileSync(path);
    const footer = Buffer.from(whole);
    footer.fill(0xff, whole.length - 60, whole.length - 8);
    const length = Buffer.from(whole);
    length.writeUInt32LE(0xfffffff, whole.length - 8);
    const cuts = [0, 3, 8, 12, whole.length >> 1, whole.length - 9, whole.length - 1].map((end) =>
      whole.subarray(0, end),
    );
    for (const damaged of [...cuts, footer, length]) {
      writeFileSync(path, damaged);
      await lose();
      february();
      expect((await world.bronze()).rows).toBe(8);
    }
  });

  test('and a file that can not be looked at is a failure, not a damaged one', async () => {
    world.writeCsv(visitsOf(3));
    await world.process();
    await lose();
    february();
    const failure = new PerdureError('EngineFailed', 'A query needs more memory than the worker has; give it more.');
    const look = vi.spyOn(Database.prototype, 'rows').mockRejectedValueOnce(failure);
    await expect(world.bronze()).rejects.toBe(failure);
    look.mockRestore();
    expect((await world.bronze()).rows).toBe(12);
  });

  test('and days that were read stay visible to a run that stands at an earlier day', async () => {
    world.writeCsv(visitsOf(3));
    await world.bronze();
    await lose();
    expect(await world.bronze(world.csv, '2020-02-11')).toMatchObject({ rows: 12, written: [] });
  });

  test('and no other file beside them counts', async () => {
    world.writeCsv(visitsOf(2));
    await world.bronze();
    const path = await world.path('bronze', '2020_01');
    for (const name of ['visits_2020_09.backup1', 'visits_older.parquet', 'visits_2020_19.parquet'])
      copyFileSync(path, path.replace('visits_2020_01.parquet', name));
    await lose();
    expect((await world.bronze()).rows).toBe(8);
    expect(Object.keys((await world.manifest('bronze')).partitions)).toEqual(['2020_01', '2020_02']);
  });

  test('or nothing, where there are none', async () => {
    world.writeCsv(visitsOf(2));
    await world.bronze();
    for (const month of ['2020_01', '2020_02']) rmSync(await world.path('bronze', month));
    await lose();
    expect(await world.bronze()).toEqual({ rows: 8, written: ['2020_01', '2020_02'], unchanged: [] });
  });

  test('also after a run that was killed when it had written one partition', async () => {
    world.writeCsv(visitsOf(3));
    await world.bronze();
    const before = await world.manifest('bronze');
    await lose();
    const writer = await LayerWriter.open(world.stores.datamart, 'bronze', async () => before);
    const path = join(world.root, 'another.parquet');
    writeFileSync(path, 'other rows');
    await writer.write('2020_01', 'i', [{ table: 'bronze', key: 'bronze/visits_2020_01.parquet', path, rows: 4 }]);
    expect(await world.manifest('bronze')).toMatchObject({ partitions: before.partitions });
  });
});
