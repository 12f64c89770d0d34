import { basename } from 'node:path';
import type { Pipeline } from '../../config/load.js';
import { PerdureError } from '../../errors.js';

/** Whose data lies in a bucket: the pipeline by the name of its folder, which a copied `pipeline.json` doesn't share. */
export function ownerOf({ folder }: Pick<Pipeline, 'folder'>): string {
  return basename(folder);
}

/**
 * Refuses a bucket that another pipeline has written: keys, versions and predictions of the two could not be told apart.
 *
 * @param found the owner that the bucket names; `undefined` where it names none
 * @param setting of the model config that names the bucket
 * @throws PerdureError `ConfigInvalid`
 */
export function refuseOtherOwner(pipeline: Pick<Pipeline, 'folder'>, found: string | undefined, setting: string): void {
  const own = ownerOf(pipeline);
  if (found === undefined || found === own) return;
  throw new PerdureError(
    'ConfigInvalid',
    `The bucket that ${setting} names for ${own} holds what the pipeline ${found} wrote; give ${own} a bucket of its own.`,
  );
}
