import type { DataProcessingResult } from './dataProcessing.js';
import type { ModelInferenceResult } from './inference.js';
import type { ModelMonitoringResult } from './monitoring.js';
import type { ModelTrainingResult } from './training.js';
import type { WorkflowInput } from './common.js';

export interface LifecycleInput extends WorkflowInput {
  /** As in data processing. */
  source?: string;
  /** As in data processing. */
  labels?: string;
  /** As in data processing. */
  replace?: boolean;
  /** As in training. */
  algorithms?: string[];
  /** As in training. */
  again?: boolean;
}

export interface LifecycleResult {
  processing: DataProcessingResult;
  training: ModelTrainingResult;
  inference: ModelInferenceResult;
  monitoring: ModelMonitoringResult;
}
