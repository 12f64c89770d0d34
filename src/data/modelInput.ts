import type { Pipeline } from '../config/load.js';
import { standardScale } from '../ml/standardScaler.js';
import type { Scaler } from './dataset.js';
import type { Column } from './parquet.js';
import type { TrainingRows } from './trainingRows.js';

/**
 * Raw rows as a model was trained to read them: its features in its order, scaled by its training window, then the
 * label.
 */
export function modelInput(
  pipeline: Pipeline,
  { features, scaler }: { features: string[]; scaler: Scaler },
  { columns, labels }: TrainingRows,
): Record<string, Column> {
  const transformed = features.map((name) => {
    const values = columns.get(name)!;
    const scale = scaler[name];
    return [name, scale ? standardScale(values, scale) : Float32Array.from(values)] as const;
  });
  return { ...Object.fromEntries(transformed), [pipeline.definition.label]: labels };
}
