import type { VNode } from 'preact';
import type {
  ChosenThreshold,
  Comparison,
  MetricName,
  PromotionDecision,
  SplitName,
  TaskMetrics,
  VersionRef,
} from '../contracts/index.js';
import { countOf, directionOf, leftOutInWords, metricsOf, SPLITS } from '../contracts/index.js';
import type { Explanation } from '../registry/curves.js';
import type { TrainingStep } from '../ml/engines/binding.js';
import type { Curves } from '../ml/metrics/curves.js';
import { taskOf } from '../ml/tasks/task.js';
import type { VersionImportance } from '../registry/importance.js';
import type { ImportanceChange } from '../registry/importanceHistory.js';
import type { VersionReadiness } from '../registry/readiness.js';
import { sliceName, slicesOf, type VersionSlices } from '../registry/slices.js';
import type { VersionMetadata } from '../registry/versions.js';
import {
  Facts,
  formatNumber,
  formatP,
  formatParams,
  Passed,
  renderPage,
  Section,
  Table,
  Tiles,
  Verdict,
  type Cell,
} from './components.js';
import {
  CalibrationFigure,
  ConfusionFigure,
  PrecisionRecallFigure,
  PredictedActualFigure,
  ResidualFigure,
  RocFigure,
  ScoreFigure,
  ThresholdFigure,
  type DrawnCurves,
} from './curveFigures.js';
import { DataSection, type DataReport } from './dataSection.js';
import { FeatureImportanceFigure, ImportanceFigure, SwarmFigure } from './explanationFigures.js';
import { moment, titleOf } from './metricTitles.js';
import { LearningFigure } from './learningFigure.js';
import { ModelTests } from './modelTests.js';
import { SearchFigure } from './searchFigure.js';

/** A version that the training made, or that stood beside what it made. */
export interface ReportedVersion {
  metadata: VersionMetadata;
  /** Absent of versions of earlier releases. */
  curves: { splits: Partial<Record<SplitName, Curves>>; explanation: Explanation } | undefined;
  /** Which features decide, beside the version before; absent of versions of earlier releases. */
  importance: { importance: VersionImportance; change: ImportanceChange | undefined } | undefined;
  /** Of a version that decides by one; absent of versions of earlier releases. */
  threshold: ChosenThreshold | undefined;
  /** Absent where the config names no slices. */
  slices: VersionSlices | undefined;
  /** What its training told after each step; none of an estimator that tells nothing. */
  learned: readonly TrainingStep[];
  /** Why the search ended before all its candidates, in a sentence. */
  searchEnded: string | undefined;
  /** Whether an earlier run made it, as nothing has changed since. */
  unchanged: boolean;
}

/** What a training's page is made of: stored documents alone. */
export interface TrainingReport extends DataReport {
  pipeline: string;
  title: string | undefined;
  run: { workflowId: string; runId: string; startedAt: string };
  promotion: PromotionDecision;
  champion: VersionRef | null;
  challenger: VersionRef;
  /** What the model tests said of the challenger; absent of one that was not tested. */
  readiness: VersionReadiness | undefined;
  comparison: Comparison;
  /** The challenger first. */
  versions: ReportedVersion[];
}

/** The page of a training. */
export function renderTrainingReport(report: TrainingReport): string {
  const title = `Training of ${report.pipeline}`;
  return renderPage({ title, body: <TrainingPage title={title} report={report} /> });
}

function TrainingPage({ title, report }: { title: string; report: TrainingReport }): VNode {
  const { promotion, comparison, challenger, versions, run } = report;
  const [best] = versions;
  const [choosing] = comparison.metric.split('.') as [SplitName];
  // What had no part in the choice tells the truth of it.
  const [told] = (comparison.estimate?.metric ?? comparison.metric).split('.') as [SplitName];
  const shown = headlineMetrics(best?.metadata.performance[told], comparison.metric.split('.')[1] as MetricName);
  return (
    <>
      <header class="page">
        <h1>{title}</h1>
        <p class="quiet">
          {report.title && <>{report.title} · </>}run of {moment(run.startedAt)}
        </p>
        <Verdict kind={promotion.decision === 'promote' ? 'good' : 'warn'}>
          <p>
            <b>
              {promotion.decision === 'promote'
                ? `New champion: ${challenger.algorithm}`
                : promotion.decision === 'hold'
                  ? `Waiting in staging for a person to promote it: ${challenger.algorithm}`
                  : report.champion
                    ? `The champion stays: ${report.champion.algorithm}`
                    : 'There is no champion: the best did not pass the gates'}
            </b>
          </p>
          <p>{promotion.reason}</p>
          {leftOutInWords(promotion.left_out ?? {}).map((sentence) => (
            <p>{sentence}</p>
          ))}
        </Verdict>
        {best && <Headline best={best} told={told} shown={shown} report={report} />}
        <nav aria-label="Sections">
          <a href="#gates">Gates</a>
          <a href="#tests">Tests</a>
          <a href="#metrics">Metrics</a>
          {best?.slices && <a href="#slices">Slices</a>}
          <a href="#curves">Curves</a>
          <a href="#explanation">Explanation</a>
          <a href="#search">Search</a>
          <a href="#data">Data</a>
          <a href="#lineage">Lineage</a>
        </nav>
      </header>
      <main>
        <Gates promotion={promotion} choosing={choosing} />
        <ModelTests challenger={challenger} readiness={report.readiness} />
        <Metrics report={report} choosing={choosing} told={told} />
        <SliceSection best={best} split={told} metrics={shown} />
        <CurveSection report={report} told={told} />
        <ExplanationSection versions={versions} />
        <SearchSection versions={versions} />
        <DataSection {...report} />
        <Lineage report={report} />
      </main>
      <footer>
        Made by Perdure {best?.metadata.lineage.package_version} from what the run stored. The page stands alone: it
        loads nothing and runs no script.
      </footer>
    </>
  );
}

function Headline({
  best: { metadata },
  told,
  shown,
  report,
}: {
  best: ReportedVersion;
  told: SplitName;
  shown: [MetricName, number][];
  report: TrainingReport;
}): VNode {
  return (
    <Tiles
      tiles={[
        ...shown.map(([name, value]) => ({
          name: `${titleOf(name)} of ${metadata.model_name}, ${told} split`,
          value: formatNumber(value),
        })),
        {
          name: 'models compared',
          value: String(report.versions.length),
        },
        { name: 'rows that train', value: formatNumber(metadata.training_samples) },
      ]}
    />
  );
}

/** The metric that chose, and two others that people ask for first. */
function headlineMetrics(metrics: TaskMetrics | undefined, chosenBy: MetricName): [MetricName, number][] {
  const asked: MetricName[] = [chosenBy, 'roc_auc', 'f1', 'accuracy', 'f1_macro', 'r2', 'rmse'];
  return [...new Set(asked)]
    .flatMap((name): [MetricName, number][] => {
      const value = metrics?.[name];
      return typeof value === 'number' ? [[name, value]] : [];
    })
    .slice(0, 3);
}

function Gates({ promotion, choosing }: { promotion: PromotionDecision; choosing: SplitName }): VNode {
  const { rules, challenger, champion, not_compared, comparison } = promotion;
  return (
    <Section id="gates" title="Gates">
      <p>
        What {challenger.algorithm} {challenger.version} had to pass to become champion, on the {choosing} split
        {champion
          ? `, against the champion ${champion.algorithm} ${champion.version}`
          : '; there was no champion before it'}
        .{not_compared !== null && ` ${not_compared}`}
      </p>
      {rules.length === 0 ? (
        <p class="quiet">No rule applied: {promotion.grounds}.</p>
      ) : (
        <div class="card">
          <Table
            heads={['gate', 'limit', 'value', 'verdict']}
            rows={rules.map(({ rule, expected, actual, interval, passed }) => [
              rule.replaceAll('_', ' '),
              expected,
              { number: actual, marked: false, interval },
              <Passed passed={passed} />,
            ])}
          />
        </div>
      )}
      {comparison && 'metric' in comparison && (
        <p>
          {titleOf(comparison.metric)} differs by {formatNumber(comparison.difference)} ({formatP(comparison.p)}).
        </p>
      )}
      {comparison && 'auc' in comparison && (
        <p>
          ROC AUC differs by {formatNumber(comparison.difference)} ({formatP(comparison.p)}, DeLong's test).
        </p>
      )}
    </Section>
  );
}

function Metrics({ report, choosing, told }: { report: TrainingReport; choosing: SplitName; told: SplitName }): VNode {
  const { versions, champion } = report;
  const task = report.dataset.task.task;
  const splits = SPLITS.filter(
    (split) => split !== 'train' && versions.some(({ metadata }) => metadata.performance[split]),
  );
  return (
    <Section id="metrics" title="Metrics">
      <p>
        {choosing === told
          ? `The ${choosing} split chose among the models, so that what it says of the best is too good.`
          : `The ${choosing} split chose among the models; the ${told} split had no part in the choice.`}
        {versions.length > 1 && ' The best of each is marked.'} Below a value is where it lies with 95% confidence.
      </p>
      <div class="grid">
        {splits.map((split) => (
          <div class="card">
            <h3>
              {split} <span class="quiet">({formatNumber(versions[0]?.metadata.performance[split]?.n)} rows)</span>
            </h3>
            <Table
              heads={['metric', ...versions.map(({ metadata }) => nameOf(metadata, champion))]}
              rows={metricsOf(task).map((metric) => [titleOf(metric), ...sideBySide(versions, split, metric)])}
            />
          </div>
        ))}
      </div>
    </Section>
  );
}

/** What the best model's metrics are on the rows of each slice. */
function SliceSection({
  best,
  split,
  metrics,
}: {
  best: ReportedVersion | undefined;
  split: SplitName;
  metrics: [MetricName, number][];
}): VNode | null {
  if (!best?.slices) return null;
  const { min_rows, not_measured } = best.slices;
  const slices = slicesOf(best.slices, split);
  return (
    <Section id="slices" title="Slices">
      <p>
        {not_measured ?? `${best.metadata.model_name} on the rows of each slice of the ${split} split.`}
        {slices.some((slice) => slice.metrics === null) &&
          ` A slice of fewer than ${countOf(min_rows, 'row')} is not measured.`}
      </p>
      {slices.length > 0 && (
        <div class="card">
          <Table
            heads={['slice', 'rows', ...metrics.map(([metric]) => titleOf(metric))]}
            rows={[
              ['all rows', best.metadata.performance[split]?.n ?? null, ...metrics.map(([, value]) => value)],
              ...slices.map((slice): Cell[] => [
                sliceName(slice),
                slice.rows,
                ...metrics.map(([metric]): Cell => ({
                  number: slice.metrics?.[metric] ?? null,
                  marked: false,
                  interval: slice.metrics?.intervals?.[metric] ?? undefined,
                })),
              ]),
            ]}
          />
        </div>
      )}
    </Section>
  );
}

function sideBySide(versions: ReportedVersion[], split: SplitName, metric: MetricName): Cell[] {
  const values = versions.map(({ metadata }) => metadata.performance[split]?.[metric] ?? null);
  const numbers = values.filter((value) => value !== null);
  const best = directionOf(metric) === 'higher' ? Math.max(...numbers) : Math.min(...numbers);
  return values.map((number, i) => ({
    number,
    marked: values.length > 1 && number !== null && number === best,
    interval: versions[i]!.metadata.performance[split]?.intervals?.[metric] ?? undefined,
  }));
}

function nameOf({ model_name, version }: VersionMetadata, champion: VersionRef | null): string {
  return champion?.algorithm === model_name && champion.version === version ? `${model_name} (champion)` : model_name;
}

function CurveSection({ report, told }: { report: TrainingReport; told: SplitName }): VNode {
  const { versions, dataset } = report;
  const drawn = versions.flatMap(({ metadata, curves }): DrawnCurves[] => {
    const found = curves?.splits[told];
    return found ? [{ name: metadata.model_name, curves: found, metrics: metadata.performance[told] }] : [];
  });
  const [best] = drawn;
  const classes = 'classes' in dataset.task ? dataset.task.classes : [];
  return (
    <Section id="curves" title={`Curves on the ${told} split`}>
      {best === undefined ? (
        <p class="quiet">
          These versions have no stored curves: an earlier release trained them. Train again with --again.
        </p>
      ) : (
        <div class="grid">
          <RocFigure drawn={drawn} split={told} />
          <PrecisionRecallFigure drawn={drawn} split={told} />
          <PredictedActualFigure of={best} split={told} />
          <CalibrationFigure drawn={drawn} split={told} isShare={classes.length > 0} />
          {drawn.map((of) => (
            <ConfusionFigure of={of} split={told} classes={classes} />
          ))}
          <ThresholdFigure of={best} split={told} threshold={versions[0]?.threshold} />
          <ScoreFigure of={best} split={told} />
          <ResidualFigure of={best} split={told} />
          {versions.map(({ metadata, learned }) => (
            <LearningFigure name={metadata.model_name} steps={learned} />
          ))}
        </div>
      )}
    </Section>
  );
}

/** Models whose rows are drawn one by one: a swarm is the largest of the pictures. */
const SWARMS = 3;

function ExplanationSection({ versions }: { versions: ReportedVersion[] }): VNode {
  const explained = versions.flatMap(({ metadata, curves, importance }) =>
    curves ? [{ model: metadata.model_name, explanation: curves.explanation, importance }] : [],
  );
  return (
    <Section id="explanation" title="What decides the predictions">
      {explained.length === 0 && <p class="quiet">Nothing is stored of what decides these versions' predictions.</p>}
      {explained.map(({ model, explanation }) =>
        'not_explained' in explanation ? (
          <p class="quiet">
            {model} is not explained: {explanation.not_explained}
          </p>
        ) : null,
      )}
      <div class="grid">
        {explained.map(({ model, explanation, importance }, i) => (
          <>
            {importance && <FeatureImportanceFigure model={model} {...importance} />}
            {!importance && !('not_explained' in explanation) && (
              <ImportanceFigure model={model} explanation={explanation} />
            )}
            {i < SWARMS && !('not_explained' in explanation) && <SwarmFigure model={model} explanation={explanation} />}
          </>
        ))}
      </div>
    </Section>
  );
}

function SearchSection({ versions }: { versions: ReportedVersion[] }): VNode {
  const searched = versions.filter(
    ({ metadata }) => metadata.candidates.filter(({ scores }) => scores.length > 0).length > 1,
  );
  return (
    <Section id="search" title="Search of the parameters">
      {searched.length > 0 ? (
        <div class="grid">
          {searched.map(({ metadata, searchEnded }) => (
            <SearchFigure
              model={metadata.model_name}
              ended={searchEnded}
              candidates={metadata.candidates}
              scoring={metadata.config.search.scoring ?? taskOf(metadata.task).defaultScoring}
            />
          ))}
        </div>
      ) : (
        <p class="quiet">No search: each algorithm was fitted with the parameters of the config.</p>
      )}
      <div class="card" style="margin-top:14px">
        <Table
          heads={['model', 'score of the folds', 'parameters']}
          rows={versions.map(({ metadata }) => [
            metadata.model_name,
            metadata.cv_score,
            formatParams(metadata.best_params),
          ])}
        />
      </div>
    </Section>
  );
}

function Lineage({ report }: { report: TrainingReport }): VNode {
  const { dataset, run, versions } = report;
  const made = versions.find(({ unchanged }) => !unchanged)?.metadata ?? versions[0]?.metadata;
  return (
    <Section id="lineage" title="Lineage">
      <Facts
        facts={[
          ['workflow', <code>{run.workflowId}</code>],
          ['run', <code>{run.runId}</code>],
          ['dataset', <code>{dataset.id}</code>],
          ['rows as of', dataset.as_of],
          ['labels to', dataset.labelled_to],
          ['data', made ? <code>{made.lineage.inputs_digest}</code> : null],
          ['configuration', <code>{made?.lineage.config_version ?? dataset.config_hash}</code>],
          ['environment', made?.lineage.environment ?? null],
          ['code', made?.lineage.code_commit ? <code>{made.lineage.code_commit}</code> : null],
          ['seed', made ? String(made.lineage.seed) : null],
        ]}
      />
      <div class="card" style="margin-top:14px">
        <Table
          heads={['version', 'made by', 'SHA-256 of the model']}
          rows={versions.map(({ metadata, unchanged }) => [
            `${metadata.model_name} ${metadata.version}`,
            `${metadata.lineage.engine}${unchanged ? ', an earlier run' : ''}`,
            <code>{metadata.lineage.model_checksum}</code>,
          ])}
        />
      </div>
    </Section>
  );
}
