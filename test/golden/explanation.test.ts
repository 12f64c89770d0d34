import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { TaskSpec } from '../../src/contracts/index.js';
import { createEnginePool } from '../../src/ml/engines/hostPool.js';
import { writeColumns } from '../../src/platform/files/parquet.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

/** Made by `fixtures/make_explanation_fixtures.py`. */
interface Expected {
  features: string[];
  rows: number[];
  shown: number;
  linear: Record<'binary' | 'multiclass', { model: string; contributions: number[]; bases: number[] }>;
  forest: { contributions: number[]; predictions: number[] };
  gains: Record<'xgboost' | 'lightgbm', { model: string; gain: number[] }>;
}

const FIXTURES = fileURLToPath(new URL('fixtures', import.meta.url));
const expected = JSON.parse(readFileSync(join(FIXTURES, 'explanation.json'), 'utf8')) as Expected;
const { features, shown } = expected;
const width = features.length + 1;
const count = expected.rows.length / features.length;
const column = (of: number) =>
  Float32Array.from({ length: count }, (_, row) => expected.rows[row * features.length + of]!);

const folder = temporaryFolder(afterAll);
const path = join(folder, 'rows.parquet');
const pool = createEnginePool({ hosts: 1, memory: 2 ** 30 });
const never = new AbortController().signal;
const TASKS = {
  binary: { task: 'binary', classes: ['0', '1'] },
  multiclass: { task: 'multiclass', classes: ['0', '1', '2'] },
} satisfies Record<string, TaskSpec>;
afterAll(() => pool.close());
beforeAll(() => writeColumns(path, Object.fromEntries(features.map((name, i) => [name, column(i)]))));

function written(name: string, hex: string): string {
  const modelPath = join(folder, name);
  writeFileSync(modelPath, Buffer.from(hex, 'hex'));
  return modelPath;
}

function expectNear(actual: ArrayLike<number>, wanted: number[], tolerance: number): void {
  expect(actual).toHaveLength(wanted.length);
  wanted.forEach((value, i) => expect(Math.abs(actual[i]! - value)).toBeLessThanOrEqual(tolerance));
}

/** Numbers of the features, and apart from them what they are counted from. */
function taken(contributions: Float64Array): { ofFeatures: Float64Array; bases: Float64Array } {
  return {
    ofFeatures: contributions.filter((_, at) => at % width < features.length),
    bases: contributions.filter((_, at) => at % width === features.length),
  };
}

describe.each(Object.entries(expected.linear))(
  'a linear model of a %s task',
  (kind, { model, contributions, bases }) => {
    test("has the SHAP values of shap's LinearExplainer to 1e-9, counted from the training rows", async () => {
      const means = features.map((_, i) => column(i).reduce((sum, value) => sum + value, 0) / count);
      const modelPath = written(`linear-${kind}`, model);
      const said = await pool.contributions(
        { modelPath, task: TASKS[kind as 'binary'], data: { path, features, limit: shown }, background: means },
        never,
      );
      const found = taken(said);
      expectNear(found.ofFeatures, contributions, 1e-9);
      // The start score of every class, which shap doesn't know of, is 0.5 for several classes and 0 for two.
      const start = kind === 'multiclass' ? 0.5 : 0;
      expectNear(
        found.bases.subarray(0, bases.length),
        bases.map((base) => base + start),
        1e-6,
      );
      expect(await pool.gain({ modelPath, features }, never)).toBeUndefined();
    });
  },
);

test("a forest of several classes has the SHAP values of shap's TreeExplainer, which add up to what it says", async () => {
  const modelPath = join(FIXTURES, 'multiclass_forest.ubj');
  const request = { modelPath, task: TASKS.multiclass, data: { path, features, limit: shown } };
  const said = await pool.contributions(request, never);
  expectNear(taken(said).ofFeatures, expected.forest.contributions, 1e-6);
  const { values } = await pool.predict(request, never);
  values.forEach((value, at) => {
    const sum = said.subarray(at * width, (at + 1) * width).reduce((total, part) => total + part, 0);
    expect(sum).toBeCloseTo(value, 5);
  });
  expectNear(values, expected.forest.predictions, 1e-6);
});

test.each(Object.entries(expected.gains))(
  'gains of %s are those that its Python package gives',
  async (name, { model, gain }) => {
    const found = await pool.gain({ modelPath: written(`gain-${name}`, model), features }, never);
    gain.forEach((value, i) => expect(Math.abs(found![i]! - value)).toBeLessThanOrEqual(1e-6 * value));
  },
);
