import { execFile } from 'node:child_process';
import { cp, lchown, lstat, mkdir, readFile, symlink } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { packageFolder } from '../../src/package.js';
import { onPath } from '../../src/platform/programs/command.js';
import { assignments, parseDockerfile, type Stage, type Step } from './dockerfile.js';

const run = promisify(execFile);

/** What a Dockerfile came to. */
export interface BuiltImage {
  /** Folder that stands for `/`. */
  root: string;
  /** Folder that stands for `WORKDIR`. */
  workdir: string;
  env: Record<string, string>;
  user: string;
  command: string[];
  healthCheck: string[];
  volumes: string[];
  /** The RUN lines of all stages, as they were run. */
  ran: string[];
}

/** Where package managers keep what they fetched, by the target of a cache mount: the machine's own, as with BuildKit. */
const CACHES: Record<string, string> = {
  '/var/cache/npm': join(homedir(), '.npm'),
  '/var/cache/pip': join(homedir(), '.cache', 'pip'),
};

interface Built {
  root: string;
  workdir: string;
  env: Record<string, string>;
  args: Record<string, string>;
  settings: Partial<Pick<BuiltImage, 'user' | 'command' | 'healthCheck'>>;
  volumes: string[];
}

/**
 * Goes through a Dockerfile without Docker, as any user: each stage is a folder below `folder` that stands for `/`, an
 * absolute path of a step means the one below it, RUN lines get the stage's own environment and nothing of this one,
 * and base images are stood in for by this machine's Node and Python. What it can't do faithfully it refuses.
 */
export async function buildImage(
  dockerfile: string,
  folder: string,
  buildArgs: Record<string, string> = {},
): Promise<BuiltImage> {
  const stages = parseDockerfile(await readFile(dockerfile, 'utf8'));
  const built = new Map<string, Built>();
  const ran: string[] = [];
  for (const [i, stage] of stages.entries()) {
    const state = await begin(stage, join(folder, String(i)));
    built.set(stage.name ?? String(i), state);
    for (const step of stage.steps) await perform(step, state, built, ran, buildArgs);
  }
  const last = built.get(stages.at(-1)!.name ?? String(stages.length - 1))!;
  const { user, command, healthCheck } = last.settings;
  if (!user || !command || !healthCheck) throw new Error('The last stage lacks USER, CMD or HEALTHCHECK.');
  return {
    root: last.root,
    workdir: at(last, last.workdir),
    env: environmentOf(last),
    user,
    command,
    healthCheck,
    volumes: last.volumes,
    ran,
  };
}

/** A folder with what the base image brings, as far as this project uses it. */
async function begin({ base }: Stage, root: string): Promise<Built> {
  const bin = join(root, 'usr/local/bin');
  await mkdir(bin, { recursive: true });
  await mkdir(join(root, 'root'), { recursive: true });
  await mkdir(join(root, 'var/cache'), { recursive: true });
  await mkdir(join(root, 'etc/ssl/certs'), { recursive: true });
  if (base.startsWith('node:')) {
    const { stdout } = await run('npm', ['root', '--global']);
    await mkdir(join(root, 'usr/local/lib'), { recursive: true });
    await symlink(process.execPath, join(bin, 'node'));
    await symlink(stdout.trim(), join(root, 'usr/local/lib/node_modules'));
  } else if (base.startsWith('python:')) {
    const { stdout } = await run((await onPath('python3')) ?? 'python', ['-c', 'import sys; print(sys.executable)']);
    await symlink(stdout.trim(), join(bin, 'python3'));
    await cp('/etc/ssl/certs/ca-certificates.crt', join(root, 'etc/ssl/certs/ca-certificates.crt'));
  } else {
    throw new Error(`Nothing here stands in for the image ${base}.`);
  }
  return { root, workdir: '/', env: { PATH: '/usr/local/bin' }, args: {}, settings: {}, volumes: [] };
}

async function perform(
  step: Step,
  state: Built,
  built: Map<string, Built>,
  ran: string[],
  buildArgs: Record<string, string>,
): Promise<void> {
  const { instruction, rest, flags } = step;
  switch (instruction) {
    case 'RUN':
      ran.push(rest);
      return runLine(step, state);
    case 'COPY':
      return copy(step, state, built);
    case 'WORKDIR':
      state.workdir = rest;
      await mkdir(at(state, rest), { recursive: true });
      return;
    case 'ENV':
      Object.assign(state.env, assignments(rest, { ...state.args, ...state.env }));
      return;
    case 'ARG':
      for (const [name, usual] of Object.entries(assignments(rest, {}))) state.args[name] = buildArgs[name] ?? usual;
      return;
    case 'USER':
      state.settings.user = rest;
      return;
    case 'CMD':
      state.settings.command = JSON.parse(rest) as string[];
      return;
    case 'HEALTHCHECK':
      state.settings.healthCheck = JSON.parse(rest.replace(/^CMD\s+/, '')) as string[];
      return;
    case 'VOLUME':
      state.volumes.push(...(JSON.parse(rest) as string[]));
      return;
    case 'EXPOSE':
      return;
    default:
      throw new Error(`${instruction} ${Object.keys(flags).join(' ')} is not understood.`);
  }
}

async function runLine({ rest, flags }: Step, state: Built): Promise<void> {
  const target = /target=([^,]+)/.exec(flags.mount ?? '')?.[1];
  if (target) await linkCache(target, state);
  try {
    await run('/bin/sh', ['-ec', below(state.root, rest)], {
      cwd: at(state, state.workdir),
      env: { ...state.args, ...environmentOf(state), HOME: join(state.root, 'root') },
      maxBuffer: 64 << 20,
    });
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string };
    throw new Error(`RUN ${rest} failed:\n${stdout}${stderr}`, { cause: error });
  }
}

async function linkCache(target: string, { root }: Built): Promise<void> {
  const cache = CACHES[target];
  if (!cache) throw new Error(`Nothing here stands in for the cache ${target}.`);
  await mkdir(cache, { recursive: true });
  await symlink(cache, join(root, target)).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
}

async function copy({ rest, flags }: Step, state: Built, built: Map<string, Built>): Promise<void> {
  const paths = rest.split(/\s+/);
  const to = paths.pop()!;
  const from = flags.from ? built.get(flags.from) : undefined;
  if (flags.from && !from) throw new Error(`COPY names the stage ${flags.from}, which there isn't.`);
  for (const path of paths) {
    const target = to.endsWith('/') ? join(to, path.split('/').at(-1)!) : to;
    const destination = at(state, target);
    await mkdir(dirname(destination), { recursive: true });
    if (from) await copyTree(at(from, path), destination);
    else await copyContext(path, destination);
    if (flags.chown && process.getuid?.() === 0) {
      const [uid, gid] = flags.chown.split(':').map(Number);
      await lchown(destination, uid!, gid!);
    }
  }
}

/** With the system's own program: a copy of installed packages by Node.js costs several times the work. */
async function copyTree(from: string, to: string): Promise<void> {
  const isFolder = (await lstat(from)).isDirectory();
  if (isFolder) await mkdir(to, { recursive: true });
  // What is in a folder goes into the folder that is there, as COPY has it.
  await run('cp', ['-PR', '--', isFolder ? `${from}/.` : from, to]);
}

/** Copies of the build context only what .dockerignore lets through: all is left out but what is named with "!". */
async function copyContext(path: string, destination: string): Promise<void> {
  const context = packageFolder();
  const [all, ...exceptions] = (await readFile(join(context, '.dockerignore'), 'utf8'))
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));
  if (all !== '*' || !exceptions.every((line) => /^![\w.-]+$/.test(line)))
    throw new Error('.dockerignore is expected to leave out "*" but some names.');
  const names = exceptions.map((line) => line.slice(1));
  if (path === '.') {
    for (const name of names) await copyTree(join(context, name), join(destination, name));
  } else {
    if (!names.includes(path)) throw new Error(`COPY names ${path}, which .dockerignore leaves out.`);
    await cp(join(context, path), destination);
  }
}

function environmentOf({ root, env }: Built): Record<string, string> {
  const own = Object.fromEntries(Object.entries(env).map(([name, value]) => [name, below(root, value)]));
  return { ...own, PATH: `${own.PATH}:/usr/bin:/bin` };
}

/** Absolute paths in a text, moved below the root. */
function below(root: string, text: string): string {
  return text.replace(/(^|[\s="'])(\/[\w./-]+)/g, (_, before: string, path: string) => `${before}${join(root, path)}`);
}

function at({ root, workdir }: Built, path: string): string {
  return join(root, resolve(workdir, path));
}
