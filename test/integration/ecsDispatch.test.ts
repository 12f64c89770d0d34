import { describe, expect, test } from 'vitest';
import { COMPLETES, ecsWorld } from '../support/ecs/ecsWorld.js';

describe('a stage as a task', () => {
  test('runs once, and its output comes from the result that it wrote', async () => {
    const { endpoint, run } = await ecsWorld(COMPLETES);

    expect(await run()).toEqual({ answer: 42 });
    expect(endpoint.tasks).toHaveLength(1);
    expect(endpoint.tasks[0]!.options.environment).toMatchObject({ ALGORITHM: 'xgboost', ENVIRONMENT: 'dev' });
  });
});
