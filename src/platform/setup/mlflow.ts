import { pythonTool } from './pythonTool.js';

/** A Python with MLflow, its server and client, and the libraries that its users' models are of. */
export const mlflow = pythonTool({
  name: 'mlflow',
  purpose: 'the tests of tracking',
  version: '3.17.0',
  check: ['-c', 'import numpy'],
  variable: 'PERDURE_MLFLOW_PYTHON',
  optional: true,
  python: '3.11',
});
