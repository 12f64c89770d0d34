import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { withDuckDb } from '../../src/data/duckdb.js';
import { containerLimits } from '../../src/platform/resources/cgroup.js';
import { limitsOf, stageHeap } from '../../src/platform/resources/limits.js';
import { GIB, chosenResources, formatResources, parseResources } from '../../src/platform/resources/resources.js';
import { heapOption } from '../../src/platform/temporal/heap.js';
import { WORKERS } from '../../src/platform/temporal/workers.js';
import { stageWorker } from '../../workers/stageWorker.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

const MIB = 2 ** 20;

test('resources are written as vCPUs x GiB', () => {
  expect(parseResources('2x4', '--size')).toEqual({ cpus: 2, memory: 4 * GIB });
  expect(parseResources('0.5x1.5', '--size')).toEqual({ cpus: 0.5, memory: 1536 * MIB });
  expect(formatResources(parseResources('0.25x0.5', '--size'))).toBe('0.25x0.5');
});

test.each(['2', '2x', 'x4', '0x4', '2x0', '2x4GB', '-1x2', 'axb'])(
  '"%s" are no resources, and the error names where it was written',
  (text) => {
    expect(() => chosenResources(WORKERS.modelTraining.resources, undefined, { PERDURE_SIZE: text })).toThrow(
      `PERDURE_SIZE is "${text}"; expected vCPUs and GiB such as 1x2 or 2x4.`,
    );
  },
);

test('--size goes before PERDURE_SIZE, which goes before the standard ones', () => {
  const standard = WORKERS.dataProcessing.resources;
  expect(chosenResources(standard, '4x8', { PERDURE_SIZE: '2x4' })).toEqual({ cpus: 4, memory: 8 * GIB });
  expect(chosenResources(standard, undefined, { PERDURE_SIZE: '2x4' })).toEqual({ cpus: 2, memory: 4 * GIB });
});

describe('what follows from resources', () => {
  test('fits into the memory, also with a database open in every activity', () => {
    for (const resources of [
      WORKERS.dataProcessing.resources,
      WORKERS.modelTraining.resources,
      { cpus: 0.25, memory: GIB / 2 },
      { cpus: 16, memory: 32 * GIB },
    ]) {
      const { concurrency, database, engines } = limitsOf(resources);
      expect(database.memory * concurrency + stageHeap(resources)).toBeLessThan(resources.memory);
      expect(engines.memory + stageHeap(resources)).toBeLessThan(resources.memory);
    }
  });

  test('a part of a CPU is one thread, and more than whole ones are not rounded up', () => {
    expect(limitsOf({ cpus: 0.25, memory: GIB })).toMatchObject({
      concurrency: 1,
      database: { threads: 1 },
      engines: { hosts: 1 },
    });
    expect(limitsOf({ cpus: 3.5, memory: 8 * GIB })).toMatchObject({
      concurrency: 3,
      database: { threads: 3 },
      engines: { hosts: 3 },
    });
  });
});

describe('a worker of given resources', () => {
  const resources = parseResources('3x6', '--size');

  test('runs as many activities at once as it has whole CPUs', async () => {
    const { queue, close } = stageWorker(WORKERS.modelTraining, resources);
    await close();
    expect(queue).toMatchObject({ taskQueue: 'model-training', maxConcurrentActivityTaskExecutions: 3 });
  });

  test('has a quarter of its memory as heap, three eighths where workflows run', () => {
    expect(heapOption(WORKERS.modelTraining.heap(resources))).toBe('--max-old-space-size=1536');
    expect(heapOption(WORKERS.dataProcessing.heap(resources))).toBe('--max-old-space-size=1536');
    expect(heapOption(WORKERS.orchestrator.heap(resources))).toBe('--max-old-space-size=2304');
  });

  const context = (scratch: string, of = resources) => ({
    resources: of,
    scratch,
    signal: new AbortController().signal,
  });

  test('gives DuckDB its threads, its share of the memory, and the scratch folder to spill to', async () => {
    const scratch = temporaryFolder();
    const settings = await withDuckDb(context(scratch), (database) =>
      database.rows(
        "SELECT current_setting('threads') AS threads, current_setting('memory_limit') AS memory, current_setting('temp_directory') AS folder",
      ),
    );
    expect(settings).toEqual([{ threads: 3n, memory: '1.0 GiB', folder: join(scratch, 'duckdb') }]);
  });

  test('spills what exceeds that share, and loses nothing', async () => {
    const rows = 2_000_000;
    const scratch = temporaryFolder();
    await withDuckDb(context(scratch, parseResources('1x0.0625', '--size')), async (database) => {
      await database.run(
        `CREATE TABLE shuffled AS SELECT range AS number, hash(range) AS key, hash(range + 1) AS other FROM range(${rows}) ORDER BY key`,
      );
      const [spilled] = await database.rows<{ bytes: bigint }>(
        'SELECT CAST(sum(size) AS BIGINT) AS bytes FROM duckdb_temporary_files()',
      );
      expect(Number(spilled!.bytes)).toBeGreaterThan(8 * MIB);
      expect(
        await database.rows(
          'SELECT count(DISTINCT number) AS rows, min(number) AS first, max(number) AS last FROM shuffled',
        ),
      ).toEqual([{ rows: BigInt(rows), first: 0n, last: BigInt(rows - 1) }]);
    });
  });
});

describe("the container's limits", () => {
  /** Files as Linux shows them: the group of this process, and what `mount` holds. */
  function linux(group: string, files: Record<string, string>) {
    const folder = temporaryFolder();
    const write = (path: string, text: string) => {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), `${text}\n`);
    };
    write('cgroup', group);
    for (const [path, text] of Object.entries(files)) write(join('mount', path), text);
    return { membership: join(folder, 'cgroup'), mount: join(folder, 'mount') };
  }

  test('of version 2', () => {
    expect(containerLimits(linux('0::/', { 'memory.max': String(2 * GIB), 'cpu.max': '150000 100000' }))).toEqual({
      cpus: 1.5,
      memory: 2 * GIB,
    });
  });

  test('of version 2 without any', () => {
    expect(containerLimits(linux('0::/', { 'memory.max': 'max', 'cpu.max': 'max 100000' }))).toEqual({});
  });

  test('are the narrowest of the group and those above it', () => {
    const files = linux('0::/ecs/task/container', {
      'ecs/task/memory.max': String(4 * GIB),
      'ecs/task/container/memory.max': 'max',
      'ecs/memory.max': String(8 * GIB),
    });
    expect(containerLimits(files)).toEqual({ memory: 4 * GIB });
  });

  test('of version 1, whose group may lie outside of what the container sees', () => {
    const files = linux('4:memory:/docker/abc\n2:cpu,cpuacct:/docker/abc', {
      'memory/memory.limit_in_bytes': String(3 * GIB),
      'cpu/cpu.cfs_quota_us': '200000',
      'cpu/cpu.cfs_period_us': '100000',
    });
    expect(containerLimits(files)).toEqual({ cpus: 2, memory: 3 * GIB });
  });

  test('of version 1 without any', () => {
    const files = linux('4:memory:/\n2:cpu:/', {
      'memory/memory.limit_in_bytes': '9223372036854771712',
      'cpu/cpu.cfs_quota_us': '-1',
      'cpu/cpu.cfs_period_us': '100000',
    });
    expect(containerLimits(files)).toEqual({});
  });

  test('are none on a system without control groups', () => {
    expect(containerLimits({ membership: '/nowhere', mount: '/nowhere' })).toEqual({});
  });
});
