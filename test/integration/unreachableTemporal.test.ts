import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { packageFolder } from '../../src/package.js';
import { configuredTarget, connectClient, plainTarget } from '../../src/platform/temporal/connection.js';
import { connectWorker } from '../../src/platform/temporal/workerConnection.js';
import { freePort } from '../../src/platform/temporal/processes.js';
import { temporaryFolder } from '../support/temporaryFolder.js';
import { freshNamespace } from '../support/testServer.js';
import { CERTIFICATES, startTlsProxy } from '../support/tlsProxy.js';

describe('a Temporal server that is out of reach', () => {
  test('is one sentence with its address, where nothing listens', async () => {
    const address = `127.0.0.1:${await freePort()}`;

    const sentence = new RegExp(
      `^No Temporal server answers for namespace "default" at ${address} \\(.+\\); start it, or .+\\.$`,
    );
    await expect(connectClient(plainTarget(address))).rejects.toMatchObject({
      type: 'TemporalUnavailable',
      message: expect.stringMatching(sentence),
    });
    await expect(connectWorker(plainTarget(address))).rejects.toMatchObject({
      type: 'TemporalUnavailable',
      message: expect.stringMatching(sentence),
    });
  });

  test('is given up, where something takes the connection and says nothing', async () => {
    const silent = createServer().listen(0, '127.0.0.1');
    onTestFinished(() => void silent.close());
    await once(silent, 'listening');
    const { port } = silent.address() as AddressInfo;

    await expect(connectClient(plainTarget(`127.0.0.1:${port}`))).rejects.toMatchObject({
      type: 'TemporalUnavailable',
    });
  });

  test('is told apart from a namespace that is not there', async () => {
    const { address } = await freshNamespace();

    await expect(connectClient(plainTarget(address, 'nowhere'))).rejects.toMatchObject({
      type: 'TemporalUnavailable',
      message: expect.stringContaining('namespace "nowhere"'),
    });
  });

  test('ends a worker at once, with the sentence', async () => {
    const address = `127.0.0.1:${await freePort()}`;
    const { code, stderr } = await run('dist/workers/orchestrator.js', { TEMPORAL_ADDRESS: address });

    expect(code).toBe(1);
    expect(stderr).toContain(`orchestrator: No Temporal server answers for namespace "default" at ${address}`);
    expect(stderr).not.toContain('    at ');
  });
});

describe('the Temporal environment configuration', () => {
  test('names no server when it says nothing', () => {
    expect(configuredTarget({ TEMPORAL_CONFIG_FILE: '/nowhere/temporal.toml' })).toBeUndefined();
  });

  test('gives address, namespace and key', () => {
    const env = {
      TEMPORAL_CONFIG_FILE: '/nowhere/temporal.toml',
      TEMPORAL_ADDRESS: 'host:7233',
      TEMPORAL_NAMESPACE: 'ml',
      TEMPORAL_API_KEY: 'key',
    };
    expect(configuredTarget(env)).toMatchObject({ address: 'host:7233', namespace: 'ml', security: { apiKey: 'key' } });
  });

  test('takes clients and workers through mutual TLS, by a profile', async () => {
    const { address, namespace } = await freshNamespace();
    const { authority, certificate, key } = CERTIFICATES;
    const file = join(temporaryFolder(onTestFinished), 'temporal.toml');
    const profile = [
      '[profile.prod]',
      `address = "localhost:${await startTlsProxy(address)}"`,
      `namespace = "${namespace}"`,
      '[profile.prod.tls]',
      `server_ca_cert_path = "${authority}"`,
      `client_cert_path = "${certificate}"`,
      `client_key_path = "${key}"`,
    ];
    writeFileSync(file, profile.join('\n'));
    const target = configuredTarget({ TEMPORAL_CONFIG_FILE: file, TEMPORAL_PROFILE: 'prod' })!;

    const client = await connectClient(target);
    await client.connection.close();
    const worker = await connectWorker(target);
    await worker.close();
  });

  test('is one sentence when its profile is not there', () => {
    expect(() =>
      configuredTarget({ TEMPORAL_CONFIG_FILE: '/nowhere/temporal.toml', TEMPORAL_PROFILE: 'prod' }),
    ).toThrow(/^The Temporal environment configuration can't be read \(.*prod.*\); correct .*\.$/);
  });
});

function run(script: string, env: NodeJS.ProcessEnv): Promise<{ code: number | null; stderr: string }> {
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [join(packageFolder(), script)],
      { env: { ...process.env, ...env } },
      (_error, _stdout, stderr) => resolve({ code: child.exitCode, stderr }),
    );
  });
}
