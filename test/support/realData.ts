import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { packageFolder } from '../../src/package.js';

/** The real readmission file where it lies beside the checkout; it is never committed. */
export const REAL_CSV = join(packageFolder(), '..', 'shared', 'data', 'readmission', 'diabetic_data.csv');
export const hasRealCsv = existsSync(REAL_CSV);
