import * as tf from '@tensorflow/tfjs-core';
import type { Mt19937 } from '../../mt19937.js';

/** A dense layer: weights of inputs x outputs, row by row, and a bias per output. */
export interface Layer {
  inputs: number;
  outputs: number;
  weights: Float32Array;
  bias: Float32Array;
}

/** Rows that are predicted at a time. Whole blocks alone, so that a row's prediction doesn't depend on how many others stand beside it. */
const BLOCK = 64;

/** Layers that are drawn as PyTorch draws those of `nn.Linear`: uniform from -1 to 1, by the square root of the inputs. */
export function initialLayers(sizes: readonly number[], random: Mt19937): Layer[] {
  return sizes.slice(1).map((outputs, at) => {
    const inputs = sizes[at]!;
    const bound = 1 / Math.sqrt(inputs);
    const draw = () => (2 * random.double() - 1) * bound;
    return {
      inputs,
      outputs,
      weights: new Float32Array(inputs * outputs).map(draw),
      bias: new Float32Array(outputs).map(draw),
    };
  });
}

/** Copies of the numbers of layers, layer by layer weights and bias. */
export function copied(layers: readonly Layer[]): Layer[] {
  return layers.map((layer) => ({ ...layer, weights: layer.weights.slice(), bias: layer.bias.slice() }));
}

/** Arrays of a network's numbers, layer by layer weights and bias. */
export function arraysOf(layers: readonly Layer[]): Float32Array[] {
  return layers.flatMap(({ weights, bias }) => [weights, bias]);
}

/** Derivatives of a batch's loss, aligned with {@link arraysOf}. */
export type Gradients = Float32Array[];

/**
 * One batch forward and backward.
 *
 * @param inputs rows x inputs of the first layer
 * @param dropout share of the hidden units that are left out, drawn for each row and layer; the others count for more instead
 * @param lossGradient of the loss by what the last layer says, rows x its outputs
 */
export function backpropagate(
  layers: readonly Layer[],
  inputs: Float32Array,
  rows: number,
  { dropout, random }: { dropout: number; random: Mt19937 },
  lossGradient: (said: Float32Array) => Float32Array,
): Gradients {
  const gradients: Gradients[] = [];
  tf.tidy(() => {
    const weights = layers.map((layer) => tf.tensor2d(layer.weights, [layer.inputs, layer.outputs]));
    const reached: tf.Tensor2D[] = [tf.tensor2d(inputs, [rows, layers[0]!.inputs])];
    const gates: tf.Tensor2D[] = [];
    layers.slice(0, -1).forEach(({ outputs, bias }, at) => {
      const active = tf.fused.matMul({ a: reached[at]!, b: weights[at]!, bias: tf.tensor1d(bias), activation: 'relu' });
      const kept = tf.tensor2d(keptUnits(rows * outputs, dropout, random), [rows, outputs]);
      gates.push(tf.mul(tf.cast(tf.greater(active, 0), 'float32'), kept));
      reached.push(tf.mul(active, kept));
    });
    const last = layers.length - 1;
    const said = tf.fused.matMul({ a: reached[last]!, b: weights[last]!, bias: tf.tensor1d(layers[last]!.bias) });
    let delta = tf.tensor2d(lossGradient(floats(said)), [rows, layers[last]!.outputs]);
    for (let at = last; at >= 0; at--) {
      // The backend multiplies what is transposed before several times as fast as what it is told to transpose.
      gradients[at] = [floats(tf.matMul(tf.transpose(reached[at]!), delta)), floats(tf.sum(delta, 0))];
      if (at > 0) delta = tf.mul(tf.matMul(delta, tf.transpose(weights[at]!)), gates[at - 1]!);
    }
  });
  return gradients.flat();
}

/** What the last layer says of rows, without dropout: rows x its outputs. */
export function forward(layers: readonly Layer[], values: Float32Array, rows: number): Float32Array {
  const [inputs, outputs] = [layers[0]!.inputs, layers.at(-1)!.outputs];
  const said = new Float32Array(rows * outputs);
  const held = layers.map((layer) => ({
    weights: tf.tensor2d(layer.weights, [layer.inputs, layer.outputs]),
    bias: tf.tensor1d(layer.bias),
  }));
  try {
    for (let start = 0; start < rows; start += BLOCK) {
      const block = new Float32Array(BLOCK * inputs);
      block.set(values.subarray(start * inputs, Math.min(rows, start + BLOCK) * inputs));
      tf.tidy(() => {
        let output = tf.tensor2d(block, [BLOCK, inputs]);
        held.forEach(({ weights: b, bias }, at) => {
          const activation = at < held.length - 1 ? 'relu' : 'linear';
          output = tf.fused.matMul({ a: output, b, bias, activation }) as tf.Tensor2D;
        });
        said.set(floats(output).subarray(0, Math.min(BLOCK, rows - start) * outputs), start * outputs);
      });
    }
    return said;
  } finally {
    for (const { weights, bias } of held) tf.dispose([weights, bias]);
  }
}

/** 0 for a unit that is left out, and for the others what keeps their sum. */
function keptUnits(count: number, dropout: number, random: Mt19937): Float32Array {
  if (dropout === 0) return new Float32Array(count).fill(1);
  const below = dropout * 2 ** 32;
  const weight = 1 / (1 - dropout);
  return new Float32Array(count).map(() => (random.uint32() < below ? 0 : weight));
}

/** A copy, as the backend's memory may move. */
function floats(tensor: tf.Tensor): Float32Array {
  return (tensor.dataSync() as Float32Array).slice();
}
