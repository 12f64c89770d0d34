import '@tensorflow/tfjs-backend-wasm';
import { setBackend } from '@tensorflow/tfjs-core';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { TaskSpec } from '../../src/contracts/index.js';
import { initialAdam, stepAdam } from '../../src/ml/engines/network/adam.js';
import { arraysOf, backpropagate, type Layer } from '../../src/ml/engines/network/layers.js';
import { createEnginePool } from '../../src/ml/engines/hostPool.js';
import { lossOf } from '../../src/ml/engines/network/losses.js';
import { fromOnnx, toOnnx } from '../../src/ml/engines/network/onnx.js';
import { Mt19937 } from '../../src/ml/mt19937.js';
import { writeColumns } from '../../src/platform/files/parquet.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

interface StoredLayer {
  inputs: number;
  outputs: number;
  weights: number[];
  bias: number[];
}

/** What PyTorch made of the same networks, rows and labels (make_network_fixtures.py). */
const expected = JSON.parse(readFileSync(new URL('fixtures/networks.json', import.meta.url), 'utf8')) as {
  steps: number;
  lr: number;
  weight_decay: number;
  inputs: number[];
  cases: { task: TaskSpec; labels: number[]; before: StoredLayer[]; after: StoredLayer[]; losses: number[] }[];
};

beforeAll(() => setBackend('wasm'));

test.each(expected.cases)('a network of $task learns as in PyTorch', ({ task, labels, before, after, losses }) => {
  const layers = before.map((layer): Layer => ({
    ...layer,
    weights: Float32Array.from(layer.weights),
    bias: Float32Array.from(layer.bias),
  }));
  // The labels are in the units that are learned.
  const loss = lossOf(task, labels);
  const adam = initialAdam(arraysOf(layers));
  const inputs = Float32Array.from(expected.inputs);
  const told: number[] = [];
  for (let step = 0; step < expected.steps; step++) {
    let total = 0;
    const dropout = { dropout: 0, random: new Mt19937(0) };
    const gradients = backpropagate(layers, inputs, labels.length, dropout, (said) => {
      const gradient = new Float32Array(said.length);
      labels.forEach((label, row) => (total += loss.row(said, row * loss.outputs, label, gradient)));
      return gradient.map((value) => value / labels.length);
    });
    stepAdam(arraysOf(layers), gradients, adam, { rate: expected.lr, decay: expected.weight_decay });
    told.push(total / labels.length);
  }
  expectClose(told, losses);
  after.forEach(({ weights, bias }, at) => {
    expectClose(layers[at]!.weights, weights);
    expectClose(layers[at]!.bias, bias);
  });
});

/** The same networks as ONNX, and what ONNX Runtime says of the inputs, of which one is missing (make_onnx_fixtures.py). */
const onnx = JSON.parse(readFileSync(new URL('fixtures/onnx.json', import.meta.url), 'utf8')) as {
  models: { task: TaskSpec; onnx: string; said: number[] }[];
};

describe('an ONNX file', () => {
  const folder = temporaryFolder(afterAll);
  const pool = createEnginePool({ hosts: 1, memory: 2 ** 28 });
  afterAll(() => pool.close());

  test.each(onnx.models)('of $task says what ONNX Runtime says of it', async ({ task, onnx: file, said }) => {
    const bytes = Buffer.from(file, 'base64');
    const { layers, facts } = fromOnnx(bytes);
    expect(Buffer.from(toOnnx(layers, lossOf(task, []).activation, facts)).equals(bytes)).toBe(true);

    const [path, modelPath] = [join(folder, 'rows.parquet'), join(folder, `${said.length} ${said[0]}.onnx`)];
    const features = ['a', 'b', 'c'];
    const inputs = Float32Array.from(expected.inputs);
    inputs[1] = NaN;
    const column = (of: number) => inputs.filter((_, at) => at % features.length === of);
    await writeColumns(path, { a: column(0), b: column(1), c: column(2) });
    writeFileSync(modelPath, bytes);
    const { values } = await pool.predict({ modelPath, task, data: { path, features } }, new AbortController().signal);
    expectClose(values, said);
  });
});

function expectClose(values: ArrayLike<number>, wanted: ArrayLike<number>): void {
  expect(values).toHaveLength(wanted.length);
  for (let at = 0; at < wanted.length; at++) expect(Math.abs(values[at]! - wanted[at]!)).toBeLessThan(1e-5);
}
