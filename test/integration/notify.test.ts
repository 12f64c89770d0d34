import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { dedupKey, type Alert } from '../../src/platform/notify/alert.js';
import { AlertLog } from '../../src/platform/notify/alertLog.js';
import { AlertThresholds } from '../../src/config/alerts.js';
import { raise } from '../../src/platform/notify/raise.js';
import { notify, resolveOpen, type Notifier } from '../../src/platform/notify/notify.js';
import { channelsFrom } from '../../src/platform/notify/settings.js';
import { FolderStore } from '../../src/platform/storage/folderStore.js';
import { receiveHttp, receiveInSilence, receiveMail, type HttpAnswer } from '../support/receivers.js';

const ROUTING_KEY = 'R0UTINGKEY0000000000000000000042';
const WEBHOOK_PATH = '/services/T000/B000/webhook-secret';
const PASSWORD = 'p@ss/wörd';
const MAIL_ENV = {
  PERDURE_EMAIL_FROM: 'Perdure <perdure@example.org>',
  PERDURE_EMAIL_TO: 'team@example.org, lead@example.org',
};
/** Nothing listens there: the port is reserved. */
const NOWHERE = '127.0.0.1:1';

const alert = (changes: Partial<Alert> = {}): Alert => ({
  level: 'critical',
  condition: 'processing_failing',
  pipeline: 'readmission',
  summary: 'Data processing of readmission has failed 3 times in a row.',
  details: { failures: 3, reason: 'no <rows> & no hope' },
  consequence: 'New data does not arrive.',
  command: 'perdure process readmission',
  link: 'http://127.0.0.1:8233/namespaces/default/workflows',
  dedupKey: dedupKey('readmission', 'processing_failing', '2026-01-02'),
  at: '2026-01-02T03:04:05.000Z',
  ...changes,
});

let folder: string;
let logged: { level: string; message: string; fields: Record<string, unknown> | undefined }[];
const closing: (() => Promise<void>)[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'perdure-notify-'));
  logged = [];
});
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
  await rm(folder, { recursive: true });
});

function notifier(env: NodeJS.ProcessEnv, changes: Partial<Notifier> = {}): Notifier {
  const logAt = (level: string) => (message: string, fields?: Record<string, unknown>) =>
    logged.push({ level, message, fields });
  return {
    channels: channelsFrom(env),
    alertLog: new AlertLog(new FolderStore(folder)),
    log: { debug: logAt('debug'), info: logAt('info'), warn: logAt('warn'), error: logAt('error') },
    retry: { attempts: 3, firstDelayMs: 5, attemptTimeoutMs: 5_000, budgetMs: 20_000 },
    ...changes,
  };
}

async function http(...answers: [HttpAnswer, ...HttpAnswer[]]) {
  const server = await receiveHttp(...answers);
  closing.push(() => server.close());
  return server;
}

async function mail(options?: Parameters<typeof receiveMail>[0]) {
  const server = await receiveMail(options);
  closing.push(() => server.close());
  return server;
}

async function pagerDuty(...answers: [HttpAnswer, ...HttpAnswer[]]) {
  const server = await http(...answers);
  return {
    ...server,
    env: { PERDURE_PAGERDUTY_ROUTING_KEY: ROUTING_KEY, PERDURE_PAGERDUTY_URL: `${server.url}/v2/enqueue` },
  };
}

async function slack(...answers: [HttpAnswer, ...HttpAnswer[]]) {
  const server = await http(...answers);
  return { ...server, env: { PERDURE_SLACK_WEBHOOK_URL: `${server.url}${WEBHOOK_PATH}` } };
}

/** Where the alert sends people, as the tests' alert says. */
const WEB_UI = 'http://127.0.0.1:8233/namespaces/default/workflows';
const OWNER = { owner: 'workflow/run/activity' };
const ACCEPTED: HttpAnswer = { status: 202, body: '{"status":"success"}' };

describe('each level goes to its channel', () => {
  test('critical triggers a PagerDuty event', async () => {
    const server = await pagerDuty(ACCEPTED);
    expect(await notify(notifier(server.env), alert(), OWNER)).toEqual({
      channel: 'pagerduty',
      status: 'sent',
      attempts: 1,
    });
    expect(server.received).toEqual([
      {
        method: 'POST',
        path: '/v2/enqueue',
        contentType: 'application/json',
        at: expect.any(Number) as number,
        body: {
          routing_key: ROUTING_KEY,
          event_action: 'trigger',
          dedup_key: 'readmission/processing_failing/2026-01-02',
          client: 'Perdure',
          client_url: WEB_UI,
          links: [{ href: WEB_UI, text: 'What to look at' }],
          payload: {
            summary: 'Data processing of readmission has failed 3 times in a row.',
            source: 'perdure/readmission',
            severity: 'critical',
            timestamp: '2026-01-02T03:04:05.000Z',
            component: 'readmission',
            group: 'perdure',
            class: 'processing_failing',
            custom_details: {
              failures: 3,
              reason: 'no <rows> & no hope',
              consequence: 'New data does not arrive.',
              command: 'perdure process readmission',
              link: WEB_UI,
            },
          },
        },
      },
    ]);
  });

  test('a condition that is e-mailed as well goes to both channels, once each', async () => {
    const [posted, mailed] = [await slack({ status: 200, body: 'ok' }), await mail()];
    const to = notifier({ ...posted.env, ...MAIL_ENV, PERDURE_SMTP_URL: `smtp://127.0.0.1:${mailed.port}` });
    const facts = {
      condition: 'training_failed',
      pipeline: 'churn',
      at: '2026-01-04T02:10:00.000Z',
      run: { workflowId: 'churn-model-training-1', runId: 'run-1' },
      training: { status: 'failed', type: 'StoreFull', reason: 'The disk is full; make room.' },
    } as const;
    const thresholds = AlertThresholds.parse({ email: ['training_failed'] });
    for (let attempt = 0; attempt < 2; attempt++)
      expect((await raise(facts, thresholds, to, OWNER)).status).toBe(attempt === 0 ? 'sent' : 'skipped');
    expect(posted.received).toHaveLength(1);
    expect(mailed.received).toHaveLength(1);
    expect(JSON.stringify(mailed.received)).toContain('The disk is full; make room.');
  });

  test('what is over is resolved by its key, once, and may trigger again', async () => {
    const server = await pagerDuty(ACCEPTED);
    const to = notifier(server.env);
    const other = alert({
      dedupKey: dedupKey('readmission', 'inference_down', '2026-01-02'),
      condition: 'inference_down',
    });
    await notify(to, alert(), OWNER);
    await notify(to, other, OWNER);
    const { signal } = new AbortController();
    expect(await resolveOpen(to, 'readmission', 'processing_failing', signal)).toBe(1);
    expect(await resolveOpen(to, 'readmission', 'processing_failing', signal)).toBe(0);
    expect(server.received.slice(2).map(({ body }) => body)).toEqual([
      { routing_key: ROUTING_KEY, event_action: 'resolve', dedup_key: 'readmission/processing_failing/2026-01-02' },
    ]);
    expect(await notify(to, alert(), OWNER)).toMatchObject({ status: 'sent' });
  });

  test('what can not be resolved now is tried again by the next that is well', async () => {
    const server = await pagerDuty(ACCEPTED, { status: 400 }, ACCEPTED);
    const to = notifier(server.env);
    await notify(to, alert(), OWNER);
    const { signal } = new AbortController();
    expect(await resolveOpen(to, 'readmission', 'processing_failing', signal)).toBe(0);
    expect(await resolveOpen(to, 'readmission', 'processing_failing', signal)).toBe(1);
  });

  test('a warning is posted to Slack, its control characters escaped', async () => {
    const server = await slack({ status: 200, body: 'ok' });
    const warning = alert({ level: 'warning', summary: 'Drift in <age> & more.' });
    expect(await notify(notifier(server.env), warning, OWNER)).toEqual({
      channel: 'slack',
      status: 'sent',
      attempts: 1,
    });
    expect(server.received).toHaveLength(1);
    expect(server.received[0]).toMatchObject({
      path: WEBHOOK_PATH,
      body: {
        text: 'Drift in &lt;age&gt; &amp; more.',
        blocks: [
          {
            type: 'section',
            text: { type: 'mrkdwn', text: '*warning: readmission*\nDrift in &lt;age&gt; &amp; more.' },
          },
          {
            type: 'section',
            text: {
              type: 'mrkdwn',
              text: `\`\`\`severity: warning\nconsequence: New data does not arrive.\nwhat to do: perdure process readmission\nlink: ${WEB_UI}\nfailures: 3\nreason: no &lt;rows&gt; &amp; no hope\`\`\``,
            },
          },
          { type: 'context', elements: [{ type: 'mrkdwn', text: 'processing_failing at 2026-01-02T03:04:05.000Z' }] },
        ],
      },
    });
  });

  test('information is mailed to everyone named, with the password that the server wants', async () => {
    const server = await mail({
      authOptional: false,
      onAuth: ({ username, password }, _session, done) => done(null, password === PASSWORD ? { user: username } : {}),
    });
    const env = {
      ...MAIL_ENV,
      PERDURE_SMTP_URL: `smtp://mailer:${encodeURIComponent(PASSWORD)}@127.0.0.1:${server.port}`,
    };
    expect(await notify(notifier(env), alert({ level: 'info' }), OWNER)).toEqual({
      channel: 'email',
      status: 'sent',
      attempts: 1,
    });
    expect(server.received).toHaveLength(1);
    const { from, to, user, message } = server.received[0]!;
    expect({ from, to, user }).toEqual({
      from: 'perdure@example.org',
      to: ['team@example.org', 'lead@example.org'],
      user: 'mailer',
    });
    expect(unfolded(message)).toContain(
      'Subject: [info] readmission: Data processing of readmission has failed 3 times in a row.',
    );
    expect(message).toMatch(/^Message-ID: <[0-9a-f]{32}@perdure>$/m);
    expect(message).toContain('failures: 3\r\nreason: no <rows> & no hope\r\n');
  });

  test('a channel that is not set up is said so, and the alert is logged', async () => {
    expect(await notify(notifier({}), alert(), OWNER)).toEqual({
      channel: 'pagerduty',
      status: 'skipped',
      reason: 'PERDURE_PAGERDUTY_ROUTING_KEY is not set.',
    });
    expect(logged).toEqual([
      {
        level: 'error',
        message: 'Data processing of readmission has failed 3 times in a row.',
        fields: expect.objectContaining({
          alert: 'processing_failing',
          level: 'critical',
          pipeline: 'readmission',
          details: alert().details,
        }) as object,
      },
    ]);
  });
});

describe('what may pass is tried again', () => {
  test('after 500 and 429', async () => {
    const server = await pagerDuty({ status: 500 }, { status: 429 }, ACCEPTED);
    expect(await notify(notifier(server.env), alert(), OWNER)).toEqual({
      channel: 'pagerduty',
      status: 'sent',
      attempts: 3,
    });
    expect(server.received).toHaveLength(3);
    expect(server.received[2]!.body).toEqual(server.received[0]!.body);
  });

  test('not sooner than Retry-After asks', async () => {
    const server = await slack({ status: 429, headers: { 'retry-after': '1' } }, { status: 200 });
    expect(await notify(notifier(server.env), alert({ level: 'warning' }), OWNER)).toMatchObject({
      status: 'sent',
      attempts: 2,
    });
    expect(server.received[1]!.at - server.received[0]!.at).toBeGreaterThanOrEqual(990);
  });

  test('not at all where Retry-After asks for more than there is time for', async () => {
    const server = await slack({ status: 429, headers: { 'retry-after': '3600' } });
    expect(await notify(notifier(server.env), alert({ level: 'warning' }), OWNER)).toEqual({
      channel: 'slack',
      status: 'failed',
      attempts: 1,
      reason: 'HTTP 429',
    });
  });

  test('so many times and no more', async () => {
    const server = await pagerDuty({ status: 503, body: 'try later' });
    expect(await notify(notifier(server.env), alert(), OWNER)).toEqual({
      channel: 'pagerduty',
      status: 'failed',
      attempts: 3,
      reason: 'HTTP 503 (try later)',
    });
    expect(server.received).toHaveLength(3);
  });

  test('a mail server that is busy for a moment', async () => {
    let busy = 1;
    const server = await mail({
      onMailFrom: (_address, _session, done) =>
        done(busy-- > 0 ? Object.assign(new Error('busy'), { responseCode: 451 }) : null),
    });
    const env = { ...MAIL_ENV, PERDURE_SMTP_URL: `smtp://127.0.0.1:${server.port}` };
    expect(await notify(notifier(env), alert({ level: 'info' }), OWNER)).toEqual({
      channel: 'email',
      status: 'sent',
      attempts: 2,
    });
    expect(server.received).toHaveLength(1);
  });
});

describe('what is refused is final, and nothing throws', () => {
  test('400 is not tried again', async () => {
    const server = await pagerDuty({ status: 400, body: '{"status":"invalid event"}' });
    expect(await notify(notifier(server.env), alert(), OWNER)).toEqual({
      channel: 'pagerduty',
      status: 'failed',
      attempts: 1,
      reason: 'HTTP 400 ({"status":"invalid event"})',
    });
    expect(server.received).toHaveLength(1);
  });

  test('a redirect is not followed: it could carry the key elsewhere', async () => {
    const elsewhere = await http({ status: 200 });
    const server = await pagerDuty({ status: 307, headers: { location: elsewhere.url } });
    expect(await notify(notifier(server.env), alert(), OWNER)).toMatchObject({
      status: 'failed',
      attempts: 1,
      reason: 'HTTP 307',
    });
    expect(elsewhere.received).toEqual([]);
  });

  test('a password that the mail server does not take', async () => {
    const server = await mail({
      onAuth: ({ password }, _session, done) =>
        done(Object.assign(new Error(`no such password: ${password}`), { responseCode: 535 })),
    });
    const env = {
      ...MAIL_ENV,
      PERDURE_SMTP_URL: `smtp://mailer:${encodeURIComponent(PASSWORD)}@127.0.0.1:${server.port}`,
    };
    const outcome = await notify(notifier(env), alert({ level: 'info' }), OWNER);
    expect(outcome).toMatchObject({
      channel: 'email',
      status: 'failed',
      attempts: 1,
      reason: expect.stringContaining('535 no such password: ***') as string,
    });
    expect(server.received).toEqual([]);
    expectNoSecrets(outcome, logged);
  });

  test('a mail server of another machine that offers no TLS gets no password', async () => {
    const passwords: unknown[] = [];
    const server = await mail({
      onAuth: ({ password, username }, _session, done) => {
        passwords.push(password);
        done(null, { user: username });
      },
    });
    // Another way to write 127.0.0.1, which isn't known as this machine.
    const env = { ...MAIL_ENV, PERDURE_SMTP_URL: `smtp://mailer:secret@127.1:${server.port}` };
    expect(await notify(notifier(env), alert({ level: 'info' }), OWNER)).toMatchObject({
      status: 'failed',
      reason: expect.stringContaining('STARTTLS') as string,
    });
    expect(passwords).toEqual([]);
    expect(server.received).toEqual([]);
  });

  test.each([
    ['critical', { PERDURE_PAGERDUTY_ROUTING_KEY: ROUTING_KEY, PERDURE_PAGERDUTY_URL: `http://${NOWHERE}` }],
    ['warning', { PERDURE_SLACK_WEBHOOK_URL: `http://${NOWHERE}${WEBHOOK_PATH}` }],
    ['info', { ...MAIL_ENV, PERDURE_SMTP_URL: `smtp://mailer:${encodeURIComponent(PASSWORD)}@${NOWHERE}` }],
  ] as const)('a server that is down: %s', async (level, env) => {
    const outcome = await notify(notifier(env), alert({ level }), OWNER);
    expect(outcome).toMatchObject({ status: 'failed', reason: expect.stringMatching(/\w/) as string });
    expect(logged.map((entry) => entry.level)).toContain('error');
    expectNoSecrets(outcome, logged);
  });

  test.each([
    [
      'critical',
      (at: string) => ({ PERDURE_PAGERDUTY_ROUTING_KEY: ROUTING_KEY, PERDURE_PAGERDUTY_URL: `http://${at}` }),
    ],
    ['info', (at: string) => ({ ...MAIL_ENV, PERDURE_SMTP_URL: `smtp://${at}` })],
  ] as const)('a server that accepts and never answers: %s', async (level, envFor) => {
    const server = await receiveInSilence();
    closing.push(() => server.close());
    const retry = { attempts: 2, firstDelayMs: 5, attemptTimeoutMs: 100, budgetMs: 5_000 };
    const outcome = await notify(notifier(envFor(server.address), { retry }), alert({ level }), OWNER);
    expect(outcome).toMatchObject({ status: 'failed', attempts: 2 });
  });

  test('a caller that gives up', async () => {
    const server = await pagerDuty({ status: 500 });
    const outcome = await notify(notifier(server.env), alert(), { ...OWNER, signal: AbortSignal.abort() });
    expect(outcome).toMatchObject({ status: 'failed', attempts: 1 });
  });

  test('answers that quote the secrets are repeated without them', async () => {
    const echo = await pagerDuty({ status: 400, body: `bad key ${ROUTING_KEY}` });
    const failed = await notify(notifier(echo.env), alert(), OWNER);
    expect(failed).toMatchObject({ status: 'failed', reason: 'HTTP 400 (bad key ***)' });
    const hook = await slack({ status: 404, body: `no hook at ${WEBHOOK_PATH}` });
    const outcome = await notify(notifier(hook.env), alert({ level: 'warning' }), OWNER);
    expect(outcome).toMatchObject({ status: 'failed', reason: 'HTTP 404 (no hook at ***)' });
    expectNoSecrets(failed, outcome, logged);
  });
});

describe('the same thing is told once', () => {
  test('to a retried activity and to another workflow', async () => {
    const server = await slack({ status: 200 });
    const told = notifier(server.env);
    const warning = alert({ level: 'warning' });
    await notify(told, warning, OWNER);
    expect(await notify(told, warning, OWNER)).toEqual({
      channel: 'slack',
      status: 'skipped',
      reason: 'The same was told before.',
    });
    expect(await notify(notifier(server.env), warning, { owner: 'another' })).toMatchObject({ status: 'skipped' });
    expect(server.received).toHaveLength(1);
  });

  test('by the first of many workers that raise it together', async () => {
    const server = await slack({ status: 200 });
    const outcomes = await Promise.all(
      Array.from({ length: 8 }, (_, i) =>
        notify(notifier(server.env), alert({ level: 'warning' }), { owner: `worker ${i}` }),
      ),
    );
    expect(outcomes.filter(({ status }) => status === 'sent')).toHaveLength(1);
    expect(outcomes.filter(({ status }) => status === 'skipped')).toHaveLength(7);
    expect(server.received).toHaveLength(1);
  });

  test('again once its repeat is due, and never where it has none', async () => {
    const server = await pagerDuty(ACCEPTED);
    const told = notifier(server.env);
    const daily = (at: string) => notify(told, alert({ at, repeatAfterHours: 24 }), OWNER);
    expect(await daily('2026-01-02T02:00:00Z')).toMatchObject({ status: 'sent' });
    expect(await daily('2026-01-03T01:00:00Z')).toMatchObject({ status: 'skipped' });
    expect(await daily('2026-01-03T02:00:00Z')).toMatchObject({ status: 'sent' });
    expect(await notify(told, alert({ at: '2027-01-01T00:00:00Z' }), OWNER)).toMatchObject({ status: 'skipped' });
    expect(server.received).toHaveLength(2);
  });

  test('what failed is tried anew when it is raised again', async () => {
    const server = await pagerDuty({ status: 400 }, ACCEPTED);
    const told = notifier(server.env);
    expect(await notify(told, alert(), OWNER)).toMatchObject({ status: 'failed' });
    expect(await notify(told, alert(), OWNER)).toMatchObject({ status: 'sent' });
  });

  test('what a process was sending when it died is sent by its next attempt, and by others once its claim is over', async () => {
    const server = await slack({ status: 200 });
    const warning = alert({ level: 'warning' });
    const abandoned = new AlertLog(new FolderStore(folder));
    await abandoned.claim(warning, 'dead');
    expect(await notify(notifier(server.env), warning, { owner: 'another' })).toMatchObject({ status: 'skipped' });
    expect(await notify(notifier(server.env), warning, { owner: 'dead' })).toMatchObject({ status: 'sent' });

    const later = alert({ level: 'warning', dedupKey: 'readmission/later' });
    await new AlertLog(new FolderStore(folder), 0).claim(later, 'dead');
    expect(await notify(notifier(server.env), later, { owner: 'another' })).toMatchObject({ status: 'sent' });
    expect(server.received).toHaveLength(2);
  });

  test('where the alert log is out of reach it is told all the same', async () => {
    const server = await pagerDuty(ACCEPTED);
    const file = join(folder, 'not-a-folder');
    await writeFile(file, '');
    const blind = notifier(server.env, { alertLog: new AlertLog(new FolderStore(file)) });
    expect(await notify(blind, alert(), OWNER)).toMatchObject({ status: 'sent' });
    expect(server.received).toHaveLength(1);
    expect(logged.map(({ level }) => level)).toContain('warn');
  });

  test('the record says what became of it', async () => {
    const server = await pagerDuty(ACCEPTED);
    const told = notifier(server.env);
    await notify(told, alert(), OWNER);
    expect(await told.alertLog!.read(alert().dedupKey)).toEqual({
      ...alert(),
      delivery: { status: 'sent', channel: 'pagerduty', at: expect.any(String) as string },
    });
  });
});

function expectNoSecrets(...told: unknown[]): void {
  const text = JSON.stringify(told);
  for (const secret of [ROUTING_KEY, WEBHOOK_PATH, PASSWORD, encodeURIComponent(PASSWORD)])
    expect(text).not.toContain(secret);
}

/** A mail's long header lines in one piece each. */
function unfolded(message: string): string {
  return message.replaceAll(/\r\n[ \t]+/g, ' ');
}
