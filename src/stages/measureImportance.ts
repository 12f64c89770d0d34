import { stat } from 'node:fs/promises';
import type { ModelConfig } from '../config/schema.js';
import { directionOf, type MetricName } from '../contracts/index.js';
import { countOf } from '../contracts/counts.js';
import { messageOf } from '../errors.js';
import { short } from '../ml/metrics/curves.js';
import type { Shuffle } from '../ml/engines/pool.js';
import { permutationImportance, type PermutationImportance } from '../ml/permutationImportance.js';
import { taskOf } from '../ml/tasks/task.js';
import type { SourceColumn } from '../ml/transforms/sourceColumns.js';
import { IMPORTANCE_KINDS, importanceOf, isMeasured, type VersionImportance } from '../registry/importance.js';
import type { StageContext } from './context.js';
import type { EvaluatedRows } from './decisionThreshold.js';
import { columnsOfBlocks, evenBlocks, rowsOfBlocks, type ExplainedModel, type ShapValues } from './explainModel.js';
import { scoreRows } from './openModel.js';

/** Features whose importance is kept. */
const MOST_FEATURES = 500;
/** Of more features than these the most important by SHAP values or gain change places. */
const MOST_PERMUTED = 100;
/** Numbers that the engine may be asked to score, and of a model of so many bytes: of more features or a larger model fewer rows count. */
const MOST_NUMBERS = 20_000_000;
const QUICK_BYTES = 4_000_000;
const FEWEST_ROWS = 100;

export interface ImportanceSettings {
  /** What is measured to get worse. */
  metric: MetricName;
  threshold: number;
  seed: number;
  permutation: ModelConfig['evaluation']['permutation_importance'];
}

/** How important each column of the table is to a model, by SHAP values, permutation and gain; what can't be measured is told. */
export async function measureImportance(
  context: StageContext,
  model: ExplainedModel,
  rows: EvaluatedRows,
  { explanation, bySource }: ShapValues,
  settings: ImportanceSettings,
): Promise<VersionImportance> {
  const { sources, split } = model;
  const gains = await gainOf(context, model);
  const gain = gains instanceof Array ? gains : undefined;
  const known = bySource ?? gain ?? [];
  const chosen = sources
    .map((_, source) => source)
    .sort((a, b) => (known[b] ?? 0) - (known[a] ?? 0))
    .slice(0, MOST_PERMUTED);
  const permuted = await permute(context, model, rows, chosen, settings);
  const falls = new Map('falls' in permuted ? chosen.map((source, i) => [source, permuted.falls[i]!]) : []);
  const importance: VersionImportance = {
    features: sources.map(({ feature }, source) => ({
      feature,
      shap: bySource ? short(bySource[source]!) : null,
      permutation: rounded(falls.get(source)),
      gain: gain ? short(gain[source]!) : null,
    })),
    shap:
      'not_explained' in explanation ? { not_measured: explanation.not_explained } : { split, rows: explanation.rows },
    permutation: 'falls' in permuted ? permuted.measured : permuted,
    gain: gain ? { total: short(gain.reduce((sum, value) => sum + value, 0)) } : { not_measured: gains as string },
  };
  const kind = IMPORTANCE_KINDS.find((candidate) => isMeasured(importance, candidate));
  if (kind) importance.features.sort((a, b) => (importanceOf(b, kind) ?? 0) - (importanceOf(a, kind) ?? 0));
  importance.features.splice(MOST_FEATURES);
  return importance;
}

function rounded(fall: PermutationImportance | undefined): PermutationImportance | null {
  return fall ? { mean: short(fall.mean), std: short(fall.std) } : null;
}

/** The gain of the splits by each source, or why there is none. */
async function gainOf(
  { engines, signal }: StageContext,
  { modelPath, file, sources }: ExplainedModel,
): Promise<number[] | string> {
  try {
    const gains = await engines.gain({ modelPath, features: file.features }, signal);
    if (!gains) return 'A linear model has no splits whose gain could be counted.';
    return sources.map(({ positions }) => positions.reduce((sum, position) => sum + gains[position]!, 0));
  } catch (error) {
    signal.throwIfAborted();
    return messageOf(error);
  }
}

type Permuted =
  | { falls: PermutationImportance[]; measured: Exclude<VersionImportance['permutation'], { not_measured: string }> }
  | { not_measured: string };

/** @param chosen positions of the sources whose rows change places */
async function permute(
  context: StageContext,
  model: ExplainedModel,
  { labels }: EvaluatedRows,
  chosen: number[],
  { metric, threshold, seed, permutation: { n_repeats: repeats, max_rows } }: ImportanceSettings,
): Promise<Permuted> {
  if (repeats === 0) return { not_measured: 'evaluation.permutation_importance.n_repeats is 0.' };
  const { modelPath, task, split, file } = model;
  const { path, features } = file;
  const { size } = await stat(modelPath);
  const numbers = MOST_NUMBERS * Math.min(1, QUICK_BYTES / size);
  const most = Math.min(max_rows, Math.max(FEWEST_ROWS, numbers / (repeats * chosen.length * features.length)));
  const blocks = evenBlocks(file.rows, Math.ceil(most / 10));
  const positions = rowsOfBlocks(blocks);
  const columns = await columnsOfBlocks(path, features, blocks);

  const predict = (shuffles: Shuffle[]) => scoreRows(context, model, { features, columns, shuffles });
  const asLabelled = Float64Array.from(positions, (row) => Number(labels[row]));
  const sign = directionOf(metric) === 'higher' ? 1 : -1;
  const measure = (output: Awaited<ReturnType<typeof predict>>) => {
    const value = taskOf(task).metric(metric, asLabelled, output, threshold);
    return value === null ? null : sign * value;
  };
  const baseline = positions.length === 0 ? null : measure(await scoreRows(context, model, { features, columns }));
  const undefinedHere = {
    not_measured: `The ${metric} of ${countOf(positions.length, 'row')} of the ${split} split is undefined.`,
  };
  if (baseline === null) return undefinedHere;
  const sources: SourceColumn[] = chosen.map((source) => model.sources[source]!);
  const falls = await permutationImportance(positions.length, sources, baseline, {
    repeats,
    seed,
    predict,
    score: measure,
  });
  if (!falls) return undefinedHere;
  return {
    falls,
    measured: { split, rows: positions.length, metric, baseline: short(sign * baseline), repeats },
  };
}
