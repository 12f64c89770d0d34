import type { Alert } from './alert.js';
import { detailLines, type Channel } from './channel.js';
import { postJson } from './httpPost.js';

/** Slack refuses a section of more than 3,000 characters; escapes count. */
const SECTION_LENGTH = 2_900;

/** Posts to a channel by an incoming webhook. Slack can't tell a repeated message: one sent twice appears twice. */
export function slack(webhookUrl: string): Channel {
  return {
    name: 'slack',
    // The path is the secret part, and is what an error may quote without the host.
    secrets: [webhookUrl, new URL(webhookUrl).pathname],
    send: (alert, signal) => postJson(webhookUrl, message(alert), signal),
  };
}

function message(alert: Alert) {
  const heading = `*${alert.level}: ${escaped(alert.pipeline)}*\n${escaped(alert.summary)}`;
  return {
    text: escaped(alert.summary),
    blocks: [
      { type: 'section', text: { type: 'mrkdwn', text: cut(heading) } },
      { type: 'section', text: { type: 'mrkdwn', text: `\`\`\`${cut(escaped(detailLines(alert).join('\n')))}\`\`\`` } },
      { type: 'context', elements: [{ type: 'mrkdwn', text: `${alert.condition} at ${alert.at}` }] },
    ],
  };
}

/** Slack's three control characters, as its formatting reference has it. */
function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

function cut(text: string): string {
  return text.length <= SECTION_LENGTH ? text : `${text.slice(0, SECTION_LENGTH)} ...`;
}
