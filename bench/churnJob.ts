import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { AlgorithmTrained } from '../src/contracts/index.js';
import { packageFolder } from '../src/package.js';
import { GIB } from '../src/platform/resources/resources.js';
import { measure, type Measured } from './processTree.js';
import { churnPython } from './python.js';
import type { Section } from './section.js';

/** What `perdure run` ends with where the promotion gate refuses the best: the documented limits can't all be met. */
const REFUSED = 4;

/**
 * The whole of the churn pipeline, server and start-up included, against a Python script of the same steps. The job of
 * Perdure also registers and tests its versions, explains the forest, writes its page, and can be killed anywhere.
 */
export const churnJob: Section = {
  title: 'The whole churn job, against a Python script of the same steps (Optuna, scikit-learn)',
  async run(_pipeline, folder, tell) {
    const csv = join(process.env.PERDURE_BENCH_DATA ?? '', 'churn', 'Telco-Customer-Churn.csv');
    if (!existsSync(csv)) return ['The churn data was left out: PERDURE_BENCH_DATA names no folder that has it.'];
    const python = await churnPython();
    const conf = join(packageFolder(), 'conf');
    tell('the script');
    const script = await measure(
      python,
      [join(packageFolder(), 'bench', 'churnScript.py'), csv, join(conf, 'pipelines', 'churn')],
      { cwd: folder, whole: true },
    );
    tell('Perdure');
    const main = join(packageFolder(), 'dist', 'src', 'cli', 'main.js');
    const ours = await measure('node', [main, 'run', 'churn', '--csv', csv, '--json'], {
      cwd: folder,
      whole: true,
      codes: [0, REFUSED],
    });
    return [
      'run         seconds   of the script   peak, GiB   candidates   ROC AUC, test rows',
      line('script', script, script, JSON.parse(script.stdout) as Found),
      line('Perdure', ours, script, foundBy(ours.stdout)),
      'The script validates by Great Expectations, tunes by TPE with two candidates at once, and measures what the job does but for the SHAP values of the forest; its samples of parameters are others.',
    ];
  },
};

interface Found {
  candidates: number;
  roc_auc: Record<string, number>;
}

function foundBy(stdout: string): Found {
  const { training } = JSON.parse(stdout) as { training: { algorithms: Record<string, AlgorithmTrained> } };
  const trained = Object.entries(training.algorithms);
  return {
    candidates: trained.reduce((sum, [, { search }]) => sum + search.candidates, 0),
    roc_auc: Object.fromEntries(trained.map(([name, { test }]) => [name, test?.roc_auc ?? NaN])),
  };
}

function line(name: string, run: Measured, script: Measured, { candidates, roc_auc }: Found): string {
  return [
    name.padEnd(9),
    run.seconds.toFixed(1).padStart(9),
    (run.seconds / script.seconds).toFixed(2).padStart(15),
    ((run.peaks.whole ?? NaN) / GIB).toFixed(2).padStart(11),
    String(candidates).padStart(12),
    `  ${Object.entries(roc_auc)
      .map(([estimator, score]) => `${estimator} ${score.toFixed(4)}`)
      .join(', ')}`,
  ].join(' ');
}
