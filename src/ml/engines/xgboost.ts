import koffi from 'koffi';
import { PerdureError, messageOf } from '../../errors.js';

/** A pointer as koffi hands it out. */
type Pointer = bigint;
/** An output argument: the library writes element 0. */
type Out<T> = [T | null];
type Status = number;

export type ModelFormat = 'ubj' | 'json';

/** What a prediction is: a probability (or a forest's mean label) a row, or a SHAP contribution a feature and one for the bias. */
const PREDICTION_TYPE = { value: 0, contributions: 2 } as const;
type PredictionType = keyof typeof PREDICTION_TYPE;

/** What of a model's configuration is read. */
interface BoosterConfig {
  learner: { learner_model_param: { num_target: string }; gradient_booster: { name: string } };
}

/**
 * libxgboost through its C API (c_api.h of 3.2.0), called synchronously: a call returns when the library is done.
 * Every method throws `PerdureError` `EngineFailed` with the library's own words.
 */
export class XgBoost {
  private readonly api: Api;

  /** @throws PerdureError `EngineMissing` where the library can't be loaded */
  constructor(path: string) {
    try {
      this.api = bind(path);
    } catch (error) {
      throw new PerdureError(
        'EngineMissing',
        `libxgboost at ${path} can't be loaded (${messageOf(error)}); run \`perdure setup\`.`,
        { cause: error },
      );
    }
    this.check(this.api.setGlobalConfig(JSON.stringify({ verbosity: 0 })));
  }

  version(): string {
    const [major, minor, patch]: Out<number>[] = [[null], [null], [null]];
    this.api.version(major!, minor!, patch!);
    return `${major![0]}.${minor![0]}.${patch![0]}`;
  }

  /**
   * A matrix in the library's own memory; `values` may be let go of afterwards.
   * @param values row-major, `rows` x `columns`; NaN is missing
   */
  matrix(values: Float32Array, rows: number, columns: number): DMatrix {
    const handle: Out<Pointer> = [null];
    this.check(this.api.matrixCreate(values, rows, columns, NaN, handle));
    return new DMatrix(this.api, (status) => this.check(status), handle[0]!, rows);
  }

  /** An untrained model for a training matrix. */
  booster(train: DMatrix, features: string[], settings: Record<string, string | number>): Booster {
    const booster = this.emptyBooster([train.handle]);
    for (const [name, value] of Object.entries(settings))
      this.check(this.api.boosterSetParam(booster.handle, name, String(value)));
    this.check(this.api.boosterSetFeatureInfo(booster.handle, 'feature_name', features, features.length));
    if (train.types)
      this.check(this.api.boosterSetFeatureInfo(booster.handle, 'feature_type', train.types, train.types.length));
    return booster;
  }

  /** A model from the bytes of its file, in either format. */
  loadModel(bytes: Uint8Array, threads = 1): Booster {
    const booster = this.emptyBooster([]);
    try {
      this.check(this.api.boosterLoad(booster.handle, bytes, bytes.length));
      this.check(this.api.boosterSetParam(booster.handle, 'nthread', String(threads)));
      return booster;
    } catch (error) {
      booster.free();
      throw error;
    }
  }

  private emptyBooster(matrices: Pointer[]): Booster {
    const handle: Out<Pointer> = [null];
    this.check(this.api.boosterCreate(matrices, matrices.length, handle));
    return new Booster(this.api, (status) => this.check(status), handle[0]!);
  }

  private check(status: Status): void {
    if (status !== 0) throw new PerdureError('EngineFailed', `libxgboost refused: ${firstLine(this.api.lastError())}.`);
  }
}

/** A matrix that the library holds, with whatever it derived from it (columns, histogram bins). */
export class DMatrix {
  /** The library's type of each column, where some aren't numbers. */
  types: string[] | undefined;

  constructor(
    private readonly api: Api,
    private readonly check: (status: Status) => void,
    readonly handle: Pointer,
    readonly rows: number,
  ) {}

  /** @param labels row-major, `width` labels per row */
  setLabels(labels: Float32Array, width: number): void {
    if (width === 1) {
      this.check(this.api.matrixSetFloatInfo(this.handle, 'label', labels, labels.length));
      return;
    }
    const memory = koffi.alloc('float', labels.length) as Pointer;
    try {
      new Float32Array(koffi.view(memory, labels.byteLength)).set(labels);
      const array = {
        data: [Number(koffi.address(memory)), true],
        shape: [this.rows, width],
        typestr: '<f4',
        version: 3,
      };
      this.check(this.api.matrixSetInfo(this.handle, 'label', JSON.stringify(array)));
    } finally {
      koffi.free(memory);
    }
  }

  /** @param weights a weight per row */
  setWeights(weights: Float32Array): void {
    this.check(this.api.matrixSetFloatInfo(this.handle, 'weight', weights, weights.length));
  }

  /** @param positions of the columns that hold positions of categories, of so many `columns` */
  setCategoricals(positions: number[], columns: number): void {
    this.types = new Array<string>(columns).fill('float');
    for (const position of positions) this.types[position] = 'c';
    this.check(this.api.matrixSetFeatureInfo(this.handle, 'feature_type', this.types, columns));
  }

  free(): void {
    this.check(this.api.matrixFree(this.handle));
  }
}

/** A model that the library holds. */
export class Booster {
  constructor(
    private readonly api: Api,
    private readonly check: (status: Status) => void,
    readonly handle: Pointer,
  ) {}

  /** One round of boosting. @param round from 0 */
  update(round: number, train: DMatrix): void {
    this.check(this.api.boosterUpdate(this.handle, round, train.handle));
  }

  /** A figure a row for `value`; features + 1 figures a row for `contributions`, the bias last. */
  predict(matrix: DMatrix, type: PredictionType): Float32Array {
    const config = {
      type: PREDICTION_TYPE[type],
      training: false,
      iteration_begin: 0,
      iteration_end: 0,
      strict_shape: true,
    };
    const [shape, values]: [Out<Pointer>, Out<Pointer>] = [[null], [null]];
    const dimensions: Out<number> = [null];
    this.check(this.api.boosterPredict(this.handle, matrix.handle, JSON.stringify(config), shape, dimensions, values));
    const sizes = new BigUint64Array(koffi.view(shape[0], dimensions[0]! * BigUint64Array.BYTES_PER_ELEMENT));
    const length = Number(sizes.reduce((product, size) => product * size, 1n));
    return new Float32Array(koffi.view(values[0], length * Float32Array.BYTES_PER_ELEMENT)).slice();
  }

  /** Names of the columns that the model was trained on, in order. */
  features(): string[] {
    const length: Out<number> = [null];
    const names: Out<Pointer> = [null];
    this.check(this.api.boosterGetFeatureInfo(this.handle, 'feature_name', length, names));
    return length[0] === 0 ? [] : (koffi.decode(names[0], 'const char *', length[0]!) as string[]);
  }

  /** Sum of the gains of all splits of each feature that is split by, by its name. Of trees alone. */
  totalGain(): Map<string, number> {
    const [count, dimensions]: [Out<number>, Out<number>] = [[null], [null]];
    const [names, shape, scores]: [Out<Pointer>, Out<Pointer>, Out<Pointer>] = [[null], [null], [null]];
    const config = JSON.stringify({ importance_type: 'total_gain' });
    this.check(this.api.boosterFeatureScore(this.handle, config, count, names, dimensions, shape, scores));
    if (count[0] === 0) return new Map();
    const values = new Float32Array(koffi.view(scores[0], count[0]! * Float32Array.BYTES_PER_ELEMENT));
    const features = koffi.decode(names[0], 'const char *', count[0]!) as string[];
    return new Map(features.map((name, i) => [name, values[i]!]));
  }

  /** Whether it is linear, and over how many labels a leaf of its trees has a number each. */
  kind(): { linear: boolean; targets: number } {
    const [length, text]: [Out<number>, Out<string>] = [[null], [null]];
    this.check(this.api.boosterSaveConfig(this.handle, length, text));
    const { learner } = JSON.parse(text[0]!) as BoosterConfig;
    return {
      linear: learner.gradient_booster.name === 'gblinear',
      targets: Number(learner.learner_model_param.num_target),
    };
  }

  /** The bytes of the model's file. */
  save(format: ModelFormat): Uint8Array<ArrayBuffer> {
    const length: Out<number> = [null];
    const bytes: Out<Pointer> = [null];
    this.check(this.api.boosterSave(this.handle, JSON.stringify({ format }), length, bytes));
    return new Uint8Array(koffi.view(bytes[0], length[0]!)).slice();
  }

  free(): void {
    this.check(this.api.boosterFree(this.handle));
  }
}

interface Api {
  version(major: Out<number>, minor: Out<number>, patch: Out<number>): void;
  lastError(): string;
  setGlobalConfig(json: string): Status;
  matrixCreate(values: Float32Array, rows: number, columns: number, missing: number, out: Out<Pointer>): Status;
  matrixFree(matrix: Pointer): Status;
  matrixSetFloatInfo(matrix: Pointer, field: string, values: Float32Array, length: number): Status;
  matrixSetInfo(matrix: Pointer, field: string, array: string): Status;
  matrixSetFeatureInfo(matrix: Pointer, field: string, values: string[], length: number): Status;
  boosterCreate(matrices: Pointer[], length: number, out: Out<Pointer>): Status;
  boosterFree(booster: Pointer): Status;
  boosterSetParam(booster: Pointer, name: string, value: string): Status;
  boosterSetFeatureInfo(booster: Pointer, field: string, values: string[], length: number): Status;
  boosterGetFeatureInfo(booster: Pointer, field: string, length: Out<number>, values: Out<Pointer>): Status;
  boosterUpdate(booster: Pointer, round: number, train: Pointer): Status;
  boosterPredict(
    booster: Pointer,
    matrix: Pointer,
    config: string,
    shape: Out<Pointer>,
    dimensions: Out<number>,
    values: Out<Pointer>,
  ): Status;
  boosterFeatureScore(
    booster: Pointer,
    config: string,
    count: Out<number>,
    features: Out<Pointer>,
    dimensions: Out<number>,
    shape: Out<Pointer>,
    scores: Out<Pointer>,
  ): Status;
  boosterSaveConfig(booster: Pointer, length: Out<number>, text: Out<string>): Status;
  boosterSave(booster: Pointer, config: string, length: Out<number>, bytes: Out<Pointer>): Status;
  boosterLoad(booster: Pointer, bytes: Uint8Array, length: number): Status;
}

function bind(path: string): Api {
  const library = koffi.load(path);
  return {
    version: library.func('void XGBoostVersion(_Out_ int *major, _Out_ int *minor, _Out_ int *patch)'),
    lastError: library.func('const char *XGBGetLastError()'),
    setGlobalConfig: library.func('int XGBSetGlobalConfig(const char *config)'),
    matrixCreate: library.func(
      'int XGDMatrixCreateFromMat(const float *data, uint64_t rows, uint64_t columns, float missing, _Out_ void **out)',
    ),
    matrixFree: library.func('int XGDMatrixFree(void *handle)'),
    matrixSetFloatInfo: library.func(
      'int XGDMatrixSetFloatInfo(void *handle, const char *field, const float *array, uint64_t length)',
    ),
    matrixSetInfo: library.func(
      'int XGDMatrixSetInfoFromInterface(void *handle, const char *field, const char *array)',
    ),
    matrixSetFeatureInfo: library.func(
      'int XGDMatrixSetStrFeatureInfo(void *handle, const char *field, const char **features, uint64_t length)',
    ),
    boosterCreate: library.func('int XGBoosterCreate(void **matrices, uint64_t length, _Out_ void **out)'),
    boosterFree: library.func('int XGBoosterFree(void *handle)'),
    boosterSetParam: library.func('int XGBoosterSetParam(void *handle, const char *name, const char *value)'),
    boosterSetFeatureInfo: library.func(
      'int XGBoosterSetStrFeatureInfo(void *handle, const char *field, const char **features, uint64_t length)',
    ),
    boosterGetFeatureInfo: library.func(
      'int XGBoosterGetStrFeatureInfo(void *handle, const char *field, _Out_ uint64_t *length, _Out_ void **features)',
    ),
    boosterUpdate: library.func('int XGBoosterUpdateOneIter(void *handle, int round, void *train)'),
    boosterPredict: library.func(
      'int XGBoosterPredictFromDMatrix(void *handle, void *matrix, const char *config, _Out_ void **shape, _Out_ uint64_t *dimensions, _Out_ void **values)',
    ),
    boosterFeatureScore: library.func(
      'int XGBoosterFeatureScore(void *handle, const char *config, _Out_ uint64_t *count, _Out_ void **features, _Out_ uint64_t *dimensions, _Out_ void **shape, _Out_ void **scores)',
    ),
    boosterSaveConfig: library.func(
      'int XGBoosterSaveJsonConfig(void *handle, _Out_ uint64_t *length, _Out_ const char **text)',
    ),
    boosterSave: library.func(
      'int XGBoosterSaveModelToBuffer(void *handle, const char *config, _Out_ uint64_t *length, _Out_ void **bytes)',
    ),
    boosterLoad: library.func('int XGBoosterLoadModelFromBuffer(void *handle, const void *bytes, uint64_t length)'),
  };
}

/** The library adds a stack trace to its message; the first line of words tells what is wrong. */
function firstLine(message: string): string {
  const line = message.split('\n').find((candidate) => candidate.trim() !== '') ?? 'no reason given';
  return line
    .replace(/^\[[\d:]+\]\s*/, '')
    .replace(/\.$/, '')
    .trim();
}
