import type { PromotionDecision } from '../contracts/index.js';
import { score } from './phases.js';
import { table } from './table.js';

/** How a rule is named that the config sets a limit of its own for: what other rules there are every pipeline has. */
const LIMIT = /^(minimum|maximum) /;

/** Rules that count. */
const COUNTS: ReadonlySet<string> = new Set(['min_samples', 'rows_of_each_class', 'failed_model_tests']);

/** Every rule of the promotion gate with what was found, the limit and the verdict, where the config sets limits of its own. */
export function gateTable({ rules, not_judged = [] }: Pick<PromotionDecision, 'rules' | 'not_judged'>): string[] {
  if (!rules.some(({ rule }) => LIMIT.test(rule))) return [];
  const rows = rules.map(({ rule, expected, actual, interval, passed }) => [
    rule.replace(LIMIT, ''),
    COUNTS.has(rule) && actual !== null ? String(actual) : score(actual),
    interval ? describeInterval(interval) : '',
    expected,
    passed ? 'passed' : 'FAILED',
  ]);
  return [
    table(['promotion gate', 'value', '95% interval', 'limit', 'verdict'], rows),
    ...(not_judged.length > 0 ? [`Too few rows to judge by: ${not_judged.join(', ')}`] : []),
  ];
}

export function describeInterval([low, high]: [number, number]): string {
  return `${score(low)} to ${score(high)}`;
}

/** E.g. `0.8312 (0.8051 to 0.8563)`. */
export function withInterval(value: number | null, interval: [number, number] | null | undefined): string {
  return interval ? `${score(value)} (${describeInterval(interval)})` : score(value);
}
