import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeEach, describe, expect, test, vi } from 'vitest';
import type { LayerResult, Progress } from '../../src/contracts/index.js';
import {
  layerManifest,
  manifestKey,
  type LayerManifest,
  type LayerName,
  type PartitionEntry,
  type StoredTable,
} from '../../src/data/layers.js';
import { LayerWriter, type BuiltTable } from '../../src/data/layerWriter.js';
import { refine, type Refinement } from '../../src/data/refine.js';
import { sha256 } from '../../src/platform/storage/checksum.js';
import { FolderStore } from '../../src/platform/storage/folderStore.js';
import { RESOURCES } from '../support/medallion.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

const folder = temporaryFolder(afterAll);
let store: FolderStore;
beforeEach(() => {
  store = new FolderStore(mkdtempSync(join(folder, 'store-')));
});

type Table = StoredTable['table'];
const keyOf = (table: Table, partition: string) => `${table}/${partition}.parquet`;
/** What a table with this text is stored as. */
const storedOf = (table: Table, partition: string, text: string): StoredTable => ({
  table,
  key: keyOf(table, partition),
  checksum: sha256(text),
  size: text.length,
  rows: 4,
});
const put = (table: Table, partition: string, text: string) => store.put(keyOf(table, partition), text);
let files = 0;
/** The same, on its way into the store. */
function builtOf(table: Table, partition: string, text: string): BuiltTable {
  const path = join(folder, `${files++}.built`);
  writeFileSync(path, text);
  return { table, key: keyOf(table, partition), path, rows: 4 };
}
const entryOf = (inputs: string, ...objects: StoredTable[]): PartitionEntry => ({ inputs, objects });
const writeManifest = (layer: LayerName, manifest: LayerManifest) =>
  layerManifest.write(store, manifestKey(layer), manifest);
const manifestOf = (layer: LayerName) => layerManifest.read(store, manifestKey(layer));
const textOf = async (key: string) => Buffer.from((await store.get(key))!.body).toString();

describe('a writer of a layer', () => {
  test('writes objects and then their entries, in the order of names, with all that is said of them', async () => {
    const writer = await LayerWriter.open(store, 'silver');
    expect(writer.manifest).toEqual({ partitions: {} });
    const kept = storedOf('label_store', '2020_02', 'kept');
    const entry = await writer.write('2020_02', 'i', [builtOf('silver', '2020_02', 'two')], {
      kept: [kept],
      dropped: { a: 3 },
      recipe: 'r',
    });
    const expected = { ...entryOf('i', storedOf('silver', '2020_02', 'two'), kept), dropped: { a: 3 }, recipe: 'r' };
    expect(entry).toEqual(expected);
    expect(await textOf(keyOf('silver', '2020_02'))).toBe('two');
    // There is a manifest from the first object on, without what is not known to be whole.
    expect(await manifestOf('silver')).toEqual({ partitions: {} });
    const first = await writer.write('2020_01', 'j', [builtOf('silver', '2020_01', 'one')]);
    await writer.commit({ keys: 'k' });
    const { partitions, keys } = (await manifestOf('silver'))!;
    expect([Object.entries(partitions), keys]).toEqual([
      [
        ['2020_01', first],
        ['2020_02', expected],
      ],
      'k',
    ]);
    await writer.commit({ keys: 'l' });
    expect(await manifestOf('silver')).toEqual({ partitions, keys: 'l' });
  });

  test('writes no manifest where there is nothing to say', async () => {
    await (await LayerWriter.open(store, 'silver')).commit();
    expect(await manifestOf('silver')).toBeUndefined();
  });

  test('says what is written within half a second, and not each time', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    try {
      const writer = await LayerWriter.open(store, 'silver');
      await writer.commit({ keys: 'k' });
      const seen = async () => Object.keys((await manifestOf('silver'))!.partitions);
      const note = (name: string) => writer.note(name, entryOf('i'));
      vi.advanceTimersByTime(499);
      await note('2020_01');
      expect(await seen()).toEqual([]);
      vi.advanceTimersByTime(1);
      await note('2020_02');
      expect(await seen()).toEqual(['2020_01', '2020_02']);
      await note('2020_03');
      expect(await seen()).toEqual(['2020_01', '2020_02']);
      vi.advanceTimersByTime(500);
      await note('2020_04');
      expect(await seen()).toEqual(['2020_01', '2020_02', '2020_03', '2020_04']);
    } finally {
      vi.useRealTimers();
    }
  });

  test('knows which partitions lie there as they were written', async () => {
    const partitions = ['whole', 'cut', 'changed', 'gone'].map((name, i): [string, PartitionEntry] => [
      `2020_0${i + 1}`,
      entryOf(name, storedOf('feature_store', `2020_0${i + 1}`, name), storedOf('label_store', `2020_0${i + 1}`, 'l')),
    ]);
    await writeManifest('gold', { partitions: Object.fromEntries(partitions) });
    for (const [name, { inputs }] of partitions) {
      await put('feature_store', name, inputs);
      await put('label_store', name, 'l');
    }
    await put('feature_store', '2020_02', 'cu');
    await put('feature_store', '2020_03', 'another');
    // As long as what was written.
    await put('label_store', '2020_03', 'm');
    rmSync(fileURLToPath(store.uri(keyOf('feature_store', '2020_04'))));
    const writer = await LayerWriter.open(store, 'gold');
    expect(partitions.map(([name]) => writer.intact(name)?.inputs)).toEqual(['whole', undefined, undefined, undefined]);
    expect(writer.intact('2020_05')).toBeUndefined();
    const [whole, changed] = [partitions[0]![1], partitions[2]![1]];
    expect(whole.objects.map((object) => writer.isWhole(object))).toEqual([true, true]);
    expect(changed.objects.map((object) => writer.isWhole(object))).toEqual([false, false]);
    expect(writer.isWhole({ ...whole.objects[0]!, checksum: sha256('other') })).toBe(false);
  });

  test('takes a manifest that is lost from where it is told to, and keeps it when it writes', async () => {
    await put('silver', '2020_01', 'one');
    const recovered = { partitions: { '2020_01': entryOf('i', storedOf('silver', '2020_01', 'one')) } };
    await store.put(manifestKey('silver'), '{"parti');
    const writer = await LayerWriter.open(store, 'silver', async () => recovered);
    expect(writer.intact('2020_01')).toEqual(recovered.partitions['2020_01']);
    const entry = await writer.write('2020_02', 'j', [builtOf('silver', '2020_02', 'two')]);
    await writer.commit();
    expect(await manifestOf('silver')).toEqual({ partitions: { ...recovered.partitions, '2020_02': entry } });
    expect((await LayerWriter.open(store, 'gold')).manifest).toEqual({ partitions: {} });
  });

  test('says what is about to be written over what there is, and nothing where there is nothing', async () => {
    const before = entryOf('i', storedOf('feature_store', '2020_01', 'old'));
    await put('feature_store', '2020_01', 'old');
    await writeManifest('gold', { partitions: { '2020_01': before } });
    const writer = await LayerWriter.open(store, 'gold');
    const past = { from: '2020-01-01T00:00:00.000Z' };
    const kept = [storedOf('feature_history', '2020_01', 'h')];
    await writer.announce('2020_01', 'j', [builtOf('feature_store', '2020_01', 'newer')], { kept, past });
    const next = { inputs: 'j', objects: [...kept, storedOf('feature_store', '2020_01', 'newer')] };
    expect(await manifestOf('gold')).toEqual({ partitions: { '2020_01': { ...before, next: { ...next, past } } } });
    expect(await textOf(keyOf('feature_store', '2020_01'))).toBe('old');
    await writer.announce('2020_01', 'j', [builtOf('feature_store', '2020_01', 'newer')], {});
    expect((await manifestOf('gold'))!.partitions['2020_01']!.next).toEqual({
      ...next,
      objects: next.objects.slice(1),
    });
    await writer.announce('2020_02', 'j', [builtOf('feature_store', '2020_02', 'new')], {});
    expect(Object.keys((await manifestOf('gold'))!.partitions)).toEqual(['2020_01']);
  });
});

describe('where a writer of gold died, a partition is what lies there', () => {
  const version = (until: string, checksum: string) => ({ until, checksum });
  const NAME = '2020_01';
  const old = (table: Table) => storedOf(table, NAME, `old ${table}`);
  const next = (table: Table) => storedOf(table, NAME, `next ${table}`);
  const [was, is] = [[version('2020-01-01T00:00:00.000Z', 'a')], [version('2020-02-01T00:00:00.000Z', 'b')]];
  const entry: PartitionEntry = {
    inputs: 'before',
    objects: [old('feature_store'), old('label_store'), old('label_history')],
    recipe: 'r',
    past: { label_store: was },
    next: {
      inputs: 'after',
      objects: [next('feature_store'), next('feature_history'), next('label_store'), next('label_history')],
      past: { feature_store: is, label_store: is },
    },
  };
  type Lies = 'old' | 'next' | 'neither';

  test.each<[Lies, Lies, object]>([
    ['old', 'old', { inputs: 'before', objects: entry.objects, past: entry.past }],
    ['neither', 'neither', { inputs: 'before', objects: entry.objects, past: entry.past }],
    ['next', 'next', { inputs: 'after', objects: entry.next!.objects, past: entry.next!.past }],
    [
      'next',
      'old',
      {
        inputs: '',
        objects: [next('feature_store'), next('feature_history'), old('label_store'), old('label_history')],
        past: { feature_store: is, label_store: was },
      },
    ],
    [
      'old',
      'next',
      {
        inputs: '',
        objects: [old('feature_store'), next('label_store'), next('label_history')],
        past: { label_store: is },
      },
    ],
  ])('features of %s, labels of %s', async (features, labels, expected) => {
    for (const [table, lies] of [
      ['feature_store', features],
      ['label_store', labels],
    ] as const)
      await put(table, NAME, `${lies} ${table}`);
    const other = entryOf('other', old('feature_store'));
    await writeManifest('gold', { partitions: { [NAME]: entry, '2020_02': other }, keys: 'k' });
    const writer = await LayerWriter.open(store, 'gold');
    expect(writer.manifest).toEqual({
      partitions: { [NAME]: { recipe: 'r', ...expected }, '2020_02': other },
      keys: 'k',
    });
    // What is found so is not what the stored manifest says yet.
    expect([NAME, '2020_02'].map((name) => writer.isNoted(name, writer.manifest.partitions[name]!))).toEqual([
      false,
      true,
    ]);
  });

  test('one table that stays as it was counts as written', async () => {
    await put('feature_store', NAME, 'old feature_store');
    await put('label_store', NAME, 'next label_store');
    const objects = [old('feature_store'), next('label_store')];
    await writeManifest('gold', {
      partitions: {
        [NAME]: { ...entryOf('before', old('feature_store'), old('label_store')), next: { inputs: 'after', objects } },
      },
    });
    expect((await LayerWriter.open(store, 'gold')).manifest.partitions[NAME]).toEqual({
      inputs: 'after',
      objects,
      past: {},
    });
  });
});

describe('a layer that is made of another', () => {
  const MONTHS = ['2020_01', '2020_02', '2020_03'];
  beforeEach(async () => {
    const partitions: LayerManifest['partitions'] = {};
    for (const name of MONTHS) {
      await put('bronze', name, `raw ${name}`);
      partitions[name] = entryOf('i', storedOf('bronze', name, `raw ${name}`));
    }
    await writeManifest('bronze', { partitions });
  });
  const context = (more: { signal?: AbortSignal; report?: (progress: Progress) => void } = {}) => ({
    resources: RESOURCES,
    scratch: mkdtempSync(join(folder, 'scratch-')),
    signal: new AbortController().signal,
    report: () => {},
    ...more,
  });
  const asked = (partitions: string[], dryRun?: boolean) => ({
    pipeline: 'p',
    run: { workflowId: 'w', runId: 'r', startedAt: '2020-01-01T00:00:00Z' },
    partitions,
    ...(dryRun !== undefined && { dryRun }),
  });
  const silverOf = (version: string, more: Partial<Refinement> = {}): Refinement => ({
    layer: 'silver',
    from: { layer: 'bronze', table: 'bronze' },
    inputs: (partition, checksum) => `${version} ${partition} ${checksum}`,
    check: async () => {},
    build: async (_database, partition) => ({ tables: [builtOf('silver', partition, `${version} of ${partition}`)] }),
    ...more,
  });
  const counts = ({ written, unchanged }: Omit<LayerResult, 'rows'>) => ({ written, unchanged });
  const namesIn = async (layer: LayerName) => Object.keys((await manifestOf(layer))!.partitions);

  test('is made where its inputs are others or its file is lost; what is made of is looked at once', async () => {
    const reported: Progress[] = [];
    const [checked, built]: [string[], string[][]] = [[], []];
    const at = context({ report: (progress) => reported.push(progress) });
    const looking = silverOf('a', {
      check: async (_database, file) => void checked.push(file),
      build: async (_database, partition, file, scratch) => {
        built.push([partition, file, scratch]);
        return { tables: [builtOf('silver', partition, `a of ${partition}`)], dropped: { odd: 1 } };
      },
    });
    const result = await refine(at, store, asked(MONTHS), looking);
    expect(counts(result)).toEqual({ written: MONTHS, unchanged: [] });
    const pathOf = (name: string) => fileURLToPath(store.uri(keyOf('bronze', name)));
    expect(checked).toEqual([pathOf('2020_01')]);
    expect(built).toEqual(MONTHS.map((name) => [name, pathOf(name), at.scratch]));
    expect(reported).toEqual([1, 2, 3].map((done) => ({ what: 'partitions', done, total: 3 })));
    const entry = (name: string) => ({
      inputs: `a ${name} ${sha256(`raw ${name}`)}`,
      objects: [storedOf('silver', name, `a of ${name}`)],
      dropped: { odd: 1 },
    });
    expect(result.entries).toEqual(MONTHS.map(entry));
    expect((await manifestOf('silver'))!.partitions).toEqual(
      Object.fromEntries(MONTHS.map((name) => [name, entry(name)])),
    );

    rmSync(fileURLToPath(store.uri(keyOf('silver', '2020_02'))));
    reported.length = 0;
    const again = await refine(at, store, asked(MONTHS), silverOf('a'));
    expect(counts(again)).toEqual({ written: ['2020_02'], unchanged: ['2020_01', '2020_03'] });
    expect(reported).toEqual([{ what: 'partitions', done: 3, total: 3 }]);
    expect(counts(await refine(at, store, asked(['2020_03']), silverOf('b')))).toEqual({
      written: ['2020_03'],
      unchanged: [],
    });
    expect(await textOf(keyOf('silver', '2020_03'))).toBe('b of 2020_03');
    // Where nothing is to do, nothing is written, and the manifest not again.
    const put = vi.spyOn(store, 'put');
    expect(counts(await refine(at, store, asked(MONTHS.slice(0, 2)), silverOf('a'))).unchanged).toHaveLength(2);
    expect(put).not.toHaveBeenCalled();
  });

  test('is left as it is by a dry run, which tells what is up to date', async () => {
    const dry = await refine(context(), store, asked(MONTHS, true), silverOf('a'));
    expect(dry).toEqual({ written: [], unchanged: [], entries: [] });
    expect(await manifestOf('silver')).toBeUndefined();
    await refine(context(), store, asked(MONTHS.slice(0, 2)), silverOf('a'));
    const seen = await refine(context(), store, asked(MONTHS, true), silverOf('a'));
    expect(counts(seen)).toEqual({ written: [], unchanged: MONTHS.slice(0, 2) });
    expect(seen.entries.map(({ objects }) => objects[0]!.key)).toEqual(
      MONTHS.slice(0, 2).map((name) => keyOf('silver', name)),
    );
  });

  test('of a partition that is not there is refused, before any is made', async () => {
    await expect(refine(context(), store, asked(['2020_01', '2020_09']), silverOf('a'))).rejects.toMatchObject({
      type: 'NotFound',
      message: 'bronze holds no partition 2020_09; run data processing with a source that has it.',
    });
    expect(await manifestOf('silver')).toBeUndefined();
  });

  test('may have partitions that are not written, which say nothing of a beginning', async () => {
    const begun: [LayerManifest, string[]][] = [];
    const refinement = silverOf('a', {
      begin: (manifest, partitions) => {
        begun.push([structuredClone(manifest), partitions]);
        return { began: { at: '2020-04-01T00:00:00.000Z', partitions } };
      },
      build: async (_database, partition) =>
        partition === '2020_01' ? undefined : { tables: [builtOf('silver', partition, partition)] },
    });
    expect(counts(await refine(context(), store, asked(['2020_01']), refinement))).toEqual({
      written: [],
      unchanged: [],
    });
    expect(begun).toEqual([]);
    const result = await refine(context(), store, asked(MONTHS), refinement);
    expect(counts(result)).toEqual({ written: ['2020_02', '2020_03'], unchanged: [] });
    expect(result.entries).toHaveLength(2);
    // All that there is to make is told, and once.
    expect(begun).toEqual([[{ partitions: {} }, MONTHS]]);
    expect((await manifestOf('silver'))!.began).toEqual({ at: '2020-04-01T00:00:00.000Z', partitions: MONTHS });
  });

  test('notes of what is up to date what is not said there yet, which a dry run counts as work', async () => {
    await refine(context(), store, asked(MONTHS), silverOf('a'));
    const named = silverOf('a', {
      amend: (entry) => (entry.recipe === 'r' ? undefined : { ...entry, recipe: 'r' }),
    });
    expect(counts(await refine(context(), store, asked(MONTHS, true), named))).toEqual({ written: [], unchanged: [] });
    expect((await manifestOf('silver'))!.partitions['2020_01']).not.toHaveProperty('recipe');
    expect(counts(await refine(context(), store, asked(MONTHS), named))).toEqual({ written: [], unchanged: MONTHS });
    const { partitions } = (await manifestOf('silver'))!;
    expect(MONTHS.map((name) => partitions[name]!.recipe)).toEqual(['r', 'r', 'r']);
    expect(counts(await refine(context(), store, asked(MONTHS, true), named))).toEqual({
      written: [],
      unchanged: MONTHS,
    });
  });

  test('keeps what was done before a failure, or before it was stopped', async () => {
    const failing = silverOf('a', {
      build: async (_database, partition) => {
        if (partition === '2020_02') throw new Error('no');
        return { tables: [builtOf('silver', partition, partition)] };
      },
    });
    await expect(refine(context(), store, asked(MONTHS), failing)).rejects.toThrow('no');
    expect(await namesIn('silver')).toEqual(['2020_01']);
    const stop = new AbortController();
    const stopped = context({ signal: stop.signal, report: () => stop.abort(new Error('stopped')) });
    await expect(refine(stopped, store, asked(MONTHS), silverOf('b'))).rejects.toThrow('stopped');
    const { partitions } = (await manifestOf('silver'))!;
    expect(Object.values(partitions).map(({ inputs }) => inputs)).toEqual([`b 2020_01 ${sha256('raw 2020_01')}`]);
  });

  test('says before what it writes where what lies there is wanted afterwards', async () => {
    await refine(context(), store, asked(['2020_01']), silverOf('a'));
    const upload = vi.spyOn(store, 'upload').mockRejectedValueOnce(new Error('died'));
    const announced = silverOf('b', {
      build: async (_database, partition, _file, _scratch, { manifest, isWhole }) => {
        const { objects } = manifest.partitions[partition]!;
        expect(objects.map(isWhole)).toEqual([true]);
        return { tables: [builtOf('silver', partition, 'b')], announced: true };
      },
    });
    await expect(refine(context(), store, asked(['2020_01']), announced)).rejects.toThrow('died');
    upload.mockRestore();
    const { next, inputs } = (await manifestOf('silver'))!.partitions['2020_01']!;
    expect(inputs).toBe(`a 2020_01 ${sha256('raw 2020_01')}`);
    expect(next).toEqual({
      inputs: `b 2020_01 ${sha256('raw 2020_01')}`,
      objects: [storedOf('silver', '2020_01', 'b')],
    });
  });
});
