import type { ModelMonitoringInput, ModelMonitoringResult } from '../src/contracts/index.js';
import { activities } from './support/activityProxies.js';
import { now, startedBySchedule, raiseAlerts } from './support/alerts.js';
import { startRun, type RunContext } from './support/startRun.js';
import { computeTargetOf, stagesOn } from './support/computeTarget.js';
import { together } from './support/parallel.js';
import { setSearchAttributes } from './support/searchAttributes.js';
import { withConfig } from './support/pinConfig.js';
import { withinServiceLevel } from './support/sla.js';
import { reportDrift, requestRetrain, reportToSteward } from './support/signalSteward.js';
import { underBackfill } from './support/underBackfill.js';

/** Performance against mature labels and drift against the training rows become a report with a verdict. */
export async function modelMonitoring(input: ModelMonitoringInput): Promise<ModelMonitoringResult> {
  const context = startRun(input);
  return withinServiceLevel('monitoring', context.stage, () =>
    reportToSteward('monitoring', input, () => monitor(input, context)),
  );
}

async function monitor(
  input: ModelMonitoringInput,
  { stage: started, asOf, progress }: RunContext,
): Promise<ModelMonitoringResult> {
  const busy = await underBackfill(started);
  if (busy) return busy;
  const stage = await withConfig(started, input);
  progress.step('checking that predictions exist');
  const predictions = await activities.checkPredictionsExist({ ...stage, asOf });
  if (predictions.status === 'skipped') return predictions;
  const { model, rows } = predictions;
  setSearchAttributes({ algorithm: model.algorithm, modelVersion: model.version });
  const monitored = { ...stage, asOf, predictions: { model, rows } };

  progress.step('measuring performance and drift');
  const stages = stagesOn(await computeTargetOf('monitoring', stage));
  const [performance, drift] = await together(stages.measurePerformance(monitored), stages.detectDrift(monitored));

  progress.step('writing the report');
  const { report, verdict, severity, page } = await activities.writeReport({ ...monitored, performance, drift });

  const { psi, score_psi, missing_rate } =
    drift.status === 'measured' ? drift : { psi: {}, score_psi: null, missing_rate: {} };
  const result = {
    status: 'completed' as const,
    rows,
    ...verdict,
    psi,
    score_psi,
    missing_rate,
    ...(drift.status === 'measured' && {
      ...(drift.looked_at && { looked_at: drift.looked_at }),
      ...(drift.trained_rows !== undefined && { trained_rows: drift.trained_rows }),
      ...(drift.arrivals && { arrivals: drift.arrivals }),
      ...(drift.warnings && { warnings: drift.warnings }),
      ...(drift.dataset_drifted && { dataset_drifted: true }),
      ...(drift.distances_not_measured && { distances_not_measured: drift.distances_not_measured }),
    }),
    performance,
    uri: report.uri,
    ...(page && { page }),
    config: stage.run.config?.checksum,
  };

  await raiseAlerts(() => {
    const { no_retraining: noRetraining } = verdict;
    const about = {
      pipeline: stage.pipeline,
      at: now(),
      model,
      report: report.uri,
      ...(noRetraining !== undefined && { noRetraining }),
    };
    return [
      { condition: 'accuracy_drop', ...about, performance },
      { condition: 'drift_detected', ...about, drift, severity },
      ...(startedBySchedule()
        ? [{ condition: 'weekly_report' as const, pipeline: about.pipeline, at: about.at, monitoring: result }]
        : []),
    ];
  });
  // The report's address, which names the run, and the severity make the request one of its own.
  if (severity && verdict.retrain)
    await reportDrift(stage.pipeline, { severity, report: report.uri, asOf: input.asOf });
  if (verdict.performance_drop && verdict.retrain) {
    const requestId = `performance ${report.uri}`;
    await requestRetrain(stage.pipeline, {
      reason: 'performance_drop',
      triggeredBy: stage.run.workflowId,
      requestId,
      asOf: input.asOf,
    });
  }
  if (drift.status === 'skipped' && performance.status === 'skipped') {
    return {
      status: 'skipped',
      reason: `Nothing could be measured. ${drift.reason} ${performance.reason}`,
      uri: report.uri,
      ...(page && { page }),
    };
  }
  return result;
}
