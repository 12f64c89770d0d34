import type { VNode } from 'preact';
import type { TrainingStep } from '../ml/engines/binding.js';
import { Figure, formatNumber } from './components.js';
import { colour, draw, Plot } from './plot.js';

/** Metrics that are drawn at most. */
const MAX_LINES = 6;
/** Rows of the table at most, the last step among them. */
const TABLE_ROWS = 30;

/** What a training told after each step: the losses of the rows that it learns from and of those that it stops by. */
export function LearningFigure({ name, steps }: { name: string; steps: readonly TrainingStep[] }): VNode | null {
  const last = steps.at(-1);
  if (!last) return null;
  const told = [...new Set(steps.flatMap(({ metrics }) => Object.keys(metrics)))].slice(0, MAX_LINES);
  const every = Math.ceil(steps.length / TABLE_ROWS);
  const ends = told.flatMap((metric) => {
    const [from, to] = [steps[0]!.metrics[metric], last.metrics[metric]];
    return from === undefined || to === undefined ? [] : [`${metric} ${formatNumber(from)} to ${formatNumber(to)}`];
  });
  return (
    <Figure
      title={`Learning curve of ${name}`}
      alternative={`Steps ${steps[0]!.step} to ${last.step} of the training of ${name}: ${ends.join(', ')}.`}
      caption="What the training told after each step: of a network the mean loss of each epoch, dropout included for the rows that it learns from; the epoch with the least loss of the rows that are kept apart is the model."
      legend={told}
      picture={draw({
        x: { label: 'step', ticks: Math.min(10, steps.length), grid: true },
        y: { label: told.join(', '), ticks: 5, grid: true, nice: true },
        marks: told.map((metric, series) =>
          Plot.line(
            steps.flatMap(({ step, metrics }): [number, number][] =>
              metrics[metric] === undefined ? [] : [[step, metrics[metric]]],
            ),
            { stroke: colour(series), strokeWidth: 2 },
          ),
        ),
      })}
      numbers={{
        heads: ['step', ...told],
        rows: steps
          .filter((_, at) => at % every === 0 || at === steps.length - 1)
          .map(({ step, metrics }) => [step, ...told.map((metric) => metrics[metric] ?? null)]),
      }}
    />
  );
}
