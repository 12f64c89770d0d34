import '@tensorflow/tfjs-backend-wasm';
import { setBackend } from '@tensorflow/tfjs-core';
import { readFileSync } from 'node:fs';
import { beforeAll, expect, test } from 'vitest';
import type { TaskSpec } from '../../src/contracts/index.js';
import { initialAdam, stepAdam } from '../../src/ml/engines/network/adam.js';
import { arraysOf, backpropagate, type Layer } from '../../src/ml/engines/network/layers.js';
import { lossOf } from '../../src/ml/engines/network/losses.js';
import { Mt19937 } from '../../src/ml/mt19937.js';

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

function expectClose(values: ArrayLike<number>, wanted: ArrayLike<number>): void {
  expect(values).toHaveLength(wanted.length);
  for (let at = 0; at < wanted.length; at++) expect(Math.abs(values[at]! - wanted[at]!)).toBeLessThan(1e-5);
}
