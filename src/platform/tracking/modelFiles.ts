import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Pipeline } from '../../config/load.js';
import type { ModelFile } from '../../ml/estimators/estimator.js';
import { taskOf } from '../../ml/tasks/task.js';
import { packageFolder } from '../../package.js';
import {
  modelFile,
  readVersionFile,
  readVersionFileIfAny,
  type Preprocessing,
  type VersionMetadata,
} from '../../registry/versions.js';
import { sha256 } from '../storage/checksum.js';
import type { ObjectStore } from '../storage/objectStore.js';

/** A file among the artifacts of a run or a model: what a local file holds, or a text. */
export interface ArtifactFile {
  path: string;
  content: { file: string } | { text: string };
}

/** Python's package that reads a model's file, by the version of the library that wrote it. */
const PACKAGE_OF: Record<Exclude<ModelFile, 'model.tar'>, (version: string | undefined) => string> = {
  'model.ubj': (version) => `xgboost==${version}`,
  'model.txt': (version) => `lightgbm==${version}`,
  'model.onnx': () => 'onnxruntime==1.32.0',
};

/** Why a script's version is there without a `python_function`. */
const NO_PYTHON_FUNCTION =
  'A script of any language predicts by itself, as docs/scripts.md of Perdure has it; its files and its model are in data/model.tar.';

/** Where the code lies in Perdure's package. */
const LOADER = join('src', 'platform', 'tracking', 'pyfunc', 'perdure_model.py');

/** A version of Python that all packages below have wheels for. */
const PYTHON = '3.12';

/**
 * A version in MLflow's model format, as a `python_function`: the code that predicts from raw rows as Perdure does, and
 * what it reads. `MLmodel` is JSON, which is YAML too.
 *
 * @param about the model there
 * @throws PerdureError `ObjectCorrupt` where a file of the version is gone or damaged
 */
export async function modelFiles(
  registry: ObjectStore,
  { config }: Pick<Pipeline, 'config'>,
  metadata: VersionMetadata,
  about: { modelId: string; runId: string; createdAt: string },
): Promise<ArtifactFile[]> {
  const { model_name: algorithm, version, model_file, lineage } = metadata;
  const preprocessing = await readVersionFile(registry, { algorithm, version }, 'preprocessing.json');
  const calibrator = await readVersionFileIfAny(registry, metadata, 'calibrator.json');
  const threshold = await readVersionFileIfAny(registry, metadata, 'threshold.json');
  const kept: ArtifactFile[] = [
    { path: `data/${model_file}`, content: { file: await modelFile(registry, metadata) } },
    json('data/preprocessing.json', preprocessing),
    ...(calibrator ? [json('data/calibrator.json', calibrator)] : []),
    json('data/decision.json', { threshold: threshold?.value ?? config.inference_config.prediction_threshold }),
  ];
  const described = {
    model_id: about.modelId,
    run_id: about.runId,
    utc_time_created: about.createdAt.replace('T', ' ').replace('Z', ''),
    signature: signatureOf(preprocessing),
  };
  const identity = { pipeline: lineage.pipeline, environment: lineage.environment, algorithm, version };
  if (model_file === 'model.tar')
    return [
      ...kept,
      json('MLmodel', {
        ...described,
        flavors: { perdure_script: { data: 'data' } },
        metadata: { ...identity, no_python_function: NO_PYTHON_FUNCTION },
      }),
    ];
  const code = await readFile(join(packageFolder(), LOADER), 'utf8');
  // A process that loads models of several releases needs a module of its own for each.
  const loader = `perdure_model_${sha256(code).slice(0, 8)}`;
  const requirements = ['numpy', 'pandas', PACKAGE_OF[model_file](/[\d.]+$/.exec(lineage.engine)?.[0])];
  return [
    text(`code/${loader}.py`, code),
    ...kept,
    text('requirements.txt', `${requirements.join('\n')}\n`),
    json('python_env.yaml', { python: PYTHON, build_dependencies: ['pip'], dependencies: ['-r requirements.txt'] }),
    // Last: whoever finds it finds all.
    json('MLmodel', {
      ...described,
      flavors: {
        python_function: {
          loader_module: loader,
          code: 'code',
          data: 'data',
          env: { virtualenv: 'python_env.yaml' },
          python_version: PYTHON,
        },
      },
      metadata: identity,
    }),
  ];
}

/**
 * The columns in MLflow's types. Numbers and dates are of any type there: its `double` would refuse a column of whole
 * numbers, and its `datetime` text.
 */
function signatureOf({ inputs, task }: Preprocessing): Record<'inputs' | 'outputs', string> {
  const { width, predictionColumns } = taskOf(task);
  const outputs = predictionColumns({ values: new Float64Array(0), width }, 0.5);
  return {
    inputs: JSON.stringify(
      inputs.map(({ name, kind }) => ({ name, type: kind === 'category' ? 'string' : 'any', required: false })),
    ),
    outputs: JSON.stringify(outputs.map(({ name, type }) => ({ name, type: OUTPUT_TYPES[type], required: true }))),
  };
}

const OUTPUT_TYPES = { DOUBLE: 'double', TINYINT: 'integer', VARCHAR: 'string' } as const;

function text(path: string, content: string): ArtifactFile {
  return { path, content: { text: content } };
}

function json(path: string, value: unknown): ArtifactFile {
  return text(path, JSON.stringify(value, null, 2));
}
