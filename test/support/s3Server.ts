import { CreateBucketCommand } from '@aws-sdk/client-s3';
import { onTestFinished, vi } from 'vitest';
import { createS3Client } from '../../src/platform/storage/s3Client.js';
import { temporaryFolder } from './temporaryFolder.js';
import { startVersitygw, type Versitygw } from './versitygw.js';

export interface S3Server extends Versitygw {
  createBucket(name: string): Promise<void>;
}

/**
 * A real S3 server with nothing in it, to which AWS's environment variables lead. It ends with the test, or when
 * `whenDone` says: `afterAll` at the top of a file.
 */
export async function startS3Server(
  whenDone: (stop: () => void | Promise<void>) => void = onTestFinished,
  secret?: string,
): Promise<S3Server> {
  const server = await startVersitygw(temporaryFolder(whenDone), secret);
  whenDone(() => server.stop());
  for (const [name, value] of Object.entries(server.env)) vi.stubEnv(name, value);
  whenDone(() => void vi.unstubAllEnvs());
  return Object.assign(server, {
    async createBucket(name: string) {
      const client = createS3Client();
      await client.send(new CreateBucketCommand({ Bucket: name }));
      client.destroy();
    },
  });
}
