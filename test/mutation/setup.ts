/**
 * Set-up of each test file of a mutant's run. They share a process, which is a new one for each mutant: modules of a
 * hundred files are loaded once instead of a hundred times, and what a mutant changes while its module loads is loaded
 * anew for it.
 */
import { afterEach } from 'vitest';
import { INSTRUMENTER_CONSTANTS, type InstrumenterContext } from '@stryker-mutator/api/core';
import '../support/sharedProcess.js';

const shared = globalThis as { [name: string]: unknown; failedBefore?: boolean };

// Stryker adds up what each file has covered. It would count that of a file again with each file after it.
const { mutantCoverage } = (shared[INSTRUMENTER_CONSTANTS.NAMESPACE] ?? {}) as InstrumenterContext;
if (mutantCoverage) Object.assign(mutantCoverage, { static: {}, perTest: {} });

// One test that fails is the end of a mutant's run, but for vitest, which still imports all files that are left.
if (shared.failedBefore) throw new Error('A test has failed; nothing more is to run.');
afterEach(({ task }) => {
  shared.failedBefore ||= task.result?.state === 'fail';
});
