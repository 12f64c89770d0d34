import { beforeEach, describe, expect, test, vi } from 'vitest';
import { PerdureError } from '../../src/errors.js';
import { FolderStore } from '../../src/platform/storage/folderStore.js';
import {
  importanceNotes,
  importanceShift,
  shiftInWords,
  versionImportance,
  type VersionImportance,
} from '../../src/registry/importance.js';
import { importanceChange } from '../../src/registry/importanceHistory.js';
import { versionKey, versionMetadata } from '../../src/registry/versions.js';
import { writeJson } from '../support/anyDocument.js';
import { temporaryFolder } from '../support/temporaryFolder.js';
import { versionMetadataOf } from '../support/wholeDocuments.js';

const importance = (shap: Record<string, number>): VersionImportance => ({
  features: Object.entries(shap).map(([feature, value]) => ({ feature, shap: value, permutation: null, gain: null })),
  shap: { split: 'test', rows: 200 },
  permutation: { not_measured: 'off' },
  gain: { not_measured: 'none' },
});

describe('from version to version', () => {
  test('shares are compared, the largest change first, with the order of all of them', () => {
    const shift = importanceShift(importance({ a: 5, b: 3, c: 2 }), importance({ a: 2, b: 3, d: 5 }))!;
    expect(shift.kind).toBe('shap');
    expect(shift.features.map(({ feature }) => feature)).toEqual(['d', 'a', 'c', 'b']);
    expect(shift.features[0]).toEqual({ feature: 'd', before: null, after: 0.5, change: 0.5 });
    // Ranks 4 3 2 1 and 2 3 1 4: 1 - 6 (4 + 0 + 1 + 9) / 60.
    expect(shift.rank_correlation).toBeCloseTo(-0.4, 12);
    expect(shiftInWords(shift, 2)).toBe(
      'the rank correlation of the features is -0.40 (Spearman) by mean |SHAP|; of the shares most changed: d from none to 50.0%, a from 50.0% to 20.0%',
    );
  });

  test('nothing is compared that one of them was not measured by', () => {
    const unmeasured = { ...importance({ a: 1 }), shap: { not_measured: 'too large' } };
    expect(importanceShift(unmeasured, importance({ a: 1 }))).toBeUndefined();
    expect(importanceShift(importance({ a: 1 }), unmeasured)).toBeUndefined();
  });

  test('the next kind that both have is compared where one is not, or where nothing is important by it', () => {
    const permuted = (a: number, b: number, of = importance({ a: 0, b: 0 })): VersionImportance => ({
      ...of,
      features: of.features.map((feature, i) => ({ ...feature, permutation: { mean: [a, b][i]!, std: 0 } })),
      permutation: { split: 'test', rows: 200, metric: 'roc_auc', baseline: 0.8, repeats: 5 },
    });
    // What makes a model better when it is shuffled has no share.
    expect(importanceShift(permuted(0.3, 0.1), permuted(0.2, -0.5))).toEqual({
      kind: 'permutation',
      rank_correlation: 1,
      features: [
        {
          feature: 'a',
          before: expect.closeTo(0.75, 12) as number,
          after: 1,
          change: expect.closeTo(0.25, 12) as number,
        },
        {
          feature: 'b',
          before: expect.closeTo(0.25, 12) as number,
          after: 0,
          change: expect.closeTo(-0.25, 12) as number,
        },
      ],
    });
  });

  test('nothing is compared by a kind by which all is unimportant in one of them, before or after', () => {
    const [none, some] = [importance({ a: 0 }), importance({ a: 1 })];
    expect(importanceShift(none, some)).toBeUndefined();
    expect(importanceShift(some, none)).toBeUndefined();
  });

  test('an order that one of the two has not can not be compared', () => {
    const [alike, falling] = [importance({ a: 1, b: 1 }), importance({ a: 3, b: 1 })];
    expect(importanceShift(alike, falling)!.rank_correlation).toBeNull();
    expect(importanceShift(falling, alike)!.rank_correlation).toBeNull();
  });

  test('what has not changed, and what has no order, is told so', () => {
    const same = importanceShift(importance({ a: 1, b: 1 }), importance({ a: 1, b: 1 }))!;
    expect(shiftInWords(same)).toBe("the order of the features can't be compared by mean |SHAP|; no share has changed");
  });
});

test('how each kind was measured is told, or why it was not', () => {
  expect(importanceNotes({ ...importance({}), permutation: { not_measured: 'Of 2.5 GiB. It is off.' } })).toEqual([
    'Mean |SHAP| is by how much a feature moves the score of a row, before calibration, on the average of 200 rows of test',
    'Permutation importance was not measured: Of 2.5 GiB. It is off',
    'Gain was not measured: none',
  ]);
  const others = importanceNotes({
    features: [],
    shap: { not_measured: 'It is too large.' },
    permutation: { split: 'validation', rows: 1, metric: 'rmse', baseline: 2.5, repeats: 5 },
    gain: { total: 3 },
  });
  expect(others).toEqual([
    'Mean |SHAP| was not measured: It is too large',
    'Permutation importance is by how much rmse, 2.5 on 1 row of validation, gets worse when the values of a feature change places: mean and standard deviation of 5 times',
    'Gain is what the splits by a feature gained in training, in the units of the library',
  ]);
});

describe('what a version is compared with', () => {
  let registry: FolderStore;
  beforeEach(() => {
    registry = new FolderStore(temporaryFolder());
  });
  const ref = (version: string) => ({ algorithm: 'xgboost', version });
  const register = async (version: string, measured?: VersionImportance) => {
    const { checksum } = measured
      ? await versionImportance.write(registry, versionKey(ref(version), 'importance.json'), measured)
      : { checksum: undefined };
    const metadata = versionMetadataOf(ref(version), checksum ? { files: { 'importance.json': checksum } } : {});
    await versionMetadata.write(registry, versionKey(ref(version), 'metadata.json'), metadata);
  };
  const change = () => importanceChange(registry, ref('v2'), importance({ a: 1, b: 3 }));

  test('is the newest that is older', async () => {
    await register('v0', importance({ a: 1, b: 1 }));
    await register('v1', importance({ a: 3, b: 1 }));
    await register('v2', importance({ a: 1, b: 3 }));
    await register('v3', importance({ a: 1, b: 1 }));
    expect(await change()).toMatchObject({ before: ref('v1'), kind: 'shap', rank_correlation: -1 });
  });

  test('is nothing for the first', async () => {
    await register('v2', importance({ a: 1, b: 3 }));
    expect(await change()).toBeUndefined();
  });

  test('is told where it has no importance, or none of the same kind', async () => {
    await register('v0');
    expect(await importanceChange(registry, ref('v1'), importance({ a: 1 }))).toEqual({
      before: ref('v0'),
      unknown: 'it was made by an earlier release, which measured no importance',
    });
    await register('v1', { ...importance({ a: 1 }), shap: { not_measured: 'It is too large.' } });
    expect(await change()).toEqual({
      before: ref('v1'),
      unknown: 'the two have no kind of importance in common',
    });
  });

  test('is told where it is damaged', async () => {
    await register('v1', importance({ a: 3, b: 1 }));
    await registry.put(versionKey(ref('v1'), 'importance.json'), '{}');
    expect(await change()).toEqual({
      before: ref('v1'),
      unknown: expect.stringMatching(
        /importance\.json .*; restore it, promote another version, or train again$/,
      ) as string,
    });
  });

  test('is told where a newer release wrote it', async () => {
    await register('v1', importance({ a: 3, b: 1 }));
    await writeJson(registry, versionKey(ref('v1'), 'metadata.json'), { format: 99 });
    // The index knows it from before.
    await writeJson(registry, 'model_registry/xgboost/versions.json', {
      versions: [{ ...ref('v1'), training_date: '', cv_score: null, model_checksum: '' }],
    });
    expect(await change()).toEqual({
      before: ref('v1'),
      unknown: expect.stringMatching(/was written by a newer Perdure .*: use that one, or another store$/) as string,
    });
  });

  test('is waited for where the store is away', async () => {
    await register('v1', importance({ a: 3, b: 1 }));
    const away = new PerdureError('StoreUnavailable', 'The store is away.');
    const get = registry.get.bind(registry);
    vi.spyOn(registry, 'get').mockImplementation((key) =>
      key.endsWith('importance.json') ? Promise.reject(away) : get(key),
    );
    await expect(change()).rejects.toBe(away);
  });
});
