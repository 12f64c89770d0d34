import { existsSync, readFileSync } from 'node:fs';
import { readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { ServiceError } from '@temporalio/client';
import { messageOf } from '../../errors.js';
import { connectClient } from './connection.js';
import { startDevServer, type DevServer, type DevServerOptions } from './devServer.js';
import { setAside, type Tell } from './stateFiles.js';

/** SQLite keeps what is newest in these beside the database, and they mean nothing without it. */
const COMPANIONS = ['-wal', '-shm', '-journal'];

/** What SQLite, and the server before its first table, say of a file that is no whole database. */
const DAMAGE =
  /no such table|no such column|file is not a database|(?:database )?disk image is malformed|SQL logic error|unsupported file format/i;

/** The SQLite file of a state folder's server. */
export function databasePath(stateFolder: string): string {
  return join(stateFolder, 'temporal.db');
}

/** Whether the words of a server tell that its database is damaged. */
export function tellsDamage(words: string): boolean {
  return DAMAGE.test(words);
}

/** How much of the end of a log is read. */
const LOG_TAIL_BYTES = 64 * 1024;

/**
 * What SQLite said of a damaged database to the server of a state folder since a moment: the server itself tells its
 * clients only that something went wrong. `undefined` where it said nothing of the kind.
 */
export function damageSince(stateFolder: string, since: Date): string | undefined {
  const log = logPath(stateFolder);
  const words = existsSync(log) ? readFileSync(log).subarray(-LOG_TAIL_BYTES).toString().split('\n') : [];
  const told = words.findLast((line) => {
    const at = /^time=(\S+)/.exec(line)?.[1];
    return at !== undefined && new Date(at) >= since && tellsDamage(line);
  });
  return told && sqliteWords(told);
}

/** Where the server of a state folder writes its words. */
export function logPath(stateFolder: string): string {
  return join(stateFolder, 'logs', 'temporal.log');
}

/**
 * Starts a dev server on a database file. A database that isn't there is made under another name and renamed when it
 * is whole, so that a kill leaves none half-made; one that the server can't open is set aside, and a new one is made.
 *
 * @throws PerdureError `TemporalUnavailable` where the server doesn't come up
 */
export async function startOnDatabase(
  options: DevServerOptions & { database: string },
  tell: Tell,
): Promise<DevServer> {
  if (!existsSync(options.database)) await makeDatabase(options);
  try {
    return await startWhole(options);
  } catch (error) {
    const words = messageOf(error);
    if (!tellsDamage(words)) throw error;
    const { database } = options;
    await setAside(
      [database, ...COMPANIONS.map((suffix) => `${database}${suffix}`)],
      `the history of runs in it is damaged: ${sqliteWords(words)}`,
      tell,
    );
    await makeDatabase(options);
    return startDevServer(options);
  }
}

/** Starts a server and looks whether it can read what it has: it serves also without some of its tables. */
async function startWhole(options: DevServerOptions & { database: string }): Promise<DevServer> {
  const since = new Date();
  const server = await startDevServer(options);
  try {
    const client = await connectClient(server.target);
    await client.workflow.count().finally(() => client.connection.close());
    return server;
  } catch (error) {
    await server.stop();
    const damage = damageSince(dirname(options.database), since);
    if (damage) throw new Error(damage);
    throw error instanceof ServiceError ? (error.cause ?? error) : error;
  }
}

/** What SQLite said, without the words of whoever asked it. */
function sqliteWords(words: string): string {
  return words.slice(DAMAGE.exec(words)?.index).split(/[("]/)[0]!.trim();
}

async function makeDatabase(options: DevServerOptions & { database: string }): Promise<void> {
  const { database } = options;
  const making = `${database}.new`;
  const server = await startDevServer({
    ...options,
    uiPort: undefined,
    database: making,
    singleFile: true,
    prepare: () => removeLeftovers(database, making),
  });
  await server.stop();
  await rename(making, database);
}

/** Removes what an earlier try left half-made, and what belonged to a database that is gone. */
async function removeLeftovers(database: string, making: string): Promise<void> {
  const leftovers = (await readdir(dirname(database))).filter(
    (name) =>
      name.startsWith(basename(making)) || COMPANIONS.some((suffix) => name === `${basename(database)}${suffix}`),
  );
  for (const name of leftovers) await rm(join(dirname(database), name), { force: true });
}
