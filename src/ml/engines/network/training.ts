import { setImmediate } from 'node:timers/promises';
import { countOf, type Progress } from '../../../contracts/index.js';
import { PerdureError } from '../../../errors.js';
import { Mt19937 } from '../../mt19937.js';
import type { Matrix, TrainingStep } from '../binding.js';
import type { CheckpointFolder } from '../checkpointFolder.js';
import { initialAdam, stepAdam, type AdamState } from './adam.js';
import { readCheckpoint, writeCheckpoint } from './checkpoint.js';
import { arraysOf, backpropagate, copied, forward, initialLayers, type Layer } from './layers.js';
import type { Loss } from './losses.js';

/** Rows of a matrix, by their positions. */
export interface RowsOf {
  matrix: Matrix;
  rows: Uint32Array;
}

export interface NetworkSettings {
  /** Units of each hidden layer. */
  hidden: number[];
  dropout: number;
  rate: number;
  decay: number;
  batch: number;
  epochs: number;
  /** Epochs without a better loss of the validation rows after which it ends. */
  patience: number;
  seed: number;
}

/** All that a training is after an epoch. */
interface State {
  layers: Layer[];
  adam: AdamState;
  epoch: number;
  best: { layers: Layer[]; loss: number };
  /** Epochs since the best one. */
  waited: number;
  steps: TrainingStep[];
}

/** Rows whose loss is measured at a time. */
const MEASURED = 4096;

export interface TrainedNetwork {
  layers: Layer[];
  steps: TrainingStep[];
}

/**
 * Trains a network by mini-batches. The best epoch by the validation rows is the network, without such rows the last one.
 * All that is random follows from the seed and the number of the epoch, so that an attempt that goes on after one makes the same bits.
 *
 * @param onEpoch hears how far it is
 * @throws PerdureError `EngineFailed` where the loss is no number any more
 */
export async function trainNetwork(
  train: RowsOf,
  validation: RowsOf | undefined,
  loss: Loss,
  settings: NetworkSettings,
  checkpoint: CheckpointFolder | undefined,
  onEpoch: (progress: Progress) => void,
): Promise<TrainedNetwork> {
  const seeds = seedsOf(settings);
  const state = readCheckpoint<State>(checkpoint) ?? initialState(train.matrix, loss, settings, seeds.layers);
  while (state.epoch < settings.epochs && state.waited < settings.patience) {
    const trainLoss = trainEpoch(train, loss, settings, state, new Mt19937(seeds.epochs[state.epoch]!));
    state.epoch++;
    const validationLoss = validation && meanLoss(validation, loss, state.layers);
    const judged = validationLoss ?? trainLoss;
    refuseDiverged(judged, state.epoch);
    if (validationLoss === undefined || validationLoss < state.best.loss) {
      state.best = { layers: copied(state.layers), loss: judged };
      state.waited = 0;
    } else state.waited++;
    const metrics = { train_loss: trainLoss, ...(validationLoss !== undefined && { validation_loss: validationLoss }) };
    state.steps.push({ step: state.epoch, metrics });
    writeCheckpoint(checkpoint, state);
    onEpoch({ what: 'epochs', done: state.epoch, total: settings.epochs });
    // Lets what is told go out.
    await setImmediate();
  }
  // The loss of the last steps' batches was that of the network before each of them.
  if (!validation) refuseDiverged(meanLoss(train, loss, state.layers), state.epoch);
  return { layers: state.best.layers, steps: state.steps };
}

function refuseDiverged(loss: number, epochs: number): void {
  if (Number.isFinite(loss)) return;
  throw new PerdureError(
    'EngineFailed',
    `The fit of the network has diverged: its loss is no number after ${countOf(epochs, 'epoch')}; lower learning_rate_init, or have the transforms scale its columns.`,
  );
}

function initialState({ columns }: Matrix, { outputs }: Loss, { hidden }: NetworkSettings, seed: number): State {
  const layers = initialLayers([columns, ...hidden, outputs], new Mt19937(seed));
  const best = { layers: copied(layers), loss: Infinity };
  return { layers, adam: initialAdam(arraysOf(layers)), epoch: 0, best, waited: 0, steps: [] };
}

/** Seeds of the first layers and of each epoch, the same whichever epoch an attempt begins with. */
function seedsOf({ seed, epochs }: NetworkSettings): { layers: number; epochs: number[] } {
  const random = new Mt19937(seed);
  return { layers: random.uint32(), epochs: Array.from({ length: epochs }, () => random.uint32()) };
}

/** Every row once, in an order of this epoch. Returns the mean loss of the batches as they came, dropout included. */
function trainEpoch(
  { matrix, rows }: RowsOf,
  loss: Loss,
  { batch, dropout, rate, decay }: NetworkSettings,
  { layers, adam }: State,
  random: Mt19937,
): number {
  const order = random.shuffle(rows.slice());
  const arrays = arraysOf(layers);
  let total = 0;
  for (let start = 0; start < order.length; start += batch) {
    const chosen = order.subarray(start, start + batch);
    const labels = learned(matrix, chosen, loss);
    const gradients = backpropagate(layers, inputs(matrix, chosen), chosen.length, { dropout, random }, (said) => {
      const gradient = new Float32Array(said.length);
      labels.forEach((label, row) => (total += loss.row(said, row * loss.outputs, label, gradient)));
      return gradient.map((value) => value / chosen.length);
    });
    stepAdam(arrays, gradients, adam, { rate, decay });
  }
  return total / order.length;
}

function meanLoss({ matrix, rows }: RowsOf, loss: Loss, layers: readonly Layer[]): number {
  let total = 0;
  for (let start = 0; start < rows.length; start += MEASURED) {
    const chosen = rows.subarray(start, start + MEASURED);
    const said = forward(layers, inputs(matrix, chosen), chosen.length);
    learned(matrix, chosen, loss).forEach((label, row) => (total += loss.row(said, row * loss.outputs, label)));
  }
  return total / rows.length;
}

/** The columns of rows; a missing value is 0. */
export function inputs({ values, columns }: Pick<Matrix, 'values' | 'columns'>, rows: Uint32Array): Float32Array {
  const chosen = new Float32Array(rows.length * columns);
  rows.forEach((row, at) => chosen.set(values.subarray(row * columns, (row + 1) * columns), at * columns));
  return withoutMissing(chosen);
}

/** In place. */
export function withoutMissing(values: Float32Array): Float32Array {
  for (let at = 0; at < values.length; at++) if (Number.isNaN(values[at])) values[at] = 0;
  return values;
}

function learned({ labels }: Matrix, rows: Uint32Array, { shift, scale }: Loss): Float64Array {
  return Float64Array.from(rows, (row) => (labels[row]! - shift) / scale);
}
