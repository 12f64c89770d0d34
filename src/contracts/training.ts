import type { Failed, ObjectRef, RunRef, Skipped, StageInput, WorkflowInput, WrittenPage } from './common.js';
import type { ComputeTarget } from './dispatch.js';
import type { PromotionDecision } from './promotion.js';
import type { TestedModel } from './modelTests.js';
import type { TaskMetrics } from './metrics.js';
import type { TrainingBusy } from './steward.js';

export interface ModelTrainingInput extends WorkflowInput {
  /**
   * Which algorithms train.
   * @default those that `training_config.enabled_algorithms` names
   */
  algorithms?: string[];
  /**
   * Whether algorithms train whose newest version was made from the same data, settings, code and seed.
   * @default false
   */
  again?: boolean;
  /**
   * The run that has the claim of the one training at a time, where that is another than this one: a backfill has it for
   * all of its periods.
   */
  claimedBy?: RunRef;
}

/** Sets of rows, in order of time where they are by time: a model learns from the first alone and is evaluated on the others, of which a pipeline has some. */
export const SPLITS = ['train', 'validation', 'test', 'oot'] as const;
export type SplitName = (typeof SPLITS)[number];

/** A hyperparameter setting, in scikit-learn's names. */
export type Params = Record<string, number | string | boolean | null>;

/** Type of the failure where the library, the program or the packages that train an algorithm are not on a worker. */
export const ENGINE_MISSING = 'EngineMissing';

/** Whether a prerequisite of training holds. */
export type Check = { status: 'ready' } | Skipped;

/** What `checkModelConfig` found: the algorithms that train, each with its time budget. */
export type TrainingPlan =
  | {
      status: 'ready';
      algorithms: { name: string; timeoutSeconds: number; optional?: true }[];
      /** Where the training waits for its data, instead of being skipped without them. */
      wait?: FeatureWait;
    }
  | Skipped;

/** How long a training waits for its data at most, and how long from one look into the store to the next. */
export interface FeatureWait {
  timeoutSeconds: number;
  pollSeconds: number;
}

/** Signal to a training that waits: look into the store now. */
export const FEATURES_READY_SIGNAL = 'featuresReady';

export interface CheckModelConfigInput extends StageInput {
  algorithms?: string[];
}

export interface FindUnchangedInput extends StageInput {
  asOf: string;
  algorithms: string[];
}

/** The newest versions of those algorithms that a training would only make again. */
export interface Unchanged {
  unchanged: VersionRef[];
  /** Algorithms that can't do the task of these versions, so that a training would not make any of them. */
  unable?: string[];
}

/** Why nothing is trained, in a sentence. */
export function nothingChanged(unchanged: VersionRef[], leftOut: Record<string, string> = {}): string {
  const versions = [...new Set(unchanged.map(({ version }) => version))];
  const named = versions.map(
    (version) =>
      `${version} of ${unchanged
        .filter((ref) => ref.version === version)
        .map(({ algorithm }) => algorithm)
        .join(', ')}`,
  );
  const same = `Nothing changed since version ${named.join(' and ')}: data, settings, code and seed are the same, so a training would make the same again (--again, or "again": true, trains all the same).`;
  return [same, ...leftOutInWords(leftOut)].join(' ');
}

export interface PreprocessInput extends StageInput {
  asOf: string;
}

/** Preprocessed splits in `gold/preprocessed/<id>/`; rows are in partition order, columns as in `metadata.json`. */
export interface DatasetRef extends ObjectRef {
  /** `train_data_<timestamp>` */
  id: string;
  rows: Partial<Record<SplitName, number>>;
  /** What is suspicious in the data, in sentences: leakage, splits of one class, rows without a label. */
  warnings?: string[];
  /** Algorithms whose estimator can't do the task that the labels are of. */
  unable?: string[];
}

/**
 * Of the algorithms that are due those that train: all that were asked for by name, else those that can do the dataset's
 * task. Where none can, all are tried, so that each says why not.
 */
export function ableOf(
  due: string[],
  { unable = [] }: Pick<DatasetRef, 'unable'>,
  { algorithms }: Pick<ModelTrainingInput, 'algorithms'>,
): string[] {
  const able = due.filter((name) => !unable.includes(name));
  return algorithms?.length || able.length === 0 ? due : able;
}

export interface Candidate {
  /** Position in the sampled list, from 0. */
  index: number;
  params: Params;
}

export interface AlgorithmInput extends StageInput {
  algorithm: string;
  dataset: DatasetRef;
}

/** Values of each parameter, by its name: a grid of which a search takes some cells. */
export type ParameterGrid = Record<string, readonly Params[string][]>;

/**
 * The search to run. Thousands of candidates must pass through Temporal as one value, so a candidate is a cell of the
 * grid; {@link Search} spells it out. One rung with every fold is a plain random search; with racing there are several,
 * and a candidate that cannot win leaves after a rung.
 */
export interface SearchPlan {
  grid: ParameterGrid;
  /** The candidates' positions in the grid, in the order of their sampling; {@link gridCell} says which cell that is. */
  cells: number[];
  /** Indexes of the candidates, in the order they are evaluated. */
  order: number[];
  /** Fold numbers, from 0, in the order they are evaluated. */
  rungs: number[][];
  /** The grid has each candidate's own values, in the order of the candidates: values were drawn from ranges. @default false */
  drawn?: boolean;
  /**
   * Candidates come in rounds, each decided by what those before it scored; the grid is empty then.
   * @default all candidates are planned
   */
  study?: {
    /** Candidates, at most. */
    trials: number;
  };
}

export interface EvaluateCandidateInput extends AlgorithmInput {
  candidate: Candidate;
  /** Fold numbers, from 0. */
  folds: number[];
  /** What `suggestCandidates` gave with the candidate. @default it has every fold */
  limits?: (number | null)[];
}

export interface SuggestCandidatesInput extends AlgorithmInput {
  /** From 0. */
  round: number;
  /** Indexes of the candidates of the round before that failed. */
  failed: number[];
}

/** A round of a search. */
export interface Suggestion {
  /** None where the search is over. */
  candidates: Candidate[];
  /** Per fold the mean score so far below which a candidate is pruned after it; `null` where none is. */
  limits: (number | null)[];
  /** The best candidate of the rounds before, and its mean score; `null` where none has every fold. */
  best: { index: number; score: number } | null;
  /** Why the search is over before it had all its candidates. */
  stopped?: string;
}

/** Scores of one candidate on some folds. */
export interface CandidateScores {
  index: number;
  /** Aligned with the folds asked for. */
  scores: number[];
  /** Seconds of fitting and scoring. */
  seconds: number;
  /** Whether it was given up before the last fold; the scores are those that it has. @default false */
  pruned?: boolean;
}

/** All that is known of one candidate. */
export interface CandidateResult extends Candidate {
  scores: number[];
  seconds: number;
  /** Why it left the search, where it did: an error's sentence, or that it could not win. */
  dropped?: string;
}

/** What the candidates scored lies in the store, beside the dataset. */
export interface SelectCandidatesInput extends AlgorithmInput {
  /** Indexes of the candidates that scored every fold so far. */
  candidates: number[];
  /** The folds so far. */
  folds: number[];
  /** How many folds the whole search has. */
  cvFolds: number;
}

/** Who stays in the search, and who leads it. */
export interface Selection {
  /** Indexes of the candidates that can still win, best first; none where every candidate failed. */
  survivors: number[];
  /** Mean score of the first of them, over the folds so far. */
  score: number | null;
}

/** Candidates that left a search for one reason, after so many folds. */
export interface Dropped {
  reason: string;
  folds: number;
  candidates: number[];
}

export interface RefitInput extends AlgorithmInput {
  params: Params;
}
/** A model file in its version's folder. */
export interface ModelRef extends ObjectRef {
  algorithm: string;
  /** `v<timestamp>_<run>` */
  version: string;
}

export interface EvaluateModelInput extends AlgorithmInput {
  model: ModelRef;
}
export type SplitMetrics = Partial<Record<SplitName, TaskMetrics>>;

/** Metrics of the rows of a split that have one value of a column. */
export interface SliceMetrics {
  column: string;
  /** The value, or a range of numbers. */
  value: string;
  rows: number;
  /** `null` where there are too few rows to judge by. */
  metrics: TaskMetrics | null;
}

/** The decision threshold of a version of a binary task, and where it comes from. */
export interface ChosenThreshold {
  /** Probability of the positive class from which a row is predicted positive. */
  value: number;
  /** How it was chosen, in words; absent where the config gives it. */
  rule?: string;
  /** The split whose rows it was chosen on. */
  split?: SplitName;
  /** Whether a threshold there reaches what the rule asks for at least. */
  met?: boolean;
}

export interface RegisterModelInput extends AlgorithmInput {
  model: ModelRef;
  best_params: Params;
  cv_score: number | null;
  plan: SearchPlan;
  dropped: Dropped[];
  performance: SplitMetrics;
}

/** A registered version. */
export interface RegisteredModel extends ModelRef {
  /** Its decision threshold, where a rule chose it. */
  threshold?: ChosenThreshold;
}

export interface DiscardVersionInput extends StageInput {
  algorithm: string;
}

export interface TrainAlgorithmInput extends AlgorithmInput {
  timeoutSeconds: number;
  /** `ecs`: all of it is one task. @default local: every step is an activity of its own */
  compute?: ComputeTarget;
}

/** An algorithm that was trained and registered. */
export interface AlgorithmTrained {
  status: 'completed';
  version: string;
  uri: string;
  best_params: Params;
  /** Mean of the configured scoring over the folds. */
  cv_score: number | null;
  /** Where a rule chose it. */
  threshold?: ChosenThreshold;
  /** On each split that evaluates. */
  test?: TaskMetrics;
  validation?: TaskMetrics;
  oot?: TaskMetrics;
  /** How the search went: candidates sampled, those that failed, folds that racing or pruning spared, and why it stopped early. */
  search: { candidates: number; failed: number; foldsEvaluated: number; foldsPlanned: number; stopped?: string };
}
/** Skipped where it may be left out, and what trains it is not on the worker. */
export type AlgorithmResult = AlgorithmTrained | Skipped | Failed;

/** What a failed training is to its run: an algorithm that may be left out is, where its library, program or packages are not there. */
export function leftOutIfMissing(failed: Failed, optional = false): Skipped | Failed {
  return optional && failed.type === ENGINE_MISSING ? { status: 'skipped', reason: failed.reason } : failed;
}

/** Algorithms of a run that were left out, and why. */
export function leftOutOf(algorithms: Record<string, AlgorithmResult>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(algorithms).flatMap(([name, result]) =>
      result.status === 'skipped' ? [[name, result.reason]] : [],
    ),
  );
}

/** What was left out, in sentences. */
export function leftOutInWords(leftOut: Record<string, string>): string[] {
  return Object.entries(leftOut).map(([name, reason]) => `${name} was left out: ${reason}`);
}

/** What an algorithm's training came to, from what its steps gave. */
export function algorithmTrained(
  { version, uri, threshold }: RegisteredModel,
  { params: best_params, cv_score }: { params: Params; cv_score: number | null },
  { validation, test, oot }: SplitMetrics,
  search: AlgorithmTrained['search'],
): AlgorithmTrained {
  return {
    status: 'completed',
    version,
    uri,
    best_params,
    cv_score,
    ...(threshold && { threshold }),
    ...(validation && { validation }),
    ...(test && { test }),
    ...(oot && { oot }),
    search,
  };
}

export interface VersionRef {
  algorithm: string;
  version: string;
}

/** What a version is called where people read of it. */
export function versionName({ algorithm, version }: VersionRef): string {
  return `${algorithm} ${version}`;
}

/** The versions of a run, of which the best is tested and challenges the champion. */
export interface TestModelInput extends StageInput {
  trained: VersionRef[];
  /** Versions that the run would only have made again: they stand beside its own. */
  unchanged?: VersionRef[];
  dataset: DatasetRef;
}
export interface PromoteBestInput extends TestModelInput {
  /** What the model tests said; absent of runs of releases before there were any. */
  tested?: Pick<TestedModel, 'challenger' | 'tests'>;
  /** Algorithms that were left out, and why. */
  leftOut?: Record<string, string>;
}
export interface PromotedBest {
  /** The champion from now on: the challenger, or the incumbent; `null` where the first one was refused. */
  champion: VersionRef | null;
  /** Which version was champion before, if any. */
  previous: VersionRef | null;
  /** The best of the versions; the champion itself where that is one of them and still the best. */
  challenger: VersionRef;
  /** Whether the challenger became champion, by which rules. */
  promotion: PromotionDecision;
  comparison: Comparison;
  /** Absent of releases before there were pages. */
  page?: WrittenPage;
  /** There is something to be written to MLflow. */
  track?: true;
  /** What the run is to fail with, as the gate refused the challenger and the config has it fail then. */
  refusal?: string;
}

/** What became of a training's record in MLflow. What waits is written by the next training, or by a person. */
export type Tracking =
  | {
      status: 'written';
      /** Address of its run in MLflow's web UI. */
      uri: string;
    }
  | { status: 'waits'; reason: string };

/** How the versions of a run did on the split that chose among them, and on the one that had no part in the choice. */
export interface Comparison {
  /** The configured metric, e.g. `oot.roc_auc`, and its value per algorithm: the highest is chosen. */
  metric: string;
  scores: Record<string, number>;
  /** The same metric on the other split, e.g. `test.roc_auc`: of the chosen version, the figure to expect. */
  /** `null` where there is no such split. */
  estimate: { metric: string; scores: Record<string, number | null> } | null;
}

export interface ModelTrainingCompleted {
  status: 'completed' | 'partial';
  /** The champion from now on: the challenger, or the incumbent; `null` where the first one was refused. */
  champion: VersionRef | null;
  /** The best of the run's versions and of those that did not change. */
  challenger: VersionRef;
  /** What the model tests said of it; absent of releases before there were any. */
  tests?: TestedModel;
  /** Whether the challenger became champion, by which rules. */
  promotion: PromotionDecision;
  comparison: Comparison;
  dataset: DatasetRef;
  /** What was trained. */
  algorithms: Record<string, AlgorithmResult>;
  /** Versions that were not trained, as a training would only make them again; they stand beside the new ones. */
  unchanged?: VersionRef[];
  /** The page with all of this, in HTML. */
  page?: WrittenPage;
  /** Of a pipeline that has `tracking`. */
  tracking?: Tracking;
  /** Version of the configuration that the run went by, a SHA-256. */
  config?: string;
}
export type ModelTrainingResult = ModelTrainingCompleted | Skipped | TrainingBusy;
