import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { writeColumns } from '../../src/platform/files/parquet.js';
import type { Estimator } from '../../src/ml/estimators/estimators.js';
import { temporaryFolder } from '../support/temporaryFolder.js';
import { tinyEngines } from '../support/tinyPipeline.js';

const folder = temporaryFolder(afterAll);
const engines = tinyEngines();
afterAll(() => engines.close());
const never = new AbortController().signal;

const ROWS = 300;
const task = { task: 'multiclass' as const, classes: ['a', 'b', 'c'] };
const features = ['x', 'y'];
const path = join(folder, 'rows.parquet');

async function fitted(
  estimator: Estimator,
): Promise<{ modelPath: string; task: typeof task; data: { path: string; features: string[] } }> {
  const x = Float32Array.from({ length: ROWS }, (_, row) => (row * 7919) % 101);
  const y = Float32Array.from({ length: ROWS }, (_, row) => (row * 104_729) % 97);
  await writeColumns(path, { x, y, label: Float64Array.from(x, (value) => Math.floor(value / 34)) });
  const modelPath = join(folder, `${estimator}.model`);
  const train = { path, features, label: 'label', rows: ROWS, checksum: 'rows' };
  await engines.fit({ train, task, estimator, params: { n_estimators: 5 }, seed: 1, modelPath }, never);
  return { modelPath, task, data: { path, features } };
}

test.each(['xgboost', 'random_forest'] as const)(
  'SHAP values of three classes by %s add up to what the classes are chosen by',
  async (estimator) => {
    const request = await fitted(estimator);
    const contributions = await engines.contributions(request, never);
    const { values } = await engines.predict(request, never);
    const width = features.length + 1;
    for (let row = 0; row < 5; row++) {
      const sums = [0, 1, 2].map((kind) =>
        contributions
          .subarray((3 * row + kind) * width, (3 * row + kind + 1) * width)
          .reduce((sum, part) => sum + part, 0),
      );
      // A forest's leaves have shares of the classes; of boosted trees the softmax of the sums is the prediction.
      const total = sums.reduce((sum, value) => sum + Math.exp(value), 0);
      const said = estimator === 'random_forest' ? sums : sums.map((sum) => Math.exp(sum) / total);
      said.forEach((value, kind) => expect(value).toBeCloseTo(values[3 * row + kind]!, 5));
    }
  },
);
