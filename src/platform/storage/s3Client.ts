import { S3Client } from '@aws-sdk/client-s3';
import { variables, type Variables } from '../../environment.js';

/** A host that drops packets is given up after this long, at each of the SDK's attempts. */
const CONNECTION_TIMEOUT_MS = 5_000;
/** Likewise a server that stops talking in the midst of a request. */
const SILENCE_TIMEOUT_MS = 30_000;

/**
 * A client set up by AWS's own environment and files: credentials, region, profile, retries (`AWS_MAX_ATTEMPTS`,
 * `AWS_RETRY_MODE`; by default 3 attempts with jittered back-off), and `AWS_ENDPOINT_URL_S3` or `AWS_ENDPOINT_URL` for
 * another server, whose buckets are then addressed by path.
 */
export function createS3Client(env: Variables = variables()): S3Client {
  return new S3Client({
    forcePathStyle: Boolean(env.AWS_ENDPOINT_URL_S3 ?? env.AWS_ENDPOINT_URL),
    requestHandler: { connectionTimeout: CONNECTION_TIMEOUT_MS, socketTimeout: SILENCE_TIMEOUT_MS },
  });
}
