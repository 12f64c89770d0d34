import type { DataNeeds, TrainingRecipe } from '../estimators/estimator.js';
import {
  balancedWeights,
  type Dataset,
  type Features,
  type Library,
  type Matrix,
  type Model,
  type Rows,
  type TrainingWork,
} from './binding.js';
import { solveLinear, type LinearModel } from './linearSolver.js';
import { linearContributions } from './linearContributions.js';
import { explainedTrees, treeContributions, type ExplainedTrees } from './treeContributions.js';
import { packedTrees, treePredictions, type PackedTrees } from './treePredictions.js';
import { readTrees } from './trees.js';
import { XgBoost, type Booster, type DMatrix } from './xgboost.js';

/**
 * Features on the way to a leaf up to which the library says SHAP values to single precision. It has none of leaves with
 * several numbers, and beyond, what it says goes wrong without a word: of rows of 91 columns the values are off from what
 * they add up to by .00002 at 18 levels, by .002 at 26, and by 2.8 in a forest without a limit, whose predictions are between
 * 0 and 1. They take long as well: 1.1 s of a CPU a row of 100 such trees, where `treeContributions` takes .16 s.
 */
const EXACT_FEATURES = 12;
/** Bytes of a model from where `treePredictions` is quicker than the library, and rows that are worth its being read. */
const LARGE_MODEL = 4 * 2 ** 20;
const MANY_ROWS = 1000;
/** Times the bytes of a model that its trees take while they are read: those bytes, what is read of them, and what is kept. */
const READING = 4;

/** Rows to train on: in libxgboost's memory, or with us where the weights are solved for. */
class TrainingRows implements Dataset {
  constructor(
    readonly held: DMatrix | Matrix,
    /** Root mean square of each column, missing numbers left out. */
    readonly scales: Float64Array,
  ) {}

  free(): void {
    if ('free' in this.held) this.held.free();
  }
}

class ScoredRows implements Rows {
  private held: DMatrix | undefined;

  constructor(
    private readonly library: XgBoost,
    readonly features: Features,
  ) {}

  get count(): number {
    return this.features.rows;
  }

  /** The rows in the library's memory. */
  get matrix(): DMatrix {
    const { values, rows, columns } = this.features;
    return (this.held ??= this.library.matrix(values, rows, columns));
  }

  free(): void {
    this.held?.free();
  }
}

class XgBoostModel implements Model {
  /** Read when they are asked for contributions. */
  private explained: ExplainedTrees | undefined;
  /** Read for the first prediction of many rows; `null` where the library is as quick, or alone can say it. */
  private packed: PackedTrees | null | undefined;

  constructor(
    private readonly library: XgBoost,
    private readonly booster: Booster,
    private readonly memory: number,
  ) {}

  features(): string[] {
    return this.booster.features();
  }

  predict(rows: Rows): Float32Array {
    const scored = rows as ScoredRows;
    const trees = scored.count < MANY_ROWS ? null : this.packedTrees();
    return trees ? treePredictions(trees, scored.features) : this.booster.predict(scored.matrix, 'value');
  }

  private packedTrees(): PackedTrees | null {
    if (this.packed === undefined) this.packed = this.readPacked();
    return this.packed;
  }

  private readPacked(): PackedTrees | null {
    if (this.booster.kind().linear) return null;
    const bytes = this.booster.save('ubj');
    if (bytes.length < LARGE_MODEL || bytes.length * READING > this.memory) return null;
    return packedTrees(readTrees(bytes)) ?? null;
  }

  contributions(rows: Features, background: ArrayLike<number>): ArrayLike<number> {
    const { linear, targets } = this.booster.kind();
    if (linear) {
      const biases = this.biases(rows.columns);
      return linearContributions(rows, { weights: linearWeights(this.booster), biases }, background);
    }
    this.explained ??= explainedTrees(readTrees(this.booster.save('ubj')));
    if (targets > 1 || this.explained.pathFeatures > EXACT_FEATURES) return treeContributions(this.explained, rows);
    const matrix = this.library.matrix(rows.values, rows.rows, rows.columns);
    try {
      return this.booster.predict(matrix, 'contributions');
    } finally {
      matrix.free();
    }
  }

  gain(): Float64Array | undefined {
    if (this.booster.kind().linear) return undefined;
    const gains = this.booster.totalGain();
    return Float64Array.from(this.features(), (name) => gains.get(name) ?? 0);
  }

  /** What a linear model says of a row without features, a number per output. */
  private biases(columns: number): Float64Array {
    const empty = this.library.matrix(new Float32Array(columns).fill(NaN), 1, columns);
    try {
      const contributions = this.booster.predict(empty, 'contributions');
      return Float64Array.from(contributions).filter((_, at) => at % (columns + 1) === columns);
    } finally {
      empty.free();
    }
  }

  save(): Uint8Array {
    return this.booster.save('ubj');
  }

  free(): void {
    this.booster.free();
  }
}

/** What libxgboost trains: boosted trees, forests, and linear models. */
export class XgBoostLibrary implements Library {
  private readonly library: XgBoost;

  /** @throws PerdureError `EngineMissing` where the library can't be loaded */
  constructor(path: string) {
    this.library = new XgBoost(path);
  }

  version(): string {
    return `libxgboost ${this.library.version()}`;
  }

  dataset(matrix: Matrix, _features: string[], needs: DataNeeds): Dataset {
    if (needs.kept) return new TrainingRows(matrix, new Float64Array());
    const { values, rows, columns, labels } = matrix;
    const held = this.library.matrix(values, rows, columns);
    try {
      if (needs.oneHotLabels) held.setLabels(oneHot(labels, needs.oneHotLabels), needs.oneHotLabels);
      else held.setLabels(Float32Array.from(labels), 1);
      if (needs.categoricals) held.setCategoricals(needs.categoricals, columns);
      if (needs.balancedClasses) held.setWeights(balancedWeights(labels, needs.balancedClasses));
    } catch (error) {
      held.free();
      throw error;
    }
    return new TrainingRows(held, scalesOf(matrix));
  }

  rows(features: Features): Rows {
    return new ScoredRows(this.library, features);
  }

  train(dataset: Dataset, features: string[], recipe: TrainingRecipe, { memory }: Pick<TrainingWork, 'memory'>): Model {
    const { held, scales } = dataset as TrainingRows;
    if (recipe.solve) return this.linear(features, recipe, solveLinear(held as Matrix, recipe.solve), memory);
    const booster = this.library.booster(held as DMatrix, features, recipe.settings);
    try {
      boost(booster, held as DMatrix, scales, recipe);
      return new XgBoostModel(this.library, booster, memory);
    } catch (error) {
      booster.free();
      throw error;
    }
  }

  load(bytes: Uint8Array, threads: number, memory: number): Model {
    return new XgBoostModel(this.library, this.library.loadModel(bytes, threads), memory);
  }

  /** A linear model with weights that were solved for, in the form that the library gives its own. */
  private linear(
    features: string[],
    { settings }: TrainingRecipe,
    { weights, bias }: LinearModel,
    memory: number,
  ): Model {
    const row = this.library.matrix(new Float32Array(features.length), 1, features.length);
    row.setLabels(Float32Array.of(1), 1);
    const pattern = this.library.booster(row, features, settings);
    try {
      pattern.update(0, row);
      const model: unknown = JSON.parse(Buffer.from(pattern.save('json')).toString('utf8'));
      // The library takes a number without a point or an exponent for an integer, and refuses it as a weight.
      const numbers = [...weights, bias].map((weight) => weight.toExponential()).join(',');
      const text = JSON.stringify(model, (key, value: unknown) => (key === 'weights' ? [] : value)).replace(
        '"weights":[]',
        `"weights":[${numbers}]`,
      );
      return new XgBoostModel(this.library, this.library.loadModel(Buffer.from(text)), memory);
    } finally {
      pattern.free();
      row.free();
    }
  }
}

/** What of a linear model's JSON is read. */
interface LinearDocument {
  learner: { gradient_booster: { model: { weights: number[] } } };
}

function boost(booster: Booster, train: DMatrix, scales: Float64Array, { rounds, tolerance }: TrainingRecipe): void {
  let before: number[] | undefined;
  for (let round = 0; round < rounds; round++) {
    booster.update(round, train);
    if (tolerance === undefined) continue;
    const weights = linearWeights(booster);
    if (before && stoppedMoving(before, weights, scales, tolerance)) return;
    before = weights;
  }
}

/** Weights of a linear model: by feature, then by class; the biases last. */
function linearWeights(booster: Booster): number[] {
  const model = JSON.parse(Buffer.from(booster.save('json')).toString('utf8')) as LinearDocument;
  return model.learner.gradient_booster.model.weights;
}

/** @param scales root mean square per feature; the biases, which come last, have the scale 1 */
function stoppedMoving(before: number[], now: number[], scales: Float64Array, tolerance: number): boolean {
  const classes = now.length / (scales.length + 1);
  return now.every((weight, i) => Math.abs(weight - before[i]!) * (scales[Math.floor(i / classes)] ?? 1) <= tolerance);
}

function scalesOf({ values, columns }: Features): Float64Array {
  const squares = new Float64Array(columns);
  const counts = new Float64Array(columns);
  values.forEach((value, cell) => {
    if (Number.isNaN(value)) return;
    squares[cell % columns]! += value * value;
    counts[cell % columns]! += 1;
  });
  return squares.map((sum, column) => Math.sqrt(sum / Math.max(1, counts[column]!)));
}

/** Row-major, a column per class. */
function oneHot(labels: ArrayLike<number>, classes: number): Float32Array {
  const columns = new Float32Array(labels.length * classes);
  for (let row = 0; row < labels.length; row++) columns[row * classes + labels[row]!] = 1;
  return columns;
}
