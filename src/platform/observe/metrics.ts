import type { Context } from '@temporalio/activity';
import type { ActivityInterceptors } from '@temporalio/worker';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import {
  TASK_QUEUES,
  type Dispatched,
  type DriftResult,
  type EvaluateCandidateInput,
  type PerformanceResult,
  type RegisterModelInput,
} from '../../contracts/index.js';

/** A fit of a second and a training of four hours both have a place. */
const SECONDS = [0.1, 0.5, 1, 5, 15, 60, 300, 900, 1800, 3600, 14_400];

/** What the product does, for Prometheus; of this worker since it started. */
export const registry = new Registry();

const seconds = new Histogram({
  name: 'perdure_stage_seconds',
  help: 'Seconds that attempts at a stage took',
  labelNames: ['pipeline', 'stage', 'outcome'],
  buckets: SECONDS,
  registers: [registry],
});
const rows = new Counter({
  name: 'perdure_rows_total',
  help: 'Rows that a stage told of',
  labelNames: ['pipeline', 'stage'],
  registers: [registry],
});
const skips = new Counter({
  name: 'perdure_skips_total',
  help: 'Stages that had nothing to do',
  labelNames: ['pipeline', 'stage'],
  registers: [registry],
});
const candidates = new Counter({
  name: 'perdure_candidates_total',
  help: 'Evaluations of hyperparameter candidates',
  labelNames: ['pipeline', 'algorithm', 'outcome'],
  registers: [registry],
});
const psi = new Gauge({
  name: 'perdure_drift_psi',
  help: 'Population stability index of a feature, or of the score, as last measured',
  labelNames: ['pipeline', 'feature'],
  registers: [registry],
});
const auc = new Gauge({
  name: 'perdure_model_auc',
  help: 'ROC AUC of the newest model on each split, or of the monitored one on mature labels (live)',
  labelNames: ['pipeline', 'algorithm', 'split'],
  registers: [registry],
});

type Attempt = 'completed' | 'skipped' | 'failed';

/** Measures every activity; for a worker's `interceptors.activity`. */
export function activityMetrics({ info }: Context): ActivityInterceptors {
  return {
    inbound: {
      async execute(input, next) {
        const stop = seconds.startTimer();
        const about = { stage: info.activityType, pipeline: pipelineOf(input.args[0]) };
        try {
          const result = await next(input);
          const output = info.taskQueue === TASK_QUEUES.dispatch ? (result as Dispatched<unknown>).output : result;
          const outcome = isSkip(output) ? 'skipped' : 'completed';
          stop({ ...about, outcome });
          observe(about, outcome, input.args[0], output);
          return result;
        } catch (error) {
          stop({ ...about, outcome: 'failed' });
          observe(about, 'failed', input.args[0], undefined);
          throw error;
        }
      },
    },
  };
}

function observe(about: { pipeline: string; stage: string }, outcome: Attempt, input: unknown, result: unknown): void {
  const { pipeline, stage } = about;
  if (stage === 'evaluateCandidate')
    candidates.inc({ pipeline, algorithm: (input as EvaluateCandidateInput).algorithm, outcome });
  if (outcome === 'skipped') skips.inc(about);
  if (outcome !== 'completed') return;
  if (isObject(result) && typeof result.rows === 'number') rows.inc(about, result.rows);
  if (stage === 'detectDrift') observeDrift(pipeline, result as DriftResult);
  if (stage === 'measurePerformance')
    observePerformance(
      pipeline,
      input as { predictions: { model: { algorithm: string } } },
      result as PerformanceResult,
    );
  if (stage === 'registerModel') observeModel(input as RegisterModelInput);
}

function observeDrift(pipeline: string, drift: DriftResult): void {
  if (drift.status !== 'measured') return;
  for (const [feature, value] of Object.entries({ ...drift.psi, score: drift.score_psi })) {
    if (value !== null) psi.set({ pipeline, feature }, value);
  }
}

function observePerformance(
  pipeline: string,
  { predictions }: { predictions: { model: { algorithm: string } } },
  result: PerformanceResult,
): void {
  if (result.status === 'measured' && typeof result.metrics.roc_auc === 'number') {
    auc.set({ pipeline, algorithm: predictions.model.algorithm, split: 'live' }, result.metrics.roc_auc);
  }
}

function observeModel({ pipeline, algorithm, performance }: RegisterModelInput): void {
  for (const [split, { roc_auc }] of Object.entries(performance)) {
    if (typeof roc_auc === 'number') auc.set({ pipeline, algorithm, split }, roc_auc);
  }
}

function pipelineOf(input: unknown): string {
  const told: unknown = Array.isArray(input) ? input[0] : input;
  return isObject(told) && typeof told.pipeline === 'string' ? told.pipeline : '';
}

function isSkip(result: unknown): boolean {
  return isObject(result) && result.status === 'skipped';
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
