import type { ModelMonitoringInput, ModelMonitoringResult } from '../src/contracts/index.js';
import { processing, quick } from './support/activities.js';
import { begin } from './support/begin.js';

/** Performance against mature labels and drift against the training window become a report with a verdict. */
export async function modelMonitoring(input: ModelMonitoringInput): Promise<ModelMonitoringResult> {
  const { stage, asOf, progress } = begin(input);

  progress.step('checking that predictions exist');
  const predictions = await quick.checkPredictionsExist({ ...stage, asOf });
  if (predictions.status === 'skipped') return predictions;
  const { model, rows } = predictions;
  const monitored = { ...stage, asOf, predictions: { model, rows } };

  progress.step('measuring performance and drift');
  const [performance, drift] = await Promise.all([processing.measurePerformance(monitored), processing.detectDrift(monitored)]);

  progress.step('writing the report');
  const { report, verdict } = await processing.writeReport({ ...monitored, performance, drift });

  const { psi, score_psi, missing_rate } = drift.status === 'measured' ? drift : { psi: {}, score_psi: null, missing_rate: {} };
  return { status: 'completed', rows, ...verdict, psi, score_psi, missing_rate, performance, uri: report.uri };
}
