import type { VNode } from 'preact';
import type { ConceptDrift, MetricName, PerformanceBatch } from '../contracts/index.js';
import { Figure, formatNumber } from './components.js';
import { titleOf } from './metricTitles.js';
import { colour, draw, Plot } from './plot.js';

/** In standard errors, so that a value lies within with a confidence of 95%. */
const WITHIN = 1.96;

/** A metric from batch to batch, measured with its interval and estimated before labels came, the baseline, and where the errors changed. */
export function PerformanceFigure({
  metric,
  batches,
  baseline,
  conceptDrift,
}: {
  metric: MetricName;
  batches: PerformanceBatch[];
  /** Of the test split at training. */
  baseline: number | null;
  conceptDrift: ConceptDrift | undefined;
}): VNode | null {
  const measured = batches.flatMap(({ from, to, labelled, measured, breached }) => {
    const found = measured?.[metric];
    return found ? [{ from, to, day: middleOf(from, to), labelled, breached, ...found }] : [];
  });
  const estimated = batches.flatMap(({ from, to, estimated }) => {
    const found = estimated?.[metric];
    if (!found) return [];
    const { value, sampling_error } = found;
    const error = sampling_error === null ? undefined : WITHIN * sampling_error;
    return [{ from, to, day: middleOf(from, to), value, low: value - (error ?? 0), high: value + (error ?? 0) }];
  });
  if (measured.length + estimated.length === 0) return null;
  const name = titleOf(metric);
  const [first, last] = [measured[0], measured.at(-1)];
  const changes = (conceptDrift?.changes ?? []).map(({ day }) => new Date(day));
  const breached = measured.filter((batch) => batch.breached);
  const foreseen = estimated.at(-1);
  const estimate = foreseen
    ? ` By the probabilities alone (CBPE) it is ${formatNumber(foreseen.value)} at last (${foreseen.to}).`
    : '';
  const told = last
    ? `It was ${formatNumber(first?.value)} at first (${first?.from}) and is ${formatNumber(last.value)} at last (${last.to})${baseline === null ? '' : `, with ${formatNumber(baseline)} at training`}.`
    : '';
  return (
    <Figure
      title={`${name} over time`}
      alternative={`${name} of the scored rows whose labels have come, from batch to batch. ${told}${estimate}${breached.length > 0 ? ` It dropped in: ${breached.map(({ from, to }) => `${from} to ${to}`).join(', ')}.` : ''}`}
      caption={`${told}${estimate} Upright lines are 95% intervals, the dashed line is the test split at training${breached.length > 0 ? '; a batch that dropped more than chance explains is ringed' : ''}${changes.length > 0 ? '; the dotted lines are where ADWIN found that the errors changed' : ''}.`}
      legend={['measured', ...(estimated.length > 0 ? ['estimated by CBPE, before labels come'] : [])]}
      picture={draw({
        marginLeft: 48,
        x: { type: 'utc', label: null, ticks: 4, inset: 12 },
        y: { label: name, grid: true, ticks: 5, nice: true },
        marks: [
          ...(baseline === null ? [] : [Plot.ruleY([baseline], { stroke: 'var(--quiet)', strokeDasharray: '5,4' })]),
          Plot.ruleX(changes, { stroke: 'var(--bad)', strokeDasharray: '2,3', strokeWidth: 1.5 }),
          Plot.ruleX(
            measured.flatMap(({ day, interval }) => (interval ? [{ day, low: interval[0], high: interval[1] }] : [])),
            { x: 'day', y1: 'low', y2: 'high', stroke: colour(0), strokeOpacity: 0.5, strokeWidth: 2 },
          ),
          Plot.line(measured, { x: 'day', y: 'value', stroke: colour(0), strokeWidth: 2 }),
          Plot.dot(measured, { x: 'day', y: 'value', fill: colour(0), r: 3.5 }),
          Plot.dot(breached, { x: 'day', y: 'value', stroke: 'var(--bad)', r: 7, strokeWidth: 2 }),
          Plot.areaY(estimated, { x: 'day', y1: 'low', y2: 'high', fill: colour(1), fillOpacity: 0.15 }),
          Plot.line(estimated, { x: 'day', y: 'value', stroke: colour(1), strokeWidth: 2, strokeDasharray: '6,3' }),
          Plot.dot(estimated, { x: 'day', y: 'value', stroke: colour(1), fill: 'var(--card)', r: 3 }),
        ],
      })}
      numbers={{
        heads: ['days', 'rows', 'with a label', name, 'from', 'to', 'estimated'],
        rows: batches.map(({ from, to, rows, labelled, measured, estimated }) => [
          `${from} to ${to}`,
          rows,
          labelled,
          measured?.[metric]?.value ?? null,
          measured?.[metric]?.interval?.[0] ?? null,
          measured?.[metric]?.interval?.[1] ?? null,
          estimated?.[metric]?.value ?? null,
        ]),
      }}
    />
  );
}

function middleOf(from: string, to: string): Date {
  return new Date((Date.parse(from) + Date.parse(to)) / 2);
}
