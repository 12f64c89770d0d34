import { execFileSync } from 'node:child_process';
import { beforeEach, describe, expect, test } from 'vitest';
import { loadPipeline } from '../../src/config/load.js';
import { createMedallion, type Medallion } from '../support/medallion.js';

let world: Medallion;
beforeEach(async () => {
  world = await createMedallion();
});

describe('what is no regular file is refused at once', () => {
  test('as a source: a named pipe, a device', async () => {
    execFileSync('mkfifo', [world.csv]);
    await expect(world.bronze()).rejects.toMatchObject({
      type: 'InputInvalid',
      message: `${world.csv} is a named pipe, where a regular file is expected; give a file, or write what is read from there into one.`,
    });
    await expect(world.bronze('/dev/zero')).rejects.toMatchObject({
      message: expect.stringContaining('/dev/zero is a device') as string,
    });
  });

  test('as the source in the store', async () => {
    await world.stores.datamart.put('raw/other.csv', 'x');
    const path = new URL(world.stores.datamart.uri('raw/visits.csv')).pathname;
    execFileSync('mkfifo', [path]);
    await expect(world.bronze(`file://${path}`)).rejects.toMatchObject({
      message: expect.stringContaining('is a named pipe') as string,
    });
  });

  test.each(['pipeline.json', 'silver.sql'])('as %s', async (file) => {
    const path = `${world.root}/conf/pipelines/visits/${file}`;
    execFileSync('sh', ['-c', `rm ${path} && mkfifo ${path}`]);
    const work = file === 'silver.sql' ? world.silver([]) : loadPipeline('visits', world.env);
    await expect(work).rejects.toMatchObject({
      type: 'ConfigInvalid',
      message: expect.stringContaining(`${path}`) as string,
    });
  });
});
