import type { WriteReportInput, WrittenReport } from '../contracts/index.js';
import { dayOf } from '../data/partitions.js';
import { BATCHES_CONVENTION } from '../monitoring/batches.js';
import { ESTIMATE_CONVENTION } from '../monitoring/cbpe.js';
import { DISTANCES_CONVENTION } from '../monitoring/distances.js';
import { DRIFT_CONVENTION } from '../monitoring/drift.js';
import { BREACH_CONVENTION } from '../monitoring/performance.js';
import { PSI_CONVENTION } from '../monitoring/psi.js';
import { LATEST_REPORT, monitoringReport, type MonitoringReport } from '../monitoring/report.js';
import { severityOf, verdictOf } from '../monitoring/verdict.js';
import { requireVersion, versionId } from '../registry/versions.js';
import type { Stage } from './context.js';
import { nothingToLearn } from './nothingToLearn.js';
import { writePage } from './writePage.js';

/** How every number of a report is defined. */
const CONVENTIONS = {
  psi: PSI_CONVENTION,
  drift: DRIFT_CONVENTION,
  distances: DISTANCES_CONVENTION,
  missing_rate: 'share of scored rows where the feature is null, not a number or infinite',
  performance:
    "scikit-learn's definitions, zero_division=0; labels at the prediction threshold; ROC AUC with mid-ranks for ties; average precision as a step sum",
  drop: 'metric on the test split at training, less the metric on rows with mature labels',
  breach: BREACH_CONVENTION,
  batches: BATCHES_CONVENTION,
  estimate: ESTIMATE_CONVENTION,
};

/**
 * Concludes from the measurements, and from whether there is anything to learn from, and stores them as
 * `report_<day>_<run>.json`: one report per run, and a retry writes its own again. `latest.json` is a copy of the newest: the one with the latest `as_of`, of several the run started last.
 * Beside it lies the page of the run, as HTML.
 */
export const writeReport: Stage<WriteReportInput, WrittenReport> = async (context, input) => {
  const pipeline = await context.pipeline(input.pipeline);
  const stores = context.stores(pipeline);
  const { monitoring } = stores;
  const found = verdictOf(input.performance, input.drift);
  const useless = found.retrain ? await nothingToLearn(context, input) : undefined;
  const verdict = useless === undefined ? found : { ...found, retrain: false, no_retraining: useless };
  const severity = severityOf(input.drift, pipeline.config.steward.severe_drift_psi);
  const report: MonitoringReport = {
    pipeline: input.pipeline,
    as_of: input.asOf,
    run: { workflow_id: input.run.workflowId, run_id: input.run.runId, started_at: input.run.startedAt },
    model: input.predictions.model,
    predictions: input.predictions.rows,
    verdict,
    severity,
    performance: input.performance,
    drift: input.drift,
    thresholds: pipeline.config.monitoring_config,
    ...(input.run.config && { config_version: input.run.config.checksum }),
    conventions: CONVENTIONS,
  };

  const key = `reports/report_${dayOf(input.asOf)}_${versionId(input.run).slice(1)}`;
  const stored = await monitoringReport.write(monitoring, `${key}.json`, report);
  await monitoringReport.update(
    monitoring,
    LATEST_REPORT,
    (current) => (current && isNewer(current, report) ? undefined : report),
    () => undefined,
  );
  const page = await writePage(context, stores, `${key}.html`, async () => {
    const version = await requireVersion(stores.modelRegistry, report.model);
    const { renderMonitoringReport } = await import('../reports/monitoringReport.js');
    return renderMonitoringReport({ title: pipeline.definition.title, report, version });
  });
  return { report: stored, verdict, severity, page };
};

function isNewer(one: MonitoringReport, other: MonitoringReport): boolean {
  const later =
    Date.parse(one.as_of) - Date.parse(other.as_of) ||
    Date.parse(one.run.started_at) - Date.parse(other.run.started_at);
  return later > 0;
}
