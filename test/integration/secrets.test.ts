import { randomBytes } from 'node:crypto';
import { readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Payload } from '@temporalio/common';
import { afterAll, expect, test, vi } from 'vitest';
import { startWorkflow, type Workflows } from '../../src/client.js';
import { temporalCli } from '../../src/platform/setup/temporalCli.js';
import { requireTool } from '../../src/platform/setup/tool.js';
import { configuredTarget, connectClient } from '../../src/platform/temporal/connection.js';
import { startDevServer } from '../../src/platform/temporal/devServer.js';
import { encryptionCodecFrom } from '../../src/platform/temporal/encryptionCodec.js';
import { freePort } from '../../src/platform/temporal/processes.js';
import { startStack } from '../../src/platform/temporal/stack.js';
import { perdure } from '../support/perdure.js';
import { receiveHttp } from '../support/receivers.js';
import { startS3Server } from '../support/s3Server.js';
import { temporaryFolder } from '../support/temporaryFolder.js';
import { AFTER_ALL, createTinyWorld, MONTHS, TINY, tinyEngines } from '../support/tinyPipeline.js';
import { until } from '../support/until.js';

const mark = () => `marked${randomBytes(12).toString('hex')}`;
const SECRETS = {
  PERDURE_ENCRYPTION_KEY: randomBytes(32).toString('base64'),
  PERDURE_PAGERDUTY_ROUTING_KEY: mark(),
  'the path of PERDURE_SLACK_WEBHOOK_URL': mark(),
  'the password of PERDURE_SMTP_URL': mark(),
  TEMPORAL_API_KEY: mark(),
  AWS_SECRET_ACCESS_KEY: mark(),
  'a wrong AWS_SECRET_ACCESS_KEY': mark(),
};

const folder = temporaryFolder(afterAll);
// What is refused is told in words that repeat the secret, as a careless server might.
const slackPath = `/services/${SECRETS['the path of PERDURE_SLACK_WEBHOOK_URL']}`;
const slack = await receiveHttp({ status: 404, body: `no hook at ${slackPath}` });
const pager = await receiveHttp({ status: 400, body: `no key ${SECRETS.PERDURE_PAGERDUTY_ROUTING_KEY}` });
afterAll(() => Promise.all([slack.close(), pager.close()]));

const s3 = await startS3Server(afterAll, SECRETS.AWS_SECRET_ACCESS_KEY);
const setting = {
  PERDURE_ENCRYPTION_KEY: SECRETS.PERDURE_ENCRYPTION_KEY,
  PERDURE_PAGERDUTY_ROUTING_KEY: SECRETS.PERDURE_PAGERDUTY_ROUTING_KEY,
  PERDURE_PAGERDUTY_URL: pager.url,
  PERDURE_SLACK_WEBHOOK_URL: `${slack.url}${slackPath}`,
  // Nobody listens there.
  PERDURE_SMTP_URL: `smtp://perdure:${SECRETS['the password of PERDURE_SMTP_URL']}@127.0.0.1:${await freePort()}`,
  PERDURE_EMAIL_FROM: 'perdure@example.org',
  PERDURE_EMAIL_TO: 'team@example.org',
  TEMPORAL_API_KEY: SECRETS.TEMPORAL_API_KEY,
  TEMPORAL_TLS: 'false',
};
for (const [name, value] of Object.entries(setting)) vi.stubEnv(name, value);
for (const purpose of ['datamart', 'registry', 'predictions', 'monitoring']) await s3.createBucket(`tiny-${purpose}`);
const world = await createTinyWorld(tinyEngines(), 's3://');
afterAll(() => world.close());
world.configure((config) => (config.training_config.hyperparameter_tuning = false));
await world.writeGold(MONTHS);

test('no secret is found in a log, an output, a history, the store or the database of Temporal', async () => {
  const { path } = await requireTool(temporalCli);
  const server = await startDevServer({
    executable: path,
    database: join(folder, 'temporal.db'),
    log: join(folder, 'logs', 'temporal.log'),
  });
  try {
    vi.stubEnv('TEMPORAL_ADDRESS', server.target.address);
    const target = configuredTarget()!;
    expect(target.security).toMatchObject({ apiKey: SECRETS.TEMPORAL_API_KEY });
    const stack = await startStack({ storeRoot: 's3://', stateFolder: folder, target });
    const found: Record<string, string> = {};
    try {
      found.histories = await runEverything();
      Object.assign(found, await askEverything(server.target.address));
      // What failed was tried, and is told of without the secret.
      expect(slack.received.map((request) => request.path)).toContain(slackPath);
      expect(JSON.stringify(pager.received)).toContain(SECRETS.PERDURE_PAGERDUTY_ROUTING_KEY);
    } finally {
      await stack.stop();
    }
    Object.assign(found, contentsOf(folder), contentsOf(s3.objects));

    const alerts = Object.entries(found)
      .filter(([name]) => name.includes('alerts/'))
      .map(([, text]) => text)
      .join();
    expect(alerts).toContain('HTTP 404 (no hook at ***)');
    expect(alerts).toContain('HTTP 400 (no key ***)');
    expect(alerts).toContain('ECONNREFUSED');
    for (const name of ['orchestrator.log', 'data-processing.log', 'model-training.log', 'temporal.db']) {
      expect(
        Object.keys(found).filter((file) => file.endsWith(name)),
        name,
      ).toHaveLength(1);
    }
    const leaks = Object.entries(found).flatMap(([place, text]) =>
      Object.entries(SECRETS)
        .filter(([, secret]) => text.includes(secret))
        .map(([name]) => `${name} in ${place}`),
    );
    expect(leaks).toEqual([]);
  } finally {
    await server.stop();
  }
});

/** Runs what succeeds and what fails, with an alert at each level; returns every history in clear text. */
async function runEverything(): Promise<string> {
  const client = await connectClient(configuredTarget()!);
  try {
    const run = async <Name extends keyof Workflows>(name: Name, input: Parameters<Workflows[Name]>[0]) => {
      const handle = await startWorkflow(client, name, input);
      return handle.result().catch((error: unknown) => error);
    };
    expect(
      await run('modelTraining', { pipeline: TINY, asOf: AFTER_ALL, algorithms: ['logistic_regression'] }),
    ).toMatchObject({ status: 'completed' });
    expect(await run('modelInference', { pipeline: TINY, asOf: AFTER_ALL })).toMatchObject({ status: 'completed' });
    expect(await run('modelTraining', { pipeline: TINY, algorithms: ['nothing'] })).toBeInstanceOf(Error);
    for (let failures = 0; failures < 3; failures++) {
      expect(await run('dataProcessing', { pipeline: TINY, source: '/nonexistent/raw.csv' })).toBeInstanceOf(Error);
      await until(
        async () =>
          (await client.workflow.count('WorkflowType = "dataProcessing" AND ExecutionStatus = "Failed"')).count >
          failures,
      );
    }
    const texts: string[] = [];
    for await (const { workflowId, runId } of client.workflow.list()) {
      texts.push(...(await textsOf(await client.workflow.getHandle(workflowId, runId).fetchHistory())));
    }
    expect(texts.join()).toContain('roc_auc');
    return texts.join('\n');
  } finally {
    await client.connection.close();
  }
}

/** Every text of a history, payloads decrypted. */
async function textsOf(value: unknown): Promise<string[]> {
  if (typeof value === 'string') return [value];
  if (value instanceof Uint8Array) return [Buffer.from(value).toString()];
  if (typeof value !== 'object' || value === null) return [];
  if ('metadata' in value && 'data' in value) {
    const [payload] = await encryptionCodecFrom()!.decode([value as Payload]);
    return [Buffer.from(payload!.data ?? []).toString()];
  }
  return (await Promise.all(Object.values(value).map(textsOf))).flat();
}

/** What people see who ask, with what is right and with what is refused. */
async function askEverything(address: string): Promise<Record<string, string>> {
  const right = {
    PERDURE_CONF: process.env.PERDURE_CONF,
    PERDURE_STORE: 's3://',
    TEMPORAL_ADDRESS: address,
    TEMPORAL_API_KEY: SECRETS.TEMPORAL_API_KEY,
    TEMPORAL_TLS: 'false',
    PERDURE_DEBUG: '1',
  };
  const wrongKey = { ...right, AWS_SECRET_ACCESS_KEY: SECRETS['a wrong AWS_SECRET_ACCESS_KEY'] };
  // The dev server speaks no TLS, which an API key asks for by default.
  const wrongTls = { ...right, TEMPORAL_TLS: 'true' };
  const asked: [string, string[], NodeJS.ProcessEnv, number, RegExp][] = [
    ['status', ['status', TINY], right, 0, /champion +logistic_regression/],
    ['model', ['models', 'show', TINY, '--json'], right, 0, /best_params/],
    ['doctor', ['doctor', '--json'], right, 0, /"ok": true/],
    ['a refused run', ['process', TINY, '--csv', 's3://tiny-datamart/raw/nothing.csv'], right, 1, /nothing\.csv/],
    ['a wrong key', ['status', TINY], wrongKey, 1, /The store refuses these credentials/],
    ['a wrong key, to the doctor', ['doctor'], wrongKey, 1, /The store refuses these credentials/],
    ['a server without TLS', ['status', TINY], wrongTls, 1, /No Temporal server answers/],
  ];
  const outputs = asked.map(async ([name, args, env, code, says]): Promise<[string, string]> => {
    const outcome = await perdure(folder, args, env);
    const text = outcome.stdout + outcome.stderr;
    expect({ name, code: outcome.code }, text).toEqual({ name, code });
    expect(text).toMatch(says);
    return [`the output of ${name}`, text];
  });
  return Object.fromEntries(await Promise.all(outputs));
}

/** Every file below a folder as text. */
function contentsOf(root: string): Record<string, string> {
  const paths = readdirSync(root, { recursive: true, encoding: 'utf8' }).map((name) => join(root, name));
  return Object.fromEntries(
    paths.filter((path) => statSync(path).isFile()).map((path) => [path, readFileSync(path, 'latin1')]),
  );
}
