import { beforeEach, describe, expect, it } from 'vitest';
import type { OnlineFeatures, OnlineRow, OnlineStore } from '../../src/data/onlineStore/onlineStore.js';

export const features = (version: string, expires_at: string | null = null): OnlineFeatures => ({
  version,
  written_at: '2020-06-01T00:00:00.000Z',
  expires_at,
  rows: 2,
});

/** Batches of rows, as they come from a query. */
export async function* batches(...all: OnlineRow[][]): AsyncIterable<OnlineRow[]> {
  for (const batch of all) yield await Promise.resolve(batch);
}

/** Rows whose source fails after the first of them. */
export async function* broken(): AsyncIterable<OnlineRow[]> {
  yield await Promise.resolve([['a', 'half']] satisfies OnlineRow[]);
  throw new Error('the rows ended early');
}

/**
 * Tests of what every online store does.
 * @param opener gives, for each test, what opens one and the same store time and again
 */
export function testOnlineStore(kind: string, opener: () => () => Promise<OnlineStore>): void {
  describe(`an online store: ${kind}`, () => {
    let open: () => Promise<OnlineStore>;
    beforeEach(() => {
      open = opener();
    });

    it('has nothing before it is written, and then what was written, for every reader', async () => {
      const [writer, reader] = [await open(), await open()];
      expect(await writer.current()).toBeUndefined();
      expect(await reader.current()).toBeUndefined();
      const written = features('one');
      await writer.write(
        written,
        batches(
          [],
          [
            ['a', '{"x":1}'],
            ['ü "1"', '2'],
          ],
          [],
          [['c', '3']],
        ),
      );
      for (const store of [writer, reader]) {
        expect(await store.current()).toEqual(written);
        expect(await store.lookup('one', ['c', 'nobody', 'ü "1"', 'a', 'c'])).toEqual([
          '3',
          undefined,
          '2',
          '{"x":1}',
          '3',
        ]);
        expect(await store.lookup('one', [])).toEqual([]);
        await store.close();
      }
    });

    it('changes to another version whole, and lookups of the one before still find it', async () => {
      const store = await open();
      await store.write(
        features('one'),
        batches([
          ['a', '1'],
          ['b', '1'],
        ]),
      );
      expect(await store.lookup('one', ['a'])).toEqual(['1']);
      await store.write(features('two'), batches([['a', '2']]));
      expect(await store.current()).toEqual(features('two'));
      expect(await store.lookup('two', ['a', 'b'])).toEqual(['2', undefined]);
      expect(await store.lookup('one', ['a', 'b'])).toEqual(['1', '1']);
      expect(await store.lookup('two', ['a'])).toEqual(['2']);
      await store.close();
    });

    it('stays as it is where the rows of another version end early', async () => {
      const store = await open();
      await store.write(features('one'), batches([['a', '1']]));
      await expect(store.write(features('two'), broken())).rejects.toThrow('the rows ended early');
      expect(await store.current()).toEqual(features('one'));
      expect(await store.lookup('one', ['a'])).toEqual(['1']);
      await store.write(features('two'), batches([['a', '2']]));
      expect(await store.lookup('two', ['a'])).toEqual(['2']);
      await store.close();
    });

    it('takes a version anew, with another time to live', async () => {
      const store = await open();
      await store.write(features('one'), batches([['a', '1']]));
      const longer = features('one', '2999-01-01T00:00:00.000Z');
      await store.write(longer, batches([['a', '1']]));
      expect(await store.current()).toEqual(longer);
      expect(await store.lookup('one', ['a'])).toEqual(['1']);
      await store.close();
      await store.close();
    });
  });
}
