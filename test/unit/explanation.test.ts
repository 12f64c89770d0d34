import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { explainModel } from '../../src/cli/versionImportance.js';
import { describeResults } from '../../src/cli/resultTables.js';
import type { ModelTrainingCompleted } from '../../src/contracts/index.js';
import { Mt19937 } from '../../src/ml/mt19937.js';
import type { ImportanceChange } from '../../src/registry/importanceHistory.js';
import { readCard, readVersion, readVersionFile, versionKey, versionMetadata } from '../../src/registry/versions.js';
import { createShortPipeline, type ShortPipeline } from '../support/shortPipeline.js';
import { temporaryFolder } from '../support/temporaryFolder.js';
import { tinyEngines } from '../support/tinyPipeline.js';

const folder = temporaryFolder(afterAll);
const engines = tinyEngines();
afterAll(() => engines.close());

const random = new Mt19937(21);
const uniform = () => (random.uint32() + 0.5) / 2 ** 32;
/** The place decides most, x a little, and nothing else does. */
const rows = Array.from({ length: 900 }, (_, i) => {
  const place = ['north', 'south', 'west'][Math.floor(3 * uniform())]!;
  const x = Math.round(uniform() * 1000) / 1000;
  const noise = Math.round(uniform() * 1000) / 1000;
  const score = (place === 'north' ? 2 : 0) + x + 0.6 * uniform();
  return { id: `r-${i}`, place, x: i % 11 === 0 ? '' : x, noise, day: `2020-01-0${1 + (i % 9)}`, score };
});
const csvOf = (label: (score: number) => string) =>
  [
    'id,place,x,noise,seen,y',
    ...rows.map((row) => `${row.id},${row.place},${row.x},${row.noise},${row.day},${label(row.score)}`),
  ].join('\n') + '\n';

const yesOrNo = (score: number) => (score > 1.3 ? 'yes' : 'no');

const DEFINITION = { source: 'rows.csv', key: 'id' };

describe('a version of two classes', () => {
  let pipeline: ShortPipeline;
  let training: ModelTrainingCompleted;
  let predicted: Record<string, unknown>[] = [];
  const algorithms = ['logistic_regression', 'random_forest', 'xgboost', 'lightgbm'];
  const importanceOf = (algorithm: string, { algorithms } = training) => {
    const trained = algorithms[algorithm]!;
    if (trained.status !== 'completed') throw new Error(trained.reason);
    const ref = { algorithm, version: trained.version };
    return readVersionFile(pipeline.stores.modelRegistry, ref, 'importance.json');
  };
  beforeAll(async () => {
    pipeline = await createShortPipeline(
      engines,
      folder,
      { ...DEFINITION, label: { column: 'y', positive: 'yes' } },
      { inference_config: { reasons: 2 }, training_config: { algorithms } },
    );
    await pipeline.process(csvOf(yesOrNo));
    training = await pipeline.train(algorithms);
  });

  test.each(algorithms)('of %s keeps which columns of the table decide, by three kinds', async (algorithm) => {
    const { features, shap, permutation, gain } = await importanceOf(algorithm);
    expect(features.map(({ feature }) => feature).sort()).toEqual(['noise', 'place', 'seen', 'x']);
    expect(features[0]!.feature).toBe('place');
    const by = Object.fromEntries(features.map((one) => [one.feature, one]));
    expect(by.place!.shap!).toBeGreaterThan(3 * by.noise!.shap!);
    expect(by.place!.permutation!.mean).toBeGreaterThan(0.1);
    expect(Math.abs(by.noise!.permutation!.mean)).toBeLessThan(0.05);
    expect(shap).toMatchObject({ split: 'test' });
    expect(permutation).toMatchObject({ metric: 'roc_auc', split: 'test', repeats: 5 });
    if (algorithm === 'logistic_regression') expect(gain).toHaveProperty('not_measured');
    else expect(by.place!.gain!).toBeGreaterThan(by.noise!.gain!);
  });

  test.each(algorithms)('of %s gives the strongest reasons of each row', async (algorithm) => {
    const said = await pipeline.predict(algorithm, undefined, { again: true });
    expect(said[0]).toMatchObject({ algorithm });
    if (algorithm === 'xgboost') predicted = said;
    expect(said).toHaveLength(rows.length);
    const known = new Map(rows.map((row) => [row.id, row]));
    let first = 0;
    for (const row of said) {
      const { place, x, noise, day } = known.get(row.id as string)!;
      const texts: Record<string, string | null> = {
        place,
        x: x === '' ? null : String(x),
        noise: String(noise),
        seen: day,
      };
      for (const nth of [1, 2]) {
        const feature = row[`reason_${nth}`] as string | null;
        expect(row[`reason_${nth}_value`]).toBe(feature === null ? null : texts[feature]);
      }
      if (row.reason_1 === 'place') {
        first++;
        // Of the north it speaks for yes, of the others against it.
        expect(Math.sign(row.reason_1_contribution as number)).toBe(place === 'north' ? 1 : -1);
      }
      if (row.reason_2_contribution !== null)
        expect(Math.abs(row.reason_1_contribution as number)).toBeGreaterThanOrEqual(
          Math.abs(row.reason_2_contribution as number),
        );
    }
    expect(first).toBeGreaterThan(0.8 * rows.length);
  });

  test('the card tells it in short', async () => {
    const { version } = training.algorithms.xgboost as { version: string };
    const card = (await readCard(pipeline.stores.modelRegistry, { algorithm: 'xgboost', version }))!;
    expect(card).toMatch(/\n## Importance\n\n.*\n.*\n\| `place` \|/);
  });

  test('a row alone has the reasons that it has among others, also beside files without any', async () => {
    const asked = rows[5]!;
    const line = (id: string) => `${id},${asked.place},${asked.x},${asked.noise},${asked.day},\n`;
    const configure = (reasons: number) =>
      writeFileSync(
        join(pipeline.folder, 'model_config.dev.json'),
        JSON.stringify({ inference_config: { reasons }, training_config: { algorithms } }),
      );
    configure(0);
    await pipeline.process(csvOf(yesOrNo) + line('alone-1'));
    expect(Object.keys((await pipeline.predict('xgboost'))[0]!)).not.toContain('reason_1');
    configure(2);
    await pipeline.process(csvOf(yesOrNo) + line('alone-1') + line('alone-2'));
    const [alone, ...others] = await pipeline.predict('xgboost');
    expect(others).toEqual([]);
    const among = predicted.find(({ id }) => id === asked.id)!;
    for (const name of Object.keys(among).filter((column) => column.startsWith('reason_')))
      expect(alone![name]).toBe(among[name]);
  });

  test('a version of an earlier release, which kept no background, predicts without reasons', async () => {
    const { modelRegistry } = pipeline.stores;
    const { version } = training.algorithms.lightgbm as { version: string };
    const ref = { algorithm: 'lightgbm', version };
    const { files, ...metadata } = (await readVersion(modelRegistry, ref))!;
    const { 'background.json': _, ...others } = files!;
    await versionMetadata.write(modelRegistry, versionKey(ref, 'metadata.json'), { ...metadata, files: others });
    await pipeline.process(
      csvOf(yesOrNo) + `alone-1,north,1,1,2020-01-01,\nalone-2,north,1,1,2020-01-01,\nold,north,1,1,2020-01-01,\n`,
    );
    const [row] = await pipeline.predict('lightgbm');
    expect(row!.label).not.toBeNull();
    expect(row).not.toHaveProperty('reason_1');
    const line = describeResults({
      inference: {
        status: 'completed',
        rows: 1,
        batches: 1,
        uri: 'file:///p',
        checksum: '',
        model: ref,
        unexplained: 'It is old.',
      },
    });
    expect(line).toContain('\nWithout reasons: It is old.');
  });

  test('what changed since the version before is told by the command and on the card', async () => {
    const lines = rows.map(
      (row) => `${row.id},${row.place},${row.x},${row.noise},${row.day},${row.noise > 0.5 ? 'yes' : 'no'}\n`,
    );
    await pipeline.process(`id,place,x,noise,seen,y\n${lines.join('')}`, { replace: true });
    const { version: before } = training.algorithms.xgboost as { version: string };
    const { version } = (await pipeline.train(['xgboost'])).algorithms.xgboost as { version: string };
    const said = await printed({ json: true });
    const told = JSON.parse(said) as { version: string; change: ImportanceChange & { features: object[] } };
    expect(told).toMatchObject({
      algorithm: 'xgboost',
      version,
      change: { kind: 'shap', before: { version: before } },
    });
    const moved = told.change.features as { feature: string; before: number; after: number }[];
    expect(moved[0]!.feature).toBe('noise');
    expect(moved[0]!.after).toBeGreaterThan(moved[0]!.before + 0.3);
    const text = await printed({ json: false });
    expect(text).toMatch(/^noise +[\d.]+ +[\d.]+ \+- [\d.]+ +[\d.]+ +\d+\.\d% +\d+\.\d%$/m);
    const change = new RegExp(
      `Against ${before}, the version before: the rank correlation .+ of the shares most changed: noise from`,
    );
    expect(text).toMatch(change);
    const card = (await readCard(pipeline.stores.modelRegistry, { algorithm: 'xgboost', version }))!;
    expect(card).toContain(`Against version ${before}: the rank correlation`);
  });

  async function printed({ json }: { json: boolean }): Promise<string> {
    const write = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
    try {
      await explainModel('table', 'xgboost', undefined, { store: pipeline.store, json });
      return write.mock.calls.map(([text]) => String(text)).join('');
    } finally {
      write.mockRestore();
    }
  }

  test('a key that has the name of a reason is refused with the remedy', async () => {
    writeFileSync(
      join(pipeline.folder, 'pipeline.json'),
      JSON.stringify({ ...DEFINITION, key: 'reason_2', label: 'y' }),
    );
    await expect(pipeline.train(['xgboost'])).rejects.toThrow(
      /has the column "reason_2", which predictions carry beside .+ "inference_config.reasons" .+ rename it in SQL, or ask for none\.$/,
    );
  });
});

test('a row of several classes has the reasons for the class that it got', async () => {
  const algorithms = ['random_forest', 'lightgbm'];
  const pipeline = await createShortPipeline(
    engines,
    folder,
    { ...DEFINITION, label: 'y', task: 'multiclass' },
    { inference_config: { reasons: 3 }, training_config: { algorithms } },
  );
  await pipeline.process(csvOf((score) => (score > 2.2 ? 'high' : score > 0.8 ? 'middle' : 'low')));
  await pipeline.train(algorithms);
  for (const algorithm of algorithms) {
    const said = await pipeline.predict(algorithm, undefined, { again: true });
    const high = said.filter(({ label }) => label === 'high');
    expect(high.length).toBeGreaterThan(100);
    const first = high.filter(({ reason_1 }) => reason_1 === 'place');
    expect(first.length).toBeGreaterThan(0.8 * high.length);
    for (const row of first) {
      expect(row).toMatchObject({ algorithm, reason_1_value: 'north' });
      expect(row.reason_1_contribution as number).toBeGreaterThan(0);
    }
  }
}, 120_000);
