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
