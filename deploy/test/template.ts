import { App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { readSettings, type SettingsInput } from '../settings.js';
import { makeStacks } from '../stacks.js';

/** Everything on: every channel and every way to log in at Temporal. */
export const SETTINGS = {
  name: 'diab-readmit-demo',
  environment: 'prod',
  temporal: { address: 'readmission.example.tmprl.cloud:7233', namespace: 'readmission.example' },
  secrets: {
    TEMPORAL_API_KEY: 'test/temporal-api-key',
    TEMPORAL_TLS_CLIENT_CERT_DATA: 'test/temporal-cert',
    TEMPORAL_TLS_CLIENT_KEY_DATA: 'test/temporal-key',
    PERDURE_ENCRYPTION_KEY: 'test/encryption-key',
    PERDURE_PAGERDUTY_ROUTING_KEY: 'test/pagerduty',
    PERDURE_SLACK_WEBHOOK_URL: 'test/slack',
    PERDURE_SMTP_URL: 'test/smtp',
    REDIS_URL: 'test/redis',
  },
  email: { from: 'perdure@example.com', to: ['team@example.com', 'lead@example.com'] },
  alarmEmail: 'operators@example.com',
  imageTag: '0123abc',
} satisfies SettingsInput;

/** The synthesized templates. Needs no network, no account and no Docker. */
export async function synthesize(settings: SettingsInput = SETTINGS): Promise<{ perdure: Template; images: Template }> {
  const { perdure, images } = await makeStacks(new App(), readSettings(settings));
  return { perdure: Template.fromStack(perdure), images: Template.fromStack(images) };
}
