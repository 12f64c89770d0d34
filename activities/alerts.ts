import { Context } from '@temporalio/activity';
import { loadPipeline } from '../src/config/load.js';
import type { AlertActivities, AlertFacts, AlertOutcome } from '../src/contracts/index.js';
import { AlertLog } from '../src/notify/alertLog.js';
import { alertFor } from '../src/notify/conditions.js';
import { newestVolume } from '../src/notify/dataVolume.js';
import { notify } from '../src/notify/notify.js';
import { hasPredictedSince, processingFailures } from '../src/notify/runHistory.js';
import type { Channels } from '../src/notify/settings.js';
import type { OpenStores } from '../src/storage/stores.js';

/** What alerting needs of the worker it runs in. */
export interface AlertDependencies {
  openStores: OpenStores;
  channels: Channels;
}

/** Alerts, and the facts that a run doesn't have itself: from Temporal's list of runs, and from the store. */
export function createAlertActivities({ openStores, channels }: AlertDependencies): AlertActivities {
  return {
    alert: (facts) => Promise.all(facts.map((fact) => raise(fact))),

    async serviceLevel({ pipeline, part }) {
      const { alerts } = (await loadPipeline(pipeline)).config;
      return { lateAfterMinutes: alerts.sla_minutes[part], downAfterMinutes: alerts.inference_down_hours * 60 };
    },

    async countProcessingFailures({ pipeline, run, reason }) {
      const found = await processingFailures(Context.current().client, pipeline, run);
      return { condition: 'processing_failing', pipeline, at: new Date().toISOString(), ...found, reason };
    },

    async lookForInference({ pipeline, since }) {
      const recovered = await hasPredictedSince(Context.current().client, pipeline, since);
      return { condition: 'inference_down', pipeline, at: new Date().toISOString(), since: recovered ? null : since };
    },

    async countNewRows({ pipeline, asOf }) {
      const volume = await newestVolume(openStores(await loadPipeline(pipeline)), asOf);
      return volume && { condition: 'unusual_data_volume', pipeline, at: new Date().toISOString(), ...volume };
    },
  };

  async function raise(facts: AlertFacts): Promise<AlertOutcome> {
    const pipeline = await loadPipeline(facts.pipeline);
    const { condition } = facts;
    const alert = alertFor(facts, pipeline.config.alerts);
    if (!alert) return { condition, status: 'uncalled' };
    const { info, log, cancellationSignal: signal } = Context.current();
    const owner = `${info.workflowExecution?.workflowId}/${info.workflowExecution?.runId}/${info.activityId}`;
    const notifier = { channels, alertLog: new AlertLog(openStores(pipeline).monitoring), log };
    const { status, ...outcome } = await notify(notifier, alert, { owner, signal });
    return { condition, status, ...('reason' in outcome ? { reason: outcome.reason } : {}) };
  }
}
