import { existsSync, readFileSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
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
 * Starts a dev server on a database file. One that isn't there is made by the server itself, and a mark beside it tells
 * for so long that it is half-made, so that what a kill leaves is made anew; one that the server can't open is set aside.
 *
 * @throws PerdureError `TemporalUnavailable` where the server doesn't come up
 */
export async function startOnDatabase(
  options: DevServerOptions & { database: string },
  tell: Tell,
): Promise<DevServer> {
  const { database } = options;
  if (!existsSync(database) || existsSync(markPath(database))) return startOnNewDatabase(options);
  try {
    return await startWhole(options);
  } catch (error) {
    const words = messageOf(error);
    if (!tellsDamage(words)) throw error;
    await setAside(filesOf(database), `the history of runs in it is damaged: ${sqliteWords(words)}`, tell);
    return startOnNewDatabase(options);
  }
}

async function startOnNewDatabase(options: DevServerOptions & { database: string }): Promise<DevServer> {
  const { database } = options;
  const mark = markPath(database);
  const prepare = async () => {
    await writeFile(mark, '');
    for (const file of filesOf(database)) await rm(file, { force: true });
  };
  const server = await startDevServer({ ...options, prepare });
  await rm(mark);
  return server;
}

/** What is there while the database is being made: empty. */
function markPath(database: string): string {
  return `${database}.making`;
}

function filesOf(database: string): string[] {
  return [database, ...COMPANIONS.map((suffix) => `${database}${suffix}`)];
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
