import { expect, test } from 'vitest';
import { TokenBucket } from '../../src/platform/ecs/tokenBucket.js';
import { DISPATCHER_TIMES } from '../../src/platform/ecs/dispatcherTimes.js';

/** Nothing comes in while a test lasts. */
const NEVER = 1e-9;
const patient = new AbortController().signal;

test('what ECS allows RunTask is the budget of a worker: a hundred at once, then twenty a second', () => {
  expect(DISPATCHER_TIMES).toMatchObject({ launchBurst: 100, launchesPerSecond: 20 });
});

test('as many go through at once as there are tokens; the next waits, and can be called off', async () => {
  const bucket = new TokenBucket(3, NEVER);
  for (let i = 0; i < 3; i++) await bucket.take(patient);

  const controller = new AbortController();
  const fourth = bucket.take(controller.signal);
  controller.abort(new Error('called off'));
  await expect(fourth).rejects.toThrow('called off');
});

test('whoever waits is served in turn, also after somebody before was called off', async () => {
  const bucket = new TokenBucket(1, 100);
  const served: number[] = [];
  const controller = new AbortController();
  const calledOff = bucket.take(controller.signal).then(() => bucket.take(controller.signal));
  const waiting = [1, 2, 3].map((number) => bucket.take(patient).then(() => served.push(number)));
  controller.abort();

  await expect(calledOff).rejects.toThrow();
  await Promise.all(waiting);
  expect(served).toEqual([1, 2, 3]);
});
