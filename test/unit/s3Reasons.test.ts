import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { ObjectCache } from '../../src/platform/storage/objectCache.js';
import { createS3Client } from '../../src/platform/storage/s3Client.js';
import { S3Store } from '../../src/platform/storage/s3Store.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

/** A server that refuses everything as S3 does: a HEAD has a status and no body, anything else says why. */
async function refusingStore(status: number, code: string, message: string): Promise<S3Store> {
  const server = createServer((request, response) => {
    response.writeHead(status, { 'Content-Type': 'application/xml' });
    response.end(
      request.method === 'HEAD'
        ? undefined
        : `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>${message}</Message></Error>`,
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  vi.stubEnv('AWS_ENDPOINT_URL_S3', `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  vi.stubEnv('AWS_REGION', 'us-east-1');
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'test');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'test-secret');
  onTestFinished(() => void vi.unstubAllEnvs());
  return new S3Store({
    client: createS3Client(),
    bucket: 'bucket',
    cache: new ObjectCache(join(temporaryFolder(), 'cache'), 2 ** 20),
  });
}

// As S3's list of error responses has them.
test.each([
  [400, 'ExpiredToken', 'The provided token has expired.'],
  [301, 'PermanentRedirect', 'The bucket you are attempting to access must be addressed using the specified endpoint.'],
  [
    400,
    'AuthorizationHeaderMalformed',
    'The authorization header is malformed; the region &apos;us-east-1&apos; is wrong; expecting &apos;eu-west-1&apos;',
  ],
  [403, 'AccessDenied', 'Access Denied'],
  [403, 'InvalidAccessKeyId', 'The AWS Access Key Id you provided does not exist in our records.'],
  [403, 'RequestTimeTooSkewed', 'The difference between the request time and the current time is too large.'],
])('a look that S3 answers with %d tells its own reason: %s', async (status, code, message) => {
  const store = await refusingStore(status, code, message);
  const said = message.replaceAll('&apos;', "'").replace(/\.$/, '');
  await expect(store.head('key')).rejects.toMatchObject({
    type: 'StoreRefused',
    message: expect.stringContaining(`(${code}: ${said})`),
  });
});
