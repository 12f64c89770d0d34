import type { FittedTransforms } from '../ml/transforms/fitted.js';
import type { TransformTarget } from '../ml/transforms/flow.js';
import { applyTransforms } from '../ml/transforms/transforms.js';
import type { RawTable } from '../ml/table.js';
import { namedColumns, writeColumns, type Column } from '../platform/files/parquet.js';

/** Names of the columns that transforms make, in their order. */
export function columnNames({ columns }: FittedTransforms): string[] {
  return columns.flatMap(({ outputs }) => outputs);
}

/**
 * Writes rows as a model reads them: its columns in its order, and beside them a label and folds where there are any. Throws as `writeColumns`.
 *
 * @param options.target labels of the rows, where these are the very rows of the training
 */
export async function writeMatrix(
  path: string,
  transforms: FittedTransforms,
  table: RawTable,
  { label = {}, target }: { label?: Record<string, Column>; target?: TransformTarget } = {},
): Promise<void> {
  const { names, columns } = applyTransforms(transforms, table, target ? { target } : {});
  await writeColumns(path, { ...namedColumns(names, columns), ...label });
}
