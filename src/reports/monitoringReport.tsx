import type { VNode } from 'preact';
import type { DriftDistance, DriftResult, DriftWarning, MetricName, PerformanceResult } from '../contracts/index.js';
import { countOf, metricsOf, type TaskName } from '../contracts/index.js';
import type { MonitoringReport } from '../monitoring/report.js';
import { rowsLeftOut } from '../monitoring/verdict.js';
import type { VersionMetadata } from '../registry/versions.js';
import {
  Facts,
  formatNumber,
  formatP,
  percent,
  renderPage,
  Section,
  Table,
  Tiles,
  Verdict,
  type Cell,
} from './components.js';
import { DistributionFigure } from './driftFigures.js';
import { moment, titleOf } from './metricTitles.js';
import { PerformanceFigure } from './performanceFigure.js';

/** What a monitoring run's page is made of: its report, and the version that it is about. */
export interface MonitoringPage {
  title: string | undefined;
  report: MonitoringReport;
  version: VersionMetadata;
}

type MeasuredDrift = Extract<DriftResult, { status: 'measured' }>;

/** Rows of the table of features; those that moved most come first. */
const FEATURES = 300;

const DISTANCES: Record<DriftDistance, string> = {
  psi: 'PSI',
  kolmogorov_smirnov: 'Kolmogorov-Smirnov',
  wasserstein: 'Wasserstein (scaled)',
  jensen_shannon: 'Jensen-Shannon',
};

/** The page of a monitoring run. */
export function renderMonitoringReport(page: MonitoringPage): string {
  const title = `Monitoring of ${page.report.pipeline}`;
  return renderPage({ title, body: <Page heading={title} {...page} /> });
}

function Page({ heading, title, report, version }: MonitoringPage & { heading: string }): VNode {
  const { drift, performance, verdict, model } = report;
  return (
    <>
      <header class="page">
        <h1>{heading}</h1>
        <p class="quiet">
          {title && <>{title} · </>}
          {model.algorithm} {model.version} · as of {report.as_of} · run of {moment(report.run.started_at)}
        </p>
        <Conclusion report={report} />
        <Tiles
          tiles={[
            { name: 'rows that the version scored', value: formatNumber(report.predictions) },
            ...(drift.status === 'measured'
              ? [
                  { name: 'features that drifted', value: String(drift.drifted.length) },
                  { name: 'PSI of what the model says', value: formatNumber(drift.score_psi) },
                ]
              : []),
            ...(performance.status === 'measured'
              ? [
                  {
                    name: `${titleOf(performance.metric)} now`,
                    value: formatNumber(performance.metrics[performance.metric]),
                  },
                  {
                    name: `${titleOf(performance.metric)} at training`,
                    value: formatNumber(performance.baseline[performance.metric]),
                  },
                ]
              : []),
          ]}
        />
        <nav aria-label="Sections">
          <a href="#performance">Performance</a>
          <a href="#drift">Drift</a>
          <a href="#warnings">Warnings</a>
          <a href="#lineage">Lineage</a>
        </nav>
      </header>
      <main>
        <PerformanceSection performance={performance} task={version.task.task} />
        <DriftSection drift={drift} thresholds={report.thresholds} />
        <WarningSection report={report} />
        <Lineage report={report} version={version} />
      </main>
      <footer>
        Made by Perdure from the report of the run. The page stands alone: it loads nothing and runs no script.
        {verdict.retrain && ' A retraining was asked for.'}
      </footer>
    </>
  );
}

function Conclusion({ report: { verdict, severity } }: { report: MonitoringReport }): VNode {
  const found = [
    ...(verdict.drift ? [`the data drifted${severity === 'severe' ? ' severely' : ''}`] : []),
    ...(verdict.performance_drop ? ['the performance dropped'] : []),
    ...(verdict.missing ? ['the share of missing values changed'] : []),
  ];
  const text = {
    ok: 'No problems found',
    attention: `Needs attention: ${found.join(', ')}`,
    not_measured: 'Not everything could be measured',
  }[verdict.conclusion];
  return (
    <Verdict kind={verdict.conclusion === 'ok' ? 'good' : verdict.conclusion === 'attention' ? 'bad' : 'warn'}>
      <p>
        <b>{text}</b>
      </p>
      {verdict.retrain && <p>A retraining is asked for.</p>}
      {verdict.no_retraining !== undefined && <p>{verdict.no_retraining}</p>}
      {Object.values(verdict.not_measured).map((reason) => (
        <p>{reason}</p>
      ))}
    </Verdict>
  );
}

function PerformanceSection({ performance, task }: { performance: PerformanceResult; task: TaskName }): VNode {
  const { batches = [], concept_drift: conceptDrift } = performance;
  const watched: MetricName[] =
    performance.status === 'measured'
      ? [performance.metric]
      : metricsOf(task)
          .filter((metric) => isIn(batches, metric))
          .slice(0, 1);
  // The watched metric, and another one that says something else.
  const others = metricsOf(task).filter((metric) => !watched.includes(metric) && isIn(batches, metric));
  return (
    <Section id="performance" title="Performance">
      {performance.status === 'skipped' ? (
        <p>{performance.reason}</p>
      ) : (
        <p>
          {titleOf(performance.metric)} is {formatNumber(performance.metrics[performance.metric])} on{' '}
          {countOf(performance.metrics.n, 'row')} whose labels have come, and was{' '}
          {formatNumber(performance.baseline[performance.metric])} at training: a drop of{' '}
          {formatNumber(performance.drop)} ({formatP(performance.p_value)}), which{' '}
          {performance.breached ? 'is above the limit' : 'is no finding'}.
        </p>
      )}
      {performance.estimate && (
        <p>
          Before labels come: by the model's probabilities {titleOf(performance.estimate.metric)} of{' '}
          {countOf(performance.estimate.rows, 'row')} of {performance.estimate.from} to {performance.estimate.to} is{' '}
          {formatNumber(performance.estimate.value)} (standard error {formatNumber(performance.estimate.sampling_error)}
          ), a drop of {formatNumber(performance.estimate.drop)} ({formatP(performance.estimate.p_value)}), which{' '}
          {performance.estimate.breached ? 'is above the limit' : 'is no finding'}.
        </p>
      )}
      {performance.estimate_not_measured !== undefined && <p class="quiet">{performance.estimate_not_measured}</p>}
      <div class="grid">
        {[...watched, ...others.slice(0, 1)].map((metric) => (
          <PerformanceFigure
            metric={metric}
            batches={batches}
            baseline={performance.status === 'measured' ? (performance.baseline[metric] ?? null) : null}
            conceptDrift={conceptDrift}
          />
        ))}
        {performance.status === 'measured' && (
          <div class="card">
            <h3>Every metric</h3>
            <Table
              heads={['metric', 'now', 'at training']}
              rows={metricsOf(task).map((metric) => [
                titleOf(metric),
                performance.metrics[metric] ?? null,
                performance.baseline[metric] ?? null,
              ])}
            />
          </div>
        )}
        {performance.labels && (
          <div class="card">
            <h3>Labels that have come</h3>
            <p class="quiet">
              {countOf(performance.labels.rows, 'label')} against those of the training rows:{' '}
              {performance.labels.drifted ? 'they have drifted' : 'no drift'}.
            </p>
            <Table
              heads={['', 'value']}
              rows={[
                ['PSI', performance.labels.psi],
                ['expected without drift', performance.labels.expected_psi],
                ['p', pCell(performance.labels.p_value)],
              ]}
            />
          </div>
        )}
        {conceptDrift && (
          <div class="card">
            <h3>Changes of the errors (ADWIN)</h3>
            {conceptDrift.changes.length === 0 ? (
              <p class="quiet">None in {countOf(conceptDrift.rows, 'row')}.</p>
            ) : (
              <Table
                heads={['day', 'error before', 'error after']}
                rows={conceptDrift.changes.map(({ day, error_before, error_after }) => [
                  day,
                  error_before,
                  error_after,
                ])}
              />
            )}
          </div>
        )}
      </div>
    </Section>
  );
}

function isIn(batches: NonNullable<PerformanceResult['batches']>, metric: MetricName): boolean {
  return batches.some(
    ({ measured, estimated }) => measured?.[metric] !== undefined || estimated?.[metric] !== undefined,
  );
}

function DriftSection({ drift, thresholds }: { drift: DriftResult; thresholds: Record<string, unknown> }): VNode {
  if (drift.status === 'skipped')
    return (
      <Section id="drift" title="Drift">
        <p>{drift.reason}</p>
      </Section>
    );
  const features = Object.keys(drift.psi).sort(
    (a, b) => Number(isFound(drift, b)) - Number(isFound(drift, a)) || (drift.psi[b] ?? -1) - (drift.psi[a] ?? -1),
  );
  const limit = thresholds.drift_threshold_psi;
  const leftOut = rowsLeftOut(drift);
  return (
    <Section id="drift" title="Drift">
      <p>
        {countOf(drift.rows, 'scored row')} against the rows that the version was trained on
        {leftOut.length > 0 && `; left out: ${leftOut.join(', ')}`}.
        {typeof limit === 'number' &&
          ` A feature drifted where its PSI is at least ${limit} and more than sampling explains.`}
        {drift.drifted_share !== undefined && ` That is so of ${percent(drift.drifted_share)}.`}
      </p>
      <div class="grid">
        {(drift.distributions ?? []).map((distribution) => (
          <DistributionFigure distribution={distribution} remark={remarkOn(drift, distribution.feature)} />
        ))}
      </div>
      {drift.distributions !== undefined && features.length + 1 > drift.distributions.length && (
        <p class="quiet">Drawn are the features that moved most; the table has all.</p>
      )}
      <div class="card" style="margin-top:14px">
        <h3>Every feature</h3>
        <FeatureTable drift={drift} features={features.slice(0, FEATURES)} />
        {features.length > FEATURES && (
          <p class="quiet">The report document has the other {features.length - FEATURES}.</p>
        )}
      </div>
      {drift.arrivals && drift.arrivals.length > 1 && (
        <div class="card" style="margin-top:14px">
          <h3>By arrival</h3>
          <Table
            heads={['arrival', 'rows', 'drifted', 'what the model says']}
            rows={drift.arrivals.map(({ arrival, rows, drifted, score_drifted }) => [
              arrival,
              rows,
              drifted === null ? 'too few rows to tell' : drifted.join(', ') || 'none',
              score_drifted === null ? null : score_drifted ? 'drifted' : 'no drift',
            ])}
          />
        </div>
      )}
    </Section>
  );
}

function isFound(drift: MeasuredDrift, feature: string): boolean {
  return drift.drifted.includes(feature) || drift.missing.includes(feature);
}

function remarkOn(drift: MeasuredDrift, feature: string | undefined): string {
  const [psi, drifted] =
    feature === undefined
      ? [drift.score_psi, drift.score_drifted]
      : [drift.psi[feature], drift.drifted.includes(feature)];
  return `PSI ${formatNumber(psi)}: ${drifted ? 'drifted' : 'no drift'}.`;
}

function FeatureTable({ drift, features }: { drift: MeasuredDrift; features: string[] }): VNode {
  const { distances } = drift;
  const adjusted = drift.adjusted_p_value ?? drift.p_value;
  const distancesOf = (feature: string): Cell[] => {
    const found = distances?.[feature];
    return [
      found?.kolmogorov_smirnov?.statistic ?? null,
      found?.wasserstein?.scaled ?? null,
      found?.jensen_shannon ?? null,
      pCell(found?.adjusted_p_value),
    ];
  };
  return (
    <Table
      heads={[
        'feature',
        'verdict',
        'PSI',
        'p (adjusted)',
        'missing then',
        'now',
        ...(distances ? ['Kolmogorov-Smirnov', 'Wasserstein', 'Jensen-Shannon', 'p of the test (adjusted)'] : []),
      ]}
      rows={features.map((feature) => [
        feature,
        <Found drift={drift} feature={feature} />,
        drift.psi[feature] ?? null,
        pCell(adjusted[feature]),
        percent(drift.training_missing_rate[feature] ?? 0),
        percent(drift.missing_rate[feature] ?? 0),
        ...(distances ? distancesOf(feature) : []),
      ])}
    />
  );
}

/** Among numbers, as it is one. */
function pCell(p: number | null | undefined): Cell {
  return p === null || p === undefined ? null : formatP(p).replace(/^p (= )?/, '');
}

function Found({ drift, feature }: { drift: MeasuredDrift; feature: string }): VNode {
  const found = [
    ...(drift.drifted.includes(feature) ? ['drifted'] : []),
    ...(drift.missing.includes(feature) ? ['missing values'] : []),
  ];
  return found.length > 0 ? <span class="bad">✗ {found.join(', ')}</span> : <span class="good">✓ no drift</span>;
}

function WarningSection({ report: { drift, performance } }: { report: MonitoringReport }): VNode {
  const warnings: DriftWarning[] = [
    ...(drift.status === 'measured' ? (drift.warnings ?? []) : []),
    ...(performance.labels?.warnings ?? []),
  ];
  const unmeasured = drift.status === 'measured' ? drift.distances_not_measured : undefined;
  return (
    <Section id="warnings" title="Warnings">
      {unmeasured !== undefined && <p>{unmeasured}</p>}
      {warnings.length === 0 ? (
        <p class="quiet">No distance is above a limit that the config sets.</p>
      ) : (
        <div class="card">
          <p class="quiet">Distances above the limits of the config: to be looked at; they stop nothing.</p>
          <Table
            heads={['what', 'distance', 'value', 'limit']}
            rows={warnings
              .toSorted((a, b) => b.value / b.limit - a.value / a.limit)
              .map(({ feature, of, distance, value, limit }) => [
                of === undefined ? feature : `${feature} (${of})`,
                DISTANCES[distance],
                value,
                limit,
              ])}
          />
        </div>
      )}
    </Section>
  );
}

function Lineage({ report, version }: { report: MonitoringReport; version: VersionMetadata }): VNode {
  return (
    <Section id="lineage" title="Lineage">
      <Facts
        facts={[
          ['workflow', <code>{report.run.workflow_id}</code>],
          ['run', <code>{report.run.run_id}</code>],
          ['version', `${report.model.algorithm} ${report.model.version}`],
          ['trained', moment(version.training_date)],
          ['trained by', <code>{version.lineage.run_id}</code>],
          ['dataset', <code>{version.lineage.dataset.id}</code>],
          ['SHA-256 of the model', <code>{version.lineage.model_checksum}</code>],
          ['configuration', report.config_version ? <code>{report.config_version}</code> : null],
        ]}
      />
      <details class="card" style="margin-top:14px">
        <summary>How each number is defined</summary>
        <Table heads={['number', 'definition']} rows={Object.entries(report.conventions)} />
      </details>
    </Section>
  );
}
