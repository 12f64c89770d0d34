import { resolve } from 'node:path';

/** Where the embedded server's database, its logs, and generated or downloaded data lie: in the current folder. */
export function stateFolder(): string {
  return resolve('.perdure');
}
