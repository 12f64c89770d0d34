import type {
  AlertFacts,
  AlertOutcome,
  FailedProcessing,
  InferenceDown,
  InferenceOutageInput,
  ProcessingFailing,
  ServiceLevel,
  UnusualDataVolume,
} from './alerts.js';
import type {
  BackfillPlan,
  DecideRetrainingInput,
  EvaluatePeriodInput,
  PeriodEvaluation,
  PlanBackfillInput,
  RecordPeriodInput,
  ReopenTimelineInput,
  RetrainingDecision,
} from './backfill.js';
import type { ConfigRef, Phase, StageInput, WrittenPage } from './common.js';
import type {
  BronzeInput,
  BronzeResult,
  GoldResult,
  PublishedFeatures,
  RefineInput,
  SilverResult,
} from './dataProcessing.js';
import type { ComputeTarget, Dispatched, ReadComputeTargetInput, StopTasksInput, TaskUse } from './dispatch.js';
import type {
  FindNewRowsInput,
  NewRows,
  PredictInput,
  PredictionsRef,
  ResolvedModel,
  ResolveModelInput,
} from './inference.js';
import type {
  DriftResult,
  MonitorInput,
  MonitoringStageInput,
  PerformanceResult,
  PredictionsCheck,
  WriteReportInput,
  WrittenReport,
} from './monitoring.js';
import type {
  MoveChampionInput,
  MovedAlias,
  NewData,
  ReadChampion,
  RunStatus,
  StewardMessage,
  StewardPolicy,
  TrainingClaim,
} from './steward.js';
import type { TestedModel } from './modelTests.js';
import type { TASK_QUEUES } from './taskQueues.js';
import type {
  AlgorithmInput,
  AlgorithmTrained,
  CandidateScores,
  Check,
  CheckModelConfigInput,
  DatasetRef,
  DiscardVersionInput,
  EvaluateCandidateInput,
  EvaluateModelInput,
  FindUnchangedInput,
  ModelRef,
  PreprocessInput,
  PromoteBestInput,
  PromotedBest,
  RefitInput,
  RegisteredModel,
  RegisterModelInput,
  SearchPlan,
  SelectCandidatesInput,
  Selection,
  SplitMetrics,
  SuggestCandidatesInput,
  Suggestion,
  TestModelInput,
  Tracking,
  TrainingPlan,
  Unchanged,
} from './training.js';

/** A task queue of activities; with it come the resources of the workers that poll it. */
export type ActivityQueue = Exclude<keyof typeof TASK_QUEUES, 'orchestrator'>;

/**
 * How long a call may take, how often it is tried, and what becomes of it when its run is cancelled. The durations are in
 * `workflows/support/activityProxies.ts`.
 *
 * - `documents`: reads or writes a few small documents.
 * - `steward`: the same, and tried for as long as it takes, as the steward outlives every outage.
 * - `signal`: one call to Temporal, soon or not at all.
 * - `alert`, `settings`: sends alerts, or reads what they need; an outage holds up a run for minutes at most.
 * - `tracking`: writes to a server of others, soon or later.
 * - `rows`: reads or writes rows.
 * - `fit`, `version`: within the time budget of an algorithm; `version` writes into the folder of a version.
 * - `stop`: stops tasks, and is tried until they are stopped.
 */
export type TimeoutClass =
  'documents' | 'steward' | 'signal' | 'alert' | 'settings' | 'tracking' | 'rows' | 'fit' | 'version' | 'stop';

/** What a line of {@link ACTIVITIES} says of its activity. */
interface Activity<Input, Output> {
  /** For Temporal's web UI, where the workflow has none that says more. */
  readonly summary: string;
  /** A type alone; there is no such value. */
  readonly signature?: (input: Input) => Promise<Output>;
}

/** An activity that runs in the workers of its queue. */
function activity<Input, Output>(summary: string): Activity<Input, Output> {
  return { summary };
}

/**
 * One that may also run as a task of Amazon ECS, where `compute` of the config says so for its phase. The queue `dispatch`
 * then has an activity of the same name, which waits for the task.
 */
function taskOf<Input, Output>(phase: Phase, summary: string): Activity<Input, Output> & { readonly taskOf: Phase } {
  return { summary, taskOf: phase };
}

/** Lines with the queue and the timeout class that they share. */
function on<
  Queue extends ActivityQueue,
  Timeout extends TimeoutClass,
  Lines extends Record<string, Activity<never, unknown>>,
>(
  queue: Queue,
  timeout: Timeout,
  lines: Lines,
): { [Name in keyof Lines]: Lines[Name] & { readonly queue: Queue; readonly timeout: Timeout } } {
  const whole = Object.entries(lines).map(([name, line]) => [name, { ...line, queue, timeout }]);
  return Object.fromEntries(whole) as ReturnType<typeof on<Queue, Timeout, Lines>>;
}

/**
 * Every activity: its input and output, its queue, its timeout class, its summary, and whether it may run as a task. From
 * these lines come the proxies in workflows (`activities`), what a worker of each queue must have (`ActivitiesOn`), the
 * stages that may run as tasks, and what the fakes of tests must have. A new activity is a line here and its
 * implementation: a stage in `STAGES` of `src/stages`, or a function in `activities/`. The type checker asks for it.
 */
export const ACTIVITIES = {
  ...on('operations', 'documents', {
    pinConfig: activity<StageInput, ConfigRef>('Take the configuration as it is now'),
    readComputeTarget: activity<ReadComputeTargetInput, ComputeTarget>('Where do the heavy stages run?'),

    claimTraining: activity<StageInput, TrainingClaim>('Claim the one training at a time'),
    /** Returns the id of its workflow. */
    findBackfill: activity<StageInput, string | null>('Is a backfill under way?'),
    checkModelConfig: activity<CheckModelConfigInput, TrainingPlan>('Is the model config valid?'),
    checkGoldDataExists: activity<StageInput, Check>('Is there gold data?'),
    checkSufficientTrainingData: activity<StageInput, Check>('Is there enough training data?'),
    findUnchanged: activity<FindUnchangedInput, Unchanged>('Has anything changed since the newest versions?'),
    planSearch: activity<AlgorithmInput, SearchPlan>('Plan the search'),
    selectCandidates: activity<SelectCandidatesInput, Selection>('Who is best, and who may still win?'),
    discardVersion: activity<DiscardVersionInput, void>('Discard the unfinished version'),

    resolveModel: activity<ResolveModelInput, ResolvedModel>('Which model predicts?'),
    checkPredictionsExist: activity<MonitoringStageInput, PredictionsCheck>('Are there predictions?'),

    planBackfill: activity<PlanBackfillInput, BackfillPlan>('Which periods are to be run?'),
    reopenTimeline: activity<ReopenTimelineInput, void>('Take periods out of the timeline, to run them again'),
    decideRetraining: activity<DecideRetrainingInput, RetrainingDecision>('Is a retraining due?'),
    recordPeriod: activity<RecordPeriodInput, void>('Take down what the period came to'),
    drawTimeline: activity<StageInput, WrittenPage>('Write the page of the timeline'),
  }),

  ...on('operations', 'steward', {
    readStewardPolicy: activity<StageInput, StewardPolicy>('How does the config want it retrained?'),
    readChampion: activity<StageInput, ReadChampion | null>('Who is champion?'),
    checkNewData: activity<StageInput, NewData>('Is there enough new data to train?'),
    moveChampion: activity<MoveChampionInput, MovedAlias>('Move the champion'),
    /** Takes the workflow's id. */
    describeRun: activity<string, RunStatus>('Is the run still open?'),
  }),

  ...on('operations', 'signal', {
    /** Returns whether there is a steward at work. */
    signalSteward: activity<{ pipeline: string } & StewardMessage, boolean>('Signal the steward, where there is one'),
  }),

  ...on('operations', 'alert', {
    /** Tells people, where the facts call for it. Where the settings of a pipeline can't be read, by the usual thresholds. */
    sendAlerts: activity<AlertFacts[], AlertOutcome[]>('Tell people, where they have to know'),
    /** The failed runs of processing since the last that succeeded, with the one that asks. */
    countProcessingFailures: activity<FailedProcessing, ProcessingFailing>('How often has processing failed in a row?'),
    checkInferenceOutage: activity<InferenceOutageInput, InferenceDown>('Are there predictions again?'),
    /** Takes the pipeline; since when scheduled inference has not even started, `null` where it has, or none is due. */
    checkDueInference: activity<string, InferenceDown | null>('Has inference started when it was due?'),
    /** Rows of the newest whole partition beside those of the year before; `null` where there is none. */
    countNewRows: activity<{ pipeline: string; asOf: string }, UnusualDataVolume | null>(
      'Is the newest partition as large as usual?',
    ),
  }),

  ...on('operations', 'settings', {
    readServiceLevel: activity<{ pipeline: string; phase: Phase }, ServiceLevel>('How long may this take?'),
  }),

  ...on('operations', 'tracking', {
    trackTraining: activity<StageInput, Tracking>('Write the training to MLflow'),
  }),

  ...on('dataProcessing', 'rows', {
    bronze: taskOf<BronzeInput, BronzeResult>('processing', 'Bronze: raw records to Parquet'),
    silver: taskOf<RefineInput, SilverResult>('processing', 'Silver: clean, deduplicate, standardise'),
    gold: taskOf<RefineInput, GoldResult>('processing', 'Gold: feature store and label store'),
    /** `null` where the pipeline has no online store. */
    publishFeatures: activity<StageInput, PublishedFeatures | null>('Features for lookup by key'),

    testModel: activity<TestModelInput, TestedModel>('Test the best version, and stage it where it passes'),
    promoteBest: activity<PromoteBestInput, PromotedBest>('Promote the best version, through the promotion gate'),

    findNewRows: activity<FindNewRowsInput, NewRows>('Are there rows not yet predicted?'),
    predict: taskOf<PredictInput, PredictionsRef>('inference', 'Predict'),

    measurePerformance: taskOf<MonitorInput, PerformanceResult>('monitoring', 'Performance against mature labels'),
    detectDrift: taskOf<MonitorInput, DriftResult>('monitoring', 'Drift against the training rows'),
    writeReport: activity<WriteReportInput, WrittenReport>('Write the report, with its verdict'),

    evaluatePeriod: activity<EvaluatePeriodInput, PeriodEvaluation>('The champion on the period before'),
  }),

  ...on('modelTraining', 'rows', {
    preprocess: taskOf<PreprocessInput, DatasetRef>('training', 'Preprocess once, for every algorithm'),
  }),

  ...on('modelTraining', 'fit', {
    evaluateCandidate: activity<EvaluateCandidateInput, CandidateScores>('Evaluate a candidate'),
    /** Beside the fits, as what a search knows lies with the dataset, where training alone writes. */
    suggestCandidates: activity<SuggestCandidatesInput, Suggestion>('Which candidates are tried next?'),
  }),

  ...on('modelTraining', 'version', {
    refit: activity<RefitInput, ModelRef>('Fit the best candidate on the whole train split'),
    evaluateModel: activity<EvaluateModelInput, SplitMetrics>('Evaluate on every split'),
    registerModel: activity<RegisterModelInput, RegisteredModel>('Register the version'),
    /** An algorithm from search to registry; in workers the workflow of the same name does it step by step. */
    trainAlgorithm: taskOf<AlgorithmInput, AlgorithmTrained>('training', 'Train in a task of its own'),
  }),

  ...on('dispatch', 'stop', {
    /** Stops what an activity that is over left running, and tells what its tasks took. */
    stopTasks: activity<StopTasksInput, { tasks: TaskUse[] }>('Stop what still runs as a task'),
  }),
};

type Table = typeof ACTIVITIES;
export type ActivityName = keyof Table;

/** Every activity as a function. */
export type Activities = { [Name in ActivityName]: NonNullable<Table[Name]['signature']> };

/** The names of lines that say a certain thing. */
type NamesWith<What> = { [Name in ActivityName]: Table[Name] extends What ? Name : never }[ActivityName];

/** What a worker must have that polls a queue. The waits for tasks, which `dispatch` has besides, are {@link TaskWaits}. */
export type ActivitiesOn<Queue extends ActivityQueue> = Pick<Activities, NamesWith<{ queue: Queue }>>;
export type ActivitiesOfClass<Timeout extends TimeoutClass> = Pick<Activities, NamesWith<{ timeout: Timeout }>>;

/** The stages that may run as a task of their own. */
export type TaskStageName = NamesWith<{ taskOf: Phase }>;
export type TaskStages = Pick<Activities, TaskStageName>;

/** The same on the queue `dispatch`: the activity waits for the task, and tells what it took besides. */
export type TaskWaits = {
  [Name in TaskStageName]: (
    ...input: Parameters<Activities[Name]>
  ) => Promise<Dispatched<Awaited<ReturnType<Activities[Name]>>>>;
};

export const TASK_STAGE_NAMES = Object.keys(ACTIVITIES).filter(isTaskStage);

export function isTaskStage(name: string): name is TaskStageName {
  return Object.hasOwn(ACTIVITIES, name) && 'taskOf' in ACTIVITIES[name as ActivityName];
}
