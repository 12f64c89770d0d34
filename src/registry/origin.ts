import { algorithmConfig, ownPackage, type Pipeline } from '../config/load.js';
import type { ModelConfig } from '../config/schema.js';
import type { DatasetMetadata } from '../data/dataset.js';
import { earlier, partitionDays } from '../data/partitions.js';
import { sha256 } from '../platform/storage/checksum.js';
import { codeCommit } from './codeCommit.js';

/** Everything that decides which bytes a training makes: two trainings of equal origin make the same model. */
export interface Origin {
  /** SHA-256 of the gold files' checksums, per partition, as JSON. */
  inputs_digest: string;
  /** SHA-256 of the settings that decide this algorithm's model, and of the last day with labels of each window. */
  settings_digest: string;
  /** Commit of Perdure's own code; `null` where it can't be told. */
  code_commit: string | null;
  /** Version of Perdure's package, which tells installed code apart. */
  package_version: string;
  /** Name and version of the library that fits. */
  engine: string;
  seed: number;
}

/** The data of a training. */
export type Inputs = Pick<DatasetMetadata, 'partitions' | 'labelled_to'>;

export async function originOf(pipeline: Pipeline, algorithm: string, inputs: Inputs, engine: string): Promise<Origin> {
  return {
    inputs_digest: sha256(JSON.stringify(inputs.partitions)),
    settings_digest: sha256(JSON.stringify([settingsOf(pipeline, algorithm), lastDays(pipeline, inputs)])),
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
const NO_PART = ['storage', 'steward', 'compute', 'schedules', 'alerts', 'prices'] as const satisfies (keyof ModelConfig)[];

function settingsOf({ definition, config }: Pipeline, algorithm: string): unknown {
  const { features, label, keys, partition } = definition;
  const sections: Partial<ModelConfig> = { ...config };
  for (const section of NO_PART) delete sections[section];
  const { hyperparameter_tuning, feature_selection, class_weight } = config.training_config;
  const { estimator, params, param_distributions } = algorithmConfig(config, algorithm);
  return {
    definition: { features, label, keys, partition },
    ...sections,
    training_config: { hyperparameter_tuning, feature_selection, class_weight },
    algorithms: { estimator, params, param_distributions },
    inference_config: { prediction_threshold: config.inference_config.prediction_threshold },
    monitoring_config: { label_maturity_days: config.monitoring_config.label_maturity_days },
  };
}

/**
 * The last day of each window whose rows can have a label that counts. The data's own end bounds it, so that days
 * that pass after it change nothing.
 */
function lastDays({ config }: Pipeline, { partitions, labelled_to }: Inputs): string[] {
  const ends = Object.keys(partitions).map((name) => partitionDays(name).end);
  const { train, test, oot } = config.temporal_splits;
  return [train, test, oot].map(({ start_date, end_date }) => {
    const dataEnd = ends.filter((end) => end >= start_date).reduce((last, end) => (end > last ? end : last), start_date);
    return earlier(earlier(end_date, labelled_to), dataEnd);
  });
}
