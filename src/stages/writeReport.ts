import type { WriteReportInput, WrittenReport } from '../contracts/index.js';
import { dayOf } from '../data/partitions.js';
import { PSI_CONVENTION } from '../monitoring/psi.js';
import { severityOf, verdictOf } from '../monitoring/verdict.js';
import { updateJson, writeJson } from '../storage/documents.js';
import type { Stage } from './context.js';

const LATEST = 'reports/latest.json';

/** How every number of a report is defined. */
const CONVENTIONS = {
  psi: PSI_CONVENTION,
  missing_rate: 'share of scored rows where the feature is null, not a number or infinite',
  performance: "scikit-learn's definitions, zero_division=0; labels at the prediction threshold; ROC AUC with mid-ranks for ties; average precision as a step sum",
  drop: 'metric on the test window at training, less the metric on rows with mature labels',
};

/** Concludes from the measurements and stores them as `report_<day>.json`; `latest.json` is a copy of the newest. */
export const writeReport: Stage<WriteReportInput, WrittenReport> = async (context, input) => {
  const pipeline = await context.pipeline(input.pipeline);
  const { monitoring } = context.stores(pipeline);
  const verdict = verdictOf(input.performance, input.drift);
  const report = {
    pipeline: input.pipeline,
    as_of: input.asOf,
    run: { workflow_id: input.run.workflowId, run_id: input.run.runId, started_at: input.run.startedAt },
    model: input.predictions.model,
    predictions: input.predictions.rows,
    verdict,
    performance: input.performance,
    drift: input.drift,
    thresholds: pipeline.config.monitoring_config,
    conventions: CONVENTIONS,
  };

  const key = `reports/report_${dayOf(input.asOf)}.json`;
  const stored = await writeJson(monitoring, key, report);
  await updateJson<typeof report>(monitoring, LATEST, (current) =>
    current && dayOf(current.as_of) > dayOf(input.asOf) ? undefined : report,
    () => undefined,
  );
  return { report: stored, verdict, severity: severityOf(input.drift, pipeline.config.steward.severe_drift_psi) };
};
