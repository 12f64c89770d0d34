import { Context } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import { TASK_QUEUES } from '../../../src/contracts/index.js';
import type {
  Activities,
  CandidateScores,
  Dispatched,
  EvaluateCandidateInput,
  Period,
  SearchPlan,
  SelectCandidatesInput,
  Selection,
  SuggestCandidatesInput,
  Suggestion,
  Skipped,
  TaskMetrics,
  TrainAlgorithmInput,
} from '../../../src/contracts/index.js';
import { createStewardActivities } from '../../../activities/steward.js';
import { decided } from '../../support/promotions.js';

export const ALGORITHMS = ['logistic_regression', 'random_forest', 'xgboost'];
export const CANDIDATES = 4;
export const FOLDS = 5;
/** Twenty-five months: two whole pieces of twelve, and one of one. */
export const PARTITIONS = Array.from(
  { length: 25 },
  (_, month) => `${1999 + Math.floor(month / 12)}_${String((month % 12) + 1).padStart(2, '0')}`,
);
/** What a child is asked; two hours as the documents give logistic regression. */
export const TRAIN_XGBOOST: TrainAlgorithmInput = {
  pipeline: 'readmission',
  run: { workflowId: 'training', runId: 'abcdef12-0000', startedAt: '2001-01-01T00:00:00.000Z' },
  algorithm: 'xgboost',
  dataset: {
    uri: 'file:///store/data',
    checksum: 'c0ffee',
    id: 'train_data_1',
    rows: { train: 700, test: 200, oot: 100 },
  },
  timeoutSeconds: 7200,
};
/** Who is champion while nothing else is said. */
export const CHAMPION = { algorithm: 'xgboost', version: 'v20010101_000000_abcdef12' };
const ROWS_A_PARTITION = 800;

export interface Fakes {
  activities: Activities;
  /** What each activity was asked, in order. */
  calls: { [Name in keyof Activities]: Parameters<Activities[Name]>[0][] };
}

/** Activities of a small lifecycle that goes well, without data; `changes` replace single ones. */
export function fakeActivities(changes: Partial<Activities> = {}): Fakes {
  const activities = { ...goingWell, ...changes };
  const names = Object.keys(activities) as (keyof Activities)[];
  const calls = Object.fromEntries(names.map((name) => [name, [] as unknown[]]));
  const recorded = names.map((name) => [
    name,
    async (input: never) => {
      calls[name]?.push(input);
      const output = await activities[name](input);
      const waited = name !== 'stopTasks' && Context.current().info.taskQueue === TASK_QUEUES.dispatch;
      return waited ? ({ output, tasks: [] } satisfies Dispatched<unknown>) : output;
    },
  ]);
  return { activities: Object.fromEntries(recorded) as Activities, calls: calls as Fakes['calls'] };
}

/** The score of a candidate on a fold: the last candidate is the best on every fold. */
export function scoreOf(candidate: number, fold: number): number {
  return 0.6 + candidate / 100 + fold / 1000;
}

export function evaluateWell({ candidate, folds }: EvaluateCandidateInput): Promise<CandidateScores> {
  return Promise.resolve({
    index: candidate.index,
    scores: folds.map((fold) => scoreOf(candidate.index, fold)),
    seconds: 0.1,
  });
}

/** The better half of those that did not fail stays, as racing would have it. */
export function keepBetterHalf({ candidates, folds }: SelectCandidatesInput): Promise<Selection> {
  const ranked = candidates
    .map((index) => ({ index, score: folds.reduce((sum, fold) => sum + scoreOf(index, fold), 0) / folds.length }))
    .sort((a, b) => b.score - a.score);
  const survivors = ranked.slice(0, Math.ceil(ranked.length / 2)).map(({ index }) => index);
  return Promise.resolve({ survivors, score: ranked[0]?.score ?? null });
}

/** Candidates come in rounds, ten at most. */
export function planStudy(): Promise<SearchPlan> {
  const rungs = [Array.from({ length: FOLDS }, (_, fold) => fold)];
  return Promise.resolve({ grid: {}, cells: [], order: [], rungs, study: { trials: 10 } });
}

export const STOPPED = 'It stopped after 4 candidates, as the last 2 brought nothing better.';

/** Two rounds of two candidates; those of the second have a limit after the first fold. The first candidate is the best. */
export function suggestTwice({ round }: SuggestCandidatesInput): Promise<Suggestion> {
  const candidates = [2 * round, 2 * round + 1].map((index) => ({
    index,
    params: { learning_rate: 0.1 + index / 100 },
  }));
  const none = Array.from({ length: FOLDS }, () => null);
  return Promise.resolve({
    candidates: round < 2 ? candidates : [],
    limits: round === 0 ? none : [0.61, ...none.slice(1)],
    best: round === 0 ? null : { index: 0, score: 0.602 },
    ...(round === 2 && { stopped: STOPPED }),
  });
}

/** Works until it is cancelled. */
export async function untilCancelled(): Promise<never> {
  const context = Context.current();
  const beats = setInterval(() => context.heartbeat(), 100);
  try {
    return await context.cancelled;
  } finally {
    clearInterval(beats);
  }
}

/** An activity that begins, and goes on once it is released. */
export function held<Name extends keyof Activities>(
  name: Name,
): { activities: Pick<Activities, Name>; release: () => void } {
  let release = () => {};
  const go = new Promise<void>((resolve) => (release = resolve));
  const work = goingWell[name] as (asked: unknown) => Promise<unknown>;
  // A test that fails meanwhile ends its workers, and so what waits in them.
  const waiting = (asked: unknown) => Promise.race([go, Context.current().cancelled]).then(() => work(asked));
  return { activities: { [name]: waiting } as Pick<Activities, Name>, release: () => release() };
}

export const CRASH = 'The engine crashed; lower max_depth.';

/** Fails for good for these candidates. */
export function evaluateExcept(...candidates: number[]): Activities['evaluateCandidate'] {
  return (asked) =>
    candidates.includes(asked.candidate.index)
      ? Promise.reject(ApplicationFailure.nonRetryable(CRASH, 'EngineCrashed'))
      : evaluateWell(asked);
}

/** Fails for good for these algorithms. */
export function refitExcept(...algorithms: string[]): Activities['refit'] {
  return (asked) =>
    algorithms.includes(asked.algorithm)
      ? Promise.reject(
          ApplicationFailure.nonRetryable(`The library refused ${asked.algorithm}; lower max_depth.`, 'EngineFailed'),
        )
      : goingWell.refit(asked);
}

/** The best version is too large for its limit. */
export const testsFailing: Activities['testModel'] = ({ trained }) =>
  Promise.resolve({
    challenger: trained[0]!,
    passed: false,
    tests: [{ test: 'size_mb', expected: '<= 1', actual: 2, passed: false }],
    staging: CHAMPION,
    reason: `${trained[0]!.algorithm} did not pass size_mb (expected <= 1, got 2); staging falls back to xgboost.`,
  });

/** The gate refuses the best version, and the champion stays. */
export const refusing: Activities['promoteBest'] = async (asked) => ({
  ...(await goingWell.promoteBest(asked)),
  champion: CHAMPION,
  previous: CHAMPION,
  promotion: decided('refuse', asked.trained[0]!, CHAMPION),
});

/** Folds in three rungs. */
export function planRace(): Promise<SearchPlan> {
  return Promise.resolve(planOf(CANDIDATES, [[0], [1], [2, 3, 4]]));
}

/** A search over `max_depth`, from 1 up. */
export function planOf(candidates: number, rungs: number[][]): SearchPlan {
  const cells = Array.from({ length: candidates }, (_, cell) => cell);
  return { grid: { max_depth: cells.map((cell) => cell + 1) }, cells, order: cells, rungs };
}

/** The heavy stages run elsewhere. */
export const onEcs: Partial<Activities> = { readComputeTarget: () => Promise.resolve('ecs') };

/** Layers that hold all partitions already. */
export function nothingToRefine() {
  const unchanged = ({ partitions }: { partitions: string[] }) =>
    Promise.resolve({ rows: partitions.length * ROWS_A_PARTITION, written: [], unchanged: partitions, dropped: {} });
  return { bronze: () => unchanged({ partitions: PARTITIONS }), silver: unchanged, gold: unchanged };
}

export function skipping(reason: string): () => Promise<Skipped> {
  return () => Promise.resolve({ status: 'skipped', reason });
}

function planned(algorithms = ALGORITHMS): { name: string; timeoutSeconds: number }[] {
  return algorithms.map((name) => ({ name, timeoutSeconds: 7200 }));
}

const metrics: TaskMetrics = {
  accuracy: 0.64,
  precision: 0.15,
  recall: 0.45,
  f1: 0.23,
  roc_auc: 0.63,
  average_precision: 0.17,
  confusion_matrix: [
    [60, 28],
    [7, 5],
  ],
  n: 100,
};

/** Weeks one after the other. */
export function weeksFrom(from: string, count: number): Period[] {
  const day = (days: number) => new Date(Date.parse(from) + days * 86_400_000).toISOString().slice(0, 10);
  return Array.from({ length: count }, (_, week) => ({ from: day(7 * week), to: day(7 * week + 6) }));
}

const object = { uri: 'file:///store/object', checksum: 'c0ffee' };

/** What a dry run finds where nothing is up to date. */
const NOTHING_DONE = { rows: 0, written: [], unchanged: [], dropped: {} };

const goingWell: Activities = {
  bronze: ({ dryRun }) =>
    Promise.resolve(
      dryRun
        ? { ...NOTHING_DONE, pending: true }
        : { rows: PARTITIONS.length * ROWS_A_PARTITION, written: PARTITIONS, unchanged: [] },
    ),
  silver: ({ partitions, dryRun }) =>
    Promise.resolve(
      dryRun
        ? NOTHING_DONE
        : {
            rows: partitions.length * ROWS_A_PARTITION,
            written: partitions,
            unchanged: [],
            dropped: { duplicate: partitions.length },
          },
    ),
  publishFeatures: () => Promise.resolve(null),
  gold: ({ partitions, dryRun }) =>
    Promise.resolve(
      dryRun ? NOTHING_DONE : { rows: partitions.length * ROWS_A_PARTITION, written: partitions, unchanged: [] },
    ),

  checkModelConfig: ({ algorithms }) => Promise.resolve({ status: 'ready', algorithms: planned(algorithms) }),
  checkGoldDataExists: () => Promise.resolve({ status: 'ready' }),
  checkSufficientTrainingData: () => Promise.resolve({ status: 'ready' }),
  findUnchanged: () => Promise.resolve({ unchanged: [] }),
  preprocess: () => Promise.resolve({ ...object, id: 'train_data_1', rows: { train: 700, test: 200, oot: 100 } }),
  planSearch: () => Promise.resolve(planOf(CANDIDATES, [Array.from({ length: FOLDS }, (_, fold) => fold)])),
  evaluateCandidate: evaluateWell,
  selectCandidates: keepBetterHalf,
  suggestCandidates: suggestTwice,
  refit: ({ algorithm }) => Promise.resolve({ ...object, algorithm, version: 'v20010101_000000_abcdef12' }),
  evaluateModel: () => Promise.resolve({ train: metrics, test: metrics, oot: metrics }),
  registerModel: ({ model }) => Promise.resolve(model),
  discardVersion: () => Promise.resolve(),
  testModel: ({ trained }) =>
    Promise.resolve({
      challenger: trained[0]!,
      passed: true,
      tests: [{ test: 'loads', expected: 'a prediction', actual: 1, passed: true }],
      staging: trained[0]!,
      reason: `${trained[0]!.algorithm} passed the one model test and is in staging.`,
    }),
  trackTraining: () => Promise.resolve({ status: 'written', uri: 'http://mlflow/#/experiments/1/runs/2' }),
  promoteBest: ({ trained }) =>
    Promise.resolve({
      champion: trained[0]!,
      previous: null,
      challenger: trained[0]!,
      promotion: decided('promote', trained[0]!),
      comparison: {
        metric: 'oot.roc_auc',
        scores: Object.fromEntries(trained.map(({ algorithm }) => [algorithm, 0.63])),
        estimate: {
          metric: 'test.roc_auc',
          scores: Object.fromEntries(trained.map(({ algorithm }) => [algorithm, 0.62])),
        },
      },
    }),

  planBackfill: ({ from = '2022-01-16', periods = 3 }) =>
    Promise.resolve({ by: 'week', periods: weeksFrom(from, periods), done: 0, first: true }),
  reopenTimeline: () => Promise.resolve(),
  evaluatePeriod: () => Promise.resolve({ status: 'skipped', reason: 'There is no period before.' }),
  decideRetraining: () =>
    Promise.resolve({ retrain: false, because: 'none', reason: 'The last retraining lies 7 days back, of 90.' }),
  recordPeriod: () => Promise.resolve(),
  drawTimeline: () => Promise.resolve({ uri: 'file:///store/reports/timeline.html' }),

  pinConfig: () => Promise.resolve({ ...object, source: '/conf/pipelines/readmission' }),
  readComputeTarget: () => Promise.resolve('local'),
  stopTasks: () => Promise.resolve({ tasks: [] }),
  trainAlgorithm: () =>
    Promise.resolve({
      status: 'completed',
      ...object,
      version: 'v20010101_000000_abcdef12',
      best_params: { max_depth: 4 },
      cv_score: 0.63,
      test: metrics,
      oot: metrics,
      search: { candidates: 4, failed: 0, foldsEvaluated: 20, foldsPlanned: 20 },
    }),

  resolveModel: () =>
    Promise.resolve({
      status: 'ready',
      model: { ...object, algorithm: 'xgboost', version: 'v20010101_000000_abcdef12' },
    }),
  findNewRows: () => Promise.resolve({ status: 'ready', rows: 9_882 }),
  predict: () => Promise.resolve({ ...object, rows: 9_882, batches: 1 }),

  checkPredictionsExist: () =>
    Promise.resolve({
      status: 'ready',
      model: { algorithm: 'xgboost', version: 'v20010101_000000_abcdef12' },
      rows: 9_882,
    }),
  measurePerformance: () =>
    Promise.resolve({
      status: 'measured',
      metrics,
      baseline: metrics,
      drop: 0,
      metric: 'roc_auc',
      p_value: 0.5,
      breached: false,
    }),
  detectDrift: () =>
    Promise.resolve({
      status: 'measured',
      rows: 9_882,
      psi: { age: 0.01 },
      score_psi: 0.02,
      expected_psi: { age: 0.001 },
      score_expected_psi: 0.001,
      p_value: { age: 0.4 },
      score_p_value: 0.3,
      missing_rate: { age: 0 },
      training_missing_rate: { age: 0 },
      drifted: [],
      score_drifted: false,
      missing: [],
    }),
  writeReport: () =>
    Promise.resolve({
      report: object,
      verdict: {
        drift: false,
        performance_drop: false,
        missing: false,
        retrain: false,
        conclusion: 'ok',
        not_measured: {},
      },
      severity: null,
    }),

  readStewardPolicy: () =>
    Promise.resolve({
      retrain: { drift: 'approve', severe_drift: 'auto', performance_drop: 'auto', new_data: 'auto', schedule: 'auto' },
      cooldownHours: 0,
    }),
  readChampion: () => Promise.resolve({ ...CHAMPION, person: null }),
  checkNewData: () => Promise.resolve({ partitions: ['2001_02'], enough: true }),
  moveChampion: ({ move, model, reason }) => {
    const usual = move === 'promote' ? CHAMPION : { ...CHAMPION, version: 'v0' };
    const named = model && 'version' in model ? { ...CHAMPION, ...model } : usual;
    return Promise.resolve({
      alias: 'champion',
      model: named,
      previous: CHAMPION,
      at: '2001-01-01T00:00:00.000Z',
      reason,
    });
  },
  claimTraining: () => Promise.resolve({ status: 'ready' }),
  findBackfill: () => Promise.resolve(null),
  describeRun: () => Promise.resolve({ open: true, status: 'RUNNING' }),
  // The real one: who is told what is what these tests are about.
  signalSteward: (input) =>
    createStewardActivities({ runStage: () => Promise.reject(new Error('not a stage')) }).signalSteward(input),

  sendAlerts: (facts) => Promise.resolve(facts.map(({ condition }) => ({ condition, status: 'sent' }))),
  readServiceLevel: ({ phase }) =>
    Promise.resolve({
      lateAfterMinutes: { processing: 30, training: 240, inference: 15, monitoring: 30 }[phase],
      downAfterMinutes: 120,
    }),
  countProcessingFailures: ({ pipeline, run, reason }) =>
    Promise.resolve({
      condition: 'processing_failing',
      pipeline,
      at: run.startedAt,
      failing: { failures: 3, since: run.startedAt, reason },
    }),
  checkInferenceOutage: ({ pipeline }) =>
    Promise.resolve({ condition: 'inference_down', pipeline, at: '2009-01-01T00:00:00.000Z', since: null }),
  checkDueInference: () => Promise.resolve(null),
  countNewRows: () => Promise.resolve(null),
};
