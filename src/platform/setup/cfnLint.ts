import { pythonTool } from './pythonTool.js';

/** Checks CloudFormation templates, by schemas that it brings along: it asks no network. */
export const cfnLint = pythonTool({
  name: 'cfn-lint',
  purpose: 'the tests of deploy/',
  version: '1.58.0',
  program: 'bin/cfn-lint',
  check: ['--version'],
  variable: 'PERDURE_CFN_LINT_PATH',
  python: '3.10',
});
