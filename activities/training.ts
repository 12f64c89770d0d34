import type { TrainingActivities } from '../src/contracts/index.js';
import { checkGoldDataExists } from '../src/stages/checkGoldDataExists.js';
import { checkModelConfig } from '../src/stages/checkModelConfig.js';
import { checkSufficientTrainingData } from '../src/stages/checkSufficientTrainingData.js';
import { promoteBest } from '../src/stages/promoteBest.js';
import { discardVersion } from '../src/stages/discardVersion.js';
import { evaluateCandidate } from '../src/stages/evaluateCandidate.js';
import { evaluateModel } from '../src/stages/evaluateModel.js';
import { findUnchanged } from '../src/stages/findUnchanged.js';
import { planSearch } from '../src/stages/planSearch.js';
import { preprocess } from '../src/stages/preprocess.js';
import { refit } from '../src/stages/refit.js';
import { registerModel } from '../src/stages/registerModel.js';
import { selectCandidates } from '../src/stages/selectCandidates.js';
import { stageActivity, type ActivityDependencies } from './stageActivity.js';

export function createTrainingActivities(dependencies: ActivityDependencies): TrainingActivities {
  return {
    checkModelConfig: stageActivity(dependencies, checkModelConfig),
    checkGoldDataExists: stageActivity(dependencies, checkGoldDataExists),
    checkSufficientTrainingData: stageActivity(dependencies, checkSufficientTrainingData),
    findUnchanged: stageActivity(dependencies, findUnchanged),
    preprocess: stageActivity(dependencies, preprocess),
    planSearch: stageActivity(dependencies, planSearch),
    evaluateCandidate: stageActivity(dependencies, evaluateCandidate),
    selectCandidates: stageActivity(dependencies, selectCandidates),
    refit: stageActivity(dependencies, refit),
    evaluateModel: stageActivity(dependencies, evaluateModel),
    registerModel: stageActivity(dependencies, registerModel),
    discardVersion: stageActivity(dependencies, discardVersion),
    promoteBest: stageActivity(dependencies, promoteBest),
  };
}
