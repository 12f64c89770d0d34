import { z } from 'zod';
import { algorithmConfig, type Pipeline } from '../config/load.js';
import { ownPackage } from '../package.js';
import type { ModelConfig } from '../config/schema.js';
import type { DatasetMetadata } from '../data/dataset.js';
import type { DayRange } from '../data/layers.js';
import { daySql, earlier, partitionDays } from '../data/partitions.js';
import { splitDays, trainingSplit } from '../data/trainingSplit.js';
import { sha256 } from '../platform/storage/checksum.js';
import { codeCommit } from './codeCommit.js';

export const originShape = {
  /** SHA-256 of the gold files' checksums, per partition, as JSON. */
  inputs_digest: z.string(),
  /** SHA-256 of the settings that decide this algorithm's model, and of the days of each split. */
  settings_digest: z.string(),
  /** Commit of Perdure's own code; `null` where it can't be told. */
  code_commit: z.string().nullable(),
  /** Version of Perdure's package, which tells installed code apart. */
  package_version: z.string(),
  /** Name and version of the library that fits. */
  engine: z.string(),
  seed: z.number(),
};
/** Everything that decides which bytes a training makes: two trainings of equal origin make the same model. */
export type Origin = z.infer<z.ZodObject<typeof originShape>>;

/** The data of a training. */
export type Inputs = Pick<DatasetMetadata, 'partitions' | 'labelled_to' | 'as_of'>;

export async function originOf(pipeline: Pipeline, algorithm: string, inputs: Inputs, engine: string): Promise<Origin> {
  return {
    inputs_digest: sha256(JSON.stringify(inputs.partitions)),
    settings_digest: sha256(
      JSON.stringify([settingsOf(pipeline, algorithm), splitDaysOf(pipeline, inputs, inputs.as_of)]),
    ),
    code_commit: await codeCommit(),
    package_version: ownPackage().version,
    engine,
    seed: pipeline.config.model_config.random_state,
  };
}

/** Whether a version that recorded `recorded` is what a training of `origin` would make. */
export function isSameOrigin(origin: Origin, recorded: Origin): boolean {
  return (Object.keys(origin) as (keyof Origin)[]).every((key) => recorded[key] === origin[key]);
}

/**
 * Sections of the config that have no part in a model or in its promotion. A section that is not named here counts, so
 * that a new one is not forgotten.
 */
const NO_PART = [
  'storage',
  'steward',
  'compute',
  'schedules',
  'alerts',
  'prices',
] as const satisfies (keyof ModelConfig)[];

function settingsOf({ definition, config }: Pipeline, algorithm: string): unknown {
  const { features, label, labelSource, task, objective, drop, split, transforms, keys, entity, partition } =
    definition;
  const sections: Partial<ModelConfig> = { ...config };
  for (const section of NO_PART) delete sections[section];
  const { hyperparameter_tuning, feature_selection, class_weight } = config.training_config;
  const { estimator, script, params, param_distributions } = algorithmConfig(config, algorithm);
  return {
    definition: { features, label, labelSource, task, objective, drop, split, transforms, keys, entity, partition },
    ...sections,
    training_config: { hyperparameter_tuning, feature_selection, class_weight },
    algorithms: { estimator, script, params, param_distributions },
    inference_config: { prediction_threshold: config.inference_config.prediction_threshold },
    monitoring_config: { label_maturity_days: config.monitoring_config.label_maturity_days },
  };
}

/**
 * The days whose rows can have a label that counts, of each split that is by time, else of all rows that have a day. The
 * data's own end bounds them, so that days that pass after it change nothing.
 */
function splitDaysOf(pipeline: Pipeline, { partitions, labelled_to }: Inputs, asOf: string): Required<DayRange>[] {
  if (daySql(pipeline) === undefined) return [];
  const split = trainingSplit(pipeline);
  const ends = Object.keys(partitions).map((name) => partitionDays(name).end);
  return split.names.map((name) => {
    const { from, to } = splitDays(split, name, asOf);
    const dataEnd = ends.filter((end) => end >= from).reduce((last, end) => (end > last ? end : last), from);
    return { from, to: earlier(earlier(to, labelled_to), dataEnd) };
  });
}
