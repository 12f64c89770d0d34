import { copyFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { variables } from '../environment.js';
import { PerdureError } from '../errors.js';
import { PAGE_KINDS, pageOfKey, PAGES_FOLDER, type PageKey } from '../monitoring/pages.js';
import { diskError } from '../platform/files/diskError.js';
import { makeFolder } from '../platform/storage/folder.js';
import type { ObjectStore } from '../platform/storage/objectStore.js';
import type { CommonOptions } from './options.js';
import { openToRead } from './store.js';
import { stateFolder } from './stateFolder.js';
import { print, printJson, say } from './terminal.js';

/**
 * Opens a run's page, or copies it.
 * @param asked `newest`, `training`, `monitoring`, `timeline`, a version or a run's id
 */
export async function openReport(
  name: string,
  asked: string,
  options: { output?: string } & CommonOptions,
): Promise<void> {
  const {
    stores: { monitoring },
  } = await openToRead(name, options);
  const pages = await pagesOf(monitoring);
  const page = pages.findLast((page) => isAsked(page, asked));
  if (!page) throw new PerdureError('NotFound', noPage(name, asked, pages));
  const stored = await monitoring.localFile(page.key);
  const path = await copied(stored, options.output ?? target(monitoring, page));
  if (options.json) {
    printJson({ path, uri: monitoring.uri(page.key), kind: page.kind, started_at: page.startedAt });
    return;
  }
  print(path);
  if (options.output === undefined) await show(path);
}

/** Pages of a store, the oldest run first. */
async function pagesOf(monitoring: ObjectStore): Promise<PageKey[]> {
  const pages: PageKey[] = [];
  for await (const { key } of monitoring.list(PAGES_FOLDER)) {
    const page = pageOfKey(key);
    if (page) pages.push(page);
  }
  return pages.sort((a, b) => (a.startedAt < b.startedAt ? -1 : a.startedAt > b.startedAt ? 1 : 0));
}

function isAsked({ kind, run }: PageKey, asked: string): boolean {
  if (asked === 'newest') return true;
  if (PAGE_KINDS.some((known) => known === asked)) return asked === kind;
  // A version is named after its run; of the id of a run the name has the last letters.
  const version = asked.replace(/^.*\//, '').replace(/^v/, '');
  const letters = asked.replace(/[^A-Za-z0-9]/g, '');
  return version === run || (letters.length >= 8 && run.endsWith(`_${letters.slice(-8)}`));
}

function noPage(name: string, asked: string, pages: PageKey[]): string {
  if (pages.length === 0)
    return `There is no page of ${name} yet; run "perdure run ${name}", or train or monitor, which writes one.`;
  const newest = pages.slice(-3).map(({ kind, run }) => `${run} (${kind})`);
  return `${name} has no page of ${asked}; name ${PAGE_KINDS.map((kind) => `"${kind}"`).join(', ')} or a run, of which the newest are ${newest.join(', ')}.`;
}

/** A folder's page is opened where it lies; one of S3 is copied beside other things that were fetched. */
function target(monitoring: ObjectStore, { key }: PageKey): string | undefined {
  return monitoring.uri(key).startsWith('file:') ? undefined : join(stateFolder(), 'reports', basename(key));
}

async function copied(stored: string, to: string | undefined): Promise<string> {
  if (to === undefined) return stored;
  const path = resolve(to);
  try {
    await makeFolder(resolve(path, '..'));
    await copyFile(stored, path);
  } catch (error) {
    throw diskError(error, path);
  }
  return path;
}

/** Opens a file in the browser where a person sits before one. */
async function show(path: string): Promise<void> {
  const { DISPLAY, WAYLAND_DISPLAY } = variables();
  const hasDesktop = process.platform !== 'linux' || DISPLAY !== undefined || WAYLAND_DISPLAY !== undefined;
  if (!process.stdout.isTTY || !hasDesktop) return;
  const { default: open } = await import('open');
  await open(path).catch(() => say('No browser could be opened; open the file by hand.'));
}
