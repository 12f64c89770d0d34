import { mkdtemp, readdir, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative, sep } from 'node:path';
import { literal, withDuckDb } from '../src/data/duckdb.js';
import { sha256 } from '../src/platform/storage/checksum.js';

/** The objects of a store, by key: what is in them, as text or as a digest of it. */
export type StoredObjects = Map<string, string>;

/** Ids of versions and runs, which sort by their times. */
const IDS = /\d{8}_\d{6}_[0-9a-f]{8}/g;
const UUIDS = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;
const INSTANTS = /\d{4}-\d\d-\d\d[T ]\d\d[:-]\d\d([:-]\d\d(\.\d+)?)?(Z|\+00:00| UTC)?(-[0-9a-f]{8}(?=\.json|"))?/g;
/** Where Temporal's web UI was. */
const SERVERS = /http:\/\/127\.0\.0\.1:\d+/g;
/** Digests of what has an id or an instant in it, which differ with those; what they are of is compared itself. */
const DIGESTS = /\b[0-9a-f]{64}\b/g;
/** What is measured with a clock or of memory. */
const MEASURED: [RegExp, RegExp][] = [
  [/\.json$/, /(?<="(seconds|etag|mtime)": )("[^"]*"|[\d.e+-]+)/g],
  [/\/readiness\.json$/, /(?<="(actual|detail)": )("[^"]*"|[\d.e+-]+)/g],
  // Pages tell what is measured among numbers that stand in other objects too.
  [/\.html$/, /\d+(\.\d+)?/g],
];

/**
 * All that lies in the store below a folder, without what differs between two runs of the same work: ids, instants, digests of
 * what holds those, and what is measured with a clock. Tables and models are by their bytes, or by their rows where these hold ids.
 */
export async function storedObjects(folder: string): Promise<StoredObjects> {
  const root = join(folder, '.perdure', 'store');
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  const paths = entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    // What stages have in hand is no object.
    .filter((path) => !relative(root, path).startsWith('.scratch'));
  const known = (pattern: RegExp) => [...new Set(paths.flatMap((path) => path.match(pattern) ?? []))].sort();
  const [ids, uuids] = [known(IDS), known(UUIDS)];
  const named = (text: string) =>
    text
      .replaceAll(folder, 'folder')
      .replace(IDS, (id) => `id ${ids.indexOf(id) + 1}`)
      .replace(UUIDS, (id) => `run ${uuids.indexOf(id) + 1}`)
      .replace(INSTANTS, 'instant')
      .replace(SERVERS, 'server');
  const objects: StoredObjects = new Map();
  for (const path of paths.sort()) {
    const key = named(relative(root, path).split(sep).join('/'));
    objects.set(key, await contentOf(path, named));
  }
  return objects;
}

async function contentOf(path: string, named: (text: string) => string): Promise<string> {
  const bytes = await readFile(path);
  if (/\.(json|md|html)$/.test(path)) {
    const text = named(bytes.toString('utf8')).replace(DIGESTS, 'digest');
    return MEASURED.reduce((kept, [file, values]) => (file.test(path) ? kept.replace(values, 'measured') : kept), text);
  }
  if (path.endsWith('.parquet') && bytes.toString('latin1').search(IDS) >= 0) return sha256(named(await rowsOf(path)));
  return sha256(bytes);
}

/** The rows of a table, in their order, as text. */
async function rowsOf(path: string): Promise<string> {
  const scratch = await mkdtemp(join(tmpdir(), 'perdure-rows-'));
  const context = { resources: { cpus: 1, memory: 2 ** 30 }, scratch, signal: new AbortController().signal };
  return withDuckDb(context, async (database) =>
    JSON.stringify(await database.rows(`SELECT CAST(COLUMNS(*) AS VARCHAR) FROM read_parquet(${literal(path)})`)),
  );
}

/** In which objects two stores differ, a line each. */
export function differences(wanted: StoredObjects, found: StoredObjects): string[] {
  const keys = [...new Set([...wanted.keys(), ...found.keys()])].sort();
  return keys.flatMap((key) => {
    if (!found.has(key)) return [`missing: ${key}`];
    if (!wanted.has(key)) return [`more: ${key}`];
    return wanted.get(key) === found.get(key) ? [] : [`different: ${key}`];
  });
}
