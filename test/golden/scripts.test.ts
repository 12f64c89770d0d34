import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Params, TaskSpec } from '../../src/contracts/index.js';
import { createEnginePool } from '../../src/ml/engines/hostPool.js';
import type { MatrixFile } from '../../src/ml/engines/pool.js';
import type { Script } from '../../src/ml/estimators/estimator.js';
import { packageFolder } from '../../src/package.js';
import { readColumns, writeColumns } from '../../src/platform/files/parquet.js';
import { runCommand } from '../../src/platform/programs/command.js';
import { catboostScript, sklearnScript } from '../../src/platform/setup/scripts.js';
import { variables } from '../../src/environment.js';
import { scriptsOfPipelines } from '../support/shippedScripts.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

const folder = temporaryFolder(afterAll);
const pool = createEnginePool({ hosts: 1, memory: 4 * 2 ** 30 });
afterAll(() => pool.close());
const never = new AbortController().signal;

const ROWS = 900;
const FEATURES = ['a', 'b', 'c'];
const train: MatrixFile = {
  path: join(folder, 'train.parquet'),
  checksum: 'examples',
  features: FEATURES,
  label: 'label',
  rows: ROWS,
};
const GRADES: TaskSpec = { task: 'multiclass', classes: ['A', 'B', 'C'] };

beforeAll(async () => {
  const a = Float32Array.from({ length: ROWS }, (_, i) => Math.sin(i));
  const b = Float32Array.from({ length: ROWS }, (_, i) => (i % 11 === 0 ? NaN : Math.cos(i * i)));
  const c = Float32Array.from({ length: ROWS }, (_, i) => i % 4);
  const label = Int8Array.from(a, (value, i) => (value + (b[i]! || 0) > 0.5 ? 2 : c[i]! > 1 ? 1 : 0));
  await writeColumns(train.path, { a, b, c, label });
});

function example(name: string, command: string[]): Script {
  return {
    name,
    folder: join(packageFolder(), 'conf', 'scripts', name),
    command,
    timeout_seconds: 300,
    validation_share: 0,
  };
}

/** What a script says of the rows that it was trained on. */
async function said(script: Script, params: Params, task = GRADES): Promise<Float64Array> {
  const modelPath = join(folder, `${script.name}.tar`);
  await pool.fit({ train, task, estimator: 'script', script, params, seed: 5, modelPath }, never);
  return (await pool.predict({ modelPath, task, data: { path: train.path, features: FEATURES } }, never)).values;
}

/** What the library itself says of them, called by a few lines of Python. */
async function saidByLibrary(python: string, lines: string): Promise<Float64Array> {
  const output = join(folder, 'library.parquet');
  const code = `import pandas as pd
rows = pd.read_parquet("${train.path}")
x, y = rows[["a", "b", "c"]], rows["label"]
${lines}
pd.DataFrame(said).add_prefix("p").to_parquet("${output}")`;
  execFileSync(python, ['-c', code], { env: { ...variables(), OMP_NUM_THREADS: '1' } });
  const columns = await readColumns(output, ['p0', 'p1', 'p2']);
  return Float64Array.from({ length: ROWS * 3 }, (_, at) => Number(columns[at % 3]![Math.floor(at / 3)]));
}

test('a pipeline that has one of them has it as it is in conf/scripts', async () => {
  const copies = Object.entries(await scriptsOfPipelines()).filter(([copy]) =>
    existsSync(join(packageFolder(), 'conf', 'scripts', basename(copy))),
  );
  expect(copies.length).toBeGreaterThan(0);
  for (const [copy, files] of copies)
    for (const file of files)
      expect(readFileSync(join(packageFolder(), file)), file).toEqual(
        readFileSync(join(packageFolder(), 'conf', 'scripts', basename(copy), relative(copy, file))),
      );
});

const catboost = await catboostScript.find();
describe.runIf(catboost)('the script for CatBoost', () => {
  test('predicts what CatBoost itself predicts with the same parameters', async () => {
    const params = { iterations: 40, depth: 4, learning_rate: 0.1 };
    expect(await said(example('catboost', ['python', 'catboost_model.py']), params)).toEqual(
      await saidByLibrary(
        catboost!.path,
        `from catboost import CatBoostClassifier
said = CatBoostClassifier(iterations=40, depth=4, learning_rate=0.1, random_seed=5, thread_count=1, verbose=False, allow_writing_files=False).fit(x, y).predict_proba(x)`,
      ),
    );
  });
});

const sklearn = await sklearnScript.find();
describe.runIf(sklearn)('the script for scikit-learn', () => {
  test('predicts what scikit-learn itself predicts with the same parameters', async () => {
    const params = { n_estimators: 20, min_samples_leaf: 5 };
    expect(await said(example('scikit_learn', ['python', 'sklearn_model.py']), params)).toEqual(
      await saidByLibrary(
        sklearn!.path,
        `from sklearn.ensemble import ExtraTreesClassifier
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
said = make_pipeline(SimpleImputer(), ExtraTreesClassifier(n_estimators=20, min_samples_leaf=5, random_state=5)).fit(x, y).predict_proba(x)`,
      ),
    );
  });
});

/** PyTorch is a gigabyte or more, so set-up leaves it: a Python that has it may be named. */
const python = variables().PERDURE_TORCH_PYTHON ?? 'python3';
const torch = await runCommand(python, ['-c', 'import torch, pandas, pyarrow'], { timeout: 120_000 });
if (!torch.ok)
  console.log(
    `The script for PyTorch is not tested: ${python} has no torch, pandas and pyarrow; name one in PERDURE_TORCH_PYTHON.`,
  );
describe.runIf(torch.ok)('the script for PyTorch', () => {
  test('learns, stops early, and makes the same model again', async () => {
    const copy = join(folder, 'pytorch');
    cpSync(join(packageFolder(), 'conf', 'scripts', 'pytorch'), copy, { recursive: true });
    writeFileSync(join(copy, 'run.sh'), `exec ${python} network.py "$@"\n`);
    const script = { ...example('pytorch', ['sh', 'run.sh']), folder: copy, validation_share: 0.2 };
    const first = await said(script, { max_iter: 15, n_iter_no_change: 3 });
    const labels = (await readColumns(train.path, ['label']))[0]!;
    const right = Array.from(labels as Int8Array, (label, row) => {
      const row3 = first.subarray(row * 3, row * 3 + 3);
      return row3.indexOf(Math.max(...row3)) === label;
    });
    expect(right.filter(Boolean).length).toBeGreaterThan(0.85 * ROWS);
    expect(await said(script, { max_iter: 15, n_iter_no_change: 3 })).toEqual(first);
  });
});
