import type { VNode } from 'preact';
import type { ConceptDrift, MetricName, PerformanceBatch } from '../contracts/index.js';
import { Figure, formatNumber } from './components.js';
import { titleOf } from './metricTitles.js';
import { colour, draw, Plot } from './plot.js';

/** A value of a metric over time, beside those that were measured: as estimates before labels come. */
export interface OtherSeries {
  name: string;
  values: { day: string; value: number; low?: number; high?: number }[];
}

/** A metric from batch to batch, with its interval, the baseline, and where the errors changed. */
export function PerformanceFigure({
  metric,
  batches,
  baseline,
  conceptDrift,
  others = [],
}: {
  metric: MetricName;
  batches: PerformanceBatch[];
  /** Of the test split at training. */
  baseline: number | null;
  conceptDrift: ConceptDrift | undefined;
  others?: OtherSeries[];
}): VNode | null {
  const measured = batches.flatMap(({ from, to, labelled, measured, breached }) => {
    const found = measured?.[metric];
    return found ? [{ from, to, day: middleOf(from, to), labelled, breached, ...found }] : [];
  });
  if (measured.length === 0 && others.every(({ values }) => values.length === 0)) return null;
  const name = titleOf(metric);
  const [first, last] = [measured[0], measured.at(-1)];
  const changes = (conceptDrift?.changes ?? []).map(({ day }) => new Date(day));
  const breached = measured.filter((batch) => batch.breached);
  const told = last
    ? `It was ${formatNumber(first?.value)} at first (${first?.from}) and is ${formatNumber(last.value)} at last (${last.to})${baseline === null ? '' : `, with ${formatNumber(baseline)} at training`}.`
    : '';
  return (
    <Figure
      title={`${name} over time`}
      alternative={`${name} of the scored rows whose labels have come, from batch to batch. ${told}${breached.length > 0 ? ` It dropped in: ${breached.map(({ from, to }) => `${from} to ${to}`).join(', ')}.` : ''}`}
      caption={`${told} Upright lines are 95% intervals, the dashed line is the test split at training${breached.length > 0 ? '; a batch that dropped more than chance explains is ringed' : ''}${changes.length > 0 ? '; the dotted lines are where ADWIN found that the errors changed' : ''}.`}
      legend={['measured', ...others.map(({ name }) => name)]}
      picture={draw({
        marginLeft: 48,
        x: { type: 'utc', label: null, ticks: 4, inset: 12 },
        y: { label: name, grid: true, ticks: 5, nice: true },
        marks: [
          ...(baseline === null ? [] : [Plot.ruleY([baseline], { stroke: 'var(--quiet)', strokeDasharray: '5,4' })]),
          Plot.ruleX(changes, { stroke: colour(1), strokeDasharray: '2,3', strokeWidth: 1.5 }),
          Plot.ruleX(
            measured.flatMap(({ day, interval }) => (interval ? [{ day, low: interval[0], high: interval[1] }] : [])),
            { x: 'day', y1: 'low', y2: 'high', stroke: colour(0), strokeOpacity: 0.5, strokeWidth: 2 },
          ),
          Plot.line(measured, { x: 'day', y: 'value', stroke: colour(0), strokeWidth: 2 }),
          Plot.dot(measured, { x: 'day', y: 'value', fill: colour(0), r: 3.5 }),
          Plot.dot(breached, { x: 'day', y: 'value', stroke: 'var(--bad)', r: 7, strokeWidth: 2 }),
          ...others.flatMap(({ values }, i) => {
            const points = values.map(({ day, ...value }) => ({ day: new Date(day), ...value }));
            return [
              Plot.areaY(
                points.filter(({ low, high }) => low !== undefined && high !== undefined),
                { x: 'day', y1: 'low', y2: 'high', fill: colour(i + 1), fillOpacity: 0.15 },
              ),
              Plot.line(points, {
                x: 'day',
                y: 'value',
                stroke: colour(i + 1),
                strokeWidth: 2,
                strokeDasharray: '6,3',
              }),
              Plot.dot(points, { x: 'day', y: 'value', stroke: colour(i + 1), r: 3 }),
            ];
          }),
        ],
      })}
      numbers={{
        heads: ['days', 'rows with a label', name, 'from', 'to'],
        rows: measured.map(({ from, to, labelled, value, interval }) => [
          `${from} to ${to}`,
          labelled,
          value,
          interval?.[0] ?? null,
          interval?.[1] ?? null,
        ]),
      }}
    />
  );
}

function middleOf(from: string, to: string): Date {
  return new Date((Date.parse(from) + Date.parse(to)) / 2);
}
