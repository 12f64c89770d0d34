// node .ci/counts.js REPORT NAME FAILURES: reads vitest's JSON report, prints "passed failed suites-failed", and appends to
// the file FAILURES what failed in the suite NAME and why, so that it can be told once more at the end of a long log.
// Prints nothing where there is no report.
import { appendFileSync, readFileSync } from 'node:fs';
import { relative } from 'node:path';

const LINES_OF_A_REASON = 12;

const [report, name, failures] = process.argv.slice(2);

let result;
try {
  result = JSON.parse(readFileSync(report, 'utf8'));
} catch {
  process.exit(0);
}

const told = (title, reason) =>
  `FAILED (${name}): ${title}\n${(reason ?? '')
    .split('\n')
    .slice(0, LINES_OF_A_REASON)
    .map((line) => `    ${line}\n`)
    .join('')}`;

for (const file of result.testResults) {
  const path = relative(process.cwd(), file.name);
  const failed = file.assertionResults.filter((test) => test.status === 'failed');
  if (file.status === 'failed' && failed.length === 0) appendFileSync(failures, told(path, file.message));
  for (const test of failed) {
    appendFileSync(failures, told(`${path} > ${test.fullName}`, test.failureMessages.join('\n')));
  }
}
console.log(result.numPassedTests, result.numFailedTests, result.numFailedTestSuites);
