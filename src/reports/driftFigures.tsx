import type { VNode } from 'preact';
import type { Distribution } from '../contracts/index.js';
import { Figure, formatNumber, percent } from './components.js';
import { distinct } from './explanationFigures.js';
import { colour, draw, Plot } from './plot.js';

const SERIES = ['training rows', 'scored rows'];

/** Both distributions of a feature, or of what the model says. */
export function DistributionFigure({
  distribution,
  remark,
}: {
  distribution: Distribution;
  /** What was measured of it, e.g. its PSI. */
  remark: string;
}): VNode {
  const name = distribution.feature ?? 'What the model says';
  const groups = distribution.groups.map((group) => ({ ...group, title: titleOf(group) }));
  const largest = groups.reduce((a, b) => (change(b) > change(a) ? b : a));
  const isNumeric = groups.every(({ category, others }) => category === undefined && others === undefined);
  return (
    <Figure
      title={name}
      alternative={`Distribution of ${name} in the ${distribution.of === 'score' ? 'test' : 'train'} split at training and in what was scored. ${remark} The largest change: ${largest.title}, from ${percent(largest.reference)} to ${percent(largest.current)}.`}
      caption={`${remark} The largest change: ${largest.title}, from ${percent(largest.reference)} to ${percent(largest.current)}.`}
      legend={[distribution.of === 'score' ? 'test rows at training' : SERIES[0]!, SERIES[1]!]}
      picture={isNumeric ? rangesPicture(groups) : categoriesPicture(groups)}
      numbers={{
        heads: ['value', 'then', 'now'],
        rows: groups.map(({ title, reference, current }) => [title, percent(reference), percent(current)]),
      }}
    />
  );
}

type Group = Distribution['groups'][number] & { title: string };

function change({ reference, current }: Pick<Group, 'reference' | 'current'>): number {
  return Math.abs(current - reference);
}

function titleOf({ above, to, category, others }: Distribution['groups'][number]): string {
  if (category !== undefined) return category === '' ? '(empty)' : category;
  if (others !== undefined) return `${others} others`;
  if (above === undefined && to === undefined) return 'all values';
  if (above === undefined) return `up to ${formatNumber(to)}`;
  return to === undefined ? `above ${formatNumber(above)}` : `${formatNumber(above)} to ${formatNumber(to)}`;
}

/** Bars beside each other per range; the ranges are as wide as each other, as each holds about as many training rows. */
function rangesPicture(groups: Group[]): string {
  const edges = groups.flatMap(({ to }, i) => (to === undefined ? [] : [{ at: i + 1, label: brief(to) }]));
  const bars = (side: 'reference' | 'current', from: number) =>
    groups.map((group, i) => ({ x1: i + from, x2: i + from + 0.4, share: group[side] }));
  return draw({
    height: 220,
    x: {
      domain: [0, groups.length],
      ticks: edges.map(({ at }) => at),
      tickFormat: (at: number) => edges.find((edge) => edge.at === at)?.label ?? '',
      tickRotate: edges.length > 6 ? -40 : 0,
      label: null,
    },
    marginBottom: 46,
    y: { label: 'share of the rows', grid: true, ticks: 4, tickFormat: '.0%' },
    marks: [
      Plot.rectY(bars('reference', 0.1), { x1: 'x1', x2: 'x2', y: 'share', fill: colour(0), fillOpacity: 0.75 }),
      Plot.rectY(bars('current', 0.5), { x1: 'x1', x2: 'x2', y: 'share', fill: colour(1), fillOpacity: 0.85 }),
      Plot.ruleY([0], { stroke: 'currentColor' }),
    ],
  });
}

function brief(value: number): string {
  const size = Math.abs(value);
  if (size >= 1e6) return value.toExponential(1);
  return String(Number(value.toPrecision(size >= 1000 ? 4 : 3)));
}

function categoriesPicture(groups: Group[]): string {
  const names = distinct(groups.map(({ title }) => title));
  const bars = (side: 'reference' | 'current', from: number) =>
    groups.map((group, i) => ({ y1: i + from, y2: i + from + 0.38, share: group[side] }));
  return draw({
    height: Math.max(120, 50 + 30 * groups.length),
    marginLeft: 152,
    y: {
      domain: [0, groups.length],
      reverse: true,
      ticks: groups.map((_, i) => i + 0.5),
      tickFormat: (at: number) => names[Math.floor(at)] ?? '',
      tickSize: 0,
      label: null,
    },
    x: { label: 'share of the rows', grid: true, ticks: 4, tickFormat: '.0%' },
    marks: [
      Plot.rectX(bars('reference', 0.1), { y1: 'y1', y2: 'y2', x: 'share', fill: colour(0), fillOpacity: 0.75 }),
      Plot.rectX(bars('current', 0.5), { y1: 'y1', y2: 'y2', x: 'share', fill: colour(1), fillOpacity: 0.85 }),
      Plot.ruleX([0], { stroke: 'currentColor' }),
    ],
  });
}
