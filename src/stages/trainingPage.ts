import type { Pipeline } from '../config/load.js';
import type { PromotedBest, PromoteBestInput, VersionRef, WrittenPage } from '../contracts/index.js';
import { readDatasetMetadata, readDatasetProfile } from '../data/dataset.js';
import { readManifest, type LayerManifest } from '../data/layers.js';
import { checkFreshness } from '../data/validation/freshness.js';
import { validationKey, validationResult } from '../data/validation/results.js';
import type { ReportedQuality } from '../reports/dataSection.js';
import type { ReportedVersion } from '../reports/trainingReport.js';
import { versionCurves } from '../registry/curves.js';
import { importanceChange } from '../registry/importanceHistory.js';
import { isSameVersion } from '../registry/pointers.js';
import { readReadiness, requireVersion, versionId, versionKey, readVersionFileIfAny } from '../registry/versions.js';
import type { ObjectStore, Stores } from '../platform/storage/objectStore.js';
import type { StageContext } from './context.js';
import { studyRecord } from './studyRecord.js';
import { writePage } from './writePage.js';

/** Writes the page of a training, `reports/training_<run>.html`, from what the run stored. */
export function writeTrainingPage(
  context: StageContext,
  pipeline: Pipeline,
  { pipeline: name, run, dataset: ref, trained, unchanged = [] }: PromoteBestInput,
  { promotion, champion, challenger, comparison }: PromotedBest,
): Promise<WrittenPage> {
  const stores = context.stores(pipeline);
  return writePage(context, stores, `reports/training_${versionId(run).slice(1)}.html`, async () => {
    const { datamart, modelRegistry } = stores;
    const others = [...trained, ...unchanged].filter((version) => !isSameVersion(version, challenger));
    const versions: ReportedVersion[] = [];
    for (const version of [challenger, ...others])
      versions.push(await reported(stores, version, !trained.some((made) => isSameVersion(made, version))));
    const dataset = await readDatasetMetadata(datamart, ref);
    const silver = await readManifest(datamart, 'silver');
    const dropped: Record<string, number> = {};
    for (const entry of Object.values(silver.partitions))
      for (const [check, rows] of Object.entries(entry.dropped ?? {})) dropped[check] = (dropped[check] ?? 0) + rows;
    // What draws takes its time to load, and is of no use to most stages.
    const { renderTrainingReport } = await import('../reports/trainingReport.js');
    return renderTrainingReport({
      pipeline: name,
      title: pipeline.definition.title,
      run,
      promotion,
      champion,
      challenger,
      readiness: await readReadiness(modelRegistry, challenger),
      comparison,
      versions,
      dataset,
      columns: (await readDatasetProfile(datamart, ref)).columns,
      dropped,
      quality: await qualityOf(datamart, silver),
      freshness: checkFreshness(pipeline, silver, dataset.as_of).freshness,
    });
  });
}

/** What is known of all partitions from silver's manifest; what the expectations are, from the newest one's results. */
async function qualityOf(datamart: ObjectStore, { partitions }: LayerManifest): Promise<ReportedQuality | undefined> {
  const validated = Object.keys(partitions)
    .filter((name) => partitions[name]!.validation)
    .sort();
  const newest = validated.at(-1);
  const found = newest && (await validationResult.read(datamart, validationKey(newest), () => undefined));
  if (!found) return undefined;
  const quality: ReportedQuality = { evaluated: 0, met: 0, rules: [] };
  const unmet: Record<string, number> = {};
  for (const name of validated) {
    const { validation } = partitions[name]!;
    quality.evaluated += validation!.evaluated;
    quality.met += validation!.met;
    for (const [rule, rows] of Object.entries(validation!.unmet)) unmet[rule] = (unmet[rule] ?? 0) + rows;
  }
  quality.rules = found.results.map(({ rule, dimension, severity }) => ({
    rule,
    dimension,
    severity,
    met: unmet[rule] === undefined,
    rows: unmet[rule] ?? 0,
  }));
  return quality;
}

async function reported(
  { datamart, modelRegistry: registry }: Stores,
  ref: VersionRef,
  unchanged: boolean,
): Promise<ReportedVersion> {
  const metadata = await requireVersion(registry, ref);
  const importance = await readVersionFileIfAny(registry, metadata, 'importance.json');
  const { algorithm } = ref;
  const rounds = await studyRecord(datamart, { algorithm, dataset: metadata.lineage.dataset }).readAll();
  return {
    metadata,
    importance: importance && { importance, change: await importanceChange(registry, ref, importance) },
    threshold: await readVersionFileIfAny(registry, metadata, 'threshold.json'),
    slices: await readVersionFileIfAny(registry, metadata, 'slices.json'),
    searchEnded: rounds.at(-1)?.stopped,
    learned: (await readVersionFileIfAny(registry, metadata, 'learning_curve.json'))?.steps ?? [],
    curves: await versionCurves.read(registry, versionKey(ref, 'curves.json'), () => undefined),
    unchanged,
  };
}
