import type { LifecycleResult, ModelMonitoringResult, ModelTrainingResult } from '../contracts/index.js';
import type { PhaseResults } from './follow.js';

/** The run that a JSON answer is about. */
export interface RunJson {
  workflow_id: string;
  run_id: string;
  /** Its page in Temporal's web UI, where that is known. */
  url: string | null;
}

/** The one object that `--json` prints for a run: a key a phase, the same keys for every phase's run on its own. */
export function resultJson(run: RunJson | null, results: PhaseResults): Record<string, unknown> {
  const { processing, training, inference, monitoring } = results;
  return {
    ...(run && { run }),
    ...(processing && { processing }),
    ...(training && { training: trainingJson(training) }),
    ...(inference && { inference: inferenceJson(inference) }),
    ...(monitoring && { monitoring: monitoringJson(monitoring) }),
  };
}

/** A skipped phase has the keys that scripts look for too, with nothing in them. */
function trainingJson(training: ModelTrainingResult): Record<string, unknown> {
  return training.status === 'skipped' ? { ...training, champion: null, algorithms: {} } : { ...training };
}

function inferenceJson(inference: LifecycleResult['inference']): Record<string, unknown> {
  return inference.status === 'skipped' ? { ...inference, uri: null } : { ...inference };
}

function monitoringJson(monitoring: ModelMonitoringResult): Record<string, unknown> {
  return monitoring.status === 'skipped' ? { ...monitoring, drift: null, retrain: null, psi: {} } : { ...monitoring };
}
