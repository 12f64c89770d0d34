import { readFile, stat, writeFile } from 'node:fs/promises';
import { PerdureError, messageOf, systemCode } from '../../errors.js';
import { foldScore } from '../influence.js';
import { stratifiedFolds } from '../stratifiedKFold.js';
import { diskError } from '../../platform/storage/diskError.js';
import { trainingRecipe, type TrainingRecipe } from '../estimators.js';
import type { ModelOutput } from '../modelOutput.js';
import { MatrixCache } from './matrixCache.js';
import { libraryBytes, matrixBytes } from './matrixSize.js';
import type { EngineCalls, EvaluateRequest, FitRequest, FoldEvaluation, MatrixFile, PredictRequest } from './pool.js';
import { featureBlocks, foldPart, freePart, loadMatrix, wholePart, type Matrix, type TrainingPart } from './trainingMatrix.js';
import { XgBoost, type Booster, type PredictionType } from './xgboost.js';

/** The calls of an engine host, in this process: native calls block it. */
export class Engine implements EngineCalls {
  private readonly library: XgBoost;
  private readonly parts: MatrixCache<TrainingPart>;
  private matrix: { key: string; value: Matrix } | undefined;
  private model: { key: string; booster: Booster } | undefined;

  /**
   * @param libraryPath libxgboost
   * @param cacheBytes memory that may be kept for later calls, in bytes
   */
  constructor(
    libraryPath: string,
    private readonly cacheBytes: number,
  ) {
    this.library = new XgBoost(libraryPath);
    this.parts = new MatrixCache(cacheBytes);
  }

  async evaluate(request: EvaluateRequest): Promise<FoldEvaluation[]> {
    const evaluations: FoldEvaluation[] = [];
    for (const fold of request.folds) {
      const started = performance.now();
      const part = await this.part(request.train, { count: request.cvFolds, fold });
      const recipe = trainingRecipe(request.estimator, request.params, part.shape, request.seed);
      const { matrix, labels } = part.validation!;
      const probabilities = this.training(part, request.train.features, recipe, (booster) => booster.predict(matrix, 'value'));
      const scores = request.scorings.map((scoring) => foldScore(scoring, labels, probabilities));
      evaluations.push({ scores, seconds: secondsSince(started) });
    }
    return evaluations;
  }

  async fit(request: FitRequest): Promise<{ seconds: number }> {
    const started = performance.now();
    const part = await this.part(request.train);
    const recipe = trainingRecipe(request.estimator, request.params, part.shape, request.seed);
    const bytes = this.training(part, request.train.features, recipe, (booster) => booster.save('ubj'));
    await writeFile(request.modelPath, bytes).catch((error: unknown) => {
      throw diskError(error, request.modelPath);
    });
    return { seconds: secondsSince(started) };
  }

  async predict(request: PredictRequest): Promise<ModelOutput> {
    // A forest's mean of leaves may leave [0, 1] by a rounding error.
    return { values: Float64Array.from(await this.output(request, 'value'), (value) => Math.min(1, Math.max(0, value))), width: 1 };
  }

  async contributions(request: PredictRequest): Promise<Float32Array> {
    return this.output(request, 'contributions');
  }

  version(): Promise<string> {
    return Promise.resolve(`libxgboost ${this.library.version()}`);
  }

  /** Trains a model, looks at it and frees it. */
  private training<T>(part: TrainingPart, features: string[], recipe: TrainingRecipe, look: (booster: Booster) => T): T {
    const booster = this.library.booster(part.train, features, recipe.settings);
    try {
      train(booster, part, recipe);
      return look(booster);
    } finally {
      booster.free();
    }
  }

  private async output({ modelPath, data, offset, limit }: PredictRequest, type: PredictionType): Promise<Float32Array> {
    const booster = await this.booster(modelPath);
    const trainedOn = booster.features();
    if (trainedOn.join() !== data.features.join()) {
      throw new PerdureError('InputInvalid', `${modelPath} was trained on the columns ${trainedOn.join(', ')}, and ${data.path} was to be read for ${data.features.join(', ')}; use the dataset that the model names.`);
    }
    const blocks: Float32Array[] = [];
    for await (const { values, rows, columns } of featureBlocks(data.path, data.features, { offset, limit })) {
      const matrix = this.library.matrix(values, rows, columns);
      try {
        blocks.push(booster.predict(matrix, type));
      } finally {
        matrix.free();
      }
    }
    return joined(blocks);
  }

  /** A training part from the cache, or made and cached: all rows, or those of a fold. */
  private async part(file: MatrixFile, split?: { count: number; fold: number }): Promise<TrainingPart> {
    const matrixKey = JSON.stringify([file.checksum, file.features, file.label]);
    const key = JSON.stringify([matrixKey, split]);
    const cached = this.parts.get(key);
    if (cached) return cached;
    const bytes = libraryBytes(file);
    // Before anything is read: what goes and what comes would not fit side by side.
    this.parts.makeRoom(bytes);
    const matrix = await this.load(file, matrixKey);
    const part = split ? foldPart(this.library, matrix, stratifiedFolds(matrix.labels, split.count), split.fold) : wholePart(this.library, matrix);
    if (bytes + matrixBytes(file) > this.cacheBytes) this.matrix = undefined;
    // The library has a copy of its own, and the collector doesn't hurry for what lies outside its heap.
    gc?.();
    return this.parts.set(key, part, bytes, () => freePart(part));
  }

  /** The matrix of a file; the last one is kept. */
  private async load(file: MatrixFile, key: string): Promise<Matrix> {
    if (this.matrix?.key === key) return this.matrix.value;
    this.matrix = undefined;
    const value = await loadMatrix(file);
    this.matrix = { key, value };
    return value;
  }

  /** The model of a file; the last one is kept. */
  private async booster(path: string): Promise<Booster> {
    const key = await identityOf(path);
    if (this.model?.key === key) return this.model.booster;
    this.model?.booster.free();
    this.model = undefined;
    const bytes = await readFile(path).catch((error: unknown) => {
      throw diskError(error, path);
    });
    try {
      this.model = { key, booster: this.library.loadModel(bytes) };
    } catch (error) {
      throw new PerdureError('ObjectCorrupt', `${path} is not a whole model of libxgboost (${messageOf(error)}); delete that version and train again.`, { cause: error });
    }
    return this.model.booster;
  }
}

function joined(blocks: Float32Array[]): Float32Array {
  const values = new Float32Array(blocks.reduce((sum, block) => sum + block.length, 0));
  let start = 0;
  for (const block of blocks) {
    values.set(block, start);
    start += block.length;
  }
  return values;
}

/** What changes when a file is written anew. */
async function identityOf(path: string): Promise<string> {
  const { size, mtimeMs } = await stat(path).catch((error: unknown) => {
    if (systemCode(error) === 'ENOENT') throw new PerdureError('NotFound', `There is no model file ${path}; train again.`);
    throw diskError(error, path);
  });
  return JSON.stringify([path, size, mtimeMs]);
}

function train(booster: Booster, part: TrainingPart, { rounds, tolerance }: TrainingRecipe): void {
  let before: number[] | undefined;
  for (let round = 0; round < rounds; round++) {
    booster.update(round, part.train);
    if (tolerance === undefined) continue;
    const weights = linearWeights(booster);
    if (before && stoppedMoving(before, weights, part.scales, tolerance)) return;
    before = weights;
  }
}

/** Weights of a linear model in the features' order, the bias last. */
function linearWeights(booster: Booster): number[] {
  const model = JSON.parse(Buffer.from(booster.save('json')).toString('utf8')) as {
    learner: { gradient_booster: { model: { weights: number[] } } };
  };
  return model.learner.gradient_booster.model.weights;
}

/** @param scales root mean square a feature; the bias, which comes last, has the scale 1 */
function stoppedMoving(before: number[], now: number[], scales: Float64Array, tolerance: number): boolean {
  return now.every((weight, i) => Math.abs(weight - before[i]!) * (scales[i] ?? 1) <= tolerance);
}

function secondsSince(started: number): number {
  return (performance.now() - started) / 1000;
}
