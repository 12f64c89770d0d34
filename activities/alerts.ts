import { Context } from '@temporalio/activity';
import { loadPipeline } from '../src/config/load.js';
import type { ActivitiesOfClass, AlertFacts, AlertOutcome } from '../src/contracts/index.js';
import { webUiFrom } from '../src/platform/notify/advice.js';
import { newestVolume } from '../src/platform/notify/dataVolume.js';
import { alertSettings, raiseFor, type AlertDependencies } from '../src/platform/notify/raiseFor.js';
import { missedInference } from '../src/platform/notify/dueInference.js';
import { hasPredictedSince, processingFailures } from '../src/platform/notify/runHistory.js';
import { isStopping, workerStopped } from './stageActivity.js';

/** Alerts, and the facts that a run doesn't have itself: from Temporal's list of runs, and from the store. */
export function createAlertActivities(dependencies: AlertDependencies): ActivitiesOfClass<'alert' | 'settings'> {
  const { openStores } = dependencies;
  return {
    async sendAlerts(facts) {
      const outcomes = await Promise.all(facts.map((fact) => raiseHere(fact)));
      // Another worker tells what the end of this one cut short.
      if (isStopping(Context.current()) && outcomes.some(({ status }) => status === 'failed')) throw workerStopped();
      return outcomes;
    },

    async readServiceLevel({ pipeline, phase }) {
      const { thresholds } = await alertSettings(dependencies, pipeline, Context.current().log);
      return {
        lateAfterMinutes: thresholds.sla_minutes[phase],
        downAfterMinutes: thresholds.inference_down_hours * 60,
      };
    },

    async countProcessingFailures({ pipeline, run, reason }) {
      const found = await processingFailures(Context.current().client, pipeline, run);
      return { condition: 'processing_failing', pipeline, at: new Date().toISOString(), failing: { ...found, reason } };
    },

    async checkInferenceOutage({ pipeline, since }) {
      const recovered = await hasPredictedSince(Context.current().client, pipeline, since);
      return { condition: 'inference_down', pipeline, at: new Date().toISOString(), since: recovered ? null : since };
    },

    async checkDueInference(pipeline) {
      const found = await missedInference(Context.current().client, pipeline, new Date());
      return found && { condition: 'inference_down', pipeline, at: new Date().toISOString(), ...found };
    },

    async countNewRows({ pipeline, asOf }) {
      const volume = await newestVolume(openStores(await loadPipeline(pipeline)), asOf);
      return volume && { condition: 'unusual_data_volume', pipeline, at: new Date().toISOString(), ...volume };
    },
  };

  async function raiseHere(facts: AlertFacts): Promise<AlertOutcome> {
    const { info, log, cancellationSignal: signal } = Context.current();
    const owner = `${info.workflowExecution?.workflowId}/${info.workflowExecution?.runId}/${info.activityId}`;
    return raiseFor(dependencies, facts, { owner, signal, log, webUi: webUiFrom(info.namespace) });
  }
}
