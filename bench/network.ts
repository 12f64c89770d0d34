import { cp, readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { availableParallelism, totalmem } from 'node:os';
import type { TaskSpec } from '../src/contracts/index.js';
import { variables } from '../src/environment.js';
import { createEnginePool } from '../src/ml/engines/hostPool.js';
import type { FitRequest } from '../src/ml/engines/pool.js';
import { taskOf } from '../src/ml/tasks/task.js';
import { packageFolder } from '../src/package.js';
import { readColumns } from '../src/platform/files/parquet.js';
import { limitsOf } from '../src/platform/resources/limits.js';
import { measure } from './processTree.js';
import type { Section } from './section.js';

const SEEDS = 10;
const SPLITS = ['validation', 'test'] as const;
const METRICS = ['roc_auc', 'accuracy', 'log_loss'] as const;
const SIDES = ['mlp', 'pytorch'] as const;
/** As in the parameters of mlp that hold by default. */
const VALIDATION_SHARE = 0.15;

interface Metadata {
  task: TaskSpec;
  features: string[];
  label: string;
  splits: Record<string, { rows: number }>;
}

/**
 * The network of the pipeline ctr as Perdure's own estimator and as the script for PyTorch, on the same rows with the same
 * parameters and ten seeds each. A Python that has torch, pandas and pyarrow may be named in PERDURE_TORCH_PYTHON.
 */
export const network: Section = {
  title: 'A neural network: mlp against PyTorch, ten seeds',
  async run(_pipeline, folder, tell) {
    tell('the pipeline ctr');
    await measure(process.execPath, [join(packageFolder(), 'dist', 'src', 'cli', 'main.js'), 'run', 'ctr'], {
      cwd: folder,
      env: { ...process.env, PERDURE_STORE: join(folder, 'store') },
      codes: [0, 3, 4],
    });
    const datasets = join(folder, 'store', 'ctr-datamart', 'gold', 'preprocessed');
    const dataset = join(
      datasets,
      (await readdir(datasets)).find((name) => name.startsWith('train_data_'))!,
    );
    const { task, features, label, splits } = JSON.parse(
      await readFile(join(dataset, 'metadata.json'), 'utf8'),
    ) as Metadata;
    const pathOf = (split: string) => join(dataset, `${split}_processed.parquet`);

    const script = join(folder, 'pytorch');
    await cp(join(packageFolder(), 'conf', 'scripts', 'pytorch'), script, { recursive: true });
    const python = variables().PERDURE_TORCH_PYTHON ?? 'python3';
    await writeFile(join(script, 'run.sh'), `exec ${python} network.py "$@"\n`);

    const memory = Math.min(totalmem() / 2, 8 * 2 ** 30);
    const engines = createEnginePool(limitsOf({ cpus: availableParallelism(), memory }).engines);
    const never = new AbortController().signal;
    const found: Record<string, number[]> = {};
    const seconds: Record<string, number> = { mlp: 0, pytorch: 0 };
    try {
      for (let seed = 0; seed < SEEDS; seed++)
        for (const side of SIDES) {
          const modelPath = join(folder, `${side}.model`);
          const program = { name: 'pytorch', folder: script, command: ['sh', 'run.sh'], timeout_seconds: 600 };
          const request: FitRequest = {
            train: { path: pathOf('train'), checksum: 'train', features, label, rows: splits.train!.rows },
            task,
            params: {},
            seed,
            modelPath,
            ...(side === 'mlp'
              ? { estimator: 'mlp' }
              : { estimator: 'script', script: { ...program, validation_share: VALIDATION_SHARE } }),
          };
          seconds[side]! += (await engines.fit(request, never)).seconds / SEEDS;
          for (const split of SPLITS) {
            const path = pathOf(split);
            const output = await engines.predict({ modelPath, task, data: { path, features } }, never);
            const [labels] = await readColumns(path, [label]);
            const metrics = taskOf(task).metrics(labels as Float64Array, output, 0.5);
            for (const metric of METRICS) (found[`${side} ${split} ${metric}`] ??= []).push(metrics[metric] as number);
          }
          tell(`seed ${seed}, ${side}`);
        }
    } finally {
      await engines.close();
    }
    return [
      'split       metric      mlp, mean (deviation)  PyTorch, mean (deviation)  difference  twice its standard error',
      ...SPLITS.flatMap((split) =>
        METRICS.map((metric) => {
          const [ours, theirs] = SIDES.map((side) => moments(found[`${side} ${split} ${metric}`]!)) as [
            Moments,
            Moments,
          ];
          const error = 2 * Math.sqrt((ours.deviation ** 2 + theirs.deviation ** 2) / SEEDS);
          const text = ({ mean, deviation }: Moments) => `${mean.toFixed(4)} (${deviation.toFixed(4)})`;
          return `${split.padEnd(11)} ${metric.padEnd(11)} ${text(ours).padEnd(22)} ${text(theirs).padEnd(26)} ${(ours.mean - theirs.mean).toFixed(4).padStart(10)}  ${error.toFixed(4)}`;
        }),
      ),
      `A training took ${seconds.mlp!.toFixed(1)} s, and ${seconds.pytorch!.toFixed(1)} s with PyTorch, its start included.`,
    ];
  },
};

interface Moments {
  mean: number;
  deviation: number;
}

function moments(values: number[]): Moments {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, deviation: Math.sqrt(squares / (values.length - 1)) };
}
