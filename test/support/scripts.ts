import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Params } from '../../src/contracts/index.js';
import type { Script } from '../../src/ml/estimators/estimator.js';
import { packageFolder } from '../../src/package.js';

/** What scripts for tests read and write Parquet with. */
export const PARQUET = pathToFileURL(join(packageFolder(), 'dist', 'src', 'platform', 'files', 'parquet.js')).href;

/** The algorithm `centroids` of a model config whose pipeline has that script in its folder. */
export const CENTROIDS = {
  estimator: 'script',
  script: { folder: 'centroids', command: ['node', 'centroids.mjs'] },
  timeout_hours: 1,
  param_distributions: { parquet: [PARQUET], shrinkage: [0, 0.5] },
  params: { parquet: PARQUET },
};

/** The script `centroids` in a folder of its own; its parameters say how it misbehaves. */
export function centroids(folder: string, change: Partial<Script> = {}): Script {
  const copy = join(folder, 'centroids');
  cpSync(join(packageFolder(), 'test', 'fixtures', 'scripts', 'centroids'), copy, { recursive: true });
  return {
    name: 'centroids',
    folder: copy,
    command: ['node', 'centroids.mjs'],
    timeout_seconds: 60,
    validation_share: 0,
    ...change,
  };
}

export function withParquet(params: Params = {}): Params {
  return { ...params, parquet: PARQUET };
}
