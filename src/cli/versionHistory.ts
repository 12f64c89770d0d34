import { isDeepStrictEqual } from 'node:util';
import type { Pipeline } from '../config/load.js';
import { metricsOf, SPLITS, type VersionRef } from '../contracts/index.js';
import { PerdureError } from '../errors.js';
import { checkAlias } from '../registry/operations.js';
import { aliasKey, latestKey, movesOf, readPointer, type Move } from '../registry/pointers.js';
import { resolveModel } from '../registry/resolve.js';
import { readVersion, refOf, type VersionMetadata } from '../registry/versions.js';
import type { ObjectStore } from '../platform/storage/objectStore.js';
import type { CommonOptions } from './options.js';
import { selectorOf } from './selector.js';
import { score } from './phases.js';
import { openToRead } from './store.js';
import { table } from './table.js';
import { print, printJson } from './terminal.js';

/** Who moved an alias, or the latest of an algorithm, to what, when and why; newest first. */
export async function modelHistory(name: string, alias: string, options: CommonOptions): Promise<void> {
  const { pipeline, stores } = await openToRead(name, options);
  const registry = stores.modelRegistry;
  const isAlgorithm = pipeline.config.training_config.algorithms.includes(alias);
  const key = isAlgorithm ? latestKey(alias) : aliasKey(alias);
  const moves = movesOf(await readPointer(registry, key));
  if (moves.length === 0 && !isAlgorithm) checkAlias(alias);
  if (options.json) printJson({ alias, moves: moves.map(moveJson) });
  else if (moves.length === 0) print(`${alias} of ${name} was never moved.`);
  else print(table(['when (UTC)', 'model', 'by', 'why'], moves.map(historyRow)));
}

/** How two versions differ: parameters, metrics, and what they were made from. */
export async function diffModels(name: string, one: string, other: string, options: CommonOptions): Promise<void> {
  const { pipeline, stores } = await openToRead(name, options);
  const registry = stores.modelRegistry;
  const [before, after] = [await metadataOf(registry, pipeline, one), await metadataOf(registry, pipeline, other)];
  const differences = differencesBetween(before, after);
  const titles = [before, after].map(({ model_name, version }) => `${model_name} ${version}`);
  if (options.json) printJson({ versions: [refOf(before), refOf(after)], differences });
  else if (titles[0] === titles[1]) print(`${one} and ${other} are the same version, ${titles[0]}.`);
  else if (differences.length === 0) print(`${titles.join(' and ')} do not differ.`);
  else
    print(
      table(
        ['', ...titles],
        differences.map(({ what, values }) => [what, ...values.map(shown)]),
      ),
    );
}

async function versionOf(registry: ObjectStore, pipeline: Pipeline, model: string): Promise<VersionRef> {
  const resolved = await resolveModel(
    registry,
    pipeline.config.training_config.algorithms,
    selectorOf(pipeline, model),
  );
  if (resolved.status === 'skipped') throw new PerdureError('NotFound', resolved.reason);
  return { algorithm: resolved.model.algorithm, version: resolved.model.version };
}

async function metadataOf(registry: ObjectStore, pipeline: Pipeline, model: string): Promise<VersionMetadata> {
  const ref = await versionOf(registry, pipeline, model);
  const metadata = await readVersion(registry, ref);
  if (!metadata)
    throw new PerdureError(
      'NotFound',
      `${ref.algorithm} ${ref.version} was deleted meanwhile; look again with "perdure models list".`,
    );
  return metadata;
}

function moveJson({ algorithm, version, ...move }: Move): Record<string, unknown> {
  return { model: { algorithm, version }, ...move };
}

function historyRow({ at, algorithm, version, by, reason, rollback }: Move): string[] {
  return [
    at.slice(0, 19).replace('T', ' '),
    `${algorithm} ${version}`,
    by.person ?? by.workflowId,
    rollback ? `rollback: ${reason}` : reason,
  ];
}

interface Difference {
  what: string;
  /** Of the one version and of the other. */
  values: [unknown, unknown];
}

function differencesBetween(one: VersionMetadata, other: VersionMetadata): Difference[] {
  const [before, after] = [factsOf(one), factsOf(other)];
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  return names
    .map((what): Difference => ({ what, values: [before[what] ?? null, after[what] ?? null] }))
    .filter(({ values: [a, b] }) => !isDeepStrictEqual(a, b));
}

/** All of a version that may differ, flat. */
function factsOf({
  model_name,
  training_date,
  best_params,
  cv_score,
  performance,
  lineage,
  ...rest
}: VersionMetadata): Record<string, unknown> {
  const params = Object.entries(best_params).map(([param, value]) => [`param ${param}`, value] as const);
  const metrics = SPLITS.flatMap((split) =>
    metricsOf(rest.task.task).map((metric) => [`${split} ${metric}`, performance[split]?.[metric] ?? null] as const),
  );
  return {
    algorithm: model_name,
    trained: training_date,
    ...Object.fromEntries(params),
    'CV score': cv_score,
    ...Object.fromEntries(metrics),
    features: rest.feature_count,
    'train rows': rest.training_samples,
    'validation rows': rest.validation_samples ?? null,
    'test rows': rest.test_samples ?? null,
    'OOT rows': rest.oot_samples ?? null,
    engine: lineage.engine,
    seed: lineage.seed,
    environment: lineage.environment,
    config: lineage.config_hash,
    code: lineage.code_commit,
    data: lineage.inputs_digest,
    'input partitions': Object.keys(lineage.inputs).length,
    run: lineage.workflow_id,
    model: lineage.model_checksum,
  };
}

const HASH = /^[0-9a-f]{40,64}$/;

function shown(value: unknown): string {
  if (typeof value === 'number') return Number.isInteger(value) ? String(value) : score(value);
  if (value === null) return '-';
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return HASH.test(text) ? text.slice(0, 12) : text;
}
