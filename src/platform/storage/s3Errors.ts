import { PerdureError, messageOf, systemCode } from '../../errors.js';

/** What the SDK tells of a failed request. */
interface S3Failure {
  /** S3's error code, or the SDK's own where there was no answer. */
  name: string;
  /** HTTP status; none where there was no answer. */
  status?: number;
  /** How often the request was sent. */
  attempts: number;
}

export function s3Failure(error: unknown): S3Failure {
  if (!(error instanceof Error)) return { name: 'Error', attempts: 1 };
  const { $metadata } = error as { $metadata?: { httpStatusCode?: number; attempts?: number } };
  return { name: error.name, status: $metadata?.httpStatusCode, attempts: $metadata?.attempts ?? 1 };
}

/** Whether the answer was that there is no such object. A look without a body (`HEAD`) can't tell it from a missing bucket. */
export function isAbsent(error: unknown): boolean {
  const { name } = s3Failure(error);
  return name === 'NoSuchKey' || name === 'NotFound';
}

/** Whether a condition of the request didn't hold, or another writer was at work at the same moment. */
export function isConditionFailed(error: unknown): boolean {
  const { name, status } = s3Failure(error);
  return status === 412 || name === 'ConditionalRequestConflict';
}

const FULL: ReadonlySet<string> = new Set(['InsufficientStorage', 'QuotaExceeded', 'XMinioStorageFull']);
const BUSY: ReadonlySet<string> = new Set([
  'SlowDown',
  'Throttling',
  'ThrottlingException',
  'RequestTimeout',
  'OperationAborted',
]);
const UNSIGNED: ReadonlySet<string> = new Set(['CredentialsProviderError', 'TokenProviderError']);

/** A failed request about `uri` as a typed error; anything that isn't S3's or the network's doing stays as it is. */
export function s3Error(error: unknown, uri: string): unknown {
  if (error instanceof PerdureError || !(error instanceof Error)) return error;
  const { name, status } = s3Failure(error);
  const typed = (type: PerdureError['type'], message: string) => new PerdureError(type, message, { cause: error });

  if (UNSIGNED.has(name)) {
    return typed(
      'StoreRefused',
      `There are no AWS credentials to reach ${uri} with; give this process a role, AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.`,
    );
  }
  if (error.message === 'Region is missing') {
    return typed('ConfigInvalid', `There is no AWS region to reach ${uri} in; set AWS_REGION.`);
  }
  if (/^Checksum mismatch/.test(error.message)) {
    return typed(
      'ObjectCorrupt',
      `${uri} does not hold the bytes that were written; delete it and run the stage that writes it again.`,
    );
  }
  if (status === undefined && systemCode(error) === undefined && name !== 'TimeoutError') return error;

  const bucket = /^s3:\/\/[^/]*/.exec(uri)![0];
  if (name === 'NoSuchBucket' || name === 'NotFound') {
    return typed(
      'NotFound',
      `There is no bucket ${bucket}; create it, or name another in the pipeline's model config.`,
    );
  }
  if (status === 507 || FULL.has(name)) {
    return typed('StoreFull', `No space is left to write ${uri}; free some and run again.`);
  }
  if (status === undefined || status >= 500 || status === 429 || BUSY.has(name)) {
    return typed(
      'StoreUnavailable',
      `${uri} can't be reached (${reason(error, status)}); see that the store is up, and that AWS_REGION or AWS_ENDPOINT_URL_S3 leads to it.`,
    );
  }
  const what = status === 401 || status === 403 ? 'these credentials' : 'the request';
  return typed(
    'StoreRefused',
    `The store refuses ${what} for ${uri} (${reason(error, status)}); correct the credentials, their permissions or AWS_REGION.`,
  );
}

/** `AccessDenied: Access Denied`, `status 403` where an answer has no body, `connect ECONNREFUSED 127.0.0.1:9000`. */
function reason(error: Error, status: number | undefined): string {
  const said = messageOf(error).replace(/\.$/, '');
  if (status === undefined) return said || (systemCode(error) ?? error.name);
  return said === '' || said === 'UnknownError' ? `status ${status}` : `${error.name}: ${said}`;
}
