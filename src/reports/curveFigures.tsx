import type { VNode } from 'preact';
import type { ChosenThreshold, TaskMetrics } from '../contracts/index.js';
import type { Curves } from '../ml/metrics/curves.js';
import { countOf } from '../contracts/counts.js';
import { Figure, formatNumber, percent, type TableContent } from './components.js';
import { colour, draw, Plot } from './plot.js';

/** What one model's output is drawn by, and the name that it has in legends. */
export interface DrawnCurves {
  name: string;
  curves: Curves;
  metrics: TaskMetrics | undefined;
}

type Point = readonly [number, number];
interface Line {
  name: string;
  points: readonly Point[];
  /** Of what the line is, for the alternative: `ROC AUC 0.8421`. */
  score?: string;
}

/** Lines that are drawn at most; the classes with the fewest rows come last and are left to the table. */
const MAX_LINES = 6;

/** Several models side by side, of one class each; or one model, each class against the others. */
function linesOf(drawn: DrawnCurves[], kind: 'roc' | 'precision_recall', metric: 'roc_auc' | 'average_precision') {
  const titles = { roc_auc: 'ROC AUC', average_precision: 'average precision' };
  return drawn.flatMap(({ name, curves, metrics }) =>
    (curves[kind] ?? []).map(({ positive, points }, _, all): Line => {
      const score = metrics?.[metric];
      return {
        name: all.length > 1 ? (drawn.length > 1 ? `${name}: ${positive}` : positive) : name,
        points,
        ...(typeof score === 'number' && all.length === 1 && { score: `${titles[metric]} ${formatNumber(score)}` }),
      };
    }),
  );
}

const UNIT = { domain: [0, 1] as [number, number], ticks: 5 };

/** Of every model with one curve; where a model has one per class, of the first model. */
function comparable(drawn: DrawnCurves[], kind: 'roc' | 'precision_recall'): DrawnCurves[] {
  const severalClasses = drawn.some(({ curves }) => (curves[kind]?.length ?? 0) > 1);
  return severalClasses ? drawn.slice(0, 1) : drawn;
}

export function RocFigure({ drawn, split }: { drawn: DrawnCurves[]; split: string }): VNode | null {
  const lines = linesOf(comparable(drawn, 'roc'), 'roc', 'roc_auc');
  if (lines.length === 0) return null;
  return (
    <Figure
      title="ROC curve"
      alternative={`ROC curve on the ${split} split. ${scoresOf(lines)}`}
      caption="How many of the positive rows are found, for each share of the others that is taken for positive. The dashed line is chance."
      legend={shownLines(lines)}
      picture={drawLines(lines, 'false positive rate', 'true positive rate', [
        Plot.line(
          [
            [0, 0],
            [1, 1],
          ],
          { stroke: 'var(--quiet)', strokeDasharray: '4,4' },
        ),
      ])}
      numbers={pointTable(lines, 'false positive rate', 'true positive rate')}
    />
  );
}

export function PrecisionRecallFigure({ drawn, split }: { drawn: DrawnCurves[]; split: string }): VNode | null {
  const lines = linesOf(comparable(drawn, 'precision_recall'), 'precision_recall', 'average_precision');
  if (lines.length === 0) return null;
  return (
    <Figure
      title="Precision and recall"
      alternative={`Precision against recall on the ${split} split. ${scoresOf(lines)}`}
      caption="How many of the rows taken for positive are, for each share of the positive rows that is found."
      legend={shownLines(lines)}
      picture={drawLines(lines, 'recall', 'precision')}
      numbers={pointTable(lines, 'recall', 'precision')}
    />
  );
}

function shownLines(lines: Line[]): string[] {
  return lines.slice(0, MAX_LINES).map(({ name }) => name);
}

function scoresOf(lines: Line[]): string {
  return lines
    .slice(0, MAX_LINES)
    .map(({ name, score, points }) => `${name}: ${score ?? middleOf(points)}.`)
    .join(' ');
}

/** A curve's course where it has no number: what it has halfway. */
function middleOf(points: readonly Point[]): string {
  const [x, y] = points.find(([x]) => x >= 0.5) ?? points.at(-1)!;
  return `${formatNumber(y)} at ${formatNumber(x)}`;
}

function drawLines(lines: Line[], x: string, y: string, below: Plot.Markish[] = []): string {
  return draw({
    x: { ...UNIT, label: x, grid: true },
    y: { ...UNIT, label: y, grid: true },
    marks: [
      ...below,
      ...lines
        .slice(0, MAX_LINES)
        .map(({ points }, series) =>
          Plot.line(points as unknown as Plot.Data, { stroke: colour(series), strokeWidth: 2 }),
        ),
    ],
  });
}

/** Rows of a table of numbers: more nobody reads. */
const TABLE_ROWS = 12;

function pointTable(lines: Line[], x: string, y: string): TableContent {
  return {
    heads: lines.length > 1 ? ['curve', x, y] : [x, y],
    rows: lines.flatMap(({ name, points }) =>
      evenly(points).map(([px, py]) => (lines.length > 1 ? [name, px, py] : [formatNumber(px), py])),
    ),
  };
}

function evenly<T>(items: readonly T[]): T[] {
  const shown = Math.min(items.length, TABLE_ROWS);
  return Array.from({ length: shown }, (_, i) => items[Math.round((i * (items.length - 1)) / Math.max(1, shown - 1))]!);
}

/**
 * @param isShare whether predictions and what came are shares from 0 to 1; else they are values
 */
export function CalibrationFigure({
  drawn,
  split,
  isShare,
}: {
  drawn: DrawnCurves[];
  split: string;
  isShare: boolean;
}): VNode | null {
  const lines = drawn.flatMap(({ name, curves: { calibration } }) =>
    calibration ? [{ name, bins: calibration }] : [],
  );
  if (lines.length === 0) return null;
  const all = lines.flatMap(({ bins }) => bins.flatMap(({ predicted, observed }) => [predicted, observed]));
  const domain: [number, number] = isShare ? [0, 1] : [Math.min(...all), Math.max(...all)];
  const axis = { domain, grid: true, ticks: 5 };
  const ofFirst = lines[0]!.bins.map(
    ({ predicted, observed }) => `${formatNumber(predicted)} came as ${formatNumber(observed)}`,
  );
  return (
    <Figure
      title="Calibration"
      alternative={`Predicted against observed means on the ${split} split, by groups of rising prediction. ${lines[0]!.name}: ${ofFirst.join(', ')}.`}
      caption="Groups of about equally many rows: what was predicted on the average, and what came. On the dashed line both are the same."
      legend={lines.map(({ name }) => name)}
      picture={draw({
        x: { ...axis, label: 'predicted' },
        y: { ...axis, label: 'observed' },
        marks: [
          Plot.line(
            domain.map((end) => [end, end]),
            { stroke: 'var(--quiet)', strokeDasharray: '4,4' },
          ),
          ...lines.flatMap(({ bins }, series) => [
            Plot.line(bins, { x: 'predicted', y: 'observed', stroke: colour(series), strokeWidth: 2 }),
            Plot.dot(bins, { x: 'predicted', y: 'observed', fill: colour(series), r: 3 }),
          ]),
        ],
      })}
      numbers={{
        heads: ['model', 'predicted', 'observed', 'rows'],
        rows: lines.flatMap(({ name, bins }) =>
          bins.map(({ predicted, observed, rows }) => [name, predicted, observed, rows]),
        ),
      }}
    />
  );
}

export function ThresholdFigure({
  of,
  split,
  threshold,
}: {
  of: DrawnCurves;
  split: string;
  threshold: ChosenThreshold | undefined;
}): VNode | null {
  const { thresholds } = of.curves;
  if (!thresholds) return null;
  const series = ['precision', 'recall', 'F1', 'predicted positive'] as const;
  const values = (at: (typeof thresholds)[number]) => [at.precision, at.recall, at.f1, at.positive];
  const value = threshold?.value ?? 0.5;
  const nearest = thresholds.reduce((a, b) => (Math.abs(b.threshold - value) < Math.abs(a.threshold - value) ? b : a));
  const best = thresholds.reduce((a, b) => (b.f1 > a.f1 ? b : a));
  return (
    <Figure
      title={`What each threshold decides: ${of.name}`}
      alternative={`Precision, recall, F1 and share predicted positive of ${of.name} by threshold on the ${split} split. At ${formatNumber(nearest.threshold)}: precision ${formatNumber(nearest.precision)}, recall ${formatNumber(nearest.recall)}, F1 ${formatNumber(nearest.f1)}. F1 is highest at ${formatNumber(best.threshold)} with ${formatNumber(best.f1)}.`}
      caption={`A row counts as positive from the threshold on; the upright line is the version's, ${formatNumber(value)}${threshold?.rule === undefined ? '' : `, chosen by ${threshold.rule} in the ${threshold.split} split`}. F1 is highest at ${formatNumber(best.threshold)} (${formatNumber(best.f1)}).`}
      legend={[...series]}
      picture={draw({
        x: { ...UNIT, label: 'threshold', grid: true },
        y: { ...UNIT, label: 'share', grid: true },
        marks: [
          Plot.ruleX([value], { stroke: 'var(--quiet)', strokeWidth: 1.5 }),
          ...series.map((_, i) =>
            Plot.line(
              thresholds.map((at) => [at.threshold, values(at)[i] ?? NaN]),
              { stroke: colour(i), strokeWidth: 2 },
            ),
          ),
        ],
      })}
      numbers={{
        heads: ['threshold', ...series],
        rows: thresholds.filter((_, i) => i % 5 === 0).map((at) => [at.threshold.toFixed(2), ...values(at)]),
      }}
    />
  );
}

export function ScoreFigure({ of, split }: { of: DrawnCurves; split: string }): VNode | null {
  const { scores } = of.curves;
  if (!scores) return null;
  const bars = scores.flatMap(({ class: name, counts }, series) => {
    const rows = counts.reduce((sum, count) => sum + count, 0);
    return counts.map((count, bin) => ({
      name,
      series,
      from: bin / counts.length,
      to: (bin + 1) / counts.length,
      count,
      share: rows === 0 ? 0 : count / rows,
    }));
  });
  return (
    <Figure
      title={`Scores of each class: ${of.name}`}
      alternative={`Distribution of what ${of.name} says of the ${split} split, of each class: ${scores.map(({ class: name, counts }) => `${name} mostly at ${formatNumber((counts.indexOf(Math.max(...counts)) + 0.5) / counts.length)}`).join(', ')}.`}
      caption={`Share of each class's rows by the probability that the model gives them. The less the two overlap, the better it tells them apart.`}
      legend={scores.map(({ class: name }) => name)}
      picture={draw({
        x: { ...UNIT, label: 'probability' },
        y: { label: 'share of the class', grid: true, ticks: 5, tickFormat: '.0%' },
        marks: [
          ...scores.map((_, series) =>
            Plot.rectY(
              bars.filter((bar) => bar.series === series),
              {
                x1: 'from',
                x2: 'to',
                y: 'share',
                fill: colour(series),
                fillOpacity: 0.45,
                stroke: colour(series),
                insetLeft: 0.5,
              },
            ),
          ),
          Plot.ruleY([0], { stroke: 'currentColor' }),
        ],
      })}
      numbers={{
        heads: ['probability', ...scores.map(({ class: name }) => name)],
        rows: scores[0]!.counts.map((_, bin) => [
          `${formatNumber(bin / scores[0]!.counts.length)} to ${formatNumber((bin + 1) / scores[0]!.counts.length)}`,
          ...scores.map(({ counts }) => counts[bin]!),
        ]),
      }}
    />
  );
}

/** Classes that a matrix shows as a picture. */
const MATRIX_CLASSES = 12;

export function ConfusionFigure({
  of,
  split,
  classes,
}: {
  of: DrawnCurves;
  split: string;
  classes: readonly string[];
}): VNode | null {
  const matrix = of.metrics?.confusion_matrix;
  if (!matrix) return null;
  const shown = classes.slice(0, MATRIX_CLASSES);
  const numbered = shown.length > 4 || shown.some((name) => name.length > 12);
  const axis = shown.map((name, i) => (numbered ? String(i + 1) : name));
  const cells = shown.flatMap((_, actual) => {
    const rows = matrix[actual]!.reduce((sum, count) => sum + count, 0);
    return shown.map((_, predicted) => {
      const count = matrix[actual]![predicted]!;
      return { actual: axis[actual], predicted: axis[predicted], count, share: rows === 0 ? 0 : count / rows };
    });
  });
  const right = matrix.reduce((sum, row, i) => sum + row[i]!, 0);
  const all = matrix.reduce((sum, row) => sum + row.reduce((a, b) => a + b, 0), 0);
  return (
    <Figure
      title={`Confusion matrix: ${of.name}`}
      alternative={`Confusion matrix of ${of.name} on the ${split} split: ${right} of ${all} are right. ${matrix.length <= 3 ? matrix.map((row, actual) => `Of ${row.reduce((a, b) => a + b, 0)} that are ${classes[actual]}: ${row.map((count, predicted) => `${count} predicted ${classes[predicted]}`).join(', ')}.`).join(' ') : ''}`}
      caption={
        <>
          Rows of each actual class by what was predicted, with their share of the class;{' '}
          {percent(all === 0 ? 0 : right / all)} are right.
          {classes.length > shown.length && ` Shown are the first ${shown.length} of ${classes.length}.`}
          {numbered && <> Classes: {shown.map((name, i) => `${i + 1} ${name}`).join(', ')}.</>}
        </>
      }
      picture={draw({
        height: 300,
        marginLeft: numbered ? 40 : 90,
        marginBottom: 40,
        x: { label: 'predicted', domain: axis, tickSize: 0, padding: 0.03 },
        y: { label: 'actual', domain: axis, tickSize: 0, padding: 0.03 },
        marks: [
          Plot.cell(cells, {
            x: 'predicted',
            y: 'actual',
            fill: colour(0),
            fillOpacity: (cell: (typeof cells)[number]) => 0.08 + 0.62 * cell.share,
            inset: 1,
            rx: 3,
          }),
          Plot.text(cells, {
            x: 'predicted',
            y: 'actual',
            text: (cell: (typeof cells)[number]) =>
              shown.length <= 4 ? `${cell.count}\n${percent(cell.share)}` : String(cell.count),
            fontSize: shown.length <= 4 ? 15 : 10,
          }),
        ],
      })}
      numbers={{
        heads: ['actual', ...classes.map((name) => `predicted ${name}`)],
        rows: matrix.map((row, actual) => [classes[actual]!, ...row]),
      }}
    />
  );
}

export function PredictedActualFigure({ of, split }: { of: DrawnCurves; split: string }): VNode | null {
  const points = of.curves.predicted_actual;
  if (!points) return null;
  const all = points.flat();
  const domain: [number, number] = [Math.min(...all), Math.max(...all)];
  return (
    <Figure
      title={`Predicted against actual: ${of.name}`}
      alternative={`Predicted against actual values of ${countOf(points.length, 'row')} of the ${split} split, by ${of.name}. ${of.metrics ? `R2 is ${formatNumber(of.metrics.r2)}.` : ''}`}
      caption={`${countOf(points.length, 'row')}. On the dashed line a prediction is right.`}
      picture={draw({
        x: { domain, label: 'predicted', grid: true, ticks: 5 },
        y: { domain, label: 'actual', grid: true, ticks: 5 },
        marks: [
          Plot.line(
            domain.map((end) => [end, end]),
            { stroke: 'var(--quiet)', strokeDasharray: '4,4' },
          ),
          Plot.dot(points, { fill: colour(0), fillOpacity: 0.6, r: 2.5 }),
        ],
      })}
      numbers={{
        heads: ['predicted', 'actual'],
        rows: evenly(points.toSorted(([a], [b]) => a - b)).map(([predicted, actual]) => [
          formatNumber(predicted),
          actual,
        ]),
      }}
    />
  );
}

export function ResidualFigure({ of, split }: { of: DrawnCurves; split: string }): VNode | null {
  const { residuals } = of.curves;
  if (!residuals) return null;
  const { edges, counts } = residuals;
  const most = counts.indexOf(Math.max(...counts));
  return (
    <Figure
      title={`Residuals: ${of.name}`}
      alternative={`Actual less predicted values of the ${split} split's rows by ${of.name}: most lie between ${formatNumber(edges[most])} and ${formatNumber(edges[most + 1])}; the middle 99% between ${formatNumber(edges[0])} and ${formatNumber(edges.at(-1))}.`}
      caption={`Actual less predicted. The outermost bars hold what lies further out as well.`}
      picture={draw({
        x: { label: 'actual less predicted', ticks: 5 },
        y: { label: 'rows', grid: true, ticks: 5 },
        marks: [
          Plot.rectY(
            counts.map((count, bin) => ({ count, from: edges[bin], to: edges[bin + 1] })),
            { x1: 'from', x2: 'to', y: 'count', fill: colour(0), fillOpacity: 0.7 },
          ),
          Plot.ruleX([0], { stroke: 'var(--quiet)', strokeDasharray: '4,4' }),
          Plot.ruleY([0], { stroke: 'currentColor' }),
        ],
      })}
      numbers={{
        heads: ['from', 'to', 'rows'],
        rows: counts.map((count, bin) => [formatNumber(edges[bin]), edges[bin + 1]!, count]),
      }}
    />
  );
}
