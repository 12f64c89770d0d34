import { z } from 'zod';
import { didYouMean, nearestName } from '../nearestName.js';
import { countOf } from '../contracts/counts.js';

/**
 * What is wrong with a value, where its schema has no words of its own: what is expected, what is there, and which name
 * may have been meant. As zod's `error`, with `reportInput`.
 */
export function faultInWords(issue: z.core.$ZodRawIssue): string | undefined {
  const { input } = issue;
  switch (issue.code) {
    case 'unrecognized_keys': {
      const known = namesOf(issue.inst);
      return (
        known &&
        issue.keys.map((key) => `there is no ${JSON.stringify(key)} here; ${didYouMean(key, known)}`).join('\n')
      );
    }
    case 'invalid_type':
      return told(KINDS[issue.expected] ?? issue.expected, input);
    case 'invalid_value':
      return oneOf(issue.values, input);
    case 'too_small':
      return told(sizeInWords(issue.origin, Number(issue.minimum), issue.inclusive ? 'at least' : 'more than'), input);
    case 'too_big':
      return told(sizeInWords(issue.origin, Number(issue.maximum), issue.inclusive ? 'at most' : 'less than'), input);
    case 'invalid_union': {
      if (issue.options)
        return oneOf(issue.options as unknown[], (input as Record<string, unknown>)[issue.discriminator!]);
      const fitting = issue.errors.filter(isOfTheKind).flatMap((issues) => issues.slice(0, 1));
      if (fitting.length === 1) return fitting[0]!.message;
      return told(
        [...new Set(issue.errors.flatMap(([first]) => (first ? [expectedBy(first)] : [])))].join(' or '),
        input,
      );
    }
    default:
      return undefined;
  }
}

/** A line for each fault that a schema found, with its place. What a misspelt name was to be is not told to be missing as well. */
export function faultsInWords(issues: readonly z.core.$ZodIssue[]): string[] {
  const meant = new Set(
    issues.flatMap((issue) =>
      issue.code === 'unrecognized_keys'
        ? [...issue.message.matchAll(/did you mean "([^"]+)"/g)].map(([, name]) => placeOf([...issue.path, name!]))
        : [],
    ),
  );
  return issues
    .filter(
      (issue) => issue.input !== undefined || !meant.has(placeOf(issue.path)) || issue.code === 'unrecognized_keys',
    )
    .flatMap(linesOf);
}

function linesOf(issue: z.core.$ZodIssue): string[] {
  const place = placeOf(issue.path);
  if (issue.code === 'invalid_union') {
    // Of what may be one thing or another, the faults are told of the one that is nearest to what is there.
    const [nearest] = issue.errors
      .filter((issues) => isOfTheKind(issues) && issues.some(isWithin))
      .sort((a, b) => missesIn(a) - missesIn(b));
    if (nearest) return faultsInWords(nearest.map((inner) => ({ ...inner, path: [...issue.path, ...inner.path] })));
  }
  // What is wrong with a name that an object may have freely is told below the name.
  if (issue.code === 'invalid_key')
    return issue.issues.map(({ message }) => `  ${place}: expected ${message.replace(/^expected /, '')} as a name`);
  return issue.message.split('\n').map((message) => `  ${place}: ${message}`);
}

function placeOf(path: readonly PropertyKey[]): string {
  return path.map(String).join('.') || '(top level)';
}

/** How far what is there is from being so: a name that is nearly right counts for nothing. */
function missesIn(issues: readonly z.core.$ZodIssue[]): number {
  return issues.filter(({ message }) => !message.includes('did you mean')).length;
}

/** Whether what is there is a text, a list or an object as it should be, whatever else is wrong with it. */
function isOfTheKind(issues: readonly z.core.$ZodIssue[]): boolean {
  return issues.every((issue) => {
    if (issue.path.length > 0) return true;
    if (issue.code === 'invalid_union') return issue.errors.some(isOfTheKind);
    if (issue.code === 'invalid_value') return issue.values.some((value) => typeof value === typeof issue.input);
    return issue.code !== 'invalid_type';
  });
}

/** Whether a fault lies within what is there, rather than in its kind. */
function isWithin(issue: z.core.$ZodIssue): boolean {
  if (issue.path.length > 0) return true;
  return issue.code === 'invalid_union' && issue.errors.some((issues) => isOfTheKind(issues) && issues.some(isWithin));
}

function expectedBy(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_type') return KINDS[issue.expected] ?? issue.expected;
  return issue.code === 'invalid_value' ? valuesInWords(issue.values) : issue.message.replace(/^expected /, '');
}

const KINDS: Record<string, string> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  record: 'an object',
};

function told(expected: string, input: unknown): string {
  return input === undefined ? `must be given: ${expected}` : `expected ${expected}, got ${shown(input)}`;
}

function oneOf(values: readonly unknown[], input: unknown): string {
  const nearest = typeof input === 'string' ? nearestName(input, values.map(String)) : undefined;
  const meant = nearest === undefined ? '' : `; did you mean ${JSON.stringify(nearest)}?`;
  return `${told(valuesInWords(values), input)}${meant}`;
}

function valuesInWords(values: readonly unknown[]): string {
  const all = values.map((value) => JSON.stringify(value)).join(', ');
  return values.length === 1 ? all : `one of ${all}`;
}

function sizeInWords(origin: string, bound: number, how: string): string {
  if (origin === 'string') return `${how} ${countOf(bound, 'character')}`;
  return origin === 'array' ? `${how} ${countOf(bound, 'value')}` : `${how} ${bound}`;
}

function shown(input: unknown): string {
  if (Array.isArray(input)) return input.length === 0 ? 'an empty list' : `a list of ${input.length}`;
  if (typeof input === 'number') return String(input);
  return typeof input === 'object' && input !== null ? 'an object' : JSON.stringify(input);
}

/** The names that an object may have, where its schema lists them. */
function namesOf(schema: unknown): string[] | undefined {
  if (schema instanceof z.ZodObject) return Object.keys(schema.shape).filter((name) => name !== '$schema');
  if (schema instanceof z.ZodRecord && schema.keyType instanceof z.ZodEnum) return schema.keyType.options.map(String);
  return undefined;
}
