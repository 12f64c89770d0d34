import { failedTests, PERFORMANCE_TEST, type ModelTest, type TestedModel } from '../contracts/index.js';
import { table } from './table.js';

/** What the model tests of a training came to, in a line; what failed for another reason than the limits of the gate, which are told by themselves, with its reason. */
export function testLines(tests: TestedModel | undefined): string[] {
  if (!tests) return [];
  if (!tests.passed)
    return [
      `Model tests: ${tests.reason}`,
      ...failedTests(tests.tests).flatMap(({ test, detail }) =>
        test === PERFORMANCE_TEST || detail === undefined ? [] : [`  ${test}: ${detail}`],
      ),
    ];
  const measured = MEASURED.flatMap(([test, words]) => {
    const actual = tests.tests.find((candidate) => candidate.test === test)?.actual ?? null;
    return actual === null ? [] : [words(shown(actual))];
  });
  return [
    `Model tests: ${tests.tests.length} of ${tests.tests.length} passed, so that it is in staging${measured.length > 0 ? ` (${measured.join(', ')})` : ''}`,
  ];
}

/** What people ask for first. */
const MEASURED: [test: string, words: (value: string) => string][] = [
  ['size_mb', (value) => `${value} MB`],
  ['latency_p95_ms', (value) => `95 in 100 rows within ${value} ms`],
  ['memory_mb', (value) => `${value} MB of memory`],
];

/** Every model test of a version with what was measured, the limit and the verdict. */
export function testTable(tests: ModelTest[]): string {
  return table(
    ['model test', 'value', 'limit', 'verdict', ''],
    tests.map(({ test, actual, expected, passed, detail = '' }) => [
      test,
      shown(actual),
      expected,
      passed ? 'passed' : 'FAILED',
      detail,
    ]),
  );
}

/** Three digits; `-` where nothing was measured. */
function shown(value: number | null): string {
  return value === null ? '-' : String(Number(value.toPrecision(3)));
}
