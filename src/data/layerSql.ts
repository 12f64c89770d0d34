import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Pipeline } from '../config/load.js';
import { PerdureError, messageOf } from '../errors.js';
import { sha256 } from '../storage/checksum.js';
import type { TableName } from './layers.js';

/** A layer's SQL: one SELECT over the relation that the layer before it is called. */
export interface LayerSql {
  /** Path, for error messages. */
  file: string;
  text: string;
}

export async function layerSql(pipeline: Pipeline, table: TableName): Promise<LayerSql> {
  const file = join(pipeline.folder, pipeline.definition.layers[table].sql);
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw new PerdureError('ConfigInvalid', `${file} can't be read (${messageOf(error)}); restore the pipeline's SQL.`, { cause: error });
  });
  return { file, text: text.trim().replace(/;$/, '') };
}

/** SHA-256 of anything that JSON can say, to tell whether it is the same as last time. */
export function fingerprint(...parts: unknown[]): string {
  return sha256(JSON.stringify(parts));
}
