import { SCORERS, metricsOf, type Objective, type ScoringOf, type TaskSpec } from '../../contracts/index.js';
import { regressionCurves } from '../metrics/curves.js';
import { REGRESSION_MEASURES } from '../metrics/regression.js';
import type { Kind } from './kind.js';

/** A search goes by what the models minimise. */
const SCORING_OF: Record<Objective, ScoringOf<'regression'>> = {
  squared_error: 'neg_root_mean_squared_error',
  absolute_error: 'neg_mean_absolute_error',
  poisson: 'neg_mean_poisson_deviance',
};

/** Mean absolute errors that a large error has: of normal errors one row in 700 has more. */
const LARGE_ERRORS = 4;

/** A number: a model says its value. */
export function regressionTask({ objective }: Extract<TaskSpec, { task: 'regression' }>): Kind {
  return {
    name: 'regression',
    width: 1,
    classes: null,
    decidesByThreshold: false,
    metricNames: metricsOf('regression'),
    scorings: Object.keys(SCORERS.regression) as ScoringOf<'regression'>[],
    defaultScoring: SCORING_OF[objective],
    measuresOf: (labels, output) => ({
      measure: (metric) => REGRESSION_MEASURES[metric as keyof typeof REGRESSION_MEASURES](labels, output),
    }),
    rowErrors: (labels, { values }) => values.map((value, row) => Math.abs(value - labels[row]!)),
    errorScale: (baseline) => (baseline?.mae ? LARGE_ERRORS * baseline.mae : null),
    curves: regressionCurves,
    estimation: null,
    isSound: (row) => row.every(Number.isFinite),
    predictionColumns: ({ values }) => [{ name: 'prediction', type: 'DOUBLE', values }],
  };
}
