import type { VNode } from 'preact';
import { countOf, versionName, type MetricName, type PeriodRecord } from '../contracts/index.js';
import { Facts, Figure, formatNumber, renderPage, Section, Table, Tiles } from './components.js';
import { titleOf } from './metricTitles.js';
import { colour, draw, Plot } from './plot.js';

/** What the page of a backfill is made of. */
export interface TimelinePage {
  pipeline: string;
  title: string | undefined;
  by: string;
  periods: PeriodRecord[];
  /** Values below or above which a metric retrains. */
  limits: Partial<Record<MetricName, number>>;
}

/** The page of a timeline: how the champion did in each period, when it was retrained, and why. */
export function renderTimeline(page: TimelinePage): string {
  const title = `Timeline of ${page.pipeline}`;
  return renderPage({ title, body: <Page heading={title} {...page} /> });
}

function Page({ heading, title, by, periods, limits }: TimelinePage & { heading: string }): VNode {
  const [first, last] = [periods[0], periods.at(-1)];
  const trained = periods.filter(({ training }) => training);
  const rows = periods.reduce((sum, period) => sum + period.rows, 0);
  return (
    <>
      <header class="page">
        <h1>{heading}</h1>
        <p class="quiet">
          {title && <>{title} · </>}
          {countOf(periods.length, by)} from {first?.from} to {last?.to}
        </p>
        <Tiles
          tiles={[
            { name: `${by}s`, value: String(periods.length) },
            { name: 'retrainings', value: String(trained.length) },
            { name: `${by}s without a model`, value: String(periods.filter(({ model }) => !model).length) },
            { name: 'rows predicted', value: formatNumber(rows) },
          ]}
        />
      </header>
      <main>
        <Section id="metric" title="The champion over time">
          <MetricFigure by={by} periods={periods} limits={limits} />
        </Section>
        <Section id="retrainings" title="Retrainings">
          <Table
            heads={['from', 'model', 'score', 'because', 'promoted']}
            rows={trained.map(({ from, training, decision }) => [
              from,
              versionName(training!.model),
              training!.score,
              decision.reason,
              training!.promoted ? 'yes' : training!.reason,
            ])}
          />
        </Section>
        <Section id="last" title="The last one">
          <Facts
            facts={[
              ['champion', last?.model ? versionName(last.model) : 'none'],
              ['last retraining', trained.at(-1)?.from ?? 'none'],
              ['decision', last?.decision.reason ?? '-'],
            ]}
          />
        </Section>
      </main>
    </>
  );
}

/** The metric of each period that was measured, with the limit and the retrainings. */
function MetricFigure({ by, periods, limits }: Pick<TimelinePage, 'by' | 'periods' | 'limits'>): VNode {
  const measured = periods.flatMap(({ evaluation }) =>
    evaluation.status === 'measured' && evaluation.value !== null
      ? [{ from: evaluation.period.from, day: new Date(evaluation.period.from), ...evaluation }]
      : [],
  );
  const metric = measured.at(-1)?.metric;
  const values = measured.flatMap((found) =>
    found.metric === metric ? [{ day: found.day, from: found.from, rows: found.rows, value: found.value! }] : [],
  );
  if (!metric || values.length === 0) return <p>No {by} was measured.</p>;
  const name = titleOf(metric);
  const limit = limits[metric];
  const trained = periods.filter(({ training }) => training);
  const lowest = values.reduce((least, found) => (found.value < least.value ? found : least));
  const mean = values.reduce((sum, { value }) => sum + value, 0) / values.length;
  const told = `${name} of ${countOf(values.length, by)} that were measured: ${formatNumber(mean)} on average, ${formatNumber(lowest.value)} at the lowest (${lowest.from}). ${countOf(trained.length, 'retraining')}${limit === undefined ? '' : `; the limit is ${limit}`}.`;
  return (
    <Figure
      title={`${name} by ${by}`}
      alternative={told}
      caption={`${told} The dotted lines are retrainings${limit === undefined ? '' : ', the dashed one is the limit'}; a ${by} after one is not measured.`}
      picture={draw({
        marginLeft: 48,
        x: { type: 'utc', label: null, ticks: 4, inset: 12 },
        y: { label: name, grid: true, ticks: 5, nice: true },
        marks: [
          ...(limit === undefined ? [] : [Plot.ruleY([limit], { stroke: 'var(--quiet)', strokeDasharray: '5,4' })]),
          Plot.ruleX(
            trained.map(({ from }) => new Date(from)),
            { stroke: 'var(--bad)', strokeDasharray: '2,3', strokeWidth: 1 },
          ),
          Plot.line(values, { x: 'day', y: 'value', stroke: colour(0), strokeWidth: 1.5 }),
          Plot.dot(values, { x: 'day', y: 'value', fill: colour(0), r: 2.5 }),
        ],
      })}
      numbers={{
        heads: ['from', 'rows with a label', name],
        rows: values.map(({ from, rows, value }) => [from, rows, value]),
      }}
    />
  );
}
