import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { AlgorithmInput, AlgorithmTrained } from '../../src/contracts/index.js';
import { roundKey } from '../../src/data/dataset.js';
import { messageOf } from '../../src/errors.js';
import { readVersion } from '../../src/registry/versions.js';
import { checkModelConfig } from '../../src/stages/checkModelConfig.js';
import { preprocess } from '../../src/stages/preprocess.js';
import { studyRecord } from '../../src/stages/studyRecord.js';
import { trainAlgorithm } from '../../src/stages/trainAlgorithm.js';
import {
  AFTER_ALL,
  createTinyWorld,
  MONTHS,
  runRef,
  TINY,
  tinyEngines,
  type TinyWorld,
} from '../support/tinyPipeline.js';

const engines = tinyEngines();
let world: TinyWorld;
beforeEach(async () => {
  world = await createTinyWorld(engines);
  await world.writeGold(MONTHS);
});
afterEach(() => world.close());
afterAll(() => engines.close());

const SPACE = {
  max_depth: { low: 1, high: 6, int: true },
  n_estimators: { low: 2, high: 30, int: true, log: true },
  learning_rate: { low: 0.01, high: 0.5, log: true },
  subsample: { low: 0.5, high: 1, step: 0.1 },
  scale_pos_weight: [1, 'balanced'],
};
const TPE = { sampler: 'tpe', n_startup_trials: 5, batch_size: 3 };

function configure(search: Record<string, unknown>, trials = 12): void {
  world.configure((config) => {
    config.model_config.n_iter_search = trials;
    Object.assign(config.search, search);
    Object.assign(config.algorithms.xgboost, { param_distributions: SPACE });
    config.training_config.class_weight = null;
  });
}

/** Trains it, and reads what its version says of the candidates. */
async function train(run: string) {
  const asked = { pipeline: TINY, run: runRef(run), asOf: AFTER_ALL };
  const dataset = await world.perform(preprocess, asked);
  const input: AlgorithmInput = { ...asked, algorithm: 'xgboost', dataset };
  const trained = await world.perform(trainAlgorithm, input);
  return { input, ...(await described(trained)) };
}

async function described(trained: AlgorithmTrained) {
  const version = { algorithm: 'xgboost', version: trained.version };
  const { candidates } = (await readVersion(world.stores.modelRegistry, version))!;
  return { trained, candidates: candidates.map(({ seconds: _, ...candidate }) => candidate) };
}

describe('a study', () => {
  test('comes out the same, and goes on where it was with what is stored', async () => {
    configure(TPE);
    const { trained, candidates, input } = await train('a');
    expect(trained.search).toEqual({ candidates: 12, failed: 0, foldsEvaluated: 36, foldsPlanned: 36 });
    expect(candidates.map(({ index }) => index)).toEqual(Array.from({ length: 12 }, (_, i) => i));
    for (const { params } of candidates) {
      expect(params.max_depth).toSatisfy((value: number) => Number.isInteger(value) && value >= 1 && value <= 6);
      expect([5, 6, 7, 8, 9, 10]).toContain(Number(params.subsample) * 10);
      expect(params.learning_rate).toSatisfy((value: number) => value >= 0.01 && value <= 0.5);
    }
    const best = Math.max(...candidates.map(({ scores }) => scores.reduce((a, b) => a + b, 0) / 3));
    expect(trained.cv_score).toBeCloseTo(best, 12);

    // As after a kill: what the last rounds decided is lost, and what was scored is there.
    const rounds = await studyRecord(world.stores.datamart, input).readAll();
    expect(rounds.map((round) => round.candidates.length)).toEqual([5, 3, 3, 1, 0]);
    for (const round of [2, 3, 4]) await world.stores.datamart.delete(roundKey(input.dataset.id, 'xgboost', round));
    const again = await described(await world.perform(trainAlgorithm, { ...input, run: runRef('b') }));
    expect(again.candidates).toEqual(candidates);
    expect(again.trained.best_params).toEqual(trained.best_params);
  });

  test('gives candidates up that are worse than half of the others, and says so', async () => {
    configure({ ...TPE, pruner: 'median' }, 16);
    const { trained, candidates, input } = await train('a');
    const pruned = candidates.filter(({ scores }) => scores.length < 3);
    expect(pruned.length).toBeGreaterThan(0);
    for (const { dropped, scores, index } of pruned) {
      expect(dropped).toBe(
        `It was pruned once ${scores.length} of 3 folds were scored: its mean was below the median of the candidates before it.`,
      );
      expect(index).toBeGreaterThanOrEqual(5);
    }
    expect(trained.search.foldsEvaluated).toBe(candidates.reduce((sum, { scores }) => sum + scores.length, 0));
    expect(trained.search.foldsPlanned).toBe(48);
    const rounds = await studyRecord(world.stores.datamart, input).readAll();
    const states = rounds.flatMap(({ ended }) => ended);
    expect(states.filter(({ state }) => state === 'pruned').map(({ index }) => index)).toEqual(
      pruned.map(({ index }) => index),
    );
  });

  test('stops once nothing better comes, and says so', async () => {
    configure({ ...TPE, early_stopping: { patience: 2, min_delta: 0.5 } }, 30);
    const { trained } = await train('a');
    expect(trained.search).toEqual({
      candidates: 8,
      failed: 0,
      foldsEvaluated: 24,
      foldsPlanned: 90,
      stopped: 'It stopped after 8 candidates, as the last 3 brought nothing better.',
    });
  });
});

test('a random search draws from ranges, and races', async () => {
  configure({ racing: true }, 8);
  const { trained, candidates } = await train('a');
  expect(trained.search).toMatchObject({ candidates: 8, failed: 0 });
  expect(new Set(candidates.map(({ params }) => params.learning_rate)).size).toBe(8);
});

test('a space that is none is refused with its place', async () => {
  const faults = async (space: unknown, search: Record<string, unknown> = {}, trials = 12) => {
    world.configure((config) => {
      config.model_config.n_iter_search = trials;
      Object.assign(config.search, search);
      Object.assign(config.algorithms.xgboost, { param_distributions: space });
    });
    return world.perform(checkModelConfig, { pipeline: TINY, run: runRef('a') }).then(() => 'none', messageOf);
  };
  const at = 'algorithms.xgboost.param_distributions';
  const rate = (range: object) => faults({ learning_rate: range });
  expect(await faults(SPACE)).toBe('none');
  expect(await rate({ low: 0.5, high: 0.1 })).toContain(`${at}.learning_rate.high: expected a number above "low"`);
  expect(await rate({ low: 0, high: 0.1, log: true })).toContain(`${at}.learning_rate.low: expected a number above 0`);
  expect(await rate({ low: 0.1, high: 0.5, step: 0.3 })).toContain(`${at}.learning_rate.step: expected "high" to be`);
  expect(await rate({ low: 0.1 })).toContain(`${at}.learning_rate`);
  expect(await rate({ low: -1, high: 1 })).toContain(
    `${at}.learning_rate: The parameter learning_rate of xgboost is -1`,
  );
  expect(await faults({ max_depth: { low: 1, high: 6 } })).toMatch(/max_depth of xgboost is 2\.8\d+; expected a whole/);
  expect(await faults(SPACE, { sampler: 'tpe', racing: true })).toContain('search.racing: expected false');
  expect(await faults(SPACE, { sampler: 'tpe' }, 1_001)).toContain('model_config.n_iter_search: expected at most 1000');
  expect(await faults(SPACE, {}, 2_401)).toContain(`${at}: expected lists alone, or an n_iter_search of at most 2400`);
});
