import { pythonTool } from './pythonTool.js';

/** A Python with MLflow, its server and client, and the libraries that its users' models are of. */
export const mlflow = pythonTool({
  name: 'mlflow',
  purpose: 'the tests of tracking',
  version: '3.17.0',
  // Compiled parts are for one Python, and onnxruntime came later than the others.
  check: ['-c', 'import numpy, onnxruntime'],
  variable: 'PERDURE_MLFLOW_PYTHON',
  optional: true,
  python: '3.11',
});
