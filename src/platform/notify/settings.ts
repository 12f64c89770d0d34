import { variables, type Variables } from '../../environment.js';
import { PerdureError } from '../../errors.js';
import type { Channel, ChannelName } from './channel.js';
import { email } from './email.js';
import { PAGERDUTY_URL, pagerDuty } from './pagerDuty.js';
import { slack } from './slack.js';

/** The channels that are set up. */
export type Channels = Partial<Record<ChannelName, Channel>>;

/** The variable without which a channel is off. */
export const SWITCH: Record<ChannelName, string> = {
  pagerduty: 'PERDURE_PAGERDUTY_ROUTING_KEY',
  slack: 'PERDURE_SLACK_WEBHOOK_URL',
  email: 'PERDURE_SMTP_URL',
};

/**
 * The channels that the environment sets up; secrets come from nowhere else.
 *
 * - PagerDuty: `PERDURE_PAGERDUTY_ROUTING_KEY`; `PERDURE_PAGERDUTY_URL` for another region.
 * - Slack: `PERDURE_SLACK_WEBHOOK_URL`.
 * - E-mail: `PERDURE_SMTP_URL` (`smtp://` or `smtps://`, user and password percent-encoded), `PERDURE_EMAIL_FROM` and
 *   `PERDURE_EMAIL_TO` (addresses, comma-separated).
 *
 * @throws PerdureError `ConfigInvalid` with every fault at once, never with a value
 */
export function channelsFrom(env: Variables = variables()): Channels {
  const faults: string[] = [];
  const read = (name: string) => env[name]?.trim() || undefined;
  const readUrl = (name: string, protocols: string[]) => {
    const value = read(name);
    if (value === undefined || (URL.canParse(value) && protocols.includes(new URL(value).protocol))) return value;
    faults.push(
      `${name} is not an address that starts with ${protocols.map((protocol) => `${protocol}//`).join(' or ')}`,
    );
    return undefined;
  };
  const readAddresses = (name: string) => {
    const addresses = (read(name) ?? '').split(',').map((address) => address.trim());
    if (!addresses.every((address) => address.includes('@')))
      faults.push(`${name} is not an e-mail address, which ${SWITCH.email} needs`);
    return addresses;
  };

  const channels: Channels = {};
  const routingKey = read(SWITCH.pagerduty);
  const pagerDutyUrl = readUrl('PERDURE_PAGERDUTY_URL', ['https:', 'http:']) ?? PAGERDUTY_URL;
  if (routingKey) channels.pagerduty = pagerDuty(routingKey, pagerDutyUrl);

  const webhookUrl = readUrl(SWITCH.slack, ['https:', 'http:']);
  if (webhookUrl) channels.slack = slack(webhookUrl);

  const smtpUrl = readUrl(SWITCH.email, ['smtp:', 'smtps:']);
  if (smtpUrl) {
    if (!namesServer(smtpUrl))
      faults.push(`${SWITCH.email} names no server, or has a user or password that is not percent-encoded`);
    const [from] = readAddresses('PERDURE_EMAIL_FROM');
    const to = readAddresses('PERDURE_EMAIL_TO');
    if (from && faults.length === 0) channels.email = email({ url: smtpUrl, from, to });
  }

  if (faults.length > 0) {
    throw new PerdureError(
      'ConfigInvalid',
      `Alerts can't be sent as the environment says; correct or unset: ${faults.join('; ')}.`,
    );
  }
  return channels;
}

/** Without a server mail would go to one on this machine; a lone "%" is no part of an address. */
function namesServer(address: string): boolean {
  const { hostname, username, password } = new URL(address);
  try {
    decodeURIComponent(username);
    decodeURIComponent(password);
  } catch {
    return false;
  }
  return hostname !== '';
}
