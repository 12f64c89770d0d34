import { Effect, PolicyStatement, type Role } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { Bucket } from 'aws-cdk-lib/aws-s3';
import { Stack } from 'aws-cdk-lib';
import type { Pipeline } from '../src/config/load.js';
import { ALIASES, versionFiles, type StoreAccess } from './access.js';
import type { Buckets } from './buckets.js';

const ACTIONS = {
  read: ['s3:GetObject'],
  write: ['s3:PutObject', 's3:AbortMultipartUpload'],
  delete: ['s3:DeleteObject'],
} as const;

/** Gives a role what it needs of a pipeline's buckets, and no more. */
export function grantAccess(role: Role, pipeline: Pipeline, access: StoreAccess, buckets: Buckets): void {
  for (const [store, keys] of entriesOf(access)) {
    const bucket = buckets.of(pipeline, store);
    // Without it an absent object is "forbidden" instead of "absent". On the whole bucket, as a GET has no prefix that
    // a condition could look at: key names can be seen, contents can't.
    role.addToPolicy(new PolicyStatement({ actions: ['s3:ListBucket'], resources: [bucket.bucketArn] }));
    for (const right of ['read', 'write', 'delete'] as const) {
      const patterns = keys[right];
      if (patterns)
        role.addToPolicy(new PolicyStatement({ actions: [...ACTIONS[right]], resources: objects(bucket, patterns) }));
    }
  }
}

/** The key of all buckets, by way of S3 alone. */
export function grantKey(role: Role, key: IKey): void {
  role.addToPolicy(
    new PolicyStatement({
      actions: ['kms:Decrypt', 'kms:GenerateDataKey'],
      resources: [key.keyArn],
      conditions: { StringEquals: { 'kms:ViaService': `s3.${Stack.of(role).region}.amazonaws.com` } },
    }),
  );
}

/** Says so even where a later grant is too wide: whoever trains does not decide what is used. */
export function denyAliases(role: Role, pipeline: Pipeline, buckets: Buckets): void {
  const resources = objects(buckets.of(pipeline, 'modelRegistry'), [ALIASES]);
  role.addToPolicy(
    new PolicyStatement({
      effect: Effect.DENY,
      actions: ['s3:PutObject', 's3:DeleteObject', 's3:DeleteObjectVersion'],
      resources,
    }),
  );
}

/**
 * Lets whoever trains make versions and change none: a write has to say that it only creates. Parts of an upload go up
 * without saying so; what makes an object of them says it.
 */
export function denyOverwriting(role: Role, pipeline: Pipeline, buckets: Buckets): void {
  const resources = objects(buckets.of(pipeline, 'modelRegistry'), versionFiles(pipeline));
  const conditions = { Null: { 's3:if-none-match': 'true' }, Bool: { 's3:ObjectCreationOperation': 'true' } };
  role.addToPolicy(new PolicyStatement({ effect: Effect.DENY, actions: ['s3:PutObject'], resources, conditions }));
}

function objects(bucket: Bucket, patterns: string[]): string[] {
  return patterns.map((pattern) => bucket.arnForObjects(pattern));
}

function entriesOf<K extends string, V>(record: Partial<Record<K, V>>): [K, V][] {
  return Object.entries(record) as [K, V][];
}
