export * from './common.js';
export * from './taskQueues.js';
export * from './dataProcessing.js';
export * from './training.js';
export * from './inference.js';
export * from './monitoring.js';
export * from './lifecycle.js';
export * from './progress.js';
