import { join } from 'node:path';
import { packageFolder } from '../../package.js';
import { foundEnvironment, pythonEnvironment } from '../programs/pythonEnvironment.js';
import type { Tool } from './tool.js';

/** The Python packages of a script in `conf/scripts`, in the environment that the script itself would get; for tests alone. */
function scriptPackages(folder: string, name: string): Tool {
  const requirements = join(packageFolder(), 'conf', 'scripts', folder, 'requirements.txt');
  return {
    name,
    purpose: 'the tests of its script',
    testsOnly: true,
    optional: true,
    remedy: 'see that python3 is 3.11 to 3.13, has pip and reaches its package index',
    async find() {
      const environment = await foundEnvironment(requirements);
      return environment && { path: join(environment.bin, 'python'), version: environment.version };
    },
    async install(tell) {
      await pythonEnvironment(requirements, (line) => tell(`${name}: ${line}`));
    },
  };
}

export const catboostScript = scriptPackages('catboost', 'catboost');
export const sklearnScript = scriptPackages('scikit_learn', 'scikit-learn');
