import { existsSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { loadPipeline } from '../src/config/load.js';
import { packageFolder } from '../src/package.js';
import type { AlgorithmTrained } from '../src/contracts/index.js';
import { configured } from './configuration.js';
import { measure } from './processTree.js';
import { referencePython } from './python.js';
import type { Section } from './section.js';

const SHARED = resolve(packageFolder(), '..', 'shared');

interface Run {
  seconds: number;
  cvScores: Record<string, number>;
}

/**
 * The whole job on the real file, from the start of the command to its end (server and workers included), against the
 * job as a script of pandas, scikit-learn and xgboost. All three runs sample the same 20 candidates from the same
 * spaces with the same seed, and score them on the same folds.
 */
export const wholeJob: Section = {
  title: 'The whole job on the real file, against the Python reference',
  async run(pipeline, folder, tell) {
    const { source } = (await loadPipeline(pipeline)).definition;
    const script = join(SHARED, 'bench', `${pipeline}_reference.py`);
    const csv = join(SHARED, 'data', pipeline, source.file);
    const missing = [script, csv].find((path) => !existsSync(path));
    if (missing) return [`not measured: ${missing} is not there.`];
    const python = await referencePython();

    tell('Perdure, every fit');
    const full = await perdure(pipeline, csv, join(folder, 'full'), false);
    tell('Perdure, racing');
    const racing = await perdure(pipeline, csv, join(folder, 'racing'), true);
    tell('the Python reference');
    const reference = await pythonReference(python, script, csv, join(folder, 'reference'));

    return [
      'run                  seconds   of the reference',
      row('Python reference', reference, reference),
      row('Perdure, every fit', full, reference),
      row('Perdure, racing', racing, reference),
      '',
      'best mean CV ROC AUC        every fit    racing   difference    reference',
      ...Object.entries(full.cvScores).map(([algorithm, score]) => {
        const raced = racing.cvScores[algorithm] ?? NaN;
        const theirs = reference.cvScores[algorithm] ?? NaN;
        return `${algorithm.padEnd(26)} ${score.toFixed(5).padStart(10)} ${raced.toFixed(5).padStart(9)} ${(score - raced).toFixed(5).padStart(12)} ${theirs.toFixed(4).padStart(12)}`;
      }),
    ];
  },
};

function row(name: string, { seconds }: Run, reference: Run): string {
  return `${name.padEnd(20)} ${seconds.toFixed(1).padStart(7)} ${(seconds / reference.seconds).toFixed(3).padStart(18)}`;
}

async function perdure(pipeline: string, csv: string, folder: string, racing: boolean): Promise<Run> {
  await mkdir(folder, { recursive: true });
  const conf = await configured(folder, pipeline, (config) => {
    // The reference searches balancing too, where the shipped config fixes it.
    config.training_config.class_weight = null;
    config.search.racing = racing;
  });
  const main = join(packageFolder(), 'dist', 'src', 'cli', 'main.js');
  const { seconds, stdout } = await measure('node', [main, 'run', pipeline, '--csv', csv, '--json'], {
    cwd: folder,
    env: { PERDURE_CONF: conf },
  });
  const { training } = JSON.parse(stdout) as { training: { algorithms: Record<string, AlgorithmTrained> } };
  const cvScores = Object.entries(training.algorithms).map(([name, { cv_score }]) => [name, cv_score]);
  return { seconds, cvScores: Object.fromEntries(cvScores) as Record<string, number> };
}

/** The reference's short names. */
const REFERENCE_NAMES = { logistic_regression: 'lr', random_forest: 'rf', xgboost: 'xgb' };

async function pythonReference(python: string, script: string, csv: string, folder: string): Promise<Run> {
  await mkdir(folder, { recursive: true });
  const { seconds } = await measure(python, [script, '--csv', csv, '--out', join(folder, 'out')], { cwd: folder });
  const results = JSON.parse(await readFile(join(folder, 'results.json'), 'utf8')) as {
    run: Record<string, { 'proper_scorer(proba AUC)': { cv: number } }>;
  };
  const cvScores = Object.entries(REFERENCE_NAMES).map(([name, short]) => [
    name,
    results.run[short]?.['proper_scorer(proba AUC)'].cv,
  ]);
  return { seconds, cvScores: Object.fromEntries(cvScores) as Record<string, number> };
}
