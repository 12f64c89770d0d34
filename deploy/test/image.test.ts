import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { packageFolder } from '../../src/package.js';
import type { DevServer } from '../../src/platform/temporal/devServer.js';
import { freePort, hasExited, listens } from '../../src/platform/temporal/processes.js';
import { startTestServer } from '../../test/support/testServer.js';
import { TRIES_ALL } from '../../test/support/triesAll.js';
import { buildImage, type BuiltImage } from './imageBuild.js';

const BUILD_TIMEOUT_MS = 10 * 60_000;
const POLL_MS = 200;

let folder: string;
let image: BuiltImage;
let server: DevServer;
let uid: number | undefined;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'perdure-image-'));
  // An unprivileged user has to get at what is in it.
  await chmod(folder, 0o755);
  image = await buildImage(
    join(packageFolder(), 'deploy', 'Dockerfile'),
    folder,
    TRIES_ALL ? { SCRIPTS: 'credit' } : {},
  );
  const logs = join(folder, 'logs');
  await mkdir(logs);
  server = await startTestServer(logs);
  // Only the superuser can become somebody else; anyone else stays who they are.
  uid = process.getuid?.() === 0 ? Number(image.user.split(':')[0]) : undefined;
}, BUILD_TIMEOUT_MS);

afterAll(async () => {
  await server?.stop();
  await rm(folder, { recursive: true, force: true });
});

/** Whether this machine lets a process have file systems of its own, to see the machine's as read-only. */
function canConfine(): boolean {
  return uid !== undefined && spawnSync('unshare', ['--mount', 'true']).status === 0;
}

/** A command with everything read-only but the image's volumes, where that can be had; it is replaced by the command. */
function confined(command: string[]): string[] {
  if (!canConfine()) return command;
  const volumes = image.volumes.map((volume) => join(image.root, volume));
  const mounts = [
    ...volumes.map((path) => `mount --bind "${path}" "${path}"`),
    'mount -o remount,bind,ro /',
    ...volumes.map((path) => `mount -o remount,bind,rw "${path}"`),
  ];
  return [
    'unshare',
    '--mount',
    'sh',
    '-ec',
    `${mounts.join('\n')}\nexec setpriv --reuid=${uid} --regid=${uid} --clear-groups --no-new-privs "$@"`,
    'sh',
    ...command,
  ];
}

function start(
  command: string[],
  env: Record<string, string>,
  how = confined,
): ChildProcess & { output: () => string } {
  const [program, ...args] = how(command);
  const child = spawn(program!, args, {
    cwd: image.workdir,
    env: { ...image.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  child.stdout.on('data', (chunk: Buffer) => void (said += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => void (said += chunk.toString()));
  return Object.assign(child, { output: () => said });
}

async function run(
  command: string[],
  env: Record<string, string> = {},
  how = confined,
): Promise<{ code: number; output: string }> {
  const child = start(command, env, how);
  const [code] = (await once(child, 'close')) as [number];
  return { code, output: child.output() };
}

test('every RUN line goes well, as an image builder would run it', () => {
  expect(image.ran.length).toBeGreaterThan(5);
  expect(image.user).not.toMatch(/^(root|0)(:|$)/);
});

test('the image holds what runs, and neither tests nor what only the build needs', async () => {
  expect((await readdir(image.workdir)).sort()).toEqual(['conf', 'dist', 'node_modules', 'package.json', 'src']);
  const sources = await readdir(join(image.workdir, 'src'), { recursive: true });
  expect(sources.filter((name) => extname(name) !== '')).toEqual(['platform/tracking/pyfunc/perdure_model.py']);
  const packages = await readdir(join(image.workdir, 'node_modules'));
  expect(packages).toContain('koffi');
  expect(packages).not.toContain('typescript');
  expect(packages).not.toContain('vitest');
  expect(await readdir(join(image.workdir, 'dist'))).not.toContain('test');
});

// Its packages are fetched, which takes a minute.
test.runIf(TRIES_ALL)('a script in Python trains in it', async () => {
  // As who runs this: the Python that stands in for the image's may be theirs alone.
  const { code, output } = await run(['perdure', 'script', 'check', 'credit', 'catboost'], {}, (command) => command);
  expect({ code, output }).toEqual({ code: 0, output: expect.any(String) as string });
});

test('the engine is in it, and loads', async () => {
  const { code, output } = await run(['perdure', 'setup', '--engines'], {
    PATH: join(image.root, 'usr/local/bin') + ':/usr/bin:/bin',
  });
  expect({ code, output }).toEqual({
    code: 0,
    output: expect.stringMatching(new RegExp(`^libxgboost: 3\\.2\\.0, ${image.root}/opt/perdure/`)),
  });
});

test.each(['orchestrator', 'dataProcessing', 'modelTraining'])(
  '%s starts as nobody on a read-only system, is found alive, and stops when told',
  async (worker) => {
    const env = {
      TEMPORAL_ADDRESS: server.target.address,
      PERDURE_HEALTH_PORT: String(await freePort()),
      PERDURE_STORE: join(image.root, 'scratch', 'store'),
    };
    const [node] = image.command;
    const child = start([node!, `dist/workers/${worker}.js`], env);
    try {
      // The image's own check is a process, so it is asked when there is somebody to answer.
      while (!(await listens(`127.0.0.1:${env.PERDURE_HEALTH_PORT}`))) {
        if (hasExited(child)) throw new Error(`The worker ended:\n${child.output()}`);
        await sleep(POLL_MS);
      }
      while ((await run(image.healthCheck, env)).code !== 0) {
        if (hasExited(child)) throw new Error(`The worker ended:\n${child.output()}`);
        await sleep(POLL_MS);
      }
      if (uid !== undefined)
        expect(
          execFileSync('ps', ['-o', 'uid=', '-p', String(child.pid)])
            .toString()
            .trim(),
        ).toBe(String(uid));
      child.kill('SIGTERM');
      const [code] = (await once(child, 'close')) as [number];
      expect({ code, output: child.output() }).toMatchObject({ code: 0 });
    } finally {
      if (!hasExited(child)) child.kill('SIGKILL');
    }
  },
);

test("what is not a volume can't be written", async (context) => {
  if (uid === undefined) context.skip();
  const { code } = await run([
    'node',
    '-e',
    `require('fs').writeFileSync(${JSON.stringify(join(image.workdir, 'dist', 'new'))}, '')`,
  ]);
  expect(code).not.toBe(0);
  expect(
    await run(['node', '-e', `require('fs').writeFileSync(${JSON.stringify(join(image.root, 'scratch', 'new'))}, '')`]),
  ).toEqual({ code: 0, output: '' });
});
