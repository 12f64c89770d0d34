import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, inject, onTestFinished, test } from 'vitest';
import { packageFolder } from '../../src/package.js';
import { STEWARD, stewardIdOf, type StewardSnapshot } from '../../src/contracts/index.js';
import { temporalCli } from '../../src/platform/setup/temporalCli.js';
import { requireTool } from '../../src/platform/setup/tool.js';
import { connectFresh } from '../support/testServer.js';
import { until } from '../support/until.js';
import { fakeActivities } from '../workflow/support/fakeActivities.js';
import { bundleWorkflows, startWorkers } from '../workflow/support/workers.js';

const run = promisify(execFile);
const page = await readFile(join(packageFolder(), 'docs', 'temporal.md'), 'utf8');

describe('the reference page', () => {
  test('has lines that work, one after the other', async () => {
    const server = await connectFresh();
    onTestFinished(await startWorkers(server, await bundleWorkflows(), fakeActivities().activities));
    const { path } = await requireTool(temporalCli);
    const env = {
      PATH: process.env.PATH,
      HOME: '/nonexistent',
      TEMPORAL_ADDRESS: inject('temporalAddress'),
      TEMPORAL_NAMESPACE: server.namespace,
    };
    const lines = [...page.matchAll(/```sh\n([\s\S]*?)```/g)].flatMap(([, block]) => block!.trim().split('\n'));
    expect(lines.length).toBeGreaterThan(25);
    const steward = server.client.workflow.getHandle(stewardIdOf('readmission'));
    const trainings = () =>
      steward.query<StewardSnapshot>(STEWARD.queries.state).then(
        ({ counts }) => counts.trainings,
        () => 0,
      );
    for (const line of lines) {
      // What a line follows on may take the workers a moment: drift that is to be approved, a workflow that is to be found.
      for (let patience = 80; ; patience -= 1) {
        const failure = await run('sh', ['-c', line.replace(/^temporal /, `'${path}' `)], {
          env,
          timeout: 30_000,
        }).then(
          () => undefined,
          (error: unknown) => (error as { stderr?: string }).stderr ?? String(error),
        );
        if (failure === undefined) break;
        if (patience === 0) throw new Error(`${line}\n${failure}`);
        await new Promise((resolve) => setTimeout(resolve, 250));
      }
      // A training answers all that was asked until it starts: the drift of the next line would not wait for approval.
      if (line.includes(STEWARD.signals.requestRetrain)) await until(async () => (await trainings()) > 0);
    }
    // What they asked for came to pass: nothing was ignored, and the page's words are the web UI's.
    expect(await steward.query(STEWARD.queries.state).catch(() => undefined)).toMatchObject({
      counts: { signals: expect.any(Number) as number, ignored: 0 },
    });
  });
});
