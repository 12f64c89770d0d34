import { describe, expect, test } from 'vitest';
import { nothingToRefine, PARTITIONS } from './support/fakeActivities.js';
import { TimeSkipping } from './support/timeSkipping.js';

const server = new TimeSkipping();

describe('data processing', () => {
  test('refines every partition once, in pieces of at most twelve, and adds the pieces up', async () => {
    const { result, calls } = await server.run('dataProcessing', { pipeline: 'readmission', source: '/data/raw.csv' });

    expect(result).toEqual({
      status: 'completed',
      rows: 20_000,
      partitions: 25,
      bronze: { rows: 20_000, written: 25, unchanged: 0 },
      silver: { rows: 20_000, written: 25, unchanged: 0, dropped: { duplicate: 25 } },
      gold: { rows: 20_000, written: 25, unchanged: 0 },
      config: 'c0ffee',
    });
    for (const all of [calls.silver, calls.gold]) {
      // Whether there is work at all is asked first.
      expect(all[0]).toMatchObject({ dryRun: true, partitions: PARTITIONS });
      const layer = all.filter(({ dryRun }) => !dryRun);
      expect(layer.map(({ partitions }) => partitions.length).sort()).toEqual([1, 12, 12]);
      expect(layer.flatMap(({ partitions }) => partitions).sort()).toEqual(PARTITIONS);
    }
    expect(calls.bronze[0]).toMatchObject({ pipeline: 'readmission', source: '/data/raw.csv' });
  });

  test('is skipped with its counts when nothing was written anywhere', async () => {
    const { result } = await server.run('dataProcessing', { pipeline: 'readmission' }, nothingToRefine());

    expect(result).toEqual({
      status: 'skipped',
      reason: 'Input unchanged: all 25 partitions are up to date.',
      rows: 20_000,
      partitions: 25,
    });
  });

  test('is complete when one layer alone had work', async () => {
    const gold = ({ partitions, dryRun }: { partitions: string[]; dryRun?: boolean }) => {
      const [first = '', ...rest] = partitions;
      return Promise.resolve({ rows: partitions.length, written: dryRun ? [] : [first], unchanged: rest });
    };
    const { result, calls } = await server.run(
      'dataProcessing',
      { pipeline: 'readmission' },
      { ...nothingToRefine(), gold },
    );

    expect(result).toMatchObject({ status: 'completed', silver: { written: 0 }, gold: { written: 1, unchanged: 24 } });
    expect(calls.gold.map(({ partitions, dryRun }) => [partitions.length, dryRun])).toEqual([
      [25, true],
      [1, undefined],
    ]);
  });
});

describe('data processing by tasks', () => {
  const elsewhere = { readComputeTarget: () => Promise.resolve('ecs' as const) };

  test('launches none where a dry run finds all layers up to date', async () => {
    const { result, calls } = await server.run(
      'dataProcessing',
      { pipeline: 'readmission' },
      { ...elsewhere, ...nothingToRefine() },
    );

    expect(result).toEqual({
      status: 'skipped',
      reason: 'Input unchanged: all 25 partitions are up to date.',
      rows: 20_000,
      partitions: 25,
    });
    for (const layer of [calls.bronze, calls.silver, calls.gold])
      expect(layer.map(({ dryRun }) => dryRun)).toEqual([true]);
  });

  test('launches some for the partitions alone that a dry run finds out of date', async () => {
    const [stale = '', ...fresh] = PARTITIONS;
    const silver = ({ partitions, dryRun }: { partitions: string[]; dryRun?: boolean }) =>
      Promise.resolve(
        dryRun
          ? { rows: 24 * 800, written: [], unchanged: fresh, dropped: { duplicate: 24 } }
          : { rows: 800, written: partitions, unchanged: [], dropped: { duplicate: 1 } },
      );
    const { result, calls } = await server.run(
      'dataProcessing',
      { pipeline: 'readmission' },
      { ...elsewhere, ...nothingToRefine(), silver },
    );

    expect(result).toMatchObject({
      status: 'completed',
      silver: { rows: 20_000, written: 1, unchanged: 24, dropped: { duplicate: 25 } },
      gold: { written: 0, unchanged: 25 },
    });
    expect(calls.silver.map(({ partitions, dryRun }) => [partitions.length, dryRun])).toEqual([
      [25, true],
      [1, undefined],
    ]);
    expect(calls.silver[1]!.partitions).toEqual([stale]);
  });

  test('launches all where a dry run finds nothing up to date', async () => {
    const { result, calls } = await server.run('dataProcessing', { pipeline: 'readmission' }, elsewhere);

    expect(result).toMatchObject({
      status: 'completed',
      rows: 20_000,
      silver: { written: 25, unchanged: 0, dropped: { duplicate: 25 } },
    });
    expect(calls.bronze.map(({ dryRun }) => dryRun)).toEqual([true, undefined]);
    expect(calls.gold.map(({ dryRun }) => dryRun)).toEqual([true, undefined, undefined, undefined]);
  });
});

describe('every workflow', () => {
  test('ends with the message of an unforeseen error instead of trying for ever', async () => {
    const { failure } = await server.fail(
      'dataProcessing',
      { pipeline: 'readmission' },
      { bronze: () => Promise.resolve(undefined as never) },
    );

    expect(failure.message).toContain('Cannot read properties of undefined');
  });

  test('stands at its own start where no other moment is given, and names its run to each stage', async () => {
    const before = Date.now();
    const { calls } = await server.run('dataProcessing', { pipeline: 'readmission' });

    const { asOf, run } = calls.bronze[0]!;
    expect(asOf).toBe(run.startedAt);
    expect(Date.parse(asOf)).toBeGreaterThan(before - 86_400_000);
    expect(run.workflowId).toMatch(/^test-/);
    expect(calls.gold[0]!.run).toEqual(run);
  });

  test('stands at the moment it is given', async () => {
    const { calls } = await server.run('dataProcessing', { pipeline: 'readmission', asOf: '2005-06-30' });

    expect(calls.bronze[0]!.asOf).toBe('2005-06-30');
  });

  test('refuses an input that it does not understand, with every fault at once', async () => {
    const input = { asOf: 'yesterday', sauce: '/data/raw.csv' } as never;
    const { failure, calls } = await server.fail('dataProcessing', input);

    expect(failure.type).toBe('ConfigInvalid');
    expect(failure.message).toContain('"sauce" is unknown, expected pipeline, asOf, reason, triggeredBy, source');
    expect(failure.message).toContain('"pipeline" is missing, expected a name');
    expect(failure.message).toContain('"asOf" is "yesterday", expected an ISO 8601 date');
    expect(calls.bronze).toEqual([]);
  });

  test('refuses no input at all', async () => {
    const { failure } = await server.fail('dataProcessing', undefined as never);

    expect(failure).toEqual({
      type: 'ConfigInvalid',
      message:
        'The input of dataProcessing can\'t be used (expected one JSON object with at least "pipeline", got nothing); correct it and start again.',
    });
  });
});
