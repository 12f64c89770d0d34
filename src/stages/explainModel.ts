import { stat } from 'node:fs/promises';
import type { SplitName, TaskSpec } from '../contracts/index.js';
import { messageOf } from '../errors.js';
import type { MatrixFile } from '../ml/engines/pool.js';
import { short } from '../ml/metrics/curves.js';
import { isMissing } from '../ml/missing.js';
import { readColumns } from '../platform/files/parquet.js';
import type { Explanation } from '../registry/curves.js';
import type { StageContext } from './context.js';

/** Rows that are explained, in blocks that lie evenly in the file: a block is one call of the engine. */
const BLOCKS = 10;
const ROWS_OF_BLOCK = 20;
/**
 * Of a larger model fewer rows are explained, so that a deep forest doesn't hold up its training: 20 rows of one of 56 MB
 * took 13 s. Its bytes decide, not a clock, so that the same model is explained alike wherever it was trained.
 */
const QUICK_BYTES = 4_000_000;
/** Columns whose rows are kept one by one. */
const SWARM_FEATURES = 10;
/** Columns whose importance is kept. */
const MOST_FEATURES = 500;

/** SHAP values of some rows of a split: which columns decide what the model says. What the library has none of is told. */
export async function explainModel(
  { engines, signal }: StageContext,
  { modelPath, task, split, file }: { modelPath: string; task: TaskSpec; split: SplitName; file: MatrixFile },
): Promise<Explanation> {
  const { path, features, rows: all } = file;
  const { size } = await stat(modelPath);
  const rows = explainedRows(all, Math.max(1, Math.round(ROWS_OF_BLOCK * Math.min(1, QUICK_BYTES / size))));
  const shap: Float32Array[] = [];
  try {
    for (const { offset, limit } of rows)
      shap.push(await engines.contributions({ modelPath, task, data: { path, features }, offset, limit }, signal));
  } catch (error) {
    signal.throwIfAborted();
    // The model is as good without its explanation.
    return { not_explained: messageOf(error) };
  }
  const explained = rows.reduce((sum, { limit }) => sum + limit, 0);
  if (explained === 0) return { not_explained: `The ${split} split has no rows.` };
  const width = features.length + 1;
  const values = Float64Array.from(shap.flatMap((block) => Array.from(block)));
  const classes = values.length / (explained * width);
  const importance = features
    .map((feature, column) => {
      let sum = 0;
      for (let at = column; at < values.length; at += width) sum += Math.abs(values[at]!);
      return { feature, column, mean_abs_shap: short(sum / explained) };
    })
    .sort((a, b) => b.mean_abs_shap - a.mean_abs_shap);
  return {
    split,
    rows: explained,
    importance: importance.slice(0, MOST_FEATURES).map(({ feature, mean_abs_shap }) => ({ feature, mean_abs_shap })),
    ...(classes === 1 && {
      swarm: await swarmOf(path, rows, importance.slice(0, SWARM_FEATURES), (row, column) =>
        short(values[row * width + column]!),
      ),
    }),
  };
}

interface Block {
  offset: number;
  limit: number;
}

function explainedRows(rows: number, ofBlock: number): Block[] {
  if (rows <= BLOCKS * ofBlock) return rows === 0 ? [] : [{ offset: 0, limit: rows }];
  return Array.from({ length: BLOCKS }, (_, block) => ({
    offset: Math.floor((block * rows) / BLOCKS),
    limit: ofBlock,
  }));
}

async function swarmOf(
  path: string,
  blocks: Block[],
  features: { feature: string; column: number }[],
  shapOf: (row: number, column: number) => number,
) {
  const columns = await readColumns(
    path,
    features.map(({ feature }) => feature),
  );
  const rows = blocks.flatMap(({ offset, limit }) => Array.from({ length: limit }, (_, i) => offset + i));
  return features.map(({ feature, column }, i) => {
    const values = rows.map((row) => Number((columns[i] as ArrayLike<number>)[row]));
    const present = values.filter((value) => !isMissing(value));
    const sorted = [...new Set(present)].sort((a, b) => a - b);
    const place = new Map(sorted.map((value, at) => [value, sorted.length < 2 ? 0.5 : at / (sorted.length - 1)]));
    return {
      feature,
      points: values.map((value, row): [number, number | null] => {
        const at = place.get(value);
        return [shapOf(row, column), at === undefined ? null : Math.round(at * 20) / 20];
      }),
    };
  });
}
