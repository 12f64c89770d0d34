import { appendFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { ModelTrainingCompleted, TestedModel } from '../../src/contracts/index.js';
import { moveAlias } from '../../src/registry/operations.js';
import { aliasKey, readPointer } from '../../src/registry/pointers.js';
import { CHAMPION, STAGING } from '../../src/registry/aliases.js';
import { readReadiness, readVersion, versionKey } from '../../src/registry/versions.js';
import { promoteBest } from '../../src/stages/promoteBest.js';
import { testModel, testVersionAgain } from '../../src/stages/testModel.js';
import {
  createTinyWorld,
  MONTHS,
  runRef,
  TINY,
  tinyEngines,
  trainTiny,
  type TinyWorld,
} from '../support/tinyPipeline.js';

const TESTS = [
  'loads',
  'prediction_format',
  'invalid_inputs',
  'performance',
  'size_mb',
  'latency_p95_ms',
  'rows_per_second',
  'memory_mb',
];

const engines = tinyEngines();
let world: TinyWorld;
let first: ModelTrainingCompleted;
beforeAll(async () => {
  world = await createTinyWorld(engines);
  await world.writeGold(MONTHS);
  first = await trainTiny(world, { tested: true });
  world.save();
});
beforeEach(() => world.restore());
afterAll(async () => {
  world.close();
  await engines.close();
});

const meaning = async (alias: string) => {
  const pointer = await readPointer(world.stores.modelRegistry, aliasKey(alias));
  return pointer && { algorithm: pointer.algorithm, version: pointer.version };
};
const asked = (runId: string, { dataset, challenger }: ModelTrainingCompleted) => ({
  pipeline: TINY,
  run: runRef(runId),
  dataset,
  trained: [challenger],
});
const again = (runId: string) => world.perform(testModel, asked(runId, first));
/** A version that may be promoted, beside the champion. */
const trainBesideChampion = () =>
  trainTiny(world, { change: (config) => Object.assign(config, { promotion_gate: { promote: 'approve' } }) });
const found = ({ tests }: TestedModel, name: string) => tests.find(({ test }) => test === name)!;

describe('a version that is as it should be', () => {
  test('passes every test, goes to staging and may become champion', async () => {
    const { tests, challenger, champion } = first;
    expect(tests).toMatchObject({ challenger, passed: true, staging: challenger });
    expect(tests!.tests.map(({ test, passed }) => [test, passed])).toEqual(TESTS.map((name) => [name, true]));
    expect(tests!.reason).toBe(`logistic_regression ${challenger.version} passed all 8 model tests and is in staging.`);
    expect(await meaning(STAGING)).toEqual(challenger);
    expect(champion).toEqual(challenger);
  });

  test('has in its readiness.json what was measured of it', async () => {
    const { challenger, tests } = first;
    const kept = await readReadiness(world.stores.modelRegistry, challenger);
    expect(kept).toMatchObject({ passed: true, resources: '2x2', tests: tests!.tests });
    const { size } = statSync(fileURLToPath(world.stores.modelRegistry.uri(versionKey(challenger, 'model.ubj'))));
    expect(found(tests!, 'size_mb').actual).toBeCloseTo(size / 1e6, 5);
    expect(found(tests!, 'latency_p95_ms').actual).toBeGreaterThan(0);
    // Node alone takes some 40 MB, and a process that has read nothing else far less than a GB.
    expect(found(tests!, 'memory_mb').actual).toBeGreaterThan(40);
    expect(found(tests!, 'memory_mb').actual).toBeLessThan(1_000);
    // 180 rows out of time; five odd values of each of three features, and a row of none.
    expect(found(tests!, 'prediction_format').detail).toBe('Of 180 rows.');
    expect(found(tests!, 'invalid_inputs').detail).toBe('Of 16 rows.');
  });

  test('is tested once by a run, however often it asks', async () => {
    const once = await again('other');
    expect(await again('other')).toEqual(once);
    expect(await meaning(STAGING)).toEqual(first.challenger);
  });
});

describe('a version that breaks a limit', () => {
  test('is told so by its number', async () => {
    const limits = { max_size_mb: 1e-6, max_latency_ms: 1e-6, min_rows_per_second: 1e9, max_memory_mb: 1 };
    world.configure((config) => Object.assign(config, { model_tests: limits }));
    const tested = await again('other');
    expect(tested.passed).toBe(false);
    expect(tested.tests.filter(({ passed }) => !passed)).toMatchObject(
      ['size_mb', 'latency_p95_ms', 'rows_per_second', 'memory_mb'].map((test) => ({
        test,
        actual: expect.any(Number) as number,
      })),
    );
  });

  test('stays registered, and staging and champion fall back to the version before', async () => {
    const second = await trainTiny(world, {
      tested: true,
      change: (config) => Object.assign(config, { model_tests: { max_memory_mb: 1 } }),
    });
    expect(second.challenger).not.toEqual(first.challenger);
    expect(second.tests).toMatchObject({ passed: false, staging: first.challenger });
    expect(second.tests!.reason).toContain(`did not pass memory_mb (expected <= 1, got `);
    expect(second.tests!.reason).toContain(`staging falls back to logistic_regression ${first.challenger.version}.`);
    expect(second.champion).toEqual(first.challenger);
    expect(second.promotion).toMatchObject({ decision: 'refuse' });
    expect(second.promotion.rules).toContainEqual({
      rule: 'failed_model_tests',
      expected: '<= 0',
      actual: 1,
      passed: false,
    });
    expect(await meaning(STAGING)).toEqual(first.challenger);
    expect(await meaning(CHAMPION)).toEqual(first.challenger);
    expect(await readVersion(world.stores.modelRegistry, second.challenger)).toBeDefined();
    expect(await readReadiness(world.stores.modelRegistry, second.challenger)).toMatchObject({ passed: false });
  });

  test('of the promotion gate does not pass for its performance, which the gate tells by its own rules', async () => {
    const second = await trainBesideChampion();
    world.configure((config) => Object.assign(config, { promotion_gate: { minimums: { roc_auc: 1 } } }));
    const tested = await world.perform(testModel, asked('other', second));
    expect(found(tested, 'performance')).toMatchObject({ passed: false, actual: 1, expected: 'no limit broken' });
    expect(found(tested, 'performance').detail).toMatch(
      /^Below or above its limit: minimum roc_auc 0\.\d+ \(>= 1\)\.$/,
    );
    const { promotion } = await world.perform(promoteBest, { ...asked('third', second), tested });
    expect(promotion.rules.filter(({ passed }) => !passed).map(({ rule }) => rule)).toEqual(['minimum roc_auc']);
  });

  test('of the promotion gate has the run fail with its value where the config has it so', async () => {
    const second = await trainBesideChampion();
    const gate = { minimums: { roc_auc: 1 }, on_refusal: 'fail' };
    world.configure((config) => Object.assign(config, { promotion_gate: gate }));
    const tested = await world.perform(testModel, asked('other', second));
    const { champion, refusal } = await world.perform(promoteBest, { ...asked('third', second), tested });
    expect(champion).toEqual(first.challenger);
    expect(refusal).toMatch(
      /^\w+ v\S+ did not pass the promotion gate: minimum roc_auc is 0[.]\d{4}, and must be >= 1[.] It stays registered; /,
    );
  });
});

describe('a version that does not load', () => {
  test('is passed by nothing that was not measured', async () => {
    const { modelRegistry } = world.stores;
    appendFileSync(fileURLToPath(modelRegistry.uri(versionKey(first.challenger, 'model.ubj'))), 'more');
    const tested = await again('other');
    expect(found(tested, 'loads')).toMatchObject({ passed: false, actual: null });
    expect(found(tested, 'loads').detail).toContain('model.ubj of logistic_regression');
    expect(tested.tests.filter(({ test }) => test !== 'performance')).toEqual(
      expect.not.arrayContaining([expect.objectContaining({ passed: true })]),
    );
    expect(found(tested, 'size_mb')).toMatchObject({ actual: null, detail: 'It does not load.' });
  });
});

describe('what a version has to know', () => {
  const behave = (...tests: object[]) => {
    writeFileSync(join(process.env.PERDURE_CONF!, 'pipelines', TINY, 'model_tests.json'), JSON.stringify({ tests }));
    return again('other');
  };
  afterEach(() => rmSync(join(process.env.PERDURE_CONF!, 'pipelines', TINY, 'model_tests.json'), { force: true }));

  // The label follows x1, and hardly the flag.
  test('is tried on given rows, by changes that make no difference, and by those that make one', async () => {
    const clear = { x1: 0.99, x2: 0.9 };
    const tried: [behaviour: object, outcome: object][] = [
      [
        {
          type: 'minimum_functionality',
          rows: [
            { ...clear, flag: 0 },
            { x1: 0.95, x2: 1 },
          ],
          min: 0.5,
          label: '1',
        },
        { passed: true, actual: 1, expected: '>= 1', detail: 'It holds for every row.' },
      ],
      [
        { type: 'minimum_functionality', rows: [clear, { x1: 0.01, x2: 0.1 }], min: 0.5, mostly: 0.75 },
        { passed: false, actual: 0.5, expected: '>= 0.75', detail: 'It does not hold for 1 of 2 rows.' },
      ],
      [
        { type: 'minimum_functionality', rows: [clear], label: '0' },
        { passed: false, actual: 0 },
      ],
      [
        { type: 'invariance', column: 'flag', values: [0, 1], tolerance: 0.3 },
        { passed: true, actual: 1 },
      ],
      [
        { type: 'invariance', column: 'x1', values: [0, 1], tolerance: 0.3 },
        { passed: false, actual: 0 },
      ],
      [
        { type: 'directional', change: { x1: { add: 0.1 }, x2: { multiply: 1.1 } }, expect: 'increase' },
        { passed: true, actual: 1 },
      ],
      [
        { type: 'directional', change: { x1: { add: 0.1 } }, expect: 'decrease', tolerance: 0.001 },
        { passed: false, actual: 0 },
      ],
      [
        { type: 'invariance', column: 'age', values: [1] },
        {
          passed: false,
          actual: null,
          detail: "The test names age, which the model doesn't read; it reads x1, x2, flag.",
        },
      ],
    ];
    const tested = await behave(...tried.map(([behaviour], i) => ({ name: `behaviour_${i}`, ...behaviour })));
    expect(tested.tests.slice(TESTS.length)).toMatchObject(
      tried.map(([, outcome], i) => ({ test: `behaviour_${i}`, ...outcome })),
    );
    expect(tested.passed).toBe(false);
  });

  test('is refused where it says nothing, or two have one name', async () => {
    const nothing = { name: 'a', type: 'minimum_functionality', rows: [{ x1: 1 }] };
    const other = { name: 'a', type: 'invariance', column: 'x1', values: [1] };
    await expect(behave(nothing)).rejects.toThrow('expected "min", "max" or "label"');
    await expect(behave(other, other)).rejects.toThrow('expected a name of its own for each test, got "a" twice');
  });
});

describe('promotion', () => {
  test('is held for a person where the config says so, who takes what is in staging', async () => {
    const second = await trainBesideChampion();
    expect(second.promotion.decision).toBe('hold');
    expect(second.promotion.reason).toMatch(
      / may be promoted, and waits for a person to do so: it passes all \d rules\.$/,
    );
    expect(second.champion).toEqual(first.challenger);
    expect(await meaning(STAGING)).toEqual(second.challenger);

    const by = { workflowId: 'by hand', runId: 'hand', person: 'ana' };
    const asked = { alias: CHAMPION, move: 'promote', model: { alias: STAGING }, by, reason: 'looked at it' } as const;
    await moveAlias(world.stores.modelRegistry, ['logistic_regression'], asked);
    expect(await meaning(CHAMPION)).toEqual(second.challenger);
  });

  test('is refused to a version that was not tested where another was', async () => {
    const { promotion } = await world.perform(promoteBest, {
      ...asked('third', await trainBesideChampion()),
      tested: { challenger: { algorithm: 'xgboost', version: 'v1' }, tests: [] },
    });
    expect(promotion.rules).toContainEqual(
      expect.objectContaining({ rule: 'failed_model_tests', actual: null, passed: false }),
    );
  });
});

test('a version is tested again by hand, which moves nothing', async () => {
  const { modelRegistry } = world.stores;
  await modelRegistry.delete(aliasKey(STAGING));
  await modelRegistry.delete(versionKey(first.challenger, 'readiness.json'));
  const tested = await world.perform(testVersionAgain, {
    pipeline: TINY,
    run: runRef('hand'),
    model: { alias: CHAMPION },
  });
  expect(tested).toMatchObject({ challenger: first.challenger, passed: true });
  expect(await readReadiness(modelRegistry, first.challenger)).toMatchObject({ by: { run_id: 'hand' }, passed: true });
  expect(await meaning(STAGING)).toBeUndefined();
});
