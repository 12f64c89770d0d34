import { listOf } from '../contracts/counts.js';
import { loadPipeline } from '../config/load.js';
import { PerdureError } from '../errors.js';
import { openFeatureStore } from '../data/onlineStore/featureStore.js';
import type { CommonOptions } from './options.js';
import { readStore } from './store.js';
import { table } from './table.js';
import { countOf, print, printJson, say } from './terminal.js';

/** Features of some keys, a column per key. Throws as {@link openFeatureStore}. */
export async function showFeatures(name: string, keys: string[], options: CommonOptions): Promise<void> {
  const { keys: columns } = (await loadPipeline(name)).definition;
  const asked = keys.map((key) => (columns.length === 1 ? [key] : parsed(key, columns)));
  const store = await openFeatureStore(name, await readStore(options));
  try {
    const { rows, features } = await store.lookup(asked);
    if (options.json) return printJson({ ...features, features: rows });
    const absent = keys.filter((_, i) => rows[i] === null);
    if (absent.length < keys.length) {
      const shown = rows.flatMap((row, i) => (row ? [{ key: keys[i]!, row }] : []));
      const names = Object.keys(shown[0]!.row);
      print(
        table(
          ['feature', ...shown.map(({ key }) => key)],
          names.map((feature) => [feature, ...shown.map(({ row }) => textOf(row[feature]))]),
        ),
      );
    }
    say(
      `Version ${features.version} of ${countOf(features.rows, 'row')}, written ${features.written_at}${features.expires_at === null ? '' : `, good until ${features.expires_at}`}.`,
    );
    if (absent.length > 0)
      throw new PerdureError(
        'NotFound',
        `There are no features of ${listOf(absent)}; correct the ${absent.length > 1 ? 'keys' : 'key'}, or process data that ${absent.length > 1 ? 'have them' : 'has it'}.`,
      );
  } finally {
    await store.close();
  }
}

function textOf(value: string | number | boolean | null | undefined): string {
  return value === null || value === undefined ? '-' : String(value);
}

function parsed(key: string, columns: string[]): string[] {
  try {
    const values: unknown = JSON.parse(key);
    if (Array.isArray(values) && values.length === columns.length) return values.map(String);
  } catch {
    // Told below, as is an array of another length.
  }
  throw new PerdureError(
    'InputInvalid',
    `The key ${JSON.stringify(key)} is no JSON array of ${columns.join(', ')}; give one such as '${JSON.stringify(columns.map(() => '...'))}'.`,
  );
}
