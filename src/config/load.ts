import { readdir } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { basename, extname, join, resolve } from 'node:path';
import type { z } from 'zod';
import { variables, type Variables } from '../environment.js';
import { PerdureError, messageOf, systemCode } from '../errors.js';
import { checkName } from '../names.js';
import { didYouMean, slipsBetween } from '../nearestName.js';
import { packageFolder } from '../package.js';
import { sha256 } from '../platform/storage/checksum.js';
import { pathOfAddress } from '../platform/storage/fileAddress.js';
import { readRegularFile } from '../platform/storage/regularFile.js';
import { scratchRoot, storeRoot } from '../platform/storage/stores.js';
import { defaultModelConfig, laidOver, laidOverDefaults } from './defaults.js';
import { Expectations } from './expectations.js';
import { faultInWords, faultsInWords } from './faults.js';
import { carriedColumns, isAmong, reasonColumns } from './columns.js';
import { BehaviouralTests } from './modelTests.js';
import { repeatedNames } from './repeatedNames.js';
import { ModelConfig, PipelineDefinition, type AlgorithmConfig } from './schema.js';
import { folderAt, isRemote, remotePipelines, takeSnapshot } from './snapshot.js';
import { agreeing, countOf } from '../contracts/counts.js';
import type { TaskSpec } from '../contracts/task.js';
import type { EstimatorRef } from '../ml/estimators/estimator.js';
import { estimatorKind, type Estimator } from '../ml/estimators/estimators.js';
import { asksForNativeCategoricals } from '../ml/transforms/transforms.js';

/** A pipeline as an environment runs it. */
export interface Pipeline {
  definition: PipelineDefinition;
  config: ModelConfig;
  expectations: Expectations;
  /** What a new version has to know; none where the pipeline doesn't say. */
  behaviouralTests: BehaviouralTests['tests'];
  environment: Environment;
  /** The folder with its SQL; a local copy where the configuration lies in S3, or is that of a run. */
  folder: string;
  /** Where people find that folder. */
  address: string;
  /** SHA-256 of `pipeline.json` and the model config as they stand on disk. */
  configHash: string;
}

export const ENVIRONMENTS = ['dev', 'staging', 'prod'] as const;
export type Environment = (typeof ENVIRONMENTS)[number];

/** The environment that `ENVIRONMENT` names; `dev` when it says nothing. */
export function environment(env: Variables = variables()): Environment {
  const named = variables(env).ENVIRONMENT ?? 'dev';
  const known = ENVIRONMENTS.find((candidate) => candidate === named);
  if (!known) {
    throw new PerdureError('ConfigInvalid', `ENVIRONMENT is "${named}"; expected one of ${ENVIRONMENTS.join(', ')}.`);
  }
  return known;
}

/**
 * The folder of pipelines, or its address `s3://bucket/prefix`: `PERDURE_CONF`, else `conf/` beside this package's
 * `package.json`.
 * @throws PerdureError `ConfigInvalid` for another kind of address
 */
export function confFolder(env: Variables = variables()): string {
  const named = env.PERDURE_CONF;
  if (!named) return join(packageFolder(), 'conf');
  if (/^s3:\/\/[^/]+/.test(named)) return named.replace(/\/+$/, '');
  if (named.startsWith('file://')) return pathOfAddress(named);
  if (/^[a-z][a-z0-9+.-]+:/i.test(named) && !existsSync(named)) {
    throw new PerdureError(
      'ConfigInvalid',
      `PERDURE_CONF is "${named}"; give a folder, or an address such as s3://bucket/prefix.`,
    );
  }
  return resolve(named);
}

export async function listPipelines(conf = confFolder()): Promise<string[]> {
  if (isRemote(conf)) return remotePipelines(conf, scratchRoot(storeRoot()));
  const folder = join(conf, 'pipelines');
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: unknown) => {
    if (systemCode(error) === 'ENOENT') return [];
    throw new PerdureError(
      'ConfigInvalid',
      `${folder} can't be listed (${messageOf(error)}); make it a folder that can be read, or name another in PERDURE_CONF.`,
    );
  });
  return entries
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort();
}

/**
 * Reads and checks a pipeline's folder.
 * @throws PerdureError `InputInvalid` for what can't be a name, `NotFound` for a name without a folder, `ConfigInvalid`
 * with every fault at once.
 */
export async function loadPipeline(name: string, env: Variables = variables()): Promise<Pipeline> {
  const address = confFolder(env);
  checkName('a pipeline', name);
  if (!isRemote(address)) return loadFrom(address, name, address, env);
  const { conf } = await takeSnapshot(address, name, scratchRoot(storeRoot(env.PERDURE_STORE)));
  return loadFrom(conf, name, address, env);
}

/**
 * Reads and checks a local copy of a pipeline's folder. Messages name the files by where people find them.
 * @param address the folder, or the address in S3, that the copy was made of
 * @throws as {@link loadPipeline}
 */
export async function loadFrom(
  conf: string,
  name: string,
  address: string,
  env: Variables = variables(),
): Promise<Pipeline> {
  try {
    return { ...(await readFolder(conf, name, address, env)), address: folderAt(address, name) };
  } catch (error) {
    throw named(error, join(conf, 'pipelines', name), folderAt(address, name));
  }
}

/** An error that speaks of a local copy, with the place that it was copied from. */
export function named(error: unknown, folder: string, address: string): unknown {
  if (folder === address || !(error instanceof PerdureError) || !error.message.includes(folder)) return error;
  return new PerdureError(error.type, error.message.replaceAll(folder, address), { cause: error });
}

async function readFolder(
  conf: string,
  name: string,
  address: string,
  env: Variables,
): Promise<Omit<Pipeline, 'address'>> {
  const folder = join(conf, 'pipelines', name);
  if (!existsSync(join(folder, 'pipeline.json'))) {
    const known = await listPipelines(address);
    const meant = didYouMean(name, known, 8);
    throw new PerdureError(
      'NotFound',
      `There is no pipeline "${name}" in ${address}/pipelines; ${meant}${meant.endsWith('?') ? '' : '.'}`,
    );
  }
  const chosen = environment(env);
  const written = await readChecked(join(folder, 'pipeline.json'), PipelineDefinition);
  const definition = { ...written.value, name: written.value.name ?? name, title: written.value.title ?? name };
  await checkFileNames(definition, folder);
  const config = await readChecked(join(folder, `model_config.${chosen}.json`), ModelConfig, {
    otherwise: 'restore it, or set ENVIRONMENT to one that has it',
    complete: definition.brief ? (said) => laidOverDefaults(defaultModelConfig(definition), said) : undefined,
  });
  checkCategoricals(definition, config.value, folder);
  checkReasons(definition, config.value, folder);
  checkScripts(config.value, folder);
  checkDays(definition, config.value, folder);
  const expectations = await readChecked(join(folder, 'expectations.json'), Expectations, {
    otherwise: 'restore it, or write {"silver": []} into it where nothing is expected of the rows',
    complete: definition.brief ? (said) => said : undefined,
  });
  const behaviour = await readChecked(join(folder, 'model_tests.json'), BehaviouralTests, {
    complete: (said) => laidOver({ tests: [] }, said),
  });
  return {
    definition,
    config: config.value,
    expectations: expectations.value,
    behaviouralTests: behaviour.value.tests,
    environment: chosen,
    folder,
    configHash: sha256(written.text + config.text),
  };
}

/** Refuses files beside `pipeline.json` that nothing reads, and whose names are nearly those of files that are read. */
async function checkFileNames({ brief, layers, source, tables }: PipelineDefinition, folder: string): Promise<void> {
  const configs = ENVIRONMENTS.map((each) => `model_config.${each}.json`);
  const known = [
    ...configs,
    'pipeline.json',
    'expectations.json',
    'model_tests.json',
    ...(brief ? Object.keys(layers).map((layer) => `${layer}.sql`) : []),
  ];
  const named = [
    ...known,
    ...Object.values(layers).map(({ sql }) => sql),
    ...Object.values(tables),
    ...Object.values(source.synthetic ?? {}),
  ];
  const present = await readdir(folder);
  for (const file of present) {
    if (named.includes(file)) continue;
    const isConfig = /^model_config(\.[^.]*)?\.json$/.test(file);
    const meant = known.find(
      (name) => !present.includes(name) && extname(name) === extname(file) && slipsBetween(file, name) <= 2,
    );
    if (!isConfig && meant === undefined) continue;
    throw new PerdureError(
      'ConfigInvalid',
      `Nothing reads ${join(folder, file)}; rename it to ${isConfig ? configs.join(', ').replace(/, (?=[^,]*$)/, ' or ') : meant}, or move it out of the folder.`,
    );
  }
}

/** Refuses algorithms that would take positions of categories for numbers. */
function checkCategoricals({ transforms = [] }: PipelineDefinition, config: ModelConfig, folder: string): void {
  if (!asksForNativeCategoricals(transforms)) return;
  const unable = algorithmsToTrain(config).filter(
    (name) => !estimatorKind(algorithmConfig(config, name).estimator).nativeCategoricals,
  );
  if (unable.length === 0) return;
  throw new PerdureError(
    'ConfigInvalid',
    `"transforms" in ${join(folder, 'pipeline.json')} leave categories to the estimators ("categorical"), and ${unable.join(' and ')} can't take them; use one_hot, ordinal or target there, or leave ${agreeing(unable.length, 'it', 'them')} out of "algorithms".`,
  );
}

/** Refuses algorithms that train by a script whose files are not in the pipeline's folder, as they travel with it. */
function checkScripts(config: ModelConfig, folder: string): void {
  for (const name of algorithmsToTrain(config)) {
    const { script } = estimatorOf({ config, folder }, name);
    if (!script || existsSync(script.folder)) continue;
    throw new PerdureError(
      'ConfigInvalid',
      `The algorithm "${name}" is the script ${script.name}, and there is no folder ${script.folder}; put its files there, or correct "script.folder".`,
    );
  }
}

/** Refuses ranges of days of rows that have none. */
function checkDays({ partition }: PipelineDefinition, { temporal_splits }: ModelConfig, folder: string): void {
  if (!temporal_splits || partition.column !== undefined) return;
  throw new PerdureError(
    'ConfigInvalid',
    `"temporal_splits" are ranges of days, and rows have none by ${join(folder, 'pipeline.json')}; give each row's day in "time" there, or take the ranges out.`,
  );
}

/** Refuses keys with the names that reasons have in a predictions file. */
function checkReasons(definition: PipelineDefinition, { inference_config }: ModelConfig, folder: string): void {
  const names = reasonColumns(inference_config.reasons).flatMap((columns) => Object.values(columns));
  const taken = carriedColumns(definition).find((name) => isAmong(names, name));
  if (taken === undefined) return;
  throw new PerdureError(
    'ConfigInvalid',
    `${join(folder, 'pipeline.json')} has the column ${JSON.stringify(taken)}, which predictions carry beside a column of that name, as "inference_config.reasons" asks for; rename it in SQL, or ask for none.`,
  );
}

/** The algorithms that train: those asked for, else those enabled. Throws `NotFound` for an unknown name. */
export function algorithmsToTrain(config: ModelConfig, asked?: string[]): string[] {
  const { algorithms, enabled_algorithms } = config.training_config;
  const unknown = asked?.filter((name) => !algorithms.includes(name)) ?? [];
  if (unknown.length > 0) {
    throw new PerdureError(
      'NotFound',
      `There is no algorithm ${unknown.map((name) => JSON.stringify(name)).join(', ')}; this pipeline has ${algorithms.join(', ')}.`,
    );
  }
  return asked?.length
    ? algorithms.filter((name) => asked.includes(name))
    : algorithms.filter((name) => enabled_algorithms[name] ?? true);
}

/** Those of some algorithms whose estimator can't do a task. */
export function unableOf(config: ModelConfig, names: string[], task: TaskSpec): string[] {
  return names.filter((name) => estimatorKind(algorithmConfig(config, name).estimator).cannot(task) !== undefined);
}

/** An algorithm's settings. Throws `NotFound` for an unknown name. */
export function algorithmConfig(config: ModelConfig, name: string): AlgorithmConfig {
  const found = Object.hasOwn(config.algorithms, name) ? config.algorithms[name] : undefined;
  if (!found) {
    throw new PerdureError(
      'NotFound',
      `There is no algorithm ${JSON.stringify(name)}; this pipeline has ${Object.keys(config.algorithms).join(', ')}.`,
    );
  }
  return found;
}

/**
 * What trains an algorithm: an estimator, and its program in the pipeline's folder where it is one. Packages of one that
 * may be left out are never fetched by a training, which goes on without it.
 */
export function estimatorOf(
  { config, folder }: Pick<Pipeline, 'config' | 'folder'>,
  algorithm: string,
): EstimatorRef<Estimator> {
  const { estimator, script, optional } = algorithmConfig(config, algorithm);
  if (!script) return { estimator };
  const setUpBy = optional ? { setUpBy: `perdure setup ${basename(folder)}` } : {};
  return { estimator, script: { ...script, name: script.folder, folder: join(folder, script.folder), ...setUpBy } };
}

/**
 * Reads a JSON file by a schema.
 * @param options.otherwise what to do where the file isn't there
 * @param options.complete adds what the file doesn't say; it may then be absent
 * @throws PerdureError `ConfigInvalid` with every fault at once
 */
export async function readChecked<S extends z.ZodType>(
  path: string,
  schema: S,
  {
    otherwise = 'restore it',
    complete,
  }: { otherwise?: string; complete?: ((said: unknown) => unknown) | undefined } = {},
): Promise<{ value: z.infer<S>; text: string }> {
  const bytes = await readRegularFile(path).catch((error: unknown) => {
    if (systemCode(error) === 'ENOENT' && complete) return Buffer.from('{}');
    if (systemCode(error) === 'ENOENT') throw new PerdureError('ConfigInvalid', `${path} is not there; ${otherwise}.`);
    throw new PerdureError(
      'ConfigInvalid',
      error instanceof PerdureError
        ? error.message
        : `${path} can't be read (${messageOf(error)}); make it readable and run again.`,
    );
  });
  const text = bytes.toString('utf8').replace(/^\uFEFF/, '');
  let json: unknown;
  const unusable: string[] = [];
  try {
    json = JSON.parse(text, (key, value: unknown) => {
      // A property of this name would be lost on the way.
      if (key === '__proto__') unusable.push(key);
      return value;
    });
  } catch (error) {
    throw new PerdureError('ConfigInvalid', `${path} is not valid JSON: ${messageOf(error)}.`);
  }
  const parsed = schema.safeParse(complete ? complete(json) : json, {
    reportInput: true,
    error: faultInWords,
  });
  const faults = [
    ...unusable.map((key) => `  (anywhere): expected another name than "${key}"`),
    ...repeatedNames(text).map((path) => `  ${path.join('.')}: is given more than once; keep one`),
    ...faultsInWords(parsed.error?.issues ?? []),
  ];
  if (!parsed.success || faults.length > 0) {
    throw new PerdureError(
      'ConfigInvalid',
      `${path} has ${countOf(faults.length, 'fault')}; correct and run again:\n${faults.join('\n')}`,
    );
  }
  return { value: parsed.data, text };
}
