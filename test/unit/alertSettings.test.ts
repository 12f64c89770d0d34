import { describe, expect, test } from 'vitest';
import { PerdureError } from '../../src/errors.js';
import { channelsFrom } from '../../src/platform/notify/settings.js';

const faultsOf = (env: NodeJS.ProcessEnv): PerdureError => {
  try {
    channelsFrom(env);
  } catch (error) {
    if (error instanceof PerdureError) return error;
  }
  throw new Error('expected a PerdureError');
};

describe('channels come from the environment', () => {
  test('none where it says nothing', () => {
    expect(channelsFrom({})).toEqual({});
    expect(channelsFrom({ PERDURE_SLACK_WEBHOOK_URL: '' })).toEqual({});
  });

  test('those that it names', () => {
    const channels = channelsFrom({
      PERDURE_PAGERDUTY_ROUTING_KEY: 'key',
      PERDURE_SLACK_WEBHOOK_URL: 'https://hooks.example.org/services/x',
      PERDURE_SMTP_URL: 'smtps://mail.example.org',
      PERDURE_EMAIL_FROM: 'perdure@example.org',
      PERDURE_EMAIL_TO: 'team@example.org',
    });
    expect(Object.keys(channels).sort()).toEqual(['email', 'pagerduty', 'slack']);
  });
});

test('every fault is told at once, by name and without a value', () => {
  const error = faultsOf({
    PERDURE_PAGERDUTY_URL: 'not an address s3cret',
    PERDURE_SLACK_WEBHOOK_URL: 'ftp://hooks.example.org/s3cret',
    PERDURE_SMTP_URL: 'smtp://user:s3cret@mail.example.org',
    PERDURE_EMAIL_TO: 's3cret',
  });
  expect(error.type).toBe('ConfigInvalid');
  expect(error.message).not.toContain('s3cret');
  for (const name of ['PERDURE_PAGERDUTY_URL', 'PERDURE_SLACK_WEBHOOK_URL', 'PERDURE_EMAIL_FROM', 'PERDURE_EMAIL_TO'])
    expect(error.message).toContain(name);
});

test.each([
  ['no server', 'smtp:mail.example.org:25'],
  ['a password with a lone %', 'smtps://user:s3cret%zz@mail.example.org'],
  ['a user with a lone %', 'smtps://us%er:s3cret@mail.example.org'],
])('mail by an address with %s is refused at once, and not sent elsewhere', (_, address) => {
  const error = faultsOf({
    PERDURE_SMTP_URL: address,
    PERDURE_EMAIL_FROM: 'perdure@example.org',
    PERDURE_EMAIL_TO: 'team@example.org',
  });
  expect(error.message).toBe(
    "Alerts can't be sent as the environment says; correct or unset: PERDURE_SMTP_URL names no server, or has a user or password that is not percent-encoded.",
  );
});
