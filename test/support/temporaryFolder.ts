import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/** An empty folder that goes when the test ends, or when `whenDone` says: `afterAll` at the top of a file. */
export function temporaryFolder(whenDone: (remove: () => void) => void = onTestFinished): string {
  const folder = mkdtempSync(join(tmpdir(), 'perdure-test-'));
  whenDone(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
