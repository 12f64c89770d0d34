import { Context } from '@temporalio/activity';
import { loadPipeline } from '../src/config/load.js';
import type { AlertActivities, AlertFacts, AlertOutcome } from '../src/contracts/index.js';
import { messageOf } from '../src/errors.js';
import { AlertLog } from '../src/notify/alertLog.js';
import { AlertThresholds } from '../src/notify/conditions.js';
import { newestVolume } from '../src/notify/dataVolume.js';
import { raise } from '../src/notify/raise.js';
import { inferenceMissingSince } from '../src/notify/dueInference.js';
import { hasPredictedSince, processingFailures } from '../src/notify/runHistory.js';
import type { Channels } from '../src/notify/settings.js';
import type { OpenStores } from '../src/storage/stores.js';
import { isStopping, workerStopped } from './stageActivity.js';

/** What alerting needs of the worker it runs in. */
export interface AlertDependencies {
  openStores: OpenStores;
  channels: Channels;
}

/** Alerts, and the facts that a run doesn't have itself: from Temporal's list of runs, and from the store. */
export function createAlertActivities({ openStores, channels }: AlertDependencies): AlertActivities {
  return {
    async alert(facts) {
      const outcomes = await Promise.all(facts.map((fact) => raiseHere(fact)));
      // Another worker tells what the end of this one cut short.
      if (isStopping(Context.current()) && outcomes.some(({ status }) => status === 'failed')) throw workerStopped();
      return outcomes;
    },

    async serviceLevel({ pipeline, part }) {
      const { thresholds } = await settingsOf(pipeline);
      return { lateAfterMinutes: thresholds.sla_minutes[part], downAfterMinutes: thresholds.inference_down_hours * 60 };
    },

    async countProcessingFailures({ pipeline, run, reason }) {
      const found = await processingFailures(Context.current().client, pipeline, run);
      return { condition: 'processing_failing', pipeline, at: new Date().toISOString(), failing: { ...found, reason } };
    },

    async lookForInference({ pipeline, since }) {
      const recovered = await hasPredictedSince(Context.current().client, pipeline, since);
      return { condition: 'inference_down', pipeline, at: new Date().toISOString(), since: recovered ? null : since };
    },

    async lookForDueInference(pipeline) {
      const since = await inferenceMissingSince(Context.current().client, pipeline, new Date());
      return since === null ? null : { condition: 'inference_down', pipeline, at: new Date().toISOString(), since };
    },

    async countNewRows({ pipeline, asOf }) {
      const volume = await newestVolume(openStores(await loadPipeline(pipeline)), asOf);
      return volume && { condition: 'unusual_data_volume', pipeline, at: new Date().toISOString(), ...volume };
    },
  };

  async function raiseHere(facts: AlertFacts): Promise<AlertOutcome> {
    const { thresholds, alertLog } = await settingsOf(facts.pipeline);
    const { info, log, cancellationSignal: signal } = Context.current();
    const owner = `${info.workflowExecution?.workflowId}/${info.workflowExecution?.runId}/${info.activityId}`;
    return raise(facts, thresholds, { channels, alertLog, log }, { owner, signal });
  }

  /** A pipeline whose settings can't be read fails, and that has to be told all the same: by the usual thresholds. */
  async function settingsOf(name: string): Promise<{ thresholds: AlertThresholds; alertLog?: AlertLog }> {
    try {
      const pipeline = await loadPipeline(name);
      return { thresholds: pipeline.config.alerts, alertLog: new AlertLog(openStores(pipeline).monitoring) };
    } catch (error) {
      Context.current().log.warn('Alerts go by the usual thresholds, and may come twice', { pipeline: name, reason: messageOf(error) });
      return { thresholds: AlertThresholds.parse({}) };
    }
  }
}
