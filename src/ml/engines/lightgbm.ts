import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import koffi from 'koffi';
import { PerdureError, messageOf } from '../../errors.js';
import type { DataNeeds, TrainingRecipe } from '../estimators/estimator.js';
import {
  balancedWeights,
  type Dataset,
  type Features,
  type Library,
  type Matrix,
  type Model,
  type Rows,
} from './binding.js';

/** A pointer as koffi hands it out. */
type Pointer = bigint;
/** An output argument: the library writes element 0. */
type Out<T> = [T | null];
type Status = number;

/** Constants of c_api.h. */
const FLOAT32 = 0;
const ROW_MAJOR = 1;
const PREDICTION_TYPE = { value: 0, contributions: 3 } as const;
type PredictionType = keyof typeof PREDICTION_TYPE;
const ALL = -1;
const SPLIT_IMPORTANCE = 0;
const GAIN_IMPORTANCE = 1;

/** The words that a whole model's text begins with, and has behind its last tree. */
const BEGIN = 'tree\n';
const END = '\nend of trees\n';

class TrainingRows implements Dataset {
  constructor(
    readonly handle: Pointer,
    readonly free: () => void,
  ) {}
}

/** The library takes rows as they are; nothing is outside JavaScript's memory. */
class ScoredRows implements Rows {
  constructor(readonly features: Features) {}

  get count(): number {
    return this.features.rows;
  }

  free(): void {}
}

/** lib_lightgbm through its C API (c_api.h of 4.7.0), called synchronously. */
export class LightGbmLibrary implements Library {
  private readonly api: Api;
  private readonly check: (status: Status) => void;

  /** @throws PerdureError `EngineMissing` where the library can't be loaded */
  constructor(private readonly path: string) {
    try {
      this.api = bind(path);
    } catch (error) {
      throw new PerdureError(
        'EngineMissing',
        `lib_lightgbm at ${path} can't be loaded (${messageOf(error)}); run \`perdure setup\`.`,
        { cause: error },
      );
    }
    this.check = (status) => {
      if (status !== 0)
        throw new PerdureError(
          'EngineFailed',
          `lib_lightgbm refused: ${this.api.lastError().trim().replace(/\.$/, '')}.`,
        );
    };
  }

  version(): string {
    return `lib_lightgbm ${lightGbmVersion(this.path)}`;
  }

  dataset(
    { values, rows, columns, labels }: Matrix,
    features: string[],
    { settings, balancedClasses, categoricals }: DataNeeds,
  ): Dataset {
    const handle: Out<Pointer> = [null];
    const text = settingsText({
      ...settings,
      ...(categoricals && { categorical_feature: categoricals.join(',') }),
    });
    this.check(this.api.datasetCreate(values, FLOAT32, rows, columns, ROW_MAJOR, text, null, handle));
    const dataset = new TrainingRows(handle[0]!, () => this.check(this.api.datasetFree(handle[0]!)));
    try {
      this.setField(dataset, 'label', Float32Array.from(labels));
      if (balancedClasses) this.setField(dataset, 'weight', balancedWeights(labels, balancedClasses));
      const names = features.map(encodedName);
      this.check(this.api.datasetSetFeatureNames(dataset.handle, names, names.length));
      return dataset;
    } catch (error) {
      dataset.free();
      throw error;
    }
  }

  rows(features: Features): Rows {
    return new ScoredRows(features);
  }

  train(dataset: Dataset, _features: string[], { settings, rounds }: TrainingRecipe): Model {
    const handle: Out<Pointer> = [null];
    this.check(this.api.boosterCreate((dataset as TrainingRows).handle, settingsText(settings), handle));
    const model = new LightGbmModel(this.api, this.check, handle[0]!);
    try {
      const finished: Out<number> = [0];
      for (let round = 0; round < rounds && finished[0] === 0; round++)
        this.check(this.api.boosterUpdate(handle[0]!, finished));
      return model;
    } catch (error) {
      model.free();
      throw error;
    }
  }

  load(bytes: Uint8Array, threads: number): Model {
    const text = Buffer.from(bytes).toString('utf8');
    if (!text.includes(END)) throw new PerdureError('EngineFailed', 'the text ends before the last tree');
    const [iterations, handle]: [Out<number>, Out<Pointer>] = [[null], [null]];
    this.check(this.api.boosterLoad(text, iterations, handle));
    return new LightGbmModel(this.api, this.check, handle[0]!, threads);
  }

  private setField({ handle }: TrainingRows, name: string, values: Float32Array): void {
    this.check(this.api.datasetSetField(handle, name, values, values.length, FLOAT32));
  }
}

/** Whether the bytes of a model's file are lib_lightgbm's. */
export function isLightGbmModel(bytes: Uint8Array): boolean {
  return Buffer.from(bytes.subarray(0, BEGIN.length)).toString('latin1') === BEGIN;
}

/** What the package's files say: the library itself doesn't tell. */
export function lightGbmVersion(path: string): string {
  try {
    return readFileSync(join(dirname(path), '..', 'VERSION.txt'), 'utf8').trim();
  } catch {
    return 'of unknown version';
  }
}

class LightGbmModel implements Model {
  constructor(
    private readonly api: Api,
    private readonly check: (status: Status) => void,
    private readonly handle: Pointer,
    private readonly threads = 1,
  ) {}

  features(): string[] {
    const header = Buffer.from(this.save()).toString('utf8');
    const line = /^feature_names=(.*)$/m.exec(header)?.[1] ?? '';
    return line === '' ? [] : line.split(' ').map(decodeURIComponent);
  }

  predict(rows: Rows): Float64Array {
    return this.output((rows as ScoredRows).features, 'value');
  }

  contributions(rows: Features): Float64Array {
    return this.output(rows, 'contributions');
  }

  gain(): Float64Array {
    const gains = new Float64Array(this.features().length);
    this.check(this.api.boosterFeatureImportance(this.handle, ALL, GAIN_IMPORTANCE, gains));
    return gains;
  }

  private output({ values, rows: count, columns }: Features, type: PredictionType): Float64Array {
    const length: Out<number> = [null];
    this.check(this.api.boosterPredictLength(this.handle, count, PREDICTION_TYPE[type], 0, ALL, length));
    const output = new Float64Array(length[0]!);
    // A file of another width is refused before, by the names of its columns.
    this.check(
      this.api.boosterPredict(
        this.handle,
        values,
        FLOAT32,
        count,
        columns,
        ROW_MAJOR,
        PREDICTION_TYPE[type],
        0,
        ALL,
        `num_threads=${this.threads}`,
        length,
        output,
      ),
    );
    return output;
  }

  save(): Uint8Array {
    const length: Out<number> = [null];
    this.check(this.api.boosterSave(this.handle, 0, ALL, SPLIT_IMPORTANCE, 0, length, null));
    const buffer = Buffer.alloc(length[0]!);
    this.check(this.api.boosterSave(this.handle, 0, ALL, SPLIT_IMPORTANCE, buffer.length, length, buffer));
    // The text ends with a 0.
    return buffer.subarray(0, length[0]! - 1);
  }

  free(): void {
    this.check(this.api.boosterFree(this.handle));
  }
}

/** The library takes no blanks and nothing that JSON uses in a name: those are percent-encoded. */
function encodedName(name: string): string {
  return name.replace(/[\s"%,:[\]{}]/gu, (character) => encodeURIComponent(character));
}

function settingsText(settings: Record<string, string | number>): string {
  return Object.entries(settings)
    .map(([name, value]) => `${name}=${value}`)
    .join(' ');
}

interface Api {
  lastError(): string;
  datasetCreate(
    values: Float32Array,
    type: number,
    rows: number,
    columns: number,
    rowMajor: number,
    settings: string,
    reference: null,
    out: Out<Pointer>,
  ): Status;
  datasetFree(dataset: Pointer): Status;
  datasetSetField(dataset: Pointer, name: string, values: Float32Array, length: number, type: number): Status;
  datasetSetFeatureNames(dataset: Pointer, names: string[], length: number): Status;
  boosterCreate(dataset: Pointer, settings: string, out: Out<Pointer>): Status;
  boosterFree(booster: Pointer): Status;
  boosterUpdate(booster: Pointer, finished: Out<number>): Status;
  boosterPredictLength(
    booster: Pointer,
    rows: number,
    type: number,
    start: number,
    iterations: number,
    length: Out<number>,
  ): Status;
  boosterPredict(
    booster: Pointer,
    values: Float32Array,
    valueType: number,
    rows: number,
    columns: number,
    rowMajor: number,
    type: number,
    start: number,
    iterations: number,
    settings: string,
    length: Out<number>,
    out: Float64Array,
  ): Status;
  boosterFeatureImportance(booster: Pointer, iterations: number, type: number, out: Float64Array): Status;
  boosterSave(
    booster: Pointer,
    start: number,
    iterations: number,
    importance: number,
    capacity: number,
    length: Out<number>,
    out: Buffer | null,
  ): Status;
  boosterLoad(text: string, iterations: Out<number>, out: Out<Pointer>): Status;
}

function bind(path: string): Api {
  const library = koffi.load(path);
  return {
    lastError: library.func('const char *LGBM_GetLastError()'),
    datasetCreate: library.func(
      'int LGBM_DatasetCreateFromMat(const float *data, int type, int32_t rows, int32_t columns, int rowMajor, const char *settings, void *reference, _Out_ void **out)',
    ),
    datasetFree: library.func('int LGBM_DatasetFree(void *dataset)'),
    datasetSetField: library.func(
      'int LGBM_DatasetSetField(void *dataset, const char *name, const float *values, int length, int type)',
    ),
    datasetSetFeatureNames: library.func(
      'int LGBM_DatasetSetFeatureNames(void *dataset, const char **names, int length)',
    ),
    boosterCreate: library.func('int LGBM_BoosterCreate(void *dataset, const char *settings, _Out_ void **out)'),
    boosterFree: library.func('int LGBM_BoosterFree(void *booster)'),
    boosterUpdate: library.func('int LGBM_BoosterUpdateOneIter(void *booster, _Out_ int *finished)'),
    boosterPredictLength: library.func(
      'int LGBM_BoosterCalcNumPredict(void *booster, int rows, int type, int start, int iterations, _Out_ int64_t *length)',
    ),
    boosterPredict: library.func(
      'int LGBM_BoosterPredictForMat(void *booster, const float *data, int dataType, int32_t rows, int32_t columns, int rowMajor, int type, int start, int iterations, const char *settings, _Out_ int64_t *length, double *out)',
    ),
    boosterFeatureImportance: library.func(
      'int LGBM_BoosterFeatureImportance(void *booster, int iterations, int type, double *out)',
    ),
    boosterSave: library.func(
      'int LGBM_BoosterSaveModelToString(void *booster, int start, int iterations, int importance, int64_t capacity, _Out_ int64_t *length, char *out)',
    ),
    boosterLoad: library.func(
      'int LGBM_BoosterLoadModelFromString(const char *text, _Out_ int *iterations, _Out_ void **out)',
    ),
  };
}
