import type { Pipeline } from '../../config/load.js';

/** What a pipeline is called in MLflow. */
export interface MlflowNames {
  experiment: string;
  registeredModel: string;
}

/**
 * The names that the pipeline gives, else its own. Several environments may share a server, and have a champion each: outside
 * of prod the name says which one it is.
 */
export function mlflowNames({ definition, environment }: Pipeline): MlflowNames | undefined {
  const settings = definition.tracking?.mlflow;
  if (!settings) return undefined;
  const own = environment === 'prod' ? definition.name : `${definition.name}-${environment}`;
  return { experiment: settings.experiment ?? own, registeredModel: settings.registered_model ?? own };
}

/** Tags by which what is written is found again, so that nothing is written twice. */
export const TAG = {
  kind: 'perdure.kind',
  pipeline: 'perdure.pipeline',
  environment: 'perdure.environment',
  run: 'perdure.run_id',
  workflow: 'perdure.workflow_id',
  algorithm: 'perdure.algorithm',
  version: 'perdure.version',
  stage: 'stage',
} as const;

/** A condition on tags, in MLflow's language of filters. */
export function tagged(tags: Record<string, string>): string {
  return Object.entries(tags)
    .map(([name, value]) => `tags.\`${name}\` = '${value.replaceAll("'", "''")}'`)
    .join(' and ');
}

/** Tags, and whatever else MLflow takes as a list of names with values. */
export function listed(values: Record<string, string | undefined>): { key: string; value: string }[] {
  return Object.entries(values).flatMap(([key, value]) => (value === undefined ? [] : [{ key, value }]));
}
