import type { ModelMonitoringInput, ModelMonitoringResult } from '../src/contracts/index.js';
import { processing, quick } from './support/activities.js';
import { now, startedBySchedule, tell } from './support/alerts.js';
import { begin, type Beginning } from './support/begin.js';
import { onEcs } from './support/dispatched.js';
import { together } from './support/parallel.js';
import { setSearchAttributes } from './support/searchAttributes.js';
import { withConfig } from './support/pinConfig.js';
import { withinServiceLevel } from './support/sla.js';
import { reportDrift, requestRetrain, toldToSteward } from './support/tellSteward.js';

/** Performance against mature labels and drift against the training window become a report with a verdict. */
export async function modelMonitoring(input: ModelMonitoringInput): Promise<ModelMonitoringResult> {
  const beginning = begin(input);
  return withinServiceLevel('monitoring', beginning.stage, () =>
    toldToSteward('monitoring', input, () => monitor(input, beginning)),
  );
}

async function monitor(
  input: ModelMonitoringInput,
  { stage: begun, asOf, progress }: Beginning,
): Promise<ModelMonitoringResult> {
  const stage = await withConfig(begun, input);
  progress.step('checking that predictions exist');
  const predictions = await quick.checkPredictionsExist({ ...stage, asOf });
  if (predictions.status === 'skipped') return predictions;
  const { model, rows } = predictions;
  setSearchAttributes({ algorithm: model.algorithm, modelVersion: model.version });
  const monitored = { ...stage, asOf, predictions: { model, rows } };

  progress.step('measuring performance and drift');
  const place = await quick.readPlace({ ...stage, part: 'monitoring' });
  const measuring = place === 'ecs' ? onEcs : processing;
  const [performance, drift] = await together(
    measuring.measurePerformance(monitored),
    measuring.detectDrift(monitored),
  );

  progress.step('writing the report');
  const { report, verdict, severity } = await processing.writeReport({ ...monitored, performance, drift });

  const { psi, score_psi, missing_rate } =
    drift.status === 'measured' ? drift : { psi: {}, score_psi: null, missing_rate: {} };
  const result = {
    status: 'completed' as const,
    rows,
    ...verdict,
    psi,
    score_psi,
    missing_rate,
    ...(drift.status === 'measured' && drift.arrivals && { arrivals: drift.arrivals }),
    performance,
    uri: report.uri,
    config: stage.run.config?.checksum,
  };

  await tell(() => {
    const about = { pipeline: stage.pipeline, at: now(), model, report: report.uri };
    return [
      { condition: 'accuracy_drop', ...about, performance },
      { condition: 'drift_detected', ...about, drift, severity },
      ...(startedBySchedule()
        ? [{ condition: 'weekly_report' as const, pipeline: about.pipeline, at: about.at, monitoring: result }]
        : []),
    ];
  });
  // The report's address, which names the run, and the severity make the request one of its own.
  if (severity) await reportDrift(stage.pipeline, { severity, report: report.uri, asOf: input.asOf });
  if (verdict.performance_drop) {
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
    };
  }
  return result;
}
