/** Task queues carry the names of the workers that poll them; `operations` and `dispatch` are polled beside `data-processing`. */
export const TASK_QUEUES = {
  /** Workflow tasks alone. */
  orchestrator: 'orchestrator',
  /** Alerts, checks and moves of pointers: calls that wait for the network or read small documents, never for rows. */
  operations: 'operations',
  /** Work that runs elsewhere, as tasks of Amazon ECS: calls that only wait. */
  dispatch: 'dispatch',
  /** Medallion, inference and monitoring: 1 vCPU / 2 GB. */
  dataProcessing: 'data-processing',
  /** Preprocessing, search and fits: 2 vCPU / 4 GB. */
  modelTraining: 'model-training',
} as const;
