import { readFile, stat, writeFile } from 'node:fs/promises';
import { readColumns } from '../../platform/files/parquet.js';
import { PerdureError, messageOf, systemCode } from '../../errors.js';
import { diskError } from '../../platform/files/diskError.js';
import type { DataNeeds, EstimatorRef, LibraryName, TrainingRecipe } from '../estimators/estimator.js';
import {
  dataNeeds,
  estimatorKind,
  trainingRecipe,
  type Estimator,
  type TrainingOrder,
} from '../estimators/estimators.js';
import { Folds, foldsOf, seededFolds, type FoldSettings } from '../folds.js';
import type { TaskSpec } from '../../contracts/index.js';
import { joined, type ModelOutput } from '../modelOutput.js';
import { taskOf } from '../tasks/task.js';
import type { Awaitable, Features, Library, Matrix, Model } from './binding.js';
import { isLightGbmModel } from './lightgbm.js';
import { isArchive } from './script/archive.js';
import { isOnnx } from './network/isOnnx.js';
import { MatrixCache } from './matrixCache.js';
import { libraryBytes, matrixBytes } from './matrixSize.js';
import type {
  ContributionsRequest,
  EngineCalls,
  EvaluateRequest,
  FitRequest,
  Fitted,
  FoldEvaluation,
  FoldOutput,
  GainRequest,
  MatrixFile,
  PredictRequest,
} from './pool.js';
import { peakMemory } from '../../platform/resources/peakMemory.js';
import { featureBlocks, foldPart, freePart, loadMatrix, wholePart, type TrainingPart } from './trainingMatrix.js';

/** The model of a file, and the library that it is of. */
interface OpenedModel {
  key: string;
  library: Library;
  model: Model;
}

/** The calls of an engine host, in this process: native calls block it. */
export class Engine implements EngineCalls {
  private readonly libraries = new Map<LibraryName, Library>();
  private readonly parts: MatrixCache<TrainingPart>;
  private matrix: { key: string; value: Matrix } | undefined;
  private model: OpenedModel | undefined;
  /** Bytes that the call at work may take. */
  memory = Infinity;

  /**
   * @param open loads a native library, which is kept
   * @param cacheBytes memory that may be kept for later calls, in bytes
   * @param threads of a call whose result is the same with any number of them
   */
  constructor(
    private readonly open: (name: LibraryName) => Awaitable<Library>,
    private readonly cacheBytes: number,
    private readonly threads: number,
  ) {
    this.parts = new MatrixCache(cacheBytes);
  }

  async evaluate(request: EvaluateRequest): Promise<FoldEvaluation[]> {
    const task = taskOf(request.task);
    const evaluations: FoldEvaluation[] = [];
    for (const fold of request.folds) {
      const started = performance.now();
      const { labels, output } = await this.foldOutput(request, fold);
      const scores = request.scorings.map((scoring) => task.foldScore(scoring, labels, output));
      evaluations.push({ scores, seconds: secondsSince(started) });
    }
    return evaluations;
  }

  async crossPredict(request: Omit<EvaluateRequest, 'scorings'>): Promise<FoldOutput> {
    const { labels, output } = await this.foldOutput(request, request.folds[0]!);
    // The rows stay with the part, which may be used again.
    return { labels: labels.slice(), output: heldToProbabilities(request.task, output) };
  }

  async fit(request: FitRequest): Promise<Fitted> {
    const started = performance.now();
    const part = await this.part(request);
    const look = async (model: Model) => ({ bytes: await model.save(), steps: model.steps?.() ?? [] });
    const { bytes, steps } = await this.training(request, part, look, this.threads);
    await writeFile(request.modelPath, bytes).catch((error: unknown) => {
      throw diskError(error, request.modelPath);
    });
    return { seconds: secondsSince(started), steps };
  }

  async predict(request: PredictRequest): Promise<ModelOutput> {
    const { values, width } = await this.output(request, async (library, model, features) => {
      const rows = library.rows(features);
      try {
        return await model.predict(rows);
      } finally {
        rows.free();
      }
    });
    heldToProbabilities(request.task, { values, width });
    const expected = taskOf(request.task).width;
    if (width !== expected) {
      throw new PerdureError(
        'InputInvalid',
        `${request.modelPath} says ${width} numbers per row, and a ${request.task.task} task needs ${expected}; use a model of this task.`,
      );
    }
    return { values, width };
  }

  async contributions(request: ContributionsRequest): Promise<Float64Array> {
    const background = request.background ?? request.data.features.map(() => 0);
    const output = await this.output(request, (_, model, features) => model.contributions(features, background));
    return output.values;
  }

  async gain({ modelPath, features }: GainRequest): Promise<Float64Array | undefined> {
    const { model } = await this.opened(modelPath);
    checkFeatures(modelPath, model, features);
    return model.gain();
  }

  async version({ estimator, script }: EstimatorRef<Estimator>): Promise<string> {
    return (await this.library(estimatorKind(estimator).library)).version(script);
  }

  async peakMemory(): Promise<number> {
    const besides = [...this.libraries.values()].map((library) => library.peakMemory?.() ?? 0);
    return besides.reduce((sum, bytes) => sum + bytes, await peakMemory());
  }

  /** What a model of all but a fold says of the fold's rows. */
  private async foldOutput(request: Omit<EvaluateRequest, 'scorings'>, fold: number): Promise<FoldOutput> {
    const part = await this.part(request, {
      settings: seededFolds(request.task, request.cvFolds, request.seed),
      fold,
    });
    const { rows, labels } = part.validation!;
    const output = await this.training(request, part, async (model) => outputOf(await model.predict(rows), rows.count));
    return { labels, output };
  }

  private async library(name: LibraryName): Promise<Library> {
    const opened = this.libraries.get(name) ?? (await this.open(name));
    this.libraries.set(name, opened);
    return opened;
  }

  private libraryOf({ estimator }: TrainingOrder): Promise<Library> {
    return this.library(estimatorKind(estimator).library);
  }

  /** Trains a model, looks at it and frees it. */
  private async training<T>(
    request: TrainingOrder & { train: MatrixFile },
    part: TrainingPart,
    look: (model: Model) => Awaitable<T>,
    threads = 1,
  ): Promise<T> {
    const recipe: TrainingRecipe = trainingRecipe(request, part.shape, threads);
    const { features, label } = request.train;
    const work = { ...request, label, memory: this.memory };
    const library = await this.libraryOf(request);
    const model = await library.train(part.train, features, recipe, work);
    try {
      return await look(model);
    } finally {
      model.free();
    }
  }

  /** What is said of some rows, a block at a time. */
  private async output(
    { modelPath, data }: PredictRequest,
    say: (library: Library, model: Model, features: Features) => Awaitable<ArrayLike<number>>,
  ): Promise<ModelOutput> {
    const { model, library } = await this.opened(modelPath);
    checkFeatures(modelPath, model, data.features);
    const blocks: ModelOutput[] = [];
    for await (const features of featureBlocks(data))
      blocks.push(outputOf(await say(library, model, features), features.rows));
    return joined(blocks);
  }

  /** A training part from the cache, or made and cached: all rows, or those of a fold. */
  private async part(
    request: TrainingOrder & { train: MatrixFile },
    split?: { settings: FoldSettings; fold: number },
  ): Promise<TrainingPart> {
    const { train: file } = request;
    const needs: DataNeeds = dataNeeds(request, positionsOf(file));
    const matrixKey = JSON.stringify([file.checksum, file.features, file.label]);
    const key = JSON.stringify([matrixKey, split, estimatorKind(request.estimator).library, needs]);
    const cached = this.parts.get(key);
    if (cached) return cached;
    const library = await this.libraryOf(request);
    const bytes = libraryBytes(file);
    // Before anything is read: what goes and what comes would not fit side by side.
    this.parts.makeRoom(bytes);
    const matrix = await this.load(file, matrixKey);
    const part = split
      ? await foldPart(library, matrix, file.features, needs, {
          folds: await foldsOfFile(file, split.settings, matrix),
          fold: split.fold,
          refitted: await loadRefitted(file, split.fold),
        })
      : await wholePart(library, matrix, file.features, needs);
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

  /** The model of a file, and the library that it is of; the last one is kept. */
  private async opened(path: string): Promise<OpenedModel> {
    const key = await identityOf(path);
    if (this.model?.key === key) return this.model;
    this.model?.model.free();
    this.model = undefined;
    const bytes = await readFile(path).catch((error: unknown) => {
      throw diskError(error, path);
    });
    const name = libraryOfModel(bytes);
    const library = await this.library(name);
    try {
      return (this.model = { key, library, model: await library.load(bytes, this.threads, this.memory) });
    } catch (error) {
      throw new PerdureError(
        'ObjectCorrupt',
        `${path} is not a whole model of ${name} (${messageOf(error)}); delete that version and train again.`,
        { cause: error },
      );
    }
  }
}

/** By the beginning of a model's file, as names of files are the registry's. */
function libraryOfModel(bytes: Uint8Array): LibraryName {
  if (isArchive(bytes)) return 'script';
  if (isOnnx(bytes)) return 'tfjs';
  return isLightGbmModel(bytes) ? 'lib_lightgbm' : 'libxgboost';
}

function checkFeatures(modelPath: string, model: Model, features: string[]): void {
  const trainedOn = model.features();
  if (trainedOn.join() === features.join()) return;
  throw new PerdureError(
    'InputInvalid',
    `${modelPath} was trained on the columns ${trainedOn.join(', ')}, and is asked about ${features.join(', ')}; use the dataset that the model names.`,
  );
}

/** The folds that the file has, else those by chance. */
async function foldsOfFile(
  { path, folds }: MatrixFile,
  settings: FoldSettings,
  { rows, labels }: Matrix,
): Promise<Folds> {
  if (folds?.count !== settings.count) return foldsOf(settings, rows, { labels });
  const { tested, trainedSince } = folds;
  const [fold, since] = await readColumns(path, [tested, ...(trainedSince === undefined ? [] : [trainedSince])]);
  return new Folds(
    settings.count,
    Uint8Array.from(fold as ArrayLike<number>),
    since && Uint8Array.from(since as ArrayLike<number>),
  );
}

/** Columns that take the place of others within a fold, by their positions. */
async function loadRefitted({ path, folds }: MatrixFile, fold: number): Promise<Map<number, ArrayLike<number>>> {
  const refitted = Object.entries(folds?.refitted[fold] ?? {});
  if (refitted.length === 0) return new Map();
  const columns = await readColumns(
    path,
    refitted.map(([, name]) => name),
  );
  return new Map(refitted.map(([position], i) => [Number(position), columns[i] as ArrayLike<number>]));
}

/** Positions of the columns that hold categories. */
function positionsOf({ features, categoricals = [] }: MatrixFile): number[] {
  return categoricals.map((name) => features.indexOf(name));
}

/** A forest's mean of leaves may leave [0, 1] by a rounding error. Changes the output. */
function heldToProbabilities({ task }: TaskSpec, output: ModelOutput): ModelOutput {
  const { values } = output;
  if (task !== 'regression') values.forEach((value, at) => (values[at] = Math.min(1, Math.max(0, value))));
  return output;
}

function outputOf(values: ArrayLike<number>, rows: number): ModelOutput {
  return { values: Float64Array.from(values), width: rows === 0 ? 1 : values.length / rows };
}

/** What changes when a file is written anew. */
async function identityOf(path: string): Promise<string> {
  const { size, mtimeMs } = await stat(path).catch((error: unknown) => {
    if (systemCode(error) === 'ENOENT')
      throw new PerdureError('NotFound', `There is no model file ${path}; train again.`);
    throw diskError(error, path);
  });
  return JSON.stringify([path, size, mtimeMs]);
}

function secondsSince(started: number): number {
  return (performance.now() - started) / 1000;
}
