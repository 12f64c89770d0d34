import type { Pipeline } from '../../config/load.js';
import { countOf, listOf, shareOf, type DataQuality } from '../../contracts/index.js';
import { PerdureError } from '../../errors.js';
import type { PartitionEntry } from '../layers.js';
import { scoreOf, type ExpectationResult, type ValidationResult } from './results.js';

/** A partition with which a run does not go on. */
export type RefusedPartition = Pick<ValidationResult, 'results' | 'quality_score'> & { partition: string };

/** How many expectations an error names. */
const NAMED = 3;

/** Whether an expectation that must hold is not met, or too few are met. */
export function isRefused(
  pipeline: Pipeline,
  { results, quality_score }: Omit<RefusedPartition, 'partition'>,
): boolean {
  return results.some(({ severity, success }) => severity === 'fail' && !success) || isTooLow(pipeline, quality_score);
}

function isTooLow({ config }: Pipeline, score: number | null): boolean {
  return score !== null && score < (config.validation_config?.min_quality_score ?? 0);
}

/** What a run fails with whose partitions are refused: the worst expectations by their names. */
export function refusal(pipeline: Pipeline, refused: RefusedPartition[]): PerdureError {
  const broken = refused
    .flatMap(({ partition, results }) =>
      results
        .filter(({ severity, success }) => severity === 'fail' && !success)
        .map((result) => ({ partition, ...result })),
    )
    .sort(worstFirst);
  const remedy = `correct the source, or the rows that "perdure data quarantine ${pipeline.definition.name}" shows, and run again.`;
  const [first] = broken;
  if (!first) {
    const [worst] = refused.toSorted((a, b) => a.quality_score! - b.quality_score!);
    return tooLow(pipeline, worst!, refused.length, remedy);
  }
  if (broken.length === 1)
    return new PerdureError(
      'InputInvalid',
      `The expectation ${first.rule}, which must hold, is ${brokenBy(first)} partition ${first.partition}; ${remedy}`,
    );
  const named = broken.map((result) => `${result.rule} is ${brokenBy(result)} ${result.partition}`);
  return new PerdureError(
    'InputInvalid',
    `Expectations that must hold are not met: ${listOf(named, NAMED)}; ${remedy}`,
  );
}

/**
 * Refuses partitions that were made when a lower score was enough.
 * @param entries of silver's manifest, by the partitions' names
 */
export function refuseLowScores(pipeline: Pipeline, entries: [partition: string, entry: PartitionEntry][]): void {
  const low = entries.flatMap(([partition, { validation }]) => {
    if (!validation) return [];
    const quality_score = scoreOf(validation.met, validation.evaluated);
    return isTooLow(pipeline, quality_score) ? [{ partition, quality_score, ...validation }] : [];
  });
  const [worst] = low.sort((a, b) => a.quality_score! - b.quality_score!);
  if (!worst) return;
  const unmet = Object.entries(worst.unmet).sort(([, a], [, b]) => b - a);
  throw new PerdureError(
    'InputInvalid',
    `${validationScoreText(pipeline, worst, low.length)}; not met are ${listOf(
      unmet.map(([rule, rows]) => (rows > 0 ? `${rule} (${countOf(rows, 'row')})` : rule)),
      NAMED,
    )}; correct the source, or lower the minimum, and run again.`,
  );
}

function tooLow(
  pipeline: Pipeline,
  { results, ...refused }: RefusedPartition,
  partitions: number,
  remedy: string,
): PerdureError {
  const unmet = results.filter(({ success }) => !success).sort(worstFirst);
  const counted = { ...refused, evaluated: results.length, met: results.length - unmet.length };
  const named = unmet.map((result) => {
    const { unexpected_percent } = result.result;
    return `${result.rule}${typeof unexpected_percent === 'number' ? ` (${unexpected_percent.toFixed(1)}% of the rows)` : ''}`;
  });
  return new PerdureError(
    'InputInvalid',
    `${validationScoreText(pipeline, counted, partitions)}; the worst are ${listOf(named, NAMED)}; ${remedy}`,
  );
}

function validationScoreText(
  { config }: Pipeline,
  {
    partition,
    quality_score,
    met,
    evaluated,
  }: { partition: string; quality_score: number | null; met: number; evaluated: number },
  partitions: number,
): string {
  const others = partitions - 1;
  return `Partition ${partition}${others > 0 ? `, as ${countOf(others, 'other')},` : ''} has a quality score of ${quality_score!.toFixed(2)} (${shareOf(met, evaluated, 'expectations')} ${met === 1 || evaluated === 1 ? 'is' : 'are'} met), below the minimum of ${config.validation_config!.min_quality_score} (validation_config.min_quality_score)`;
}

function brokenBy({ result: { unexpected_count, observed_value } }: ExpectationResult): string {
  if (unexpected_count !== undefined) return `broken by ${countOf(unexpected_count, 'row')} of`;
  return observed_value === undefined ? 'not met in' : `not met (${JSON.stringify(observed_value)}) in`;
}

function worstFirst({ result: a }: ExpectationResult, { result: b }: ExpectationResult): number {
  return (b.unexpected_percent ?? 100) - (a.unexpected_percent ?? 100);
}

/** How the partitions together met what is expected of them. */
export function qualityOf(entries: PartitionEntry[]): DataQuality {
  const quality: DataQuality = { evaluated: 0, met: 0, unmet: {} };
  for (const { validation } of entries) {
    if (!validation) continue;
    quality.evaluated += validation.evaluated;
    quality.met += validation.met;
    for (const [rule, rows] of Object.entries(validation.unmet))
      quality.unmet[rule] = (quality.unmet[rule] ?? 0) + rows;
  }
  return quality;
}
