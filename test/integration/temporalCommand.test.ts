import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, onTestFinished, test } from 'vitest';
import { temporalCli } from '../../src/platform/setup/temporalCli.js';
import { requireTool } from '../../src/platform/setup/tool.js';
import type { TemporalTarget } from '../../src/platform/temporal/connection.js';
import { CONF, createMedallion, VISITS, visitsOf } from '../support/medallion.js';
import { startTestStack } from '../support/testStack.js';

/** Visits. */
const A_MONTH = 18;

/** What no workflow takes, by the field that is at fault. */
const REFUSED: [string, object][] = [
  ['pipeline', { pipeline: '../other' }],
  ['pipeline', { pipeline: "o'hara" }],
  ['algorithms', { pipeline: VISITS, algorithms: ['two\nlines'] }],
  ['source', { pipeline: VISITS, source: 'two\nlines.csv' }],
  ['asOf', { pipeline: VISITS, asOf: "2020-12-31T00:00:00 (o'clock)" }],
];

describe("Temporal's own command", () => {
  test('starts every workflow with a small JSON, and is told what is wrong with another', async () => {
    const world = await createMedallion();
    const config = 'model_config.dev.json';
    world.writeConf(config, { ...CONF[config], promotion_gate: { min_samples: A_MONTH } });
    const { client, stack } = await startTestStack(onTestFinished, join(world.root, 'store'));
    const run = runnerOn(stack.target);
    world.writeCsv(visitsOf(3, A_MONTH));

    expect(await run('dataProcessing', { pipeline: VISITS, source: world.csv })).toMatchObject({
      status: 'completed',
      partitions: 3,
      rows: 3 * A_MONTH,
    });
    expect(await run('modelTraining', { pipeline: VISITS })).toMatchObject({
      status: 'completed',
      champion: { algorithm: 'xgboost' },
      dataset: { rows: { train: A_MONTH, test: A_MONTH, oot: A_MONTH } },
    });
    expect(await run('modelInference', { pipeline: VISITS })).toMatchObject({ status: 'completed', rows: A_MONTH });
    expect(await run('modelMonitoring', { pipeline: VISITS })).toMatchObject({ status: 'completed', rows: A_MONTH });

    world.writeCsv(visitsOf(4, A_MONTH));
    const all = {
      pipeline: VISITS,
      source: world.csv,
      asOf: '2020-12-31',
      algorithms: ['xgboost'],
      again: true,
      reason: 'new visits',
      triggeredBy: 'a test',
    };
    expect(await run('lifecycle', all)).toMatchObject({
      processing: { status: 'completed', partitions: 4, rows: 4 * A_MONTH, bronze: { written: 1, unchanged: 3 } },
      training: { status: 'completed' },
      inference: { status: 'completed', rows: A_MONTH },
      monitoring: { status: 'completed' },
    });

    for (const [field, input] of REFUSED) {
      await expect(run('lifecycle', input), field).rejects.toThrow();
      const why = `^The input of lifecycle can't be used \\("${field}" is .+, expected .+\\); correct it and start again\\.$`;
      await expect(client.workflow.getHandle('lifecycle').result()).rejects.toMatchObject({
        cause: { type: 'ConfigInvalid', message: expect.stringMatching(why) as string },
      });
    }
  });
});

/** Starts a workflow by the command line of Temporal, and asks it for the result. */
function runnerOn({ address, namespace }: TemporalTarget) {
  return async (type: string, input: object): Promise<unknown> => {
    const server = ['--address', address, '--namespace', namespace, '--output', 'json'];
    await temporal(
      'workflow',
      'start',
      '--type',
      type,
      '--task-queue',
      'orchestrator',
      '--workflow-id',
      type,
      '--input',
      JSON.stringify(input),
      ...server,
    );
    const { result } = JSON.parse(await temporal('workflow', 'result', '--workflow-id', type, ...server)) as {
      result: unknown;
    };
    return result;
  };
}

async function temporal(...args: string[]): Promise<string> {
  const { path } = await requireTool(temporalCli);
  return (await promisify(execFile)(path, args)).stdout;
}
