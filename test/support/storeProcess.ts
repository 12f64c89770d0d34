// node storeProcess.js <place as JSON> <scratch> <what> <arguments...>
// Uses a bucket from a process of its own, and tells its result and its peak memory as a line of JSON.
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { updateJson } from './anyDocument.js';
import type { ObjectStore } from '../../src/platform/storage/objectStore.js';
import { openBucket, type BucketPlace } from './buckets.js';

const [place, scratch, what, ...rest] = process.argv.slice(2) as [string, string, string, ...string[]];

const ACTIONS: Record<string, (store: ObjectStore, ...args: string[]) => Promise<unknown>> = {
  upload: (store, file, key) => store.upload(file, key),

  async checksumOf(store, key, checksum) {
    const path = await store.localFile(key, checksum);
    const hash = createHash('sha256');
    await pipeline(createReadStream(path), hash);
    return hash.digest('hex');
  },

  /** Takes numbers from a counter, one at a time; those it got. */
  async count(store, key, times) {
    const taken: number[] = [];
    for (let i = 0; i < Number(times); i++) {
      const next = await updateJson<{ value: number }>(store, key, (current) => ({ value: (current?.value ?? 0) + 1 }));
      taken.push(next!.value);
    }
    return taken;
  },

  /** Writes an object over and over, each time whole of another byte, until it is killed. */
  async overwrite(store, key, bytes) {
    for (let value = 1; ; value = (value % 255) + 1) {
      const body = Buffer.alloc(Number(bytes), value);
      if (value % 2) {
        await store.put(key, body);
      } else {
        const file = join(scratch, 'next');
        await writeFile(file, body);
        await store.upload(file, key);
      }
    }
  },
};

const result = await ACTIONS[what]!(openBucket(JSON.parse(place) as BucketPlace, scratch), ...rest);
// Kibibytes, as getrusage(2) tells them on Linux.
console.log(JSON.stringify({ result, peakMemory: process.resourceUsage().maxRSS * 1024 }));
