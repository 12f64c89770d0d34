/** Task queues carry the names of the workers that poll them. */
export const TASK_QUEUES = {
  /** Workflow tasks, and alerts, which must not wait behind the work that they tell of. */
  orchestrator: 'orchestrator',
  /** Medallion, inference and monitoring: 1 vCPU / 2 GB. */
  dataProcessing: 'data-processing',
  /** Preprocessing, search and fits: 2 vCPU / 4 GB. */
  modelTraining: 'model-training',
} as const;
