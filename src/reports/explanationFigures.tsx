import type { VNode } from 'preact';
import type { Explanation } from '../registry/curves.js';
import { countOf } from '../contracts/counts.js';
import {
  IMPORTANCE_KINDS,
  IMPORTANCE_TITLES,
  importanceNotes,
  importanceOf,
  importanceShares,
  isMeasured,
  shiftInWords,
  type VersionImportance,
} from '../registry/importance.js';
import type { ImportanceChange } from '../registry/importanceHistory.js';
import { Figure, formatNumber, percent } from './components.js';
import { colour, draw, Plot } from './plot.js';

type Explained = Exclude<Explanation, { not_explained: string }>;

/** Columns that a picture shows. */
const SHOWN = 12;
/** Letters of a name beside a picture, and their width; the table has all of it. */
const NAME = 20;
const NAMES_WIDTH = 152;

/** Height of a bar, and of the room between two features. */
const BAR = 9;
const BETWEEN = 8;

/** The features before any transform, by every kind of importance that was measured, beside those of the version before. */
export function FeatureImportanceFigure({
  model,
  importance,
  change,
}: {
  model: string;
  importance: VersionImportance;
  change: ImportanceChange | undefined;
}): VNode | null {
  const kinds = IMPORTANCE_KINDS.flatMap((kind) => {
    const shares = isMeasured(importance, kind) ? importanceShares(importance, kind) : undefined;
    return shares ? [{ kind, title: IMPORTANCE_TITLES[kind], shares }] : [];
  });
  const [first] = kinds;
  if (!first) return null;
  const features = importance.features.slice(0, SHOWN).map(({ feature }) => feature);
  const names = distinct(features);
  const bars = features.flatMap((feature, i) =>
    kinds.map(({ title, shares }, series) => ({ name: names[i], title, series, share: shares.get(feature) ?? 0 })),
  );
  const shift = change && !('unknown' in change) ? change : undefined;
  const before = new Map(shift?.features.map((feature) => [feature.feature, feature.before]));
  const notes = importanceNotes(importance).map((note) => `${note}.`);
  if (change)
    notes.push(
      `Against ${change.before.version}, the version before: ${'unknown' in change ? `not known, as ${change.unknown}` : shiftInWords(change)}.`,
    );
  return (
    <Figure
      title={`Importance of the features: ${model}`}
      alternative={`Share of each feature in the importance of all to ${model}, by ${kinds.map(({ title }) => title).join(', ')}. The most important: ${features
        .slice(0, 5)
        .map((feature) => `${feature} ${percent(first.shares.get(feature) ?? 0)}`)
        .join(', ')}.`}
      caption={notes.join(' ')}
      legend={kinds.map(({ title }) => title)}
      picture={draw({
        height: 44 + features.length * (kinds.length * BAR + BETWEEN),
        marginLeft: NAMES_WIDTH,
        marginRight: 12,
        x: { label: 'share of all', grid: true, ticks: 4, tickFormat: '%' },
        y: { axis: null, domain: kinds.map(({ title }) => title), padding: 0 },
        fy: { label: null, domain: names, padding: 0.25, axis: 'left', tickSize: 0 },
        marks: kinds.map((_, series) =>
          Plot.barX(
            bars.filter((bar) => bar.series === series),
            { x: 'share', y: 'title', fy: 'name', fill: colour(series), fillOpacity: 0.85, insetTop: 0.5 },
          ),
        ),
      })}
      numbers={{
        heads: [
          'feature',
          ...kinds.flatMap(({ kind, title }) => (kind === 'permutation' ? [title, 'deviation'] : [title])),
          `share by ${shift ? IMPORTANCE_TITLES[shift.kind] : first.title}`,
          ...(shift ? ['share before'] : []),
        ],
        rows: importance.features.map((feature) => [
          feature.feature,
          ...kinds.flatMap(({ kind }) => [
            importanceOf(feature, kind),
            ...(kind === 'permutation' ? [feature.permutation?.std ?? null] : []),
          ]),
          shareOfFeature(feature.feature),
          ...(shift ? [before.get(feature.feature) ?? null] : []),
        ]),
      }}
    />
  );

  function shareOfFeature(feature: string): number | null {
    const shares = shift ? importanceShares(importance, shift.kind) : first!.shares;
    return shares?.get(feature) ?? null;
  }
}

/** Mean |SHAP| of the model's columns: of versions of earlier releases, which know no more. */
export function ImportanceFigure({ model, explanation }: { model: string; explanation: Explained }): VNode {
  const { importance, rows, split } = explanation;
  const shown = importance.slice(0, SHOWN).map(({ feature, mean_abs_shap: value }) => ({ feature, value }));
  const names = distinct(shown.map(({ feature }) => feature));
  return (
    <Figure
      title={`Importance of the features: ${model}`}
      alternative={`Mean absolute SHAP value of ${model}'s columns on ${countOf(rows, 'row')} of the ${split} split. The most important: ${shown
        .slice(0, 5)
        .map(({ feature, value }) => `${feature} ${formatNumber(value)}`)
        .join(', ')}.`}
      caption={`By how much each column moves the score of a row, on the average of ${countOf(rows, 'row')} of the ${split} split (mean |SHAP|).`}
      picture={draw({
        height: 40 + 24 * shown.length,
        marginLeft: NAMES_WIDTH,
        marginRight: 56,
        x: { label: 'mean |SHAP|', grid: true, ticks: 4 },
        y: { label: null, domain: names, tickSize: 0 },
        marks: [
          Plot.barX(shown, { x: 'value', y: (_, i) => names[i], fill: colour(0), fillOpacity: 0.85, inset: 1 }),
          Plot.text(shown, {
            x: 'value',
            y: (_, i) => names[i],
            text: ({ value }: { value: number }) => formatNumber(value),
            textAnchor: 'start',
            dx: 4,
          }),
        ],
      })}
      numbers={{
        heads: ['column', 'mean |SHAP|'],
        rows: importance.map(({ feature, mean_abs_shap }) => [feature, mean_abs_shap]),
      }}
    />
  );
}

const ROW_HEIGHT = 34;
/** Dots of one column that lie within this share of the whole width are put above each other. */
const BIN = 1 / 90;
/** Height that the dots of a row may take, and that of one dot, in rows. */
const ROW_SHARE = 0.84;
const DOT = 0.1;

export function SwarmFigure({ model, explanation }: { model: string; explanation: Explained }): VNode | null {
  const { swarm, rows, split } = explanation;
  if (!swarm || swarm.length === 0) return null;
  const names = distinct(swarm.map(({ feature }) => feature));
  const all = swarm.flatMap(({ points }) => points.map(([shap]) => shap));
  const width = Math.max(...all) - Math.min(...all);
  const points = swarm.flatMap(({ points }, row) =>
    spread(points, width * BIN).map((point) => ({ ...point, y: row + point.y })),
  );
  return (
    <Figure
      title={`What moves the score of each row: ${model}`}
      alternative={`SHAP values of ${countOf(rows, 'row')} of the ${split} split by ${model}, of its ${swarm.length} most important columns. ${swarm
        .slice(0, 5)
        .map(({ feature, points }) => `${feature}: ${directionOf(points)}.`)
        .join(' ')}`}
      caption={
        <>
          Each dot is one of {countOf(rows, 'row')} of the {split} split; to the right the column raises its score,
          before any calibration. Colour is the column's value: <span style="color:var(--low)">low</span>,{' '}
          <span style="color:var(--high)">high</span>, grey where it is missing.
        </>
      }
      picture={draw({
        height: 44 + ROW_HEIGHT * names.length,
        marginLeft: NAMES_WIDTH,
        x: { label: 'SHAP value', grid: true, ticks: 5 },
        y: {
          domain: [-0.5, names.length - 0.5],
          reverse: true,
          label: null,
          tickSize: 0,
          ticks: names.map((_, i) => i),
          tickFormat: (i: number) => names[i] ?? '',
        },
        marks: [
          Plot.ruleX([0], { stroke: 'var(--quiet)' }),
          // Attributes of the groups spare one of each dot.
          ...['var(--low)', 'var(--middle)', 'var(--high)', 'var(--quiet)'].map((fill) =>
            Plot.dot(
              points.filter(({ place }) => placeColour(place) === fill),
              { x: 'shap', y: 'y', r: 1.7, fill, stroke: 'none' },
            ),
          ),
        ],
      })}
      numbers={{
        heads: ['column', 'smallest', 'median', 'largest'],
        rows: swarm.map(({ feature, points }) => {
          const sorted = points.map(([shap]) => shap).sort((a, b) => a - b);
          return [feature, sorted[0]!, sorted[Math.floor(sorted.length / 2)]!, sorted.at(-1)!];
        }),
      }}
    />
  );
}

/** Puts dots that would lie on each other above and below the middle, closer where there are many. */
function spread(points: [number, number | null][], bin: number): { shap: number; place: number | null; y: number }[] {
  const binOf = (shap: number) => (bin > 0 ? Math.round(shap / bin) : 0);
  const sizes = new Map<number, number>();
  for (const [shap] of points) sizes.set(binOf(shap), (sizes.get(binOf(shap)) ?? 0) + 1);
  const step = Math.min(DOT, ROW_SHARE / Math.max(...sizes.values()));
  const seen = new Map<number, number>();
  return points.map(([shap, place]) => {
    const nth = seen.get(binOf(shap)) ?? 0;
    seen.set(binOf(shap), nth + 1);
    return { shap, place, y: (nth % 2 === 0 ? 1 : -1) * Math.ceil(nth / 2) * step };
  });
}

function placeColour(place: number | null): string {
  if (place === null) return 'var(--quiet)';
  return place < 1 / 3 ? 'var(--low)' : place > 2 / 3 ? 'var(--high)' : 'var(--middle)';
}

/** Whether high values raise the score: by the mean of the SHAP values of the upper and the lower half. */
function directionOf(points: [number, number | null][]): string {
  const mean = (half: [number, number | null][]) => half.reduce((sum, [shap]) => sum + shap, 0) / half.length;
  const high = points.filter(([, place]) => place !== null && place > 0.5);
  const low = points.filter(([, place]) => place !== null && place <= 0.5);
  if (high.length === 0 || low.length === 0) return 'its values hardly differ';
  return mean(high) > mean(low) ? 'high values raise the score' : 'high values lower the score';
}

/** Names short enough to stand beside a picture; two that begin alike are told apart by a number. */
export function distinct(names: string[]): string[] {
  const seen = new Set<string>();
  return names.map((name) => {
    let short = name.length > NAME ? `${name.slice(0, NAME - 1)}…` : name;
    for (let n = 2; seen.has(short); n++) short = `${name.slice(0, NAME - 4)}… ${n}`;
    seen.add(short);
    return short;
  });
}
