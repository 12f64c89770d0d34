import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { faultInWords, faultsInWords } from '../../src/config/faults.js';

/** The lines that tell what is wrong with a value, without the spaces before each. */
function told(schema: z.ZodType, value: unknown): string[] {
  const { error } = schema.safeParse(value, { reportInput: true, error: faultInWords });
  const lines = faultsInWords(error?.issues ?? []);
  expect(lines.every((line) => /^ {2}\S/.test(line))).toBe(true);
  return lines.map((line) => line.trimStart());
}

describe('a value that is not what it should be is told with what is expected and what is there', () => {
  test.each<[z.ZodType, unknown, string]>([
    [z.string(), undefined, 'must be given: a text'],
    [z.string(), 5, 'expected a text, got 5'],
    [z.string(), null, 'expected a text, got null'],
    [z.number(), '5', 'expected a number, got "5"'],
    [z.number(), Infinity, 'expected a number, got Infinity'],
    [z.int(), 1.5, 'expected a whole number, got 1.5'],
    [z.boolean(), 'yes', 'expected true or false, got "yes"'],
    [z.array(z.string()), {}, 'expected a list, got an object'],
    [z.strictObject({}), [], 'expected an object, got an empty list'],
    [z.strictObject({}), [1, 2], 'expected an object, got a list of 2'],
    [z.record(z.string(), z.number()), true, 'expected an object, got true'],
    [z.date(), 'now', 'expected date, got "now"'],
    [z.literal('a'), 'b', 'expected "a", got "b"'],
    [z.literal('a'), undefined, 'must be given: "a"'],
    [z.string('a name'), 5, 'a name'],
  ])('%#', (schema, value, fault) => {
    expect(told(schema, value)).toEqual([`(top level): ${fault}`]);
  });

  test.each<[z.ZodType, unknown, string]>([
    [z.string().min(1), '', 'expected at least 1 character, got ""'],
    [z.string().max(2), 'abc', 'expected at most 2 characters, got "abc"'],
    [z.array(z.number()).min(1), [], 'expected at least 1 value, got an empty list'],
    [z.array(z.number()).max(2), [1, 2, 3], 'expected at most 2 values, got a list of 3'],
    [z.number().min(1_000), 999, 'expected at least 1000, got 999'],
    [z.number().gt(0), 0, 'expected more than 0, got 0'],
    [z.number().max(1), 2, 'expected at most 1, got 2'],
    [z.number().lt(1), 1, 'expected less than 1, got 1'],
  ])('also by its size: %#', (schema, value, fault) => {
    expect(told(schema, value)).toEqual([`(top level): ${fault}`]);
  });

  test('one of some values is told with all, and with the one that was meant', () => {
    const side = z.enum(['north', 'south']);
    expect(told(side, 'nort')).toEqual([
      '(top level): expected one of "north", "south", got "nort"; did you mean "north"?',
    ]);
    expect(told(side, 'elsewhere')).toEqual(['(top level): expected one of "north", "south", got "elsewhere"']);
    expect(told(side, 5)).toEqual(['(top level): expected one of "north", "south", got 5']);
    expect(told(side, undefined)).toEqual(['(top level): must be given: one of "north", "south"']);
  });
});

describe('a name that nobody knows is told with the one that was meant', () => {
  const settings = z.strictObject({ $schema: z.string().optional(), median: z.number(), mean: z.number().optional() });

  test('which is not told to be missing as well', () => {
    expect(told(settings, { medain: 1 })).toEqual(['(top level): there is no "medain" here; did you mean "median"?']);
    expect(told(z.strictObject({ a: z.array(settings) }), { a: [{ median: 1 }, { medain: 1 }] })).toEqual([
      'a.1: there is no "medain" here; did you mean "median"?',
    ]);
  });

  test('or with those that there are, but for that of the schema', () => {
    expect(told(settings, { zebra: 1 })).toEqual([
      'median: must be given: a number',
      '(top level): there is no "zebra" here; there are median, mean',
    ]);
  });

  test('each of several, and what else is wrong', () => {
    expect(told(settings, { median: 'x', maen: 1, zebra: 2 })).toEqual([
      'median: expected a number, got "x"',
      '(top level): there is no "maen" here; did you mean "mean"?',
      '(top level): there is no "zebra" here; there are median, mean',
    ]);
  });

  test('also among the names of a record', () => {
    const limits = z.partialRecord(z.enum(['roc_auc', 'recall']), z.number());
    expect(told(limits, { roc_acu: 1 })).toEqual(['(top level): there is no "roc_acu" here; did you mean "roc_auc"?']);
  });

  test('and one that is no name at all is told below it', () => {
    const columns = z.record(z.string().regex(/^[a-z]+$/, 'expected small letters'), z.number());
    expect(told(z.strictObject({ columns }), { columns: { A: 1, b: 2 } })).toEqual([
      'columns.A: expected small letters as a name',
    ]);
  });
});

describe('what may be one thing or another', () => {
  const change = z.union([
    z.strictObject({ set: z.union([z.number(), z.string()]) }),
    z.strictObject({ add: z.number() }),
    z.strictObject({ multiply: z.number(), floor: z.number() }),
  ]);

  test('is told with all that it may be where it is none of them', () => {
    expect(told(z.union([z.string(), z.number()]), true)).toEqual([
      '(top level): expected a text or a number, got true',
    ]);
    expect(told(z.union([z.string(), z.array(z.string())]), 5)).toEqual([
      '(top level): expected a text or a list, got 5',
    ]);
    expect(told(z.union([z.string(), z.number()]), undefined)).toEqual([
      '(top level): must be given: a text or a number',
    ]);
    // Once where two of them are alike.
    expect(told(z.union([z.string().min(1), z.string().max(3)]), 5)).toEqual(['(top level): expected a text, got 5']);
    expect(told(z.union([z.literal('all'), z.number()]), [1])).toEqual([
      '(top level): expected "all" or a number, got a list of 1',
    ]);
  });

  test('is told as the one whose kind it is of', () => {
    expect(told(z.union([z.string().min(1), z.array(z.string())]), '')).toEqual([
      '(top level): expected at least 1 character, got ""',
    ]);
    expect(told(z.union([z.string(), z.array(z.string())]), ['a', 5])).toEqual(['1: expected a text, got 5']);
    expect(told(z.union([z.enum(['all', 'none']), z.number()]), 'al')).toEqual([
      '(top level): expected one of "all", "none", got "al"; did you mean "all"?',
    ]);
  });

  test('is told as the one that is nearest to it', () => {
    expect(told(z.strictObject({ age: change }), { age: { ad: 1 } })).toEqual([
      'age: there is no "ad" here; did you mean "add"?',
    ]);
    expect(told(change, { add: 'x' })).toEqual(['add: expected a number, got "x"']);
    expect(told(change, { set: true })).toEqual(['set: expected a number or a text, got true']);
    expect(told(change, { multiply: 2 })).toEqual(['floor: must be given: a number']);
  });

  test('is told by the name that says which of them it is', () => {
    const split = z.discriminatedUnion('by', [
      z.strictObject({ by: z.literal('time') }),
      z.strictObject({ by: z.literal('random'), share: z.number() }),
    ]);
    expect(told(split, { by: 'tiem' })).toEqual([
      'by: expected one of "time", "random", got "tiem"; did you mean "time"?',
    ]);
    expect(told(split, {})).toEqual(['by: must be given: one of "time", "random"']);
    expect(told(split, { by: 'random' })).toEqual(['share: must be given: a number']);
  });
});

test('nothing is told of what is as it should be', () => {
  expect(told(z.strictObject({ a: z.number() }), { a: 1 })).toEqual([]);
});
