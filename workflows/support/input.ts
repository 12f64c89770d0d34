import { ApplicationFailure, workflowInfo } from '@temporalio/workflow';
import { NAME, NAME_IN_WORDS, countOf, inShort, isMoment, isObject, PERIOD_UNITS } from '../../src/contracts/index.js';

/**
 * Checks by hand what comes in from outside, as no compiler has seen it: the inputs of workflows, signals and updates.
 * A schema library would take its memory once for each workflow in the workers' cache.
 */

/** What a value must be, in words and as a test. The test never throws. */
export interface Kind {
  expected: string;
  holds(value: unknown): boolean;
}
/** A field that may be absent. */
type Field = Kind & { required?: true };
export type Fields = Record<string, Field>;

/** Longer texts are no names, reasons or addresses. */
const LONGEST_TEXT = 1_000;
/** Control characters other than the ends of lines, and halves of characters: they break logs, and grow when they are stored. */
const UNPRINTABLE = /(?![\n\r\t])\p{Cc}|\p{Cs}/u;

/** Text that says something. */
export function text(longest = LONGEST_TEXT): Kind {
  return {
    expected: `text of 1 to ${countOf(longest, 'character')}`,
    holds: (value) =>
      typeof value === 'string' && value.trim() !== '' && value.length <= longest && !UNPRINTABLE.test(value),
  };
}

export function oneOf(...values: readonly string[]): Kind {
  return {
    expected: values.map((value) => `"${value}"`).join(' or '),
    holds: (value) => typeof value === 'string' && values.includes(value),
  };
}

export function wholeNumber(from: number, to: number): Kind {
  return {
    expected: `a whole number from ${from} to ${to}`,
    holds: (value) => Number.isInteger(value) && Number(value) >= from && Number(value) <= to,
  };
}

export function object(fields: Fields): Kind {
  const named = Object.entries(fields).map(([name, { expected }]) => `"${name}": ${expected}`);
  return {
    expected: `an object with ${named.join(', ')}`,
    holds: (value) => isObject(value) && faultsOf(value, fields, false).length === 0,
  };
}

export function nullOr(kind: Kind): Kind {
  return { expected: `null or ${kind.expected}`, holds: (value) => value === null || kind.holds(value) };
}

export function listOf(kind: Kind, longest: number): Kind {
  return {
    expected: `a list of at most ${longest}, each ${kind.expected}`,
    holds: (value) => Array.isArray(value) && value.length <= longest && value.every((item) => kind.holds(item)),
  };
}

export function recordOf(names: Kind, values: Kind): Kind {
  return {
    expected: `an object whose fields are ${values.expected}`,
    holds: (value) =>
      isObject(value) && Object.entries(value).every(([name, field]) => names.holds(name) && values.holds(field)),
  };
}

export function required(kind: Kind): Field {
  return { ...kind, required: true };
}

export const TEXT = text();
export const FLAG: Kind = { expected: 'true or false', holds: (value) => typeof value === 'boolean' };
const PIPELINE: Field = { expected: NAME_IN_WORDS, holds: isName, required: true };
/** Where raw data lies; whether there is any is the stage's to say. */
export const SOURCE: Kind = {
  expected: "a path on the workers' machine, or an object's address",
  holds: (value) =>
    typeof value === 'string' && value !== '' && value.length <= 4_096 && !/[\p{Cc}\p{Cs}]/u.test(value),
};
export const A_NAME: Kind = { expected: NAME_IN_WORDS, holds: isName };
export const NAMES: Kind = {
  expected: 'a list of names',
  holds: (value) => Array.isArray(value) && value.length > 0 && value.length <= 100 && value.every(isName),
};
export const MOMENT: Kind = {
  expected: 'an ISO 8601 date or instant such as 2008-12-31',
  holds: (value) => typeof value === 'string' && value.length <= 40 && isMoment(value),
};
export const DAY: Kind = {
  expected: 'a day such as 2008-12-31',
  holds: (value) => typeof value === 'string' && value.length === 10 && isMoment(value),
};
export const PERIOD_UNIT: Kind = oneOf(...PERIOD_UNITS);
export const PERIOD: Kind = object({ from: required(DAY), to: required(DAY) });
export const MODEL: Kind = {
  expected: '{"alias": ...}, {"algorithm": ...} or {"algorithm": ..., "version": ...}',
  holds: (value) => {
    if (!isObject(value) || !Object.values(value).every(isName)) return false;
    return ['alias', 'algorithm', 'algorithm,version'].includes(Object.keys(value).sort().join());
  },
};

/** The configuration of an earlier run. */
export const CONFIG: Kind = object({ uri: required(SOURCE), checksum: required(TEXT), source: required(SOURCE) });

/** A run, as one tells another of itself. */
export const RUN_REF: Kind = object({ workflowId: required(TEXT), runId: required(TEXT), startedAt: required(MOMENT) });

/** What every run of a phase may be told. */
export const SHARED: Fields = { pipeline: PIPELINE, asOf: MOMENT, reason: TEXT, triggeredBy: TEXT };
/** What is of one pipeline, and started by Perdure itself. */
export const OF_PIPELINE: Fields = { pipeline: PIPELINE };

/**
 * Checks the input of a workflow, which people and schedules hand in as JSON.
 * @param strict whether a field of another name is a fault
 * @throws ApplicationFailure `ConfigInvalid`, with every fault at once.
 */
export function checkInput(input: unknown, fields: Fields, strict = true): void {
  const faults = faultsOf(input, fields, strict);
  if (faults.length === 0) return;
  throw ApplicationFailure.nonRetryable(
    `The input of ${workflowInfo().workflowType} can't be used (${faults.join('; ')}); correct it and start again.`,
    'ConfigInvalid',
  );
}

/** Faults named of one value: enough to correct it, and no list as long as what was sent. */
const NAMED_FAULTS = 10;

/**
 * What is wrong with a value that should be an object of these fields; nothing where it may be used.
 * @param strict whether a field of another name is a fault
 */
export function faultsOf(value: unknown, fields: Fields, strict = true): string[] {
  if (!isObject(value)) {
    const needed = Object.keys(fields).filter((name) => fields[name]?.required);
    return [
      `expected one JSON object${needed.length > 0 ? ` with at least ${needed.map((name) => `"${name}"`).join(', ')}` : ''}, got ${inShort(value)}`,
    ];
  }
  const unknown = Object.keys(value)
    .filter((name) => strict && !Object.hasOwn(fields, name))
    .map((name) => `${inShort(name)} is unknown, expected ${Object.keys(fields).join(', ')}`);
  const wrong = Object.entries(fields)
    .filter(([name, kind]) => (fieldOf(value, name) === undefined ? kind.required : !kind.holds(fieldOf(value, name))))
    .map(
      ([name, kind]) =>
        `"${name}" is ${fieldOf(value, name) === undefined ? 'missing' : inShort(fieldOf(value, name))}, expected ${kind.expected}`,
    );
  return [...unknown, ...wrong].slice(0, NAMED_FAULTS);
}

/** A field of the object itself: what it inherits, such as `constructor`, was not sent. */
function fieldOf(value: Record<string, unknown>, name: string): unknown {
  return Object.hasOwn(value, name) ? value[name] : undefined;
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && NAME.test(value);
}
