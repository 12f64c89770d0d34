import { stat } from 'node:fs/promises';
import type { SplitName } from '../contracts/index.js';
import { messageOf } from '../errors.js';
import type { MatrixFile } from '../ml/engines/pool.js';
import { short } from '../ml/metrics/curves.js';
import { isMissing } from '../ml/missing.js';
import { summedBySource, type SourceColumn } from '../ml/transforms/sourceColumns.js';
import { readChunks } from '../platform/files/parquet.js';
import type { Explanation } from '../registry/curves.js';
import type { StageContext } from './context.js';
import type { ScoringModel } from './openModel.js';

/** Rows that are explained, in blocks that lie evenly in the file. */
const BLOCKS = 10;
const ROWS_OF_BLOCK = 20;
/**
 * Of a larger model fewer rows are explained, down to one a block, so that a deep forest doesn't hold up its training: a row
 * of one of 28 MB takes a CPU .16 s. Its bytes decide, not a clock, so that the same model is explained alike wherever it was
 * trained.
 */
const QUICK_BYTES = 1_200_000;
/** Columns whose rows are kept one by one. */
const SWARM_FEATURES = 10;
/** Columns whose importance is kept. */
const MOST_FEATURES = 500;

/** A model, and the rows that its explanation is measured on. */
export interface ExplainedModel extends ScoringModel {
  split: SplitName;
  file: MatrixFile;
  /** What becomes which of the model's columns. */
  sources: SourceColumn[];
  /** What contributions of a linear model are counted from, as `columnMeans` has it. */
  background: number[];
}

export interface ShapValues {
  /** What the page of a training draws: of the model's columns. */
  explanation: Explanation;
  /** Mean absolute SHAP values aligned with the sources; `undefined` where there are none, which the explanation tells. */
  bySource: number[] | undefined;
}

/** SHAP values of some rows of a split: which columns decide what the model says. What the library has none of is told. */
export async function explainModel(
  { engines, signal }: StageContext,
  { modelPath, task, split, file, sources, background }: ExplainedModel,
): Promise<ShapValues> {
  const { path, features, rows: all } = file;
  const { size } = await stat(modelPath);
  const blocks = evenBlocks(all, Math.max(1, Math.round(ROWS_OF_BLOCK * Math.min(1, QUICK_BYTES / size))));
  const columns = await columnsOfBlocks(path, features, blocks);
  const explained = rowsOfBlocks(blocks).length;
  if (explained === 0) return notExplained(`The ${split} split has no rows.`);
  let values: Float64Array;
  try {
    values = await engines.contributions({ modelPath, task, data: { features, columns }, background }, signal);
  } catch (error) {
    signal.throwIfAborted();
    // The model is as good without its explanation.
    return notExplained(messageOf(error));
  }
  const width = features.length + 1;
  const classes = values.length / (explained * width);
  const importance = meanSizes(values, width, explained)
    .slice(0, features.length)
    .map((value, column) => ({ feature: features[column]!, column, mean_abs_shap: short(value) }))
    .sort((a, b) => b.mean_abs_shap - a.mean_abs_shap);
  const explanation: Explanation = {
    split,
    rows: explained,
    importance: importance.slice(0, MOST_FEATURES).map(({ feature, mean_abs_shap }) => ({ feature, mean_abs_shap })),
    ...(classes === 1 && {
      swarm: importance.slice(0, SWARM_FEATURES).map(({ feature, column }) => ({
        feature,
        points: pointsOf(columns[column]!, (row) => short(values[row * width + column]!)),
      })),
    }),
  };
  return { explanation, bySource: meanSizes(summedBySource(values, width, sources), sources.length, explained) };
}

function notExplained(reason: string): ShapValues {
  return { explanation: { not_explained: reason }, bySource: undefined };
}

/** The sum of the sizes of each column, of all outputs together, per row. */
function meanSizes(values: Float64Array, width: number, rows: number): number[] {
  const sums = new Array<number>(width).fill(0);
  values.forEach((value, at) => (sums[at % width]! += Math.abs(value)));
  return sums.map((sum) => sum / rows);
}

/**
 * The mean of each of the model's columns over a split, a missing value as 0, which it counts as in a linear model: the
 * background that its SHAP values are counted from.
 */
export async function columnMeans({ path, features, rows }: MatrixFile): Promise<number[]> {
  const sums = new Array<number>(features.length).fill(0);
  for await (const chunk of readChunks(path, features))
    chunk.forEach((values, column) => {
      for (let row = 0; row < values.length; row++) {
        const value = Number(values[row]);
        if (!Number.isNaN(value)) sums[column]! += value;
      }
    });
  return sums.map((sum) => sum / rows);
}

export interface Block {
  offset: number;
  limit: number;
}

/** Ten blocks of some of the rows that lie evenly among all; one of all rows where there are no more. */
export function evenBlocks(rows: number, ofBlock: number): Block[] {
  if (rows <= BLOCKS * ofBlock) return rows === 0 ? [] : [{ offset: 0, limit: rows }];
  return Array.from({ length: BLOCKS }, (_, block) => ({
    offset: Math.floor((block * rows) / BLOCKS),
    limit: ofBlock,
  }));
}

/** Positions of the rows of some blocks. */
export function rowsOfBlocks(blocks: Block[]): number[] {
  return blocks.flatMap(({ offset, limit }) => Array.from({ length: limit }, (_, i) => offset + i));
}

/**
 * The features of the rows of some blocks, one block after the other, by column. The file is read once, as ten readings of
 * a range each decode most of it: of 20,000 rows x 60 columns .04 s instead of .45.
 *
 * @param blocks in the order of the file
 */
export async function columnsOfBlocks(path: string, features: string[], blocks: Block[]): Promise<Float32Array[]> {
  const columns = features.map(() => new Float32Array(rowsOfBlocks(blocks).length));
  let filled = 0;
  let start = 0;
  for await (const chunk of readChunks(path, features)) {
    const end = start + (chunk[0]?.length ?? 0);
    for (const { offset, limit } of blocks) {
      const [first, last] = [Math.max(offset, start), Math.min(offset + limit, end)];
      if (first >= last) continue;
      chunk.forEach((values, column) =>
        columns[column]!.set((values as Float32Array).subarray(first - start, last - start), filled),
      );
      filled += last - first;
    }
    start = end;
  }
  return columns;
}

/** Of each row its SHAP value, and where its own value lies among all, from 0 to 1; `null` where it has none. */
function pointsOf(column: Float32Array, shapOf: (row: number) => number): [number, number | null][] {
  const sorted = [...new Set(column)].filter((value) => !isMissing(value)).sort((a, b) => a - b);
  const place = new Map(sorted.map((value, at) => [value, sorted.length < 2 ? 0.5 : at / (sorted.length - 1)]));
  return Array.from(column, (value, row) => {
    const at = place.get(value);
    return [shapOf(row), at === undefined ? null : Math.round(at * 20) / 20];
  });
}
