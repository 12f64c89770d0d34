import { applyTransforms, type FittedTransforms } from '../ml/transforms/transforms.js';
import type { RawTable } from '../ml/table.js';
import { writeColumns, type Column } from './parquet.js';

/** Writes rows as a model reads them: its columns in its order, and a label where there is one. Throws as `writeColumns`. */
export async function writeMatrix(path: string, transforms: FittedTransforms, table: RawTable, label: Record<string, Column> = {}): Promise<void> {
  const { names, columns } = applyTransforms(transforms, table);
  await writeColumns(path, { ...Object.fromEntries(names.map((name, i) => [name, columns[i]!])), ...label });
}
