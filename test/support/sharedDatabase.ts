import { afterAll } from 'vitest';
import { withDuckDb, type Database } from '../../src/data/duckdb.js';
import { RESOURCES } from './medallion.js';
import { temporaryFolder } from './temporaryFolder.js';

/** One database for all tests of a file, which is closed after the last. */
export function sharedDatabase(): Promise<Database> {
  let close: () => void;
  const closed = new Promise<void>((resolve) => (close = resolve));
  afterAll(() => close());
  return new Promise<Database>((resolve, reject) => {
    withDuckDb(
      { resources: RESOURCES, scratch: temporaryFolder(afterAll), signal: new AbortController().signal },
      (database) => {
        resolve(database);
        return closed;
      },
    ).catch(reject);
  });
}
