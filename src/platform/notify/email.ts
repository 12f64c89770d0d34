import { createTransport } from 'nodemailer';
import { messageOf } from '../../errors.js';
import { sha256 } from '../storage/checksum.js';
import type { Alert } from './alert.js';
import { detailLines, type Attempt, type Channel } from './channel.js';

export interface Mailbox {
  /** `smtp://` (STARTTLS where offered) or `smtps://` (TLS from the start), with user and password where needed. */
  url: string;
  from: string;
  to: string[];
}

/** A server that says nothing for this long has gone away. */
const SILENCE_MS = 10_000;

/**
 * Sends mail by SMTP. Mail can't be taken back or folded: one whose acknowledgement was lost is sent again, under the
 * same Message-ID, by which many mailboxes drop the second.
 */
export function email({ url, from, to }: Mailbox): Channel {
  const server = new URL(url);
  const password = decodeURIComponent(server.password);
  const auth = server.username ? { user: decodeURIComponent(server.username), pass: password } : undefined;
  const transport = createTransport({
    host: server.hostname.replace(/^\[|\]$/g, ''),
    port: server.port ? Number(server.port) : undefined,
    secure: server.protocol === 'smtps:',
    // A password crosses a network only under TLS.
    requireTLS: auth !== undefined && !isThisMachine(server.hostname),
    auth,
    connectionTimeout: SILENCE_MS,
    greetingTimeout: SILENCE_MS,
    socketTimeout: SILENCE_MS,
    dnsTimeout: SILENCE_MS,
  });
  return {
    name: 'email',
    secrets: auth ? [url, password, server.password] : [],
    async send(alert, signal) {
      try {
        await transport.sendMail({ from, to, ...letter(alert), signal });
        return { status: 'delivered' };
      } catch (error) {
        return attemptOf(error);
      }
    },
  };
}

function letter(alert: Alert) {
  return {
    subject: `[${alert.level}] ${alert.pipeline}: ${alert.summary}`.slice(0, 200),
    text: [alert.summary, '', ...detailLines(alert), '', `${alert.condition} at ${alert.at}`, ''].join('\n'),
    messageId: `<${sha256(`${alert.dedupKey} ${alert.at}`).slice(0, 32)}@perdure>`,
  };
}

/** A refusal for good is one that the server gave as 5xx, or a password that it doesn't take. */
function attemptOf(error: unknown): Attempt {
  const permanent = error instanceof Error && 'permanent' in error && error.permanent === true;
  return { status: permanent ? 'refused' : 'unavailable', reason: messageOf(error) };
}

function isThisMachine(hostname: string): boolean {
  return ['localhost', '127.0.0.1', '[::1]'].includes(hostname);
}
