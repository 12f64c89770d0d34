import { join } from 'node:path';
import { variables } from '../src/environment.js';
import { LmdbStore } from '../src/data/onlineStore/lmdbStore.js';
import type { OnlineRow, OnlineStore } from '../src/data/onlineStore/onlineStore.js';
import { RedisStore } from '../src/data/onlineStore/redisStore.js';
import { Mt19937 } from '../src/ml/mt19937.js';
import { FolderStore } from '../src/platform/storage/folderStore.js';
import type { Section } from './section.js';

const [ROWS, FEATURES, KEYS, LOOKUPS, BATCH] = [100_000, 20, 1_000, 50, 2_048];
/** Milliseconds. */
const AIM = 20;

/** Features of 1,000 keys, from the embedded store and from Redis. */
export const lookup: Section = {
  title: `Lookup of ${KEYS.toLocaleString('en-US')} keys among ${ROWS.toLocaleString('en-US')} of ${FEATURES} features (aim ${AIM} ms)`,
  async run(_pipeline, folder, tell) {
    const url = variables().REDIS_URL;
    const stores: [string, OnlineStore][] = [
      ['embedded', new LmdbStore(new FolderStore(join(folder, 'datamart')), join(folder, 'scratch'))],
      ...(url ? [['Redis', await RedisStore.open(url, `bench-${process.pid}`)] as [string, OnlineStore]] : []),
    ];
    const lines: string[] = [];
    for (const [name, store] of stores) {
      tell(name);
      lines.push(`${name.padEnd(9)} ${await measured(store)}`);
      await store.close();
    }
    return url ? lines : [...lines, 'Redis     not measured: REDIS_URL names none'];
  },
};

async function measured(store: OnlineStore): Promise<string> {
  const written = performance.now();
  const features = { version: 'bench', written_at: new Date().toISOString(), expires_at: null, rows: ROWS };
  await store.write(features, batches());
  const seconds = (performance.now() - written) / 1000;

  const random = new Mt19937(1);
  const times: number[] = [];
  for (let i = 0; i < LOOKUPS; i++) {
    const keys = Array.from({ length: KEYS }, () => keyOf(random.integer(ROWS - 1)));
    const began = performance.now();
    const found = (await store.lookup(features.version, keys)).map((text) => JSON.parse(text!) as unknown);
    times.push(performance.now() - began);
    if (found.length !== KEYS) throw new Error(`${found.length} keys were found of ${KEYS}.`);
  }
  times.sort((a, b) => a - b);
  const at = (share: number) => times[Math.floor(share * (LOOKUPS - 1))]!.toFixed(1);
  return `median ${at(0.5)} ms, 95th percentile ${at(0.95)} ms, the first ones included; written in ${seconds.toFixed(1)} s`;
}

async function* batches(): AsyncIterable<OnlineRow[]> {
  for (let start = 0; start < ROWS; start += BATCH)
    yield Array.from({ length: Math.min(BATCH, ROWS - start) }, (_, i): OnlineRow => {
      const row = start + i;
      const features = Array.from({ length: FEATURES }, (_, feature) => [
        `feature_${feature}`,
        (row * (feature + 7)) % 1_000,
      ]);
      return [keyOf(row), JSON.stringify(Object.fromEntries(features))];
    });
}

function keyOf(row: number): string {
  return `customer-${row}`;
}
