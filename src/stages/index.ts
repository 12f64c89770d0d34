import type { Activities, TaskStageName } from '../contracts/index.js';
import { bronze } from './bronze.js';
import { checkGoldDataExists } from './checkGoldDataExists.js';
import { checkModelConfig } from './checkModelConfig.js';
import { checkPredictionsExist } from './checkPredictionsExist.js';
import { checkSufficientTrainingData } from './checkSufficientTrainingData.js';
import { testModel } from './testModel.js';
import { promoteBest } from './promoteBest.js';
import { decideRetraining } from './decideRetraining.js';
import { detectDrift } from './detectDrift.js';
import { discardVersion } from './discardVersion.js';
import { drawTimeline } from './drawTimeline.js';
import { evaluateCandidate } from './evaluateCandidate.js';
import { evaluatePeriod } from './evaluatePeriod.js';
import { evaluateModel } from './evaluateModel.js';
import { findNewRows } from './findNewRows.js';
import { findUnchanged } from './findUnchanged.js';
import { gold } from './gold.js';
import { measurePerformance } from './measurePerformance.js';
import { moveChampion } from './moveChampion.js';
import { pinConfig } from './pinConfig.js';
import { planBackfill } from './planBackfill.js';
import { planSearch } from './planSearch.js';
import { predict } from './predict.js';
import { publishFeatures } from './publishFeatures.js';
import { preprocess } from './preprocess.js';
import { refit } from './refit.js';
import { recordPeriod } from './recordPeriod.js';
import { reopenTimeline } from './reopenTimeline.js';
import { readChampion } from './readChampion.js';
import { readComputeTarget } from './readComputeTarget.js';
import { readStewardPolicy } from './readStewardPolicy.js';
import { registerModel } from './registerModel.js';
import { resolveModel } from './resolveModel.js';
import { selectCandidates } from './selectCandidates.js';
import { silver } from './silver.js';
import { suggestCandidates } from './suggestCandidates.js';
import { trackTraining } from './trackTraining.js';
import { checkNewData } from './checkNewData.js';
import { writeReport } from './writeReport.js';
import type { Stage } from './context.js';
import { trainAlgorithm } from './trainAlgorithm.js';

/** The stage of an activity: it takes and gives the same. */
type StageOf<Name extends keyof Activities> = Stage<
  Parameters<Activities[Name]>[0],
  Awaited<ReturnType<Activities[Name]>>
>;

/** Every stage by its name, which is its activity's name as well. */
export const STAGES = {
  bronze,
  silver,
  gold,
  publishFeatures,
  checkModelConfig,
  checkGoldDataExists,
  checkSufficientTrainingData,
  findUnchanged,
  preprocess,
  planSearch,
  evaluateCandidate,
  selectCandidates,
  suggestCandidates,
  refit,
  evaluateModel,
  registerModel,
  trainAlgorithm,
  discardVersion,
  testModel,
  promoteBest,
  trackTraining,
  resolveModel,
  findNewRows,
  predict,
  checkPredictionsExist,
  measurePerformance,
  detectDrift,
  writeReport,
  pinConfig,
  readComputeTarget,
  readStewardPolicy,
  readChampion,
  checkNewData,
  moveChampion,
  planBackfill,
  reopenTimeline,
  evaluatePeriod,
  decideRetraining,
  recordPeriod,
  drawTimeline,
} satisfies { [Name in keyof Activities]?: StageOf<Name> } & { [Name in TaskStageName]: StageOf<Name> };

/** Any stage, whatever it takes and gives: documents are checked by the stage itself. */
export type AnyStage = Stage<never, unknown>;
