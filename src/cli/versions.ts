import type { Pipeline } from '../config/load.js';
import {
  metricsOf,
  SPLITS,
  type ChosenThreshold,
  type PromotionDecision,
  type ModelSelector,
  type SplitName,
  type TaskMetrics,
  type TaskSpec,
  type VersionRef,
} from '../contracts/index.js';
import { PerdureError } from '../errors.js';
import type { Calibrator } from '../ml/calibrator.js';
import { ALIASES, CHAMPION } from '../registry/aliases.js';
import { aliasKey, isSameVersion, movesOf, readPointer } from '../registry/pointers.js';
import { scoringOf } from '../registry/championMetric.js';
import { testsSection } from '../registry/modelCard.js';
import { promotionDecision } from '../registry/promotionDecision.js';
import { measuredWith, type VersionReadiness } from '../registry/readiness.js';
import { sliceName, type VersionSlices } from '../registry/slices.js';
import { latestVersion, resolveModel } from '../registry/resolve.js';
import { listVersions, type VersionSummary } from '../registry/versionIndex.js';
import {
  readVersion,
  versionKey,
  readCard,
  readReadiness,
  readVersionFile,
  readVersionFileIfAny,
  refOf,
  type VersionMetadata,
} from '../registry/versions.js';
import type { ObjectStore } from '../platform/storage/objectStore.js';
import type { CommonOptions } from './options.js';
import { gateTable, withInterval } from './gateTable.js';
import { MetricColumns } from './resultTables.js';
import { score } from './phases.js';
import { openToRead } from './store.js';
import { table } from './table.js';
import { testTable } from './testTable.js';
import { count, countOf, print, printJson } from './terminal.js';

interface ListedVersion extends VersionSummary {
  /** Names that mean the version, such as `champion`. */
  aliases: string[];
  /** Whether it is the newest of its algorithm. */
  latest: boolean;
  /** Whether it passed its model tests; `null` where it was not tested. */
  tests_passed: boolean | null;
}

/** What each alias means; `null` for none. */
type Aliases = Record<string, VersionRef | null>;

/**
 * Every version of every algorithm.
 * @param options.alias lists those alone that the alias means or has meant
 */
export async function listModels(name: string, options: CommonOptions & { alias?: string }): Promise<void> {
  const { pipeline, stores } = await openToRead(name, options);
  const { modelRegistry } = stores;
  const aliases = await meaningOfAliases(modelRegistry);
  const all = await listedVersions(modelRegistry, pipeline, aliases);
  const versions = options.alias === undefined ? all : await meantBy(modelRegistry, options.alias, all);
  if (options.json) {
    printJson({ versions, aliases });
  } else if (all.length > 0 && versions.length === 0) {
    print(`No version of ${name} is or was ${options.alias}.`);
  } else if (versions.length === 0) {
    print(`No model of ${name} is registered yet; "perdure train ${name}" trains some.`);
  } else {
    const columns = new MetricColumns(versions);
    const rows = versions.map((version) => [
      version.algorithm,
      `v${version.number}`,
      version.version,
      marksOf(version),
      testsOf(version),
      score(version.cv_score),
      ...columns.cells(version),
    ]);
    print(
      table(['algorithm', 'version', 'id', 'aliases', 'tests', 'CV\nscore', ...columns.heads], rows, {
        spare: [...columns.spare(6), 5, 2],
      }),
    );
  }
  if (!options.json) for (const line of danglingAliases(aliases, all)) print(line);
}

/** Of these versions, those that an alias means or has meant. */
async function meantBy(registry: ObjectStore, alias: string, versions: ListedVersion[]): Promise<ListedVersion[]> {
  const moves = movesOf(await readPointer(registry, aliasKey(alias)));
  return versions.filter((version) => moves.some((move) => isSameVersion(move, version)));
}

async function meaningOfAliases(registry: ObjectStore): Promise<Aliases> {
  const found = ALIASES.map(async (alias) => {
    const pointer = await readPointer(registry, aliasKey(alias));
    return [alias, pointer ? { algorithm: pointer.algorithm, version: pointer.version } : null] as const;
  });
  return Object.fromEntries(await Promise.all(found));
}

async function listedVersions(registry: ObjectStore, { config }: Pipeline, aliases: Aliases): Promise<ListedVersion[]> {
  const listed = config.training_config.algorithms.map(async (algorithm) => {
    const latest = await latestVersion(registry, algorithm);
    const versions = await listVersions(registry, algorithm);
    return Promise.all(
      versions.map(async (version) => ({
        ...version,
        aliases: Object.keys(aliases).filter((alias) => isSameVersion(aliases[alias] ?? undefined, version)),
        latest: isSameVersion(version, latest),
        tests_passed: (await readReadiness(registry, version))?.passed ?? null,
      })),
    );
  });
  return (await Promise.all(listed)).flat();
}

function marksOf({ aliases, latest }: ListedVersion): string {
  return [...aliases, ...(latest ? ['latest'] : [])].join(', ');
}

function testsOf({ tests_passed: passed }: ListedVersion): string {
  return passed === null ? 'not tested' : passed ? 'passed' : 'FAILED';
}

/** Says of each alias that means a version which isn't listed. */
function danglingAliases(aliases: Aliases, versions: ListedVersion[]): string[] {
  return Object.entries(aliases).flatMap(([alias, ref]) =>
    ref && !versions.some((version) => isSameVersion(version, ref))
      ? [`${alias} means ${ref.algorithm} ${ref.version}, which is not in the registry.`]
      : [],
  );
}

/** @param model an algorithm, or an alias */
export async function showModel(
  name: string,
  model: string,
  version: string | undefined,
  options: CommonOptions,
): Promise<void> {
  const { registry, metadata, ref } = await openVersion(name, model, version, options);
  const { model_name: _, version: __, ...rest } = metadata;
  const threshold = await readVersionFileIfAny(registry, metadata, 'threshold.json');
  const calibrator = await readVersionFileIfAny(registry, metadata, 'calibrator.json');
  const slices = await readVersionFileIfAny(registry, metadata, 'slices.json');
  const readiness = await readReadiness(registry, ref);
  if (options.json)
    printJson({
      ...ref,
      ...rest,
      ...(threshold && { threshold }),
      ...(calibrator && { calibrator }),
      ...(slices && { slices }),
      readiness: readiness ?? null,
    });
  else {
    const key = versionKey(ref, 'promotion.json');
    const promotion = await promotionDecision.read(registry, key, 'train again, which decides anew');
    print(describeVersion(metadata, { threshold, calibrator, slices, promotion, readiness }));
  }
}

/** The card of a version, with what its model tests said since it was written; with --json its signature as well. */
export async function showCard(
  name: string,
  model: string,
  version: string | undefined,
  options: CommonOptions,
): Promise<void> {
  const { registry, ref } = await openVersion(name, model, version, options);
  const card = await readCard(registry, ref);
  if (card === undefined)
    throw new PerdureError(
      'NotFound',
      `${ref.algorithm} ${ref.version} has no card, as it was trained by an earlier release; train again, or look with "perdure models show".`,
    );
  const readiness = await readReadiness(registry, ref);
  if (options.json)
    printJson({
      ...ref,
      card,
      signature: await readVersionFile(registry, ref, 'signature.json'),
      readiness: readiness ?? null,
    });
  else print(`${card.trimEnd()}\n\n${testsSection(readiness)}`);
}

/**
 * The version that a command names, and the registry that has it.
 * @param model an algorithm, or an alias
 * @throws PerdureError `NotFound`
 */
export async function openVersion(
  name: string,
  model: string,
  version: string | undefined,
  options: CommonOptions,
): Promise<{ registry: ObjectStore; metadata: VersionMetadata; ref: VersionRef }> {
  const { pipeline, stores } = await openToRead(name, options);
  const registry = stores.modelRegistry;
  const metadata = await findVersion(registry, pipeline, model, version);
  return { registry, metadata, ref: refOf(metadata) };
}

async function findVersion(
  registry: ObjectStore,
  { config }: Pipeline,
  model: string,
  version?: string,
): Promise<VersionMetadata> {
  const { algorithms } = config.training_config;
  if (!algorithms.includes(model) && model !== CHAMPION && !(await readPointer(registry, aliasKey(model)))) {
    throw new PerdureError(
      'NotFound',
      `There is no algorithm or alias "${model}"; the algorithms are ${algorithms.join(', ')}, and "${CHAMPION}" is an alias.`,
    );
  }
  const selector: ModelSelector =
    algorithms.includes(model) || version ? { algorithm: model, version } : { alias: model };
  const resolved = await resolveModel(registry, algorithms, selector);
  if (resolved.status === 'skipped') throw new PerdureError('NotFound', resolved.reason);
  const metadata = await readVersion(registry, resolved.model);
  if (!metadata)
    throw new PerdureError(
      'NotFound',
      `${resolved.model.algorithm} ${resolved.model.version} was deleted meanwhile; look again with "perdure models list".`,
    );
  return metadata;
}

/** What stands beside a version's metadata. */
interface Beside {
  threshold: ChosenThreshold | undefined;
  calibrator: Calibrator | undefined;
  slices: VersionSlices | undefined;
  promotion: PromotionDecision | undefined;
  readiness: VersionReadiness | undefined;
}

function describeVersion(
  metadata: VersionMetadata,
  { threshold, calibrator, slices, promotion, readiness }: Beside,
): string {
  const { lineage, performance } = metadata;
  const facts: [string, string][] = [
    ['trained', metadata.training_date],
    [
      'parameters',
      Object.entries(metadata.best_params)
        .map(([param, value]) => `${param}=${value}`)
        .join(', ') || 'defaults of the estimator',
    ],
    [
      'CV score',
      metadata.cv_score === null
        ? 'none: a single candidate'
        : `${score(metadata.cv_score)} ${scoringOf(metadata.config, metadata.task)}, ${countOf(metadata.candidates.length, 'candidate')}`,
    ],
    [
      'rows',
      `${rowsOf(metadata)
        .map(([split, rows]) => `${split} ${count(rows)}`)
        .join(', ')}; ${countOf(metadata.feature_count, 'feature')}`,
    ],
    ...(calibrator ? [['calibrated', describeCalibrator(calibrator)] satisfies [string, string]] : []),
    ...(threshold ? [['threshold', describeThreshold(threshold)] satisfies [string, string]] : []),
    ['engine', `${lineage.engine}, seed ${lineage.seed}`],
    ['data', `${lineage.dataset.id} (${lineage.inputs_digest.slice(0, 12)})`],
    ['config', `${lineage.pipeline}, ${lineage.environment} (${lineage.config_hash.slice(0, 12)})`],
    ['code', lineage.code_commit ?? 'unknown commit'],
    ['run', `${lineage.workflow_id} (${lineage.run_id})`],
  ];
  const splits = SPLITS.filter((split) => performance[split]);
  const withIntervals = splits.some((split) => performance[split]!.intervals);
  const rows = metricsOf(metadata.task.task).map((metric) => [
    metric,
    ...splits.map((split) =>
      withInterval(performance[split]![metric] ?? null, performance[split]!.intervals?.[metric]),
    ),
  ]);
  return [
    `${metadata.model_name} ${metadata.version}${metadata.number === undefined ? '' : ` (v${metadata.number})`}`,
    ...facts.map(([fact, value]) => `  ${fact.padEnd(11)} ${value}`),
    table([withIntervals ? 'metric (95% interval)' : '', ...splits.map(titleOf)], rows),
    ...(metadata.task.task === 'regression'
      ? []
      : splits.map(
          (split) => `${titleOf(split)} confusion matrix: ${describeConfusion(performance[split]!, metadata.task)}`,
        )),
    ...(slices ? sliceTables(slices) : []),
    ...(promotion ? gateTable(promotion) : []),
    ...readinessLines(readiness),
  ].join('\n');
}

function readinessLines(readiness: VersionReadiness | undefined): string[] {
  if (!readiness) return ['Not tested: "perdure models test" does so.'];
  return [testTable(readiness.tests), `Tested ${measuredWith(readiness)}`];
}

export function describeCalibrator({ curves: [curve], rows, brier_score: { before, after } }: Calibrator): string {
  return `by ${curve!.method}, on ${countOf(rows, 'row')} of the training folds (Brier score ${score(before)} before, ${score(after)} after)`;
}

/** A table per split: each slice with its rows and a few metrics. */
function sliceTables({ splits, min_rows, not_measured }: VersionSlices): string[] {
  if (not_measured !== undefined) return [not_measured];
  return SPLITS.flatMap((split) => {
    const slices = splits[split] ?? [];
    if (slices.length === 0) return [];
    const columns = new MetricColumns(slices.flatMap(({ metrics }) => (metrics ? [{ [split]: metrics }] : [])));
    const rows = slices.map((slice) => [
      sliceName(slice),
      count(slice.rows),
      ...(slice.metrics ? columns.cells({ [split]: slice.metrics }) : columns.heads.map(() => '-')),
    ]);
    const few = slices.some(({ metrics }) => metrics === null);
    return [
      table(['slice', 'rows', ...columns.heads], rows),
      ...(few ? [`A slice of fewer than ${min_rows} is not measured.`] : []),
    ];
  });
}

function describeThreshold({ value, rule, split, met }: ChosenThreshold): string {
  if (rule === undefined) return `${value}, as the config says`;
  return `${score(value)}, ${met ? rule : `nearest to ${rule}`} in the ${split} split`;
}

function titleOf(split: SplitName): string {
  return split === 'oot' ? 'OOT' : split;
}

/** Rows of each split, by its title. */
export function rowsOf({
  training_samples,
  validation_samples,
  test_samples,
  oot_samples,
}: VersionMetadata): [string, number][] {
  const rows = { train: training_samples, validation: validation_samples, test: test_samples, oot: oot_samples };
  return SPLITS.flatMap((split): [string, number][] =>
    rows[split] === undefined ? [] : [[titleOf(split), rows[split]]],
  );
}

function describeConfusion({ confusion_matrix = [] }: TaskMetrics, task: TaskSpec): string {
  if (task.task !== 'binary')
    return task.task === 'regression'
      ? ''
      : confusion_matrix
          .map(
            (row, actual) =>
              `${task.classes[actual]} as ${row.flatMap((rows, said) => (rows > 0 ? [`${task.classes[said]} ${count(rows)}`] : [])).join(', ')}`,
          )
          .join('; ');
  const [[tn, fp], [fn, tp]] = confusion_matrix as [[number, number], [number, number]];
  return `${count(tp)} true positives, ${count(fp)} false positives, ${count(tn)} true negatives, ${count(fn)} false negatives`;
}
