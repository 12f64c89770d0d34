import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'vitest';
import { packageFolder } from '../../src/package.js';

/** Public files, which are not part of this repository; they may lie beside the checkout. */
const file = (...path: string[]) => join(packageFolder(), '..', 'shared', 'data', ...path);
export const REAL_READMISSION = file('readmission', 'diabetic_data.csv');
export const REAL_CHURN = file('churn', 'Telco-Customer-Churn.csv');

export function isThere(path: string): boolean {
  return existsSync(path);
}

/** Tests on a real file; where it is absent there is one that says so. */
export function describeOnReal(path: string, name: string, tests: () => void | Promise<void>): void {
  if (isThere(path)) describe(name, tests);
  else
    // Passing tests are not listed by name: this one says what is missing.
    test(`${name}: the real file is absent`, () => {
      console.warn(`Nothing is tested on the real file: ${path} is not there.`);
    });
}
