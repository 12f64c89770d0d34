import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import { packageFolder } from '../../src/package.js';
import { documentKinds } from '../../src/platform/storage/documents.js';
import { anyDocument } from './anyDocument.js';

/** A JSON file, and the kinds of documents that take it for one of theirs. */
export interface LeftDocument {
  file: string;
  /** The number of its format, where it has one. */
  format: unknown;
  kinds: string[];
}

/** Every JSON file below a folder, but for copies of a pipeline's configuration, by every kind that the sources define. */
export async function documentsLeft(folder: string): Promise<LeftDocument[]> {
  await loadAllKinds();
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.json'))
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => !file.includes('/.scratch/'))
    .sort()
    .map((file) => {
      const { $sha256: _, ...value } = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
      return { file: relative(folder, file), format: value.format, kinds: kindsOf(value) };
    });
}

function kindsOf(value: object): string[] {
  return documentKinds().flatMap((kind) => {
    // Other tests of this process may have loaded it.
    if (kind.name === anyDocument.name) return [];
    try {
      kind.unpack(value, 'here');
      return [kind.name];
    } catch {
      return [];
    }
  });
}

/** Of changed copies too, in which `npm run mutation` has put a condition before what `document(` is given. */
async function loadAllKinds(): Promise<void> {
  const sources = join(packageFolder(), 'src');
  for (const entry of readdirSync(sources, { recursive: true, withFileTypes: true })) {
    const file = join(entry.parentPath, entry.name);
    if (entry.isFile() && file.endsWith('.ts') && /\bdocument\(/.test(readFileSync(file, 'utf8')))
      await import(pathToFileURL(file).href);
  }
}
