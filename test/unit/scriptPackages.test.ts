import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { ZERO_OR_ONE } from '../../src/contracts/task.js';
import { createEnginePool } from '../../src/ml/engines/hostPool.js';
import type { EnginePool, MatrixFile } from '../../src/ml/engines/pool.js';
import type { Script } from '../../src/ml/estimators/estimator.js';
import { writeColumns } from '../../src/platform/files/parquet.js';
import { sha256 } from '../../src/platform/storage/checksum.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

const folder = temporaryFolder(afterAll);
process.env.PERDURE_CACHE = join(folder, 'cache');
const train: MatrixFile = {
  path: '',
  checksum: 'packages',
  features: ['a'],
  label: 'label',
  rows: 2,
};
const columns = { a: Float32Array.of(0, 1), label: Int8Array.of(0, 1) };

/** A package of one module, as a wheel that pip takes from the disk. */
function wheel(): string {
  const path = join(folder, 'tinypackage-1.4-py3-none-any.whl');
  execFileSync('python3', [
    '-c',
    `import zipfile
with zipfile.ZipFile(${JSON.stringify(path)}, 'w') as wheel:
    wheel.writestr('tinypackage.py', 'ANSWER = 42\\n')
    info = 'tinypackage-1.4.dist-info/'
    wheel.writestr(info + 'METADATA', 'Metadata-Version: 2.1\\nName: tinypackage\\nVersion: 1.4\\n')
    wheel.writestr(info + 'WHEEL', 'Wheel-Version: 1.0\\nGenerator: test\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n')
    wheel.writestr(info + 'RECORD', '')`,
  ]);
  return path;
}

/** A script in Python that writes what its package says, and which Python it has. */
function script(requirements: string | undefined, change: Partial<Script> = {}): Script {
  const sources = mkdtempSync(join(folder, 'script-'));
  writeFileSync(
    join(sources, 'model.py'),
    `import json, sys, tinypackage
output = sys.argv[sys.argv.index("--output") + 1]
json.dump([tinypackage.ANSWER, sys.prefix], open(output + "/model.json", "w"))
`,
  );
  if (requirements !== undefined) writeFileSync(join(sources, 'requirements.txt'), requirements);
  return {
    name: 'packaged',
    folder: sources,
    command: ['python', 'model.py'],
    timeout_seconds: 60,
    validation_share: 0,
    ...change,
  };
}

async function fit(requirements: string, pool: EnginePool, change: Partial<Script> = {}): Promise<unknown> {
  const own = mkdtempSync(join(folder, 'fit-'));
  const [path, modelPath] = [join(own, 'train.parquet'), join(own, 'model.tar')];
  await writeColumns(path, columns);
  const asked = {
    train: { ...train, path },
    task: ZERO_OR_ONE,
    estimator: 'script',
    params: {},
    seed: 1,
    modelPath,
  } as const;
  await pool.fit({ ...asked, script: script(requirements, change) }, new AbortController().signal);
  return JSON.parse(execFileSync('tar', ['-xOf', modelPath, 'model/model.json']).toString());
}

async function withPool<T>(use: (pool: EnginePool) => Promise<T>): Promise<T> {
  const pool = createEnginePool({ hosts: 2, memory: 2 ** 30 });
  try {
    return await use(pool);
  } finally {
    await pool.close();
  }
}

describe('the packages of a script', () => {
  const path = wheel();
  const pinned = (digest: string) => `tinypackage @ file://${path} --hash=sha256:${digest}\n`;

  test('are put into an environment of their own, once', async () => {
    const requirements = pinned(sha256(readFileSync(path)));
    const [first, second] = await withPool((pool) => Promise.all([fit(requirements, pool), fit(requirements, pool)]));
    const environments = join(folder, 'cache', 'python');
    expect(readdirSync(environments)).toEqual([expect.stringMatching(/^[0-9a-f]{16}-3\.[\d.]+$/)]);
    expect(first).toEqual([42, join(environments, readdirSync(environments)[0]!)]);
    expect(second).toEqual(first);
  });

  test('are not fetched by a training of what may be left out, and taken where they are there', async () => {
    const setUpBy = 'perdure setup loans';
    const other = `# Of another environment.\n${pinned(sha256(readFileSync(path)))}`;
    await withPool(async (pool) => {
      await expect(fit(other, pool, { setUpBy })).rejects.toMatchObject({
        type: 'EngineMissing',
        message:
          'The packages of the script packaged are not installed; run `perdure setup loans` where it trains to have it.',
      });
      const fetched = await fit(other, pool);
      expect(await fit(other, pool, { setUpBy })).toEqual(fetched);
    });
  });

  test('with other bytes than their hashes are of are refused in one sentence', async () => {
    await expect(withPool((pool) => fit(pinned(sha256('something else')), pool))).rejects.toMatchObject({
      type: 'EngineMissing',
      retryable: false,
      message: expect.stringMatching(
        /^The packages of the script packaged can't be had \(pip said ".*"\); see that python3 has pip and reaches its package index, or correct requirements\.txt\.$/,
      ) as string,
    });
  });

  test('that are not pinned are those that it imports, as they are installed', async () => {
    const root = join(folder, 'environment');
    execFileSync('python3', ['-m', 'venv', '--without-pip', root]);
    const python = join(root, 'bin', 'python');
    const [version, packages] = execFileSync(
      python,
      ['-c', 'import sys, sysconfig; print(sys.version.split()[0]); print(sysconfig.get_path("purelib"))'],
      { encoding: 'utf8' },
    ).split('\n') as [string, string];
    writeFileSync(join(packages, 'tinypackage.py'), 'ANSWER = 42\n');
    const install = (number: string) => {
      const info = join(packages, 'tiny_package-1.4.dist-info');
      mkdirSync(info, { recursive: true });
      writeFileSync(join(info, 'METADATA'), `Metadata-Version: 2.1\nName: Tiny-Package\nVersion: ${number}\n`);
      writeFileSync(join(info, 'top_level.txt'), 'tinypackage\n');
    };
    const imports = script(undefined, { command: [python, 'model.py'] });
    const versionOf = () => withPool((pool) => pool.version('script', imports));

    const without = await versionOf();
    expect(without).toMatch(new RegExp(`^script packaged [0-9a-f]{16}, Python ${version}$`));
    install('1.4');
    expect(await versionOf()).toBe(`${without}, Tiny-Package 1.4`);
    install('1.5');
    expect(await versionOf()).toBe(`${without}, Tiny-Package 1.5`);
  });

  test('can not be had where there is no Python, which is said', async () => {
    const { PATH } = process.env;
    const nothing = join(folder, 'nothing');
    mkdirSync(nothing);
    process.env.PATH = nothing;
    try {
      await withPool(async (pool) => {
        await expect(fit('six==1.17.0 --hash=sha256:00\n', pool)).rejects.toMatchObject({
          type: 'EngineMissing',
          message:
            "The packages of the script packaged can't be had (there is no python3 on PATH); see that python3 has pip and reaches its package index, or correct requirements.txt.",
        });
        await expect(
          fit('six==1.17.0 --hash=sha256:00\n', pool, { setUpBy: 'perdure setup loans' }),
        ).rejects.toMatchObject({
          type: 'EngineMissing',
          message:
            'The packages of the script packaged are not installed, and there is no python3 on PATH; install Python 3 with pip, and run `perdure setup loans` where it trains to have it.',
        });
        const version = await pool.version('script', script('six==1.17.0\n'));
        expect(version).toMatch(/^script packaged [0-9a-f]{16}, Python absent, six 1\.17\.0$/);
      });
    } finally {
      process.env.PATH = PATH;
    }
  });
});
