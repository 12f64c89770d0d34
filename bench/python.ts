import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { cacheFolder } from '../src/platform/files/cacheFolder.js';
import { measure } from './processTree.js';

const ENGINES = ['scikit-learn==1.9.1', 'xgboost-cpu==3.2.0', 'lightgbm==4.7.0', 'optuna==5.0.0'];
const EXPECTATIONS = ['great_expectations==1.24.1', 'pandas==2.3.3'];

/** The interpreter with what the Python reference and the plain script need. */
export function referencePython(): Promise<string> {
  return pythonWith('bench-python', ['pandas', 'pyarrow', ...ENGINES]);
}

/** The interpreter with the packages that validation and drift are held against. */
export function checkingPython(): Promise<string> {
  return pythonWith('bench-checking-python', [...EXPECTATIONS, 'evidently==0.7.23', 'pyarrow']);
}

/** The interpreter with what the script of the churn job needs. */
export function churnPython(): Promise<string> {
  return pythonWith('bench-churn-python', [...EXPECTATIONS, ...ENGINES, 'pyarrow']);
}

/** The interpreter with Airflow. */
export function airflowPython(): Promise<string> {
  return pythonWith('bench-airflow', ['apache-airflow==2.10.5']);
}

/** The interpreter of a virtual environment with some packages, made once in the cache. */
async function pythonWith(name: string, packages: string[]): Promise<string> {
  const folder = join(cacheFolder(), name);
  const python = join(folder, 'bin', 'python');
  // Made when all of them are installed.
  const ready = join(folder, `ready-${createHash('sha256').update(packages.join()).digest('hex').slice(0, 12)}`);
  if (!existsSync(ready)) {
    const cwd = process.cwd();
    await measure('python3', ['-m', 'venv', '--clear', folder], { cwd });
    await measure(python, ['-m', 'pip', 'install', '--quiet', ...packages], { cwd });
    await measure('touch', [ready], { cwd });
  }
  return python;
}
