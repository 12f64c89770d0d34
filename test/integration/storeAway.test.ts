import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, expect, test } from 'vitest';
import { startS3Server } from '../support/s3Server.js';
import { temporaryFolder } from '../support/temporaryFolder.js';
import { startTestStack } from '../support/testStack.js';
import { createTinyWorld, TINY, tinyEngines } from '../support/tinyPipeline.js';
import { prepareTwoRuns, startTwoRuns, undisturbed } from '../support/twoRuns.js';

const OUTAGE_MS = 30_000;

const engines = tinyEngines();
// In a folder: what lies in S3 is the same.
const expected = await undisturbed(engines);
process.env.PERDURE_SCRATCH = temporaryFolder(afterAll);
afterAll(() => void delete process.env.PERDURE_SCRATCH);
const server = await startS3Server(afterAll);
for (const purpose of ['datamart', 'registry', 'predictions', 'monitoring'])
  await server.createBucket(`${TINY}-${purpose}`);
const world = await createTinyWorld(engines, 's3://');
afterAll(() => world.close());
await prepareTwoRuns(world);
const { client, told } = await startTestStack(afterAll, world.storeRoot);

test('a training and a processing under way end as if nothing had happened when the store is away for half a minute', async () => {
  const runs = await startTwoRuns(client, world);
  await server.stop();
  await sleep(OUTAGE_MS);
  await server.start();

  expect(await runs.ended()).toEqual(expected);
  expect(told).toEqual([]);
});
