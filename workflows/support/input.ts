import { ApplicationFailure, workflowInfo } from '@temporalio/workflow';
import { NAME, NAME_IN_WORDS, isMoment } from '../../src/contracts/index.js';

/** What a field of a workflow's input must be, in words and as a test. */
export interface Kind {
  expected: string;
  holds(value: unknown): boolean;
}
export type Fields = Record<string, Kind>;

const TEXT: Kind = { expected: 'text', holds: isText };
const PIPELINE: Kind = { expected: NAME_IN_WORDS, holds: isName };
/** Where raw data lies; whether there is any is the stage's to say. */
export const SOURCE: Kind = { expected: "a path on the workers' machine, or an object's address", holds: (value) => isText(value) && !/\p{Cc}/u.test(value) };
export const NAMES: Kind = {
  expected: 'a list of names',
  holds: (value) => Array.isArray(value) && value.length > 0 && value.every(isName),
};
export const FLAG: Kind = { expected: 'true or false', holds: (value) => typeof value === 'boolean' };
const MOMENT: Kind = {
  expected: 'an ISO 8601 date or instant such as 2008-12-31',
  holds: (value) => isText(value) && isMoment(value),
};
export const MODEL: Kind = {
  expected: '{"alias": ...}, {"algorithm": ...} or {"algorithm": ..., "version": ...}',
  holds: (value) => {
    if (!isObject(value) || !Object.values(value).every(isName)) return false;
    return ['alias', 'algorithm', 'algorithm,version'].includes(Object.keys(value).sort().join());
  },
};

const SHARED: Fields = { pipeline: PIPELINE, asOf: MOMENT, reason: TEXT, triggeredBy: TEXT };

/**
 * Checks what people and schedules hand in as JSON, as no compiler has seen it.
 * @throws ApplicationFailure `ConfigInvalid`, with every fault at once.
 */
export function checkInput(input: unknown, own: Fields): void {
  const fields = { ...SHARED, ...own };
  const faults = isObject(input) ? faultsOf(input, fields) : ['expected one JSON object with at least "pipeline"'];
  if (faults.length === 0) return;
  throw ApplicationFailure.nonRetryable(
    `The input of ${workflowInfo().workflowType} can't be used (${faults.join('; ')}); mend it and start again.`,
    'ConfigInvalid',
  );
}

function faultsOf(input: Record<string, unknown>, fields: Fields): string[] {
  const unknown = Object.keys(input)
    .filter((name) => !Object.hasOwn(fields, name))
    .map((name) => `"${name}" is unknown, expected ${Object.keys(fields).join(', ')}`);
  const wrong = Object.entries(fields)
    .filter(([name, kind]) => (input[name] === undefined ? name === 'pipeline' : !kind.holds(input[name])))
    .map(([name, kind]) => `"${name}" is ${JSON.stringify(input[name]) ?? 'missing'}, expected ${kind.expected}`);
  return [...unknown, ...wrong];
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && NAME.test(value);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
