import { z } from 'zod';
import type { Params } from '../../contracts/index.js';
import { PerdureError } from '../../errors.js';
import { nearestName } from '../../nearestName.js';

/** A parameter of an estimator: which values it takes, and which one it has where none is given. */
export interface Parameter<T> {
  schema: z.ZodType<T>;
  /** The values that it takes, in words. */
  expected: string;
  /** `undefined` leaves it to the library. */
  byDefault: T | undefined;
}

/** Parameters by name. */
export type Parameters = Record<string, Parameter<never>>;

/** The values of parameters; those without a default may be absent. */
export type Values<P> = {
  [K in keyof P]: P[K] extends { schema: z.ZodType<infer T>; byDefault: infer D }
    ? T | (undefined extends D ? undefined : never)
    : never;
};

type Given<T> = Omit<Parameter<T>, 'byDefault'> & { byDefault: T };
type Optional<T> = Omit<Parameter<T>, 'byDefault'> & { byDefault: undefined };

/** Trees, leaves or levels beyond which no training ends. */
const MOST = 1_000_000;

interface NumberKind {
  expected: string;
  schema: z.ZodType<number>;
}

/** What a number may have to be. */
export const NUMBERS = {
  any: { expected: 'a number', schema: z.number() },
  positive: { expected: 'a number above 0', schema: z.number().positive() },
  notNegative: { expected: 'a number of 0 or more', schema: z.number().min(0) },
  count: { expected: `a whole number from 1 to ${MOST}`, schema: z.int().min(1).max(MOST) },
  whole: { expected: 'a whole number of 0 or more', schema: z.int().min(0) },
  fraction: { expected: 'a number of 0 or more and below 1', schema: z.number().min(0).lt(1) },
  share: { expected: 'a number above 0 and up to 1', schema: z.number().gt(0).max(1) },
} as const satisfies Record<string, NumberKind>;

export function number(kind: keyof typeof NUMBERS, byDefault: number): Given<number> {
  return { ...NUMBERS[kind], byDefault };
}

/** A number that the library has a default for. */
export function numberOfLibrary(kind: keyof typeof NUMBERS): Optional<number> {
  return { ...NUMBERS[kind], byDefault: undefined };
}

/** A whole number within bounds. */
export function integer(from: number, to: number, byDefault: number): Given<number> {
  return { schema: z.int().min(from).max(to), expected: `a whole number from ${from} to ${to}`, byDefault };
}

/** A count, or null for no limit. */
export function limit(): Given<number | null> {
  return { schema: NUMBERS.count.schema.nullable(), expected: `${NUMBERS.count.expected}, or null`, byDefault: null };
}

export function oneOf<const T extends string | null>(choices: readonly T[], byDefault: T): Given<T> {
  return {
    schema: z.custom<T>((value) => (choices as readonly unknown[]).includes(value)),
    expected: choices.map(String).join(' or '),
    byDefault,
  };
}

/** Units of hidden layers, the first layer's first. */
export function layerSizes(byDefault: string): Given<string> {
  return {
    schema: z.string().regex(/^([1-9]\d{0,3})(,[1-9]\d{0,3}){0,9}$/),
    expected: 'one to ten numbers of units up to 9999 with commas, such as "256,128,64"',
    byDefault,
  };
}

/** How much more a positive row counts than a negative one. */
export function positiveWeight(): Given<number | 'balanced'> {
  return {
    schema: z.union([NUMBERS.positive.schema, z.literal('balanced')]),
    expected: `${NUMBERS.positive.expected}, or "balanced"`,
    byDefault: 1,
  };
}

/** Whether the classes count alike, however many rows they have. */
export const CLASS_WEIGHT = oneOf(['balanced', null], null);

/**
 * The values of an estimator's parameters, defaults filled in.
 * @throws PerdureError `ConfigInvalid` for a parameter that is unknown or has a value that it can't have
 */
export function readParameters<P extends object>(estimator: string, parameters: P, params: Params): Values<P> {
  const known = parameters as Record<string, Parameter<unknown>>;
  const unknown = Object.keys(params).filter((name) => !Object.hasOwn(known, name));
  if (unknown.length > 0) {
    const meant = unknown.map((name) => nearestName(name, Object.keys(known))).find((name) => name !== undefined);
    throw new PerdureError(
      'ConfigInvalid',
      `${estimator} has no parameter ${unknown.join(', ')}; ${meant === undefined ? 'take it out of the model config.' : `did you mean ${JSON.stringify(meant)}?`}`,
    );
  }
  const values = Object.entries(known).map(([name, { schema, expected, byDefault }]) => {
    const value = params[name];
    if (value === undefined) return [name, byDefault] as const;
    if (!schema.safeParse(value).success) {
      throw new PerdureError(
        'ConfigInvalid',
        `The parameter ${name} of ${estimator} is ${JSON.stringify(value)}; expected ${expected}.`,
      );
    }
    return [name, value] as const;
  });
  return Object.fromEntries(values) as Values<P>;
}
