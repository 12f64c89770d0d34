import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { loadPipeline } from '../../src/config/load.js';
import { packageFolder } from '../../src/package.js';
import { runCommand, type CommandResult } from '../../src/platform/programs/command.js';
import { composeSpec } from '../../src/platform/setup/composeSpec.js';
import { requireTool } from '../../src/platform/setup/tool.js';
import { GIB } from '../../src/platform/resources/resources.js';
import { SHUTDOWN_FORCE_MS, SHUTDOWN_GRACE_MS, WORKERS } from '../../src/platform/temporal/workers.js';
import { temporaryFolder } from '../../test/support/temporaryFolder.js';

interface Service {
  command?: string[];
  environment?: Record<string, string>;
  mem_limit?: string;
  cpus?: number;
  read_only?: boolean;
  cap_drop?: string[];
  stop_grace_period?: string;
  ports?: { host_ip?: string }[];
}

const FILE = join(packageFolder(), 'deploy', 'compose.yaml');
/** What Docker Compose would make of a file, variables left as they are written. */
async function compose(file: string): Promise<CommandResult> {
  const { path } = await requireTool(composeSpec);
  return runCommand(path, ['-no-interpolation', '-format', 'json', file], { timeout: 60_000 });
}

let services: Record<string, Service>;

beforeAll(async () => {
  const { ok, stdout, complaint } = await compose(FILE);
  expect(ok, complaint).toBe(true);
  ({ services } = JSON.parse(stdout) as { services: Record<string, Service> });
});

test('starts Temporal, its database and web UI, S3 and the three workers', () => {
  expect(Object.keys(services).sort()).toEqual(
    [
      'postgresql',
      'temporal-schema',
      'temporal',
      'temporal-namespace',
      'temporal-ui',
      's3',
      'buckets',
      'orchestrator',
      'data-processing',
      'model-training',
    ].sort(),
  );
});

test('a mistake would be found', async () => {
  const file = join(temporaryFolder(), 'compose.yaml');
  writeFileSync(file, readFileSync(FILE, 'utf8').replace('mem_limit', 'mem_limmit'));
  const { ok, complaint } = await compose(file);
  expect(ok).toBe(false);
  expect(complaint).toContain('mem_limmit');
});

test("holds no secret, and doesn't start without those that it needs", () => {
  const secrets = Object.values(services).flatMap(({ environment = {} }) =>
    Object.entries(environment).filter(([name]) => /PASSWORD|PWD|SECRET|ACCESS_KEY|_KEY_ID/.test(name)),
  );
  expect(secrets.length).toBeGreaterThan(8);
  for (const [, value] of secrets) expect(value).toMatch(/^\$\{[A-Z0-9_]+:\?set it in deploy\/\.env\}$/);
});

test('makes the buckets that the config names', async () => {
  const { config } = await loadPipeline('readmission', { ...process.env, ENVIRONMENT: 'prod' });
  const { datamart_bucket, predictions_bucket, monitoring_bucket } = config.storage;
  const names = [datamart_bucket, config.model_config.model_registry_bucket, predictions_bucket, monitoring_bucket];
  expect(services.buckets!.command).toEqual(['mkdir', '-p', ...names.map((name) => `/data/${name}`)]);
});

describe.each(Object.values(WORKERS).map(({ taskQueue, entry, resources }) => ({ taskQueue, entry, resources })))(
  '$taskQueue',
  ({ taskQueue, entry, resources }) => {
    test('has its resources, and nothing to write to but its volume', () => {
      expect(services[taskQueue]).toMatchObject({
        command: ['node', `dist/workers/${entry}.js`],
        cpus: resources.cpus,
        mem_limit: `${resources.memory / GIB}g`,
        read_only: true,
        cap_drop: ['ALL'],
      });
    });

    test('is killed only after it has given up by itself', () => {
      const [, minutes = '0', seconds = '0'] = /^(?:(\d+)m)?(?:(\d+)s)?$/.exec(
        services[taskQueue]!.stop_grace_period!,
      )!;
      expect((Number(minutes) * 60 + Number(seconds)) * 1_000).toBeGreaterThan(SHUTDOWN_GRACE_MS + SHUTDOWN_FORCE_MS);
    });
  },
);

test('publishes nothing beyond this machine', () => {
  const ports = Object.values(services).flatMap(({ ports: published = [] }) => published);
  expect(ports.length).toBeGreaterThan(0);
  expect(ports.every(({ host_ip }) => host_ip === '127.0.0.1')).toBe(true);
});

test('every image has a version', () => {
  const images = [...readFileSync(FILE, 'utf8').matchAll(/image: (\S+)/g)].map(([, image]) => image);
  for (const image of images) expect(image).toMatch(/:(v?\d+(\.\d+)+|\$\{COMMIT:-local\})$/);
});
