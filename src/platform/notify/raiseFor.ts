import type { Logger } from '@temporalio/common';
import { loadPipeline } from '../../config/load.js';
import type { AlertFacts, AlertOutcome } from '../../contracts/index.js';
import { messageOf } from '../../errors.js';
import type { OpenStores } from '../storage/stores.js';
import type { WebUi } from './advice.js';
import { AlertLog } from './alertLog.js';
import { AlertThresholds } from '../../config/alerts.js';
import type { NotifyOptions } from './notify.js';
import { raise } from './raise.js';
import type { Channels } from './settings.js';

/** What alerting needs of the process that it runs in. */
export interface AlertDependencies {
  openStores: OpenStores;
  channels: Channels;
}

export interface RaiseOptions extends NotifyOptions {
  log: Pick<Logger, 'debug' | 'info' | 'warn' | 'error'>;
  webUi?: WebUi;
}

/** Tells people of facts by their pipeline's own settings, where the facts call for it. Never rejects. */
export async function raiseFor(
  dependencies: AlertDependencies,
  facts: AlertFacts,
  { log, webUi, ...options }: RaiseOptions,
): Promise<AlertOutcome> {
  const { thresholds, alertLog } = await alertSettings(dependencies, facts.pipeline, log);
  return raise(facts, thresholds, { channels: dependencies.channels, alertLog, log, webUi }, options);
}

/** A pipeline whose settings can't be read fails, and that has to be told all the same: by the usual thresholds. */
export async function alertSettings(
  { openStores }: AlertDependencies,
  name: string,
  log: Pick<Logger, 'warn'>,
): Promise<{ thresholds: AlertThresholds; alertLog?: AlertLog }> {
  try {
    const pipeline = await loadPipeline(name);
    return { thresholds: pipeline.config.alerts, alertLog: new AlertLog(openStores(pipeline).monitoring) };
  } catch (error) {
    log.warn('Alerts go by the usual thresholds, and may come twice', { pipeline: name, reason: messageOf(error) });
    return { thresholds: AlertThresholds.parse({}) };
  }
}
