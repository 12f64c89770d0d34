import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import type { ModelTrainingCompleted, VersionRef } from '../../src/contracts/index.js';
import { aliasKey, movePointer, readPointer } from '../../src/registry/pointers.js';
import { CHALLENGER, CHAMPION } from '../../src/registry/aliases.js';
import { readVersionFile, versionKey } from '../../src/registry/versions.js';
import { promoteBest } from '../../src/stages/promoteBest.js';
import {
  createTinyWorld,
  MONTHS,
  runRef,
  TINY,
  tinyEngines,
  trainTiny,
  type TinyWorld,
} from '../support/tinyPipeline.js';

const engines = tinyEngines();
let world: TinyWorld;
/** The first training, as every test finds it. */
let first: ModelTrainingCompleted;
beforeAll(async () => {
  world = await createTinyWorld(engines);
  await world.writeGold(MONTHS);
  first = await trainTiny(world);
  world.save();
});
beforeEach(() => world.restore());
afterAll(async () => {
  world.close();
  await engines.close();
});

const gate = (settings: object) => world.configure((config) => Object.assign(config, { promotion_gate: settings }));
const pointer = (alias: string) => readPointer(world.stores.modelRegistry, aliasKey(alias));
const asked = (training: ModelTrainingCompleted, runId: string) => ({
  pipeline: TINY,
  run: runRef(runId),
  dataset: training.dataset,
  trained: [training.challenger],
});

describe('the best version of a run', () => {
  test('is the first champion where it shows the minimums', async () => {
    const { champion, challenger, promotion, algorithms } = first;
    const { algorithm, version } = challenger;
    expect(champion).toEqual(challenger);
    expect(promotion).toMatchObject({
      decision: 'promote',
      champion: null,
      rules: [{ rule: 'min_samples', passed: true }],
    });
    expect(promotion.metrics.challenger).toEqual(
      algorithms[algorithm]?.status === 'completed' && algorithms[algorithm].oot,
    );
    expect(await pointer(CHAMPION)).toMatchObject({ algorithm, version });
    expect(await pointer(CHALLENGER)).toMatchObject({ algorithm, version });
  });

  test('is no champion where it does not', async () => {
    await world.stores.modelRegistry.delete(aliasKey(CHAMPION));
    gate({ minimums: { roc_auc: 1 } });
    const choice = await world.perform(promoteBest, asked(first, 'other'));
    expect(choice).toMatchObject({ champion: null, previous: null, promotion: { decision: 'refuse' } });
    expect(await pointer(CHAMPION)).toBeUndefined();
  });

  test('takes the place of a champion that is no better on the same rows, once', async () => {
    const second = await trainTiny(world);
    expect(second).toMatchObject({
      champion: second.challenger,
      promotion: { champion: first.champion, comparison: { difference: 0, p: 1 } },
    });

    const again = { ...asked(second, (await pointer(CHAMPION))!.by.runId) };
    await movePointer(world.stores.modelRegistry, aliasKey(CHAMPION), first.challenger, runRef('operator'), 'by hand');
    expect(await world.perform(promoteBest, again)).toMatchObject({
      champion: second.champion,
      previous: first.champion,
    });
    expect(await pointer(CHAMPION)).toMatchObject(first.challenger);
  });

  test('is refused with the working of every rule, and the champion stays', async () => {
    const second = await trainTiny(world, {
      change: (config) => Object.assign(config, { promotion_gate: { require: 'better' } }),
    });
    expect(second).toMatchObject({ champion: first.champion, promotion: { decision: 'refuse' } });
    expect(second.promotion.rules.map(({ rule, passed }) => [rule, passed])).toEqual([
      ['min_samples', true],
      ['max_auc_loss', true],
      ['significantly_better', false],
    ]);
    const kept = await readVersionFile(world.stores.modelRegistry, second.challenger, 'promotion.json');
    expect(kept).toEqual(second.promotion);
  });

  test('stays champion where a person promoted it before the gate came to it, and does not take its own place', async () => {
    const { modelRegistry } = world.stores;
    const key = versionKey(first.challenger, 'promotion.json');
    for (const isDecided of [true, false]) {
      if (!isDecided) await modelRegistry.delete(key);
      const { champion, previous, promotion } = await world.perform(promoteBest, asked(first, 'another'));
      expect([champion, previous]).toEqual([first.challenger, first.challenger]);
      expect(promotion).toMatchObject({ decision: 'refuse', rules: [] });
      expect(promotion.reason).toMatch(/stays champion: it is champion already/);
      const kept = await readVersionFile(modelRegistry, first.challenger, 'promotion.json');
      expect(kept).toEqual(isDecided ? first.promotion : promotion);
    }
  });

  test('is compared with a champion of another scaling on the same raw rows', async () => {
    await world.writeGold(MONTHS.slice(0, 6), { x2: 'x2 * 1000' });
    const second = await trainTiny(world);
    const oot = first.algorithms.logistic_regression;
    expect(second.promotion.metrics.champion).toEqual(
      oot?.status === 'completed' && { ...oot.oot, intervals: undefined },
    );
  });

  test('of equal scores is that of the algorithm that the config lists first', async () => {
    const twice = await trainTiny(world, {
      algorithms: ['logistic_regression', 'xgboost'],
      // Two names of the same training score the same.
      change: (config) => Object.assign(config.algorithms, { xgboost: config.algorithms.logistic_regression }),
    });
    const [one, other] = Object.entries(twice.algorithms).map(([algorithm, result]) => ({
      algorithm,
      version: result.status === 'completed' ? result.version : '',
    }));
    for (const listed of [
      ['xgboost', 'logistic_regression'],
      ['logistic_regression', 'xgboost'],
    ]) {
      world.configure((config) => (config.training_config.algorithms = listed));
      const versions = { trained: [one!], unchanged: [other!] };
      const { challenger, comparison } = await world.perform(promoteBest, { ...asked(twice, listed[0]!), ...versions });
      expect(comparison.scores.xgboost).toBe(comparison.scores.logistic_regression);
      expect(challenger.algorithm).toBe(listed[0]);
    }
  });

  test('is told with the split that chose it and the one that had no part in the choice', async () => {
    const { algorithms, comparison } = first;
    const trained = algorithms.logistic_regression;
    if (trained?.status !== 'completed') throw new Error('It was not trained.');
    expect(comparison).toEqual({
      metric: 'oot.roc_auc',
      scores: { logistic_regression: trained.oot!.roc_auc },
      estimate: { metric: 'test.roc_auc', scores: { logistic_regression: trained.test!.roc_auc } },
    });
    world.configure((config) => (config.model_config.champion_metric = 'test.recall'));
    const choice = await world.perform(promoteBest, asked(first, 'by_test'));
    expect(choice.comparison).toMatchObject({
      metric: 'test.recall',
      estimate: { metric: 'oot.recall', scores: { logistic_regression: trained.oot!.recall } },
    });
  });
});

describe('a champion that cannot be compared with', () => {
  const folderOf = ({ algorithm, version }: VersionRef) => `model_registry/${algorithm}/${version}/`;

  test.each(['all', 'metadata.json', 'model.ubj', 'preprocessing.json'])(
    'as %s of its folder is gone does not fail the training, and the minimums decide',
    async (file) => {
      const registry = world.stores.modelRegistry;
      for await (const { key } of registry.list(folderOf(first.champion!)))
        if (file === 'all' || key.endsWith(`/${file}`)) await registry.delete(key);
      const second = await trainTiny(world);
      expect(second).toMatchObject({
        status: 'completed',
        champion: second.challenger,
        promotion: { decision: 'promote', champion: first.champion, comparison: null },
      });
      expect(second.promotion.not_compared).toContain(
        `${first.champion!.algorithm} ${first.champion!.version} could not be compared with: `,
      );
      expect(await pointer(CHAMPION)).toMatchObject(second.challenger);
    },
  );

  test('as a feature was dropped does not fail the training; below the minimums the champion stays', async () => {
    const path = join(process.env.PERDURE_CONF!, 'pipelines', TINY, 'pipeline.json');
    const before = readFileSync(path, 'utf8');
    onTestFinished(() => writeFileSync(path, before));
    const definition = JSON.parse(before) as { features: { name: string }[] };
    writeFileSync(
      path,
      JSON.stringify({ ...definition, features: definition.features.filter(({ name }) => name !== 'x2') }),
    );
    const second = await trainTiny(world);
    expect(second.champion).toEqual(second.challenger);
    expect(second.promotion.reason).toContain(
      `${first.champion!.algorithm} ${first.champion!.version} could not be compared with: `,
    );
    expect(second.promotion.reason).toContain('x2');

    await movePointer(world.stores.modelRegistry, aliasKey(CHAMPION), first.challenger, runRef('operator'), 'by hand');
    gate({ minimums: { roc_auc: 1 } });
    const choice = await world.perform(promoteBest, asked(second, 'again'));
    expect(choice).toMatchObject({ champion: first.champion, promotion: { decision: 'refuse' } });
  });
});
