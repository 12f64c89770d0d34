import type { MonitoringActivities } from '../src/contracts/index.js';
import { checkPredictionsExist } from '../src/stages/checkPredictionsExist.js';
import { detectDrift } from '../src/stages/detectDrift.js';
import { measurePerformance } from '../src/stages/measurePerformance.js';
import { writeReport } from '../src/stages/writeReport.js';
import { stageActivity, type ActivityDependencies } from './stageActivity.js';

export function createMonitoringActivities(dependencies: ActivityDependencies): MonitoringActivities {
  return {
    checkPredictionsExist: stageActivity(dependencies, checkPredictionsExist),
    measurePerformance: stageActivity(dependencies, measurePerformance),
    detectDrift: stageActivity(dependencies, detectDrift),
    writeReport: stageActivity(dependencies, writeReport),
  };
}
