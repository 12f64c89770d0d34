import { execFile } from 'node:child_process';
import { mkdir, readFile, readdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, inject, onTestFinished, test } from 'vitest';
import { listPipelines } from '../../src/config/load.js';
import { packageFolder } from '../../src/package.js';
import { scriptsOfPipelines } from '../support/shippedScripts.js';
import { connectFresh } from '../support/testServer.js';
import { temporaryFolder } from '../support/temporaryFolder.js';
import { fakeActivities } from '../workflow/support/fakeActivities.js';
import { bundleWorkflows, startWorkers } from '../workflow/support/workers.js';

const run = promisify(execFile);

/** What somebody who has installed the package writes: every call and constant of the client. */
const CONSUMER = `
import { Client, Connection } from '@temporalio/client';
import {
  PerdureError, PROGRESS_QUERY, SEARCH_ATTRIBUTES, STEWARD, TASK_QUEUES, scheduledWorkflow, startWorkflow, stewardIdOf, stewardOf,
  type Approved, type ModelTrainingResult, type RetrainRequest, type RunProgress, type StewardSnapshot,
} from 'perdure';

const connection = await Connection.connect({ address: process.env.ADDRESS! });
const client = new Client({ connection, namespace: process.env.NAMESPACE! });
const told: Record<string, unknown> = {};
try {
  const started = await startWorkflow(client, 'modelTraining', { pipeline: 'outside', algorithms: ['xgboost'] });
  const result: ModelTrainingResult = await started.result();
  told.training = result.status;
  told.progress = (await started.query<RunProgress>(PROGRESS_QUERY)).step;

  const steward = stewardOf(client, 'outside');
  await steward.start();
  const request: RetrainRequest = { reason: 'a campaign', requestId: 'campaign-1', triggeredBy: 'ana' };
  const paused: StewardSnapshot = await steward.pause({ by: 'ana', reason: 'a holiday' });
  told.paused = paused.paused?.by;
  await steward.requestRetrain(request);
  await steward.driftDetected({ severity: 'moderate', report: 'report-1' });
  let waiting = (await steward.state()).awaitingApproval;
  while (waiting === null) waiting = (await steward.state()).awaitingApproval;
  const approved: Approved = await steward.approve({ by: 'ana', requestId: 'drift:report-1' });
  told.approved = approved.requests;
  told.history = (await steward.history()).map(({ what }) => what);
  told.stewardId = [stewardIdOf('outside'), steward.handle.workflowId];

  const schedule = await client.schedule.create({
    scheduleId: 'outside-hourly',
    spec: { intervals: [{ every: '1 hour' }] },
    action: scheduledWorkflow('modelInference', { pipeline: 'outside', reason: 'hourly' }),
  });
  const { action } = await schedule.describe();
  told.schedule = [action.workflowType, action.taskQueue, action.args];

  told.constants = [TASK_QUEUES.orchestrator, SEARCH_ATTRIBUTES.pipeline, STEWARD.signals.requestRetrain];
  told.error = await startWorkflow(client, 'lifecycle', { pipeline: '../x' }).catch((error: unknown) => error instanceof PerdureError && error.type);
  // @ts-expect-error: a field that no workflow takes
  void (() => startWorkflow(client, 'lifecycle', { pipeline: 'x', algorithm: 'xgboost' }));
  // @ts-expect-error: whoever steers gives a name
  void (() => steward.approve({}));
  // @ts-expect-error: there is no such severity
  void (() => steward.driftDetected({ severity: 'mild', report: 'r' }));
  // @ts-expect-error: nor such a workflow
  void (() => scheduledWorkflow('steward', { pipeline: 'x' }));
} finally {
  await connection.close();
}
console.log(JSON.stringify(told));
`;

const TSCONFIG = {
  compilerOptions: {
    target: 'ES2022',
    module: 'NodeNext',
    moduleResolution: 'NodeNext',
    strict: true,
    skipLibCheck: true,
    types: ['node'],
    outDir: 'out',
  },
  files: ['consumer.ts'],
};

const outside = temporaryFolder(afterAll);
let packed: { entryCount: number; size: number; files: string[] };
beforeAll(async () => {
  packed = await installPacked(outside);
}, 120_000);

describe('the package, installed by somebody else', () => {
  test('holds what is needed to run, and nothing else', async () => {
    const kinds = new Set(
      packed.files.map(
        (path) =>
          (path.startsWith('dist/src/')
            ? 'dist/src'
            : (/^conf\/(pipelines|scripts)(?=\/)/.exec(path)?.[0] ?? path.replace(/[^/]+\/?$/, ''))) || path,
      ),
    );
    expect([...kinds].sort()).toEqual([
      'LICENSE',
      'README.md',
      // JSON Schemas for editors.
      'conf/',
      'conf/pipelines',
      // To be copied.
      'conf/scripts',
      'dist/',
      'dist/activities/',
      'dist/src',
      'dist/workers/',
      'package.json',
      'setup/',
      // What models in MLflow predict with.
      'src/platform/tracking/pyfunc/',
    ]);
    const isSpare = (path: string) => /\.(map|py|tsbuildinfo)$|(^|\/)(test|bench|deploy)\//.test(path);
    const scripts = Object.values(await scriptsOfPipelines()).flat();
    expect(packed.files).toEqual(expect.arrayContaining(scripts));
    const isOfScript = (path: string) => path.startsWith('conf/scripts/') || scripts.includes(path);
    expect(packed.files.filter((path) => isSpare(path) && !isOfScript(path))).toEqual([
      'src/platform/tracking/pyfunc/perdure_model.py',
    ]);
    expect(packed.entryCount).toBeLessThan(1_000);
    expect(packed.size).toBeLessThan(3_000_000);
  });

  test('has types that need nothing which is not in it', async () => {
    const declarations = packed.files.filter((path) => path.endsWith('.d.ts'));
    const needed = declarations.map(async (path) => {
      const text = await readFile(join(outside, 'node_modules', 'perdure', path), 'utf8');
      return [...text.matchAll(/(?:from|import\()\s*'(\.[^']+)'/g)].map(([, target]) =>
        join(dirname(path), target!).replace(/\.js$/, '.d.ts'),
      );
    });
    // A declaration that is missing makes types that allow anything, and the compiler says nothing.
    expect((await Promise.all(needed)).flat().filter((path) => !declarations.includes(path))).toEqual([]);
  });

  test('runs its command', async () => {
    const { version } = JSON.parse(await readFile(join(packageFolder(), 'package.json'), 'utf8')) as {
      version: string;
    };
    const main = join(outside, 'node_modules', 'perdure', 'dist', 'src', 'cli', 'main.js');
    expect((await run(process.execPath, [main, '--version'], { cwd: outside })).stdout.trim()).toBe(version);
    // It finds its workflow bundle and its pipelines; the tools may be missing here.
    const { stdout } = await run(process.execPath, [main, 'doctor', '--json'], { cwd: outside }).catch(
      (error: unknown) => error as { stdout: string },
    );
    const { findings } = JSON.parse(stdout) as { findings: { name: string; status: string }[] };
    const pipelines = await listPipelines(join(packageFolder(), 'conf'));
    expect(findings.filter(({ name }) => name === 'build' || name.startsWith('config of'))).toMatchObject([
      { status: 'ok' },
      ...pipelines.map((name) => ({ name: `config of ${name}`, status: 'ok' })),
    ]);
  });

  test('has a client that strict TypeScript takes, and that starts, signals, updates, queries and schedules', async () => {
    await writeFile(join(outside, 'consumer.ts'), CONSUMER);
    await writeFile(join(outside, 'tsconfig.json'), JSON.stringify(TSCONFIG));
    await writeFile(join(outside, 'package.json'), JSON.stringify({ name: 'outside', type: 'module', private: true }));
    const tsc = join(packageFolder(), 'node_modules', 'typescript', 'bin', 'tsc');
    const { stdout: faults } = await run(process.execPath, [tsc, '--project', '.'], { cwd: outside }).catch(
      (error: unknown) => error as { stdout: string },
    );
    expect(faults).toBe('');

    const server = await connectFresh();
    onTestFinished(await startWorkers(server, await bundleWorkflows(), fakeActivities().activities));
    const env = { ...process.env, ADDRESS: inject('temporalAddress'), NAMESPACE: server.namespace };
    const { stdout } = await run(process.execPath, [join('out', 'consumer.js')], {
      cwd: outside,
      env,
      timeout: 60_000,
    });
    expect(JSON.parse(stdout)).toEqual({
      training: 'completed',
      progress: 'choosing the champion',
      paused: 'ana',
      approved: 1,
      history: expect.arrayContaining([
        'paused by ana: a holiday',
        'retrain approved by ana (drift:report-1)',
      ]) as string[],
      stewardId: ['outside-steward', 'outside-steward'],
      schedule: ['modelInference', 'orchestrator', [{ pipeline: 'outside', reason: 'hourly' }]],
      constants: ['orchestrator', 'PerdurePipeline', 'requestRetrain'],
      error: 'InputInvalid',
    });
  });
});

/** As `npm install <tarball>` leaves a folder, without the network: the package itself, and the dependencies that it names. */
async function installPacked(folder: string): Promise<typeof packed> {
  const npm = process.env.npm_execpath;
  const [command, first] = npm ? [process.execPath, [npm]] : ['npm', []];
  const { stdout } = await run(
    command,
    [...first, 'pack', '--ignore-scripts', '--json', '--pack-destination', folder],
    { cwd: packageFolder() },
  );
  const [{ filename, entryCount, size, files }] = JSON.parse(stdout) as [
    { filename: string; entryCount: number; size: number; files: { path: string }[] },
  ];
  const modules = join(folder, 'node_modules');
  await mkdir(join(modules, 'perdure'), { recursive: true });
  await run('tar', ['-xzf', join(folder, filename), '-C', join(modules, 'perdure'), '--strip-components=1']);
  const { dependencies } = JSON.parse(await readFile(join(modules, 'perdure', 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>;
  };
  for (const name of [...Object.keys(dependencies), '@types/node']) {
    await mkdir(dirname(join(modules, name)), { recursive: true });
    await symlink(join(packageFolder(), 'node_modules', name), join(modules, name));
  }
  expect(await readdir(modules)).not.toContain('typescript');
  return { entryCount, size, files: files.map(({ path }) => path) };
}
