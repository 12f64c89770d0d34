import { proxyActivities, type ActivityInterfaceFor, type ActivityOptions } from '@temporalio/workflow';
import type {
  AlertActivities,
  DataProcessingActivities,
  DispatchActivities,
  InferenceActivities,
  MonitoringActivities,
  ComputeActivities,
  StewardActivities,
  TrainingActivities,
} from '../../src/contracts/index.js';

type Activity = keyof (AlertActivities &
  DataProcessingActivities &
  DispatchActivities &
  InferenceActivities &
  MonitoringActivities &
  ComputeActivities &
  StewardActivities &
  TrainingActivities);

/** One line for the web UI an activity, where the workflow has none that says more. */
const SUMMARIES: Record<Activity, string> = {
  pinConfig: 'Take the configuration as it is now',
  readComputeTarget: 'Where do the heavy stages run?',
  stopTasks: 'Stop what still runs as a task',

  bronze: 'Bronze: raw records to Parquet',
  silver: 'Silver: clean, deduplicate, standardise',
  gold: 'Gold: feature store and label store',

  claimTraining: 'Claim the one training at a time',
  checkModelConfig: 'Is the model config valid?',
  checkGoldDataExists: 'Is there gold data?',
  checkSufficientTrainingData: 'Is there enough training data?',
  findUnchanged: 'Has anything changed since the newest versions?',
  preprocess: 'Preprocess once, for every algorithm',
  planSearch: 'Plan the search',
  evaluateCandidate: 'Evaluate a candidate',
  selectCandidates: 'Who is best, and who may still win?',
  refit: 'Fit the best candidate on the whole train split',
  evaluateModel: 'Evaluate on every split',
  registerModel: 'Register the version',
  trainAlgorithm: 'Train in a task of its own',
  discardVersion: 'Discard the unfinished version',
  promoteBest: 'Promote the best version, through the promotion gate',

  resolveModel: 'Which model predicts?',
  findNewRows: 'Are there rows not yet predicted?',
  predict: 'Predict',

  checkPredictionsExist: 'Are there predictions?',
  measurePerformance: 'Performance against mature labels',
  detectDrift: 'Drift against the training rows',
  writeReport: 'Write the report, with its verdict',

  readStewardPolicy: 'How does the config want it retrained?',
  readChampion: 'Who is champion?',
  checkNewData: 'Is there enough new data to train?',
  moveChampion: 'Move the champion',
  describeRun: 'Is the run still open?',
  signalSteward: 'Signal the steward, where there is one',

  sendAlerts: 'Tell people, where they have to know',
  readServiceLevel: 'How long may this take?',
  countProcessingFailures: 'How often has processing failed in a row?',
  checkInferenceOutage: 'Are there predictions again?',
  checkDueInference: 'Has inference started when it was due?',
  countNewRows: 'Is the newest partition as large as usual?',
};

/** Activities whose calls carry a line each, so that a run's timeline reads as a story. */
export function activityProxies<Activities extends object>(options: ActivityOptions): ActivityInterfaceFor<Activities> {
  const withLine = (name: Activity) =>
    proxyActivities<Record<string, () => Promise<unknown>>>({ ...options, summary: SUMMARIES[name] })[name];
  return new Proxy({}, { get: (_, name) => withLine(name as Activity) }) as ActivityInterfaceFor<Activities>;
}
