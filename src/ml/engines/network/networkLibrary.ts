import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-wasm';
import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { Progress } from '../../../contracts/index.js';
import type { TaskSpec } from '../../../contracts/task.js';
import { PerdureError, messageOf } from '../../../errors.js';
import type { DataNeeds, TrainingRecipe } from '../../estimators/estimator.js';
import type { Dataset, Features, Library, Matrix, Model, Rows, TrainingStep, TrainingWork } from '../binding.js';
import { checkpointFolder } from '../checkpointFolder.js';
import { sha256Of } from '../digest.js';
import { apart } from '../validationRows.js';
import { forward, type Layer } from './layers.js';
import { lossOf, type Loss } from './losses.js';
import { fromOnnx, toOnnx } from './onnx.js';
import { trainNetwork, withoutMissing, type NetworkSettings, type RowsOf } from './training.js';

/** Numbers that a training holds for each weight: itself, its best, two means, the gradient, and what the backend makes of them. */
const NUMBERS_PER_WEIGHT = 12;

/** What a model's file says of it beside its layers. */
const modelFacts = z.object({
  format: z.literal(1),
  task: z.custom<TaskSpec>((task) => typeof task === 'object'),
  features: z.array(z.string()),
});
type ModelFacts = z.infer<typeof modelFacts>;

/** Multilayer perceptrons, whose sums TensorFlow.js does in WebAssembly. */
export class NetworkLibrary implements Library {
  private constructor(private readonly onProgress: (progress: Progress) => void) {}

  /** @throws PerdureError `EngineMissing` where WebAssembly can't be had */
  static async open(onProgress: (progress: Progress) => void): Promise<NetworkLibrary> {
    try {
      if (await tf.setBackend('wasm')) return new NetworkLibrary(onProgress);
    } catch (error) {
      throw missing(messageOf(error));
    }
    throw missing('WebAssembly is not there');
  }

  version(): string {
    return `tfjs ${tf.version_core}`;
  }

  dataset(matrix: Matrix, _features: string[], { validation }: DataNeeds): Dataset {
    return new NetworkRows(matrix, validation);
  }

  rows(features: Features): FeatureRows {
    return { count: features.rows, features, free: () => undefined };
  }

  async train(dataset: Dataset, features: string[], recipe: TrainingRecipe, work: TrainingWork): Promise<Model> {
    const { task, memory } = work;
    const settings = settingsOf(recipe, work);
    const rows = dataset as NetworkRows;
    const { train, validation } = rows.divided(task.task !== 'regression');
    const loss = lossOf(task, valuesAt(train));
    const weights = countWeights([features.length, ...settings.hidden, loss.outputs]);
    const bytes = weights * NUMBERS_PER_WEIGHT * Float32Array.BYTES_PER_ELEMENT;
    if (bytes > memory)
      throw new PerdureError(
        'ConfigInvalid',
        `A network of hidden_layer_sizes ${settings.hidden.join(',')} has ${weights} weights, which take ${Math.ceil(bytes / 1e6)} MB while it trains, and a fit has ${Math.floor(memory / 1e6)} MB; make the layers smaller, or give the worker more memory.`,
      );
    const key = sha256Of(
      JSON.stringify([this.version(), rows.digest(), features, task, settings, rows.validation ?? null]),
    );
    const checkpoint = checkpointFolder(key);
    const trained = await trainNetwork(train, validation, loss, settings, checkpoint, this.onProgress).finally(() =>
      checkpoint?.remove(),
    );
    const facts: ModelFacts = { format: 1, task, features };
    return new NetworkModel(unscaled(trained.layers, loss), loss, facts, trained.steps);
  }

  load(bytes: Uint8Array): Model {
    const { layers, facts } = fromOnnx(bytes);
    const read = modelFacts.parse(facts);
    return new NetworkModel(layers, lossOf(read.task, []), read, []);
  }
}

class NetworkModel implements Model {
  constructor(
    private readonly layers: readonly Layer[],
    private readonly loss: Loss,
    private readonly facts: ModelFacts,
    private readonly trained: readonly TrainingStep[],
  ) {}

  features(): string[] {
    return this.facts.features;
  }

  predict(rows: Rows): Float64Array {
    const { features, count } = rows as FeatureRows;
    const said = forward(this.layers, withoutMissing(features.values.slice()), count);
    const predicted = new Float64Array(said.length);
    for (let at = 0; at < said.length; at += this.loss.outputs) this.loss.response(said, at, predicted);
    return predicted;
  }

  contributions(): never {
    throw new PerdureError('EngineFailed', 'A neural network says no SHAP values.');
  }

  gain(): undefined {
    return undefined;
  }

  steps(): readonly TrainingStep[] {
    return this.trained;
  }

  save(): Uint8Array {
    return toOnnx(this.layers, this.loss.activation, this.facts);
  }

  free(): void {
    // It is all in JavaScript's heap.
  }
}

interface FeatureRows extends Rows {
  features: Features;
}

/** Rows to train on, and which of them are kept apart. */
class NetworkRows implements Dataset {
  private digested: string | undefined;

  constructor(
    private readonly matrix: Matrix,
    readonly validation: DataNeeds['validation'],
  ) {}

  /** Of too few rows none are kept apart. */
  divided(isClass: boolean): { train: RowsOf; validation: RowsOf | undefined } {
    const { matrix, validation } = this;
    const { train, test } = validation
      ? apart(matrix, isClass, validation)
      : { train: new Uint32Array(0), test: new Uint32Array(0) };
    if (train.length === 0)
      return {
        train: { matrix, rows: Uint32Array.from({ length: matrix.rows }, (_, row) => row) },
        validation: undefined,
      };
    return { train: { matrix, rows: train }, validation: { matrix, rows: test } };
  }

  digest(): string {
    const { values, labels } = this.matrix;
    return (this.digested ??= createHash('sha256').update(bytesOf(values)).update(bytesOf(labels)).digest('hex'));
  }

  free(): void {
    // It is all in JavaScript's heap.
  }
}

function settingsOf({ settings, rounds }: TrainingRecipe, { seed }: TrainingWork): NetworkSettings {
  const number = (name: string) => Number(settings[name]);
  return {
    hidden: String(settings.hidden_layer_sizes).split(',').map(Number),
    dropout: number('dropout'),
    rate: number('learning_rate_init'),
    decay: number('weight_decay'),
    batch: number('batch_size'),
    epochs: rounds,
    patience: number('n_iter_no_change'),
    seed,
  };
}

/** Layers that say the label's own units. */
function unscaled(layers: readonly Layer[], { unscaled: { factor, summand } }: Loss): Layer[] {
  return layers.map((layer, at) => {
    if (at < layers.length - 1) return layer;
    const { weights, bias } = layer;
    return { ...layer, weights: weights.map((w) => w * factor), bias: bias.map((b) => b * factor + summand) };
  });
}

function countWeights(sizes: readonly number[]): number {
  return sizes.slice(1).reduce((sum, outputs, at) => sum + (sizes[at]! + 1) * outputs, 0);
}

function* valuesAt({ matrix, rows }: RowsOf): Generator<number> {
  for (const row of rows) yield matrix.labels[row]!;
}

function bytesOf({ buffer, byteOffset, byteLength }: Float32Array | Float64Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

function missing(why: string): PerdureError {
  return new PerdureError(
    'EngineMissing',
    `TensorFlow.js can't be used here (${why}); leave mlp out, or use a build of Node.js with WebAssembly.`,
  );
}
