import { isCancellation, patched, type ActivityOptions } from '@temporalio/workflow';
import {
  agreeing,
  countOf,
  type DataProcessingInput,
  type DataProcessingResult,
  type DataQuality,
  type GoldResult,
  type LayerCounts,
  type LayerResult,
  type RefineInput,
  type SilverResult,
} from '../src/contracts/index.js';
import { activities } from './support/activityProxies.js';
import { now, raiseAlerts } from './support/alerts.js';
import { startRun, type RunContext } from './support/startRun.js';
import { computeTargetOf, stagesOn } from './support/computeTarget.js';
import { failureOf } from './support/failures.js';
import { FLAG, SOURCE } from './support/input.js';
import { inParallel, piecesOf } from './support/parallel.js';
import { withConfig } from './support/pinConfig.js';
import { withinServiceLevel } from './support/sla.js';
import { reportToSteward } from './support/signalSteward.js';
import { underBackfill } from './support/underBackfill.js';

/** A year of monthly partitions a piece: some seconds of work, so that workers share it and a lost one costs little. */
const PARTITIONS_A_PIECE = 12;
/** Shares a layer among up to eight workers, and bounds how many of them write its manifest at the same time. */
const PIECES_AT_ONCE = 8;

/** The activity of a layer, as a worker does it. */
type Look<Result> = { executeWithOptions(options: ActivityOptions, input: [RefineInput]): Promise<Result> };

/** Raw records become features and labels: bronze, silver, gold, a partition a month. */
export async function dataProcessing(input: DataProcessingInput): Promise<DataProcessingResult> {
  const context = startRun(input, { source: SOURCE, labels: SOURCE, replace: FLAG });
  const { pipeline, run } = context.stage;
  try {
    const result = await withinServiceLevel('processing', context.stage, () =>
      reportToSteward('processing', input, () => refine(input, context)),
    );
    const unusual = async () =>
      result.status === 'completed' ? ((await activities.countNewRows({ pipeline, asOf: context.asOf })) ?? []) : [];
    await raiseAlerts(async () => [
      { condition: 'processing_failing', pipeline, at: now(), failing: null },
      ...[await unusual()].flat(),
    ]);
    return result;
  } catch (error) {
    if (!isCancellation(error))
      await raiseAlerts(() => activities.countProcessingFailures({ pipeline, run, reason: failureOf(error).reason }));
    throw error;
  }
}

async function refine(
  input: DataProcessingInput,
  { stage: started, asOf, progress }: RunContext,
): Promise<DataProcessingResult> {
  const busy = await underBackfill(started);
  if (busy) return { ...busy, rows: 0, partitions: 0 };
  const stage = await withConfig(started, input);
  const target = await computeTargetOf('processing', stage);
  const layer = stagesOn(target);
  // A task costs money and minutes: a worker looks first whether there is work for it.
  const looks = target === 'ecs';

  progress.step('bronze: raw records to Parquet');
  const raw = { ...stage, asOf, source: input.source, labels: input.labels, replace: input.replace };
  const seen = looks
    ? await activities.bronze.executeWithOptions({ summary: 'Bronze: is there work?' }, [{ ...raw, dryRun: true }])
    : undefined;
  const bronze = seen && !seen.pending ? seen : await layer.bronze(raw);
  const partitions = [...bronze.written, ...bronze.unchanged].sort();

  progress.step('silver: clean, deduplicate, standardise');
  const silver = await inPieces(activities.silver, (piece) =>
    layer.silver.executeWithOptions({ summary: `Silver: ${span(piece)}` }, [{ ...stage, partitions: piece, asOf }]),
  );

  progress.step('gold: feature store and label store');
  const gold = await inPieces(activities.gold, (piece) =>
    layer.gold.executeWithOptions({ summary: `Gold: ${span(piece)}` }, [{ ...stage, partitions: piece, asOf }]),
  );

  if (patched('publish-features')) await activities.publishFeatures(stage);

  const layers = { bronze: count([bronze]), silver: count(silver), gold: count(gold) };
  const found = { rows: layers.gold.rows, partitions: partitions.length };
  if (Object.values(layers).every(({ written }) => written === 0)) {
    return {
      status: 'skipped',
      reason: `Input unchanged: ${agreeing(partitions.length, 'its one partition is', `all ${countOf(partitions.length, 'partition')} are`)} up to date.`,
      ...found,
    };
  }
  const dropped = addUp(silver.map((piece) => piece.dropped));
  return {
    status: 'completed',
    ...found,
    ...layers,
    silver: { ...layers.silver, dropped },
    ...(bronze.labels && { labels: bronze.labels }),
    ...qualityOf(silver, gold),
    config: stage.run.config?.checksum,
  };

  async function inPieces<Result extends LayerResult>(
    look: Look<Result>,
    refine: (piece: string[]) => Promise<Result>,
  ): Promise<Result[]> {
    // Of many partitions most are up to date, and one look costs less than as many pieces.
    const isWorthALook = looks || (partitions.length > PARTITIONS_A_PIECE && patched('look-before-refining'));
    const known = isWorthALook
      ? [
          await look.executeWithOptions({ summary: 'Which partitions are up to date?' }, [
            { ...stage, partitions, asOf, dryRun: true },
          ]),
        ]
      : [];
    // A worker of an earlier version does the work where it is asked to look.
    const done = new Set(known.flatMap(({ written, unchanged }) => [...written, ...unchanged]));
    progress.count('partitions', partitions.length);
    progress.advance(done.size);
    const pieces = piecesOf(
      partitions.filter((name) => !done.has(name)),
      PARTITIONS_A_PIECE,
    );
    const refined = await inParallel(pieces, PIECES_AT_ONCE, async (piece) => {
      const result = await refine(piece);
      progress.advance(piece.length);
      return result;
    });
    return [...known, ...refined];
  }
}

/** `1999_01 to 1999_12` */
function span(partitions: string[]): string {
  return [...new Set([partitions[0], partitions.at(-1)])].join(' to ');
}

function count(pieces: LayerResult[]): LayerCounts {
  return {
    rows: sum(pieces.map(({ rows }) => rows)),
    written: sum(pieces.map(({ written }) => written.length)),
    unchanged: sum(pieces.map(({ unchanged }) => unchanged.length)),
  };
}

function addUp(counts: Record<string, number>[]): Record<string, number> {
  const total: Record<string, number> = {};
  for (const [name, rows] of counts.flatMap((piece) => Object.entries(piece))) total[name] = (total[name] ?? 0) + rows;
  return total;
}

/** How the partitions met what is expected of them, and all of them together the age that is. */
function qualityOf(silver: SilverResult[], gold: GoldResult[]): { quality?: DataQuality } {
  const measured = silver.flatMap(({ quality }) => quality ?? []);
  if (measured.length === 0) return {};
  const ages = Object.entries(gold.find(({ freshness }) => freshness)?.freshness ?? {});
  const stale = ages.filter(([, { met }]) => !met);
  return {
    quality: {
      evaluated: sum(measured.map(({ evaluated }) => evaluated)) + ages.length,
      met: sum(measured.map(({ met }) => met)) + ages.length - stale.length,
      unmet: addUp([...measured.map(({ unmet }) => unmet), Object.fromEntries(stale.map(([rule]) => [rule, 0]))]),
    },
  };
}

function sum(values: number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
