import type { Alert } from './alert.js';
import type { Channel } from './channel.js';
import { postJson } from './httpPost.js';

export const PAGERDUTY_URL = 'https://events.pagerduty.com/v2/enqueue';

/** PagerDuty cuts a summary here. */
const SUMMARY_LENGTH = 1_024;

/**
 * Triggers and resolves incidents by the Events API v2. PagerDuty folds events of one `dedup_key` into one open
 * incident, so an event that is sent twice pages once.
 */
export function pagerDuty(routingKey: string, url: string): Channel {
  return {
    name: 'pagerduty',
    secrets: [routingKey],
    send: (alert, signal) => postJson(url, { routing_key: routingKey, ...trigger(alert) }, signal),
    resolve: (dedupKey, signal) =>
      postJson(url, { routing_key: routingKey, event_action: 'resolve', dedup_key: dedupKey }, signal),
  };
}

function trigger(alert: Alert) {
  return {
    event_action: 'trigger',
    dedup_key: alert.dedupKey,
    client: 'Perdure',
    ...(isWebPage(alert.link) && { client_url: alert.link, links: [{ href: alert.link, text: 'What to look at' }] }),
    payload: {
      summary: alert.summary.slice(0, SUMMARY_LENGTH),
      source: `perdure/${alert.pipeline}`,
      severity: alert.level,
      timestamp: alert.at,
      component: alert.pipeline,
      group: 'perdure',
      class: alert.condition,
      custom_details: {
        consequence: alert.consequence,
        command: alert.command,
        ...(alert.link !== null && { link: alert.link }),
        ...alert.details,
      },
    },
  };
}

/** PagerDuty takes no other addresses as links, such as that of a report in a store. */
function isWebPage(link: string | null): link is string {
  return link !== null && /^https?:/.test(link);
}
