import { basename } from 'node:path';
import { PerdureError } from '../../errors.js';

/** The pipeline that uses buckets, as far as that matters here. */
export interface BucketUser {
  folder: string;
  config: {
    storage: { datamart_bucket: string; predictions_bucket: string; monitoring_bucket: string };
    model_config: { model_registry_bucket: string };
  };
}

/** Whose data lies in a bucket: the pipeline by the name of its folder, which a copied `pipeline.json` doesn't share. */
export function ownerOf({ folder }: Pick<BucketUser, 'folder'>): string {
  return basename(folder);
}

/**
 * Refuses a bucket that another pipeline has written: keys, versions and predictions of the two could not be told apart.
 *
 * @param found the owner that the bucket names; `undefined` where it names none
 * @param setting of the model config that names the bucket
 * @throws PerdureError `ConfigInvalid`
 */
export function refuseOtherOwner(
  pipeline: Pick<BucketUser, 'folder'>,
  found: string | undefined,
  setting: string,
): void {
  const own = ownerOf(pipeline);
  if (found === undefined || found === own) return;
  throw new PerdureError(
    'ConfigInvalid',
    `The bucket that ${setting} names for ${own} holds what the pipeline ${found} wrote; give ${own} a bucket of its own.`,
  );
}
