import type { VNode } from 'preact';
import type { CandidateResult } from '../contracts/index.js';
import { agreeing, countOf } from '../contracts/counts.js';
import { Figure, formatNumber, formatParams } from './components.js';
import { colour, draw, Plot } from './plot.js';

/** Candidates whose folds are drawn. */
const SHOWN = 120;
/** Candidates of the table. */
const LISTED = 20;

/** How a search went: what each candidate scored on each fold, and the best so far. */
export function SearchFigure({
  model,
  candidates,
  scoring,
  ended,
}: {
  model: string;
  /** Why it ended before all its candidates. */
  ended: string | undefined;
  candidates: CandidateResult[];
  scoring: string;
}): VNode | null {
  const scored = candidates.flatMap(({ index, scores, params, dropped }) =>
    scores.length === 0
      ? []
      : [{ index, scores, params, dropped, mean: scores.reduce((a, b) => a + b, 0) / scores.length }],
  );
  if (scored.length < 2) return null;
  const folds = Math.max(...scored.map(({ scores }) => scores.length));
  const shown = scored.slice(0, SHOWN);
  let best = -Infinity;
  const bestSoFar = shown.map(({ index, scores, mean }) => {
    // One that left early was judged by fewer folds.
    if (scores.length === folds) best = Math.max(best, mean);
    return { candidate: index + 1, best };
  });
  const ranked = scored.toSorted((a, b) => b.scores.length - a.scores.length || b.mean - a.mean);
  const winner = ranked[0]!;
  const left = scored.filter(({ dropped }) => dropped !== undefined).length;
  return (
    <Figure
      title={`Search of ${model}`}
      alternative={`Scores of ${countOf(scored.length, 'candidate')} of ${model} on up to ${countOf(folds, 'fold')}. The best is candidate ${winner.index + 1} with a mean ${scoring} of ${formatNumber(winner.mean)}; ${left} left early.`}
      caption={`Each candidate's ${scoring} by fold (small dots) and on the average (large); the line is the best of all folds so far. Candidate ${winner.index + 1} won with ${formatNumber(winner.mean)}${left > 0 ? `; ${left} ${agreeing(left, 'was', 'were')} given up before the last fold (pale)` : ''}.${ended === undefined ? '' : ` ${ended}`}`}
      picture={draw({
        x: { label: 'candidate', ticks: Math.min(8, shown.length), tickFormat: 'd' },
        y: { label: scoring, grid: true, ticks: 5 },
        marks: [
          Plot.dot(
            shown.flatMap(({ index, scores }) => scores.map((score) => ({ candidate: index + 1, score }))),
            { x: 'candidate', y: 'score', fill: 'var(--quiet)', fillOpacity: 0.5, r: 1.5 },
          ),
          Plot.line(
            bestSoFar.filter(({ best }) => Number.isFinite(best)),
            { x: 'candidate', y: 'best', stroke: colour(1), strokeWidth: 1.5, curve: 'step-after' },
          ),
          Plot.dot(
            shown.map(({ index, mean, dropped }) => ({ candidate: index + 1, mean, dropped })),
            {
              x: 'candidate',
              y: 'mean',
              r: 3.5,
              fill: colour(0),
              fillOpacity: ({ dropped }: { dropped?: string }) => (dropped === undefined ? 1 : 0.35),
            },
          ),
        ],
      })}
      numbers={{
        heads: ['candidate', scoring, 'folds', 'parameters'],
        rows: ranked
          .slice(0, LISTED)
          .map(({ index, mean, scores, params }) => [index + 1, mean, scores.length, formatParams(params)]),
      }}
    />
  );
}
