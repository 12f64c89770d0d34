import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { loadPipeline } from '../../src/config/load.js';
import { generateCsv } from '../../src/data/synthetic.js';
import { sha256, sha256File } from '../../src/platform/storage/checksum.js';
import { CONF, createMedallion, VISITS, type Medallion } from '../support/medallion.js';

let world: Medallion;
beforeEach(async () => {
  world = await createMedallion();
  const { source, ...rest } = CONF['pipeline.json'];
  const columns = {
    id: 'BIGINT',
    owner: 'BIGINT',
    kind: 'VARCHAR',
    size: 'INTEGER',
    weight: 'INTEGER',
    fate: 'VARCHAR',
  };
  world.writeConf('pipeline.json', {
    ...rest,
    source: { ...source, columns, synthetic: { calibration: 'calibration.json', rows: 20_000 } },
  });
  world.writeConf('calibration.json', CALIBRATION);
});

/** Two sizes go together, a kind depends on the outcome, and three in four owners have one row. */
const CALIBRATION = {
  about: 'Made up.',
  seed: 7,
  label: {
    column: 'fate',
    values: [
      ['good', 900],
      ['bad', 100],
    ],
  },
  identifiers: [
    { column: 'id', first: 1000, mean_step: 5 },
    {
      column: 'owner',
      first: 1,
      mean_step: 2,
      rows_per_value: [
        [1, 750],
        [2, 125],
      ],
    },
  ],
  columns: {
    kind: [
      ['plain', 810, 50],
      ['odd, "quoted"', 90, 50],
    ],
    size: [
      ['1', 450, 50],
      ['2', 450, 50],
    ],
    weight: [
      ['10', 225, 25],
      ['20', 450, 50],
      ['30', 225, 25],
    ],
  },
  correlations: { columns: ['size', 'weight'], lower: [[], [0.8]] },
};

async function generate(rows?: number): Promise<string> {
  const path = join(world.root, 'generated.csv');
  await generateCsv(await loadPipeline(VISITS, world.env), path, rows === undefined ? {} : { rows });
  return path;
}

describe('data that SQL gives', () => {
  const QUERY = `SELECT range AS id, CAST(floor(random() * 100) AS INTEGER) AS size FROM range(getvariable('rows'));`;

  async function drawn(seed: number, rows: number): Promise<string> {
    const { source, ...rest } = CONF['pipeline.json'];
    const synthetic = { sql: 'generate.sql', rows: 5, seed };
    world.writeConf('pipeline.json', { ...rest, source: { ...source, synthetic } });
    writeFileSync(join(world.root, 'conf', 'pipelines', VISITS, 'generate.sql'), QUERY);
    return readFileSync(await generate(rows), 'utf8');
  }

  test('are the same each time, others by another seed, and as many as are asked for', async () => {
    const first = await drawn(42, 5_000);
    expect(await drawn(42, 5_000)).toBe(first);
    expect(await drawn(43, 5_000)).not.toBe(first);
    const [header, ...lines] = first.trimEnd().split('\n');
    expect(header).toBe('id,size');
    const sizes = lines.map((line) => Number(line.split(',')[1]));
    expect(sizes).toHaveLength(5_000);
    // The mean of 5,000 numbers from 0 to 99 has a standard error of .41.
    expect(Math.abs(sizes.reduce((a, b) => a + b, 0) / 5_000 - 49.5)).toBeLessThan(2);
    expect(readdirSync(world.root).filter((name) => name.startsWith('generated'))).toEqual(['generated.csv']);
  });

  test('are none where the SQL fails, which is told with its file', async () => {
    await drawn(42, 5);
    writeFileSync(join(world.root, 'conf', 'pipelines', VISITS, 'generate.sql'), 'SELECT absent');
    await expect(generate(5)).rejects.toMatchObject({
      type: 'ConfigInvalid',
      message: expect.stringMatching(/generate\.sql can't be run: /) as string,
    });
    expect(readdirSync(world.root)).not.toContain('generated.csv.partial.scratch');
    expect(readdirSync(world.root)).not.toContain('generated.csv.partial');
  });
});

describe('generated data', () => {
  test('is the same bytes each time and everywhere', async () => {
    const path = await generate(1000);
    expect(await sha256File(path)).toBe('aaeb5d5584ae1ec00d628d26329d703646dff252802301b6f81e0080f167fb16');
    const again = sha256(readFileSync(path));
    expect(await sha256File(await generate(1000))).toBe(again);
    expect(readdirSync(world.root)).not.toContain('generated.csv.partial');
  });

  test('has the shape that its calibration describes', async () => {
    const [header, ...lines] = readFileSync(await generate(), 'utf8')
      .trimEnd()
      .split('\n');
    expect(header).toBe('id,owner,kind,size,weight,fate');
    expect(lines).toHaveLength(20_000);
    const rows = lines.map((line) =>
      /^(\d+),(\d+),(plain|"odd, ""quoted"""),(\d+),(\d+),(good|bad)$/.exec(line)!.slice(1),
    );

    const share = (of: (row: string[]) => boolean, among: (row: string[]) => boolean = () => true) =>
      rows.filter((row) => among(row) && of(row)).length / rows.filter(among).length;
    expect(share((row) => row[5] === 'bad')).toBe(0.1);
    expect(
      share(
        (row) => row[2] !== 'plain',
        (row) => row[5] === 'bad',
      ),
    ).toBeCloseTo(0.5, 1);
    expect(
      share(
        (row) => row[2] !== 'plain',
        (row) => row[5] === 'good',
      ),
    ).toBeCloseTo(0.1, 1);
    expect(share((row) => row[4] === '10')).toBeCloseTo(0.25, 1);
    // P(size 1 | weight 10) of a Gaussian copula with correlation .8 is .95.
    expect(
      share(
        (row) => row[3] === '1',
        (row) => row[4] === '10',
      ),
    ).toBeCloseTo(0.95, 1);

    expect(new Set(rows.map((row) => row[0])).size).toBe(20_000);
    const owners = new Map<string, number>();
    for (const row of rows) owners.set(row[1]!, (owners.get(row[1]!) ?? 0) + 1);
    expect([...owners.values()].filter((count) => count === 1)).toHaveLength(15_000);
    expect([...owners.values()].filter((count) => count === 2)).toHaveLength(2500);
  });

  test('draws rare values of columns that go together as often as they were counted, and what was never counted not at all', async () => {
    // Shares of 1% lie in the tails of the normal distribution, .5% of them beyond 2.6 standard deviations.
    const size = [
      ['0', 0, 0],
      ['1', 9, 1],
      ['2', 882, 98],
      ['3', 9, 1],
      ['4', 0, 0],
    ];
    const weight = [
      ['10', 90, 10],
      ['20', 360, 40],
      ['30', 360, 40],
      ['40', 90, 10],
      ['50', 0, 0],
    ];
    world.writeConf('calibration.json', {
      ...CALIBRATION,
      columns: { ...CALIBRATION.columns, size, weight },
      correlations: { columns: ['size', 'weight'], lower: [[], [-0.5]] },
    });
    // More than a megabyte, which is written in pieces.
    const rows = readFileSync(await generate(60_000), 'utf8')
      .trimEnd()
      .split('\n')
      .slice(1)
      .map((line) => line.replace('odd, ""quoted""', '').split(','));
    expect(rows).toHaveLength(60_000);
    expect(rows.map((row) => row.length).filter((fields) => fields !== 6)).toEqual([]);
    // Identifiers ascend, also from one piece to the next.
    const ids = rows.map((row) => Number(row[0]));
    expect(ids.findIndex((id, i) => !(id > (ids[i - 1] ?? 999)))).toBe(-1);
    const counts = (column: number) =>
      Object.fromEntries(
        [...new Set(rows.map((row) => row[column]!))]
          .sort()
          .map((value) => [value, rows.filter((row) => row[column] === value).length]),
      );
    // A binomial count of 1% of 60,000 has a standard deviation of 24, of 10% 73, of 40% 120.
    const near = (count: number, deviation: number) =>
      expect.toSatisfy((value: number) => Math.abs(value - count) < 4 * deviation) as number;
    expect(counts(3)).toEqual({ 1: near(600, 24), 2: near(58_800, 34), 3: near(600, 24) });
    expect(counts(4)).toEqual({
      10: near(6_000, 73),
      20: near(24_000, 120),
      30: near(24_000, 120),
      40: near(6_000, 73),
    });
    // Small sizes go with large weights.
    const together = (weight: string) => rows.filter((row) => row[3] === '1' && row[4] === weight).length;
    expect(together('40')).toBeGreaterThan(3 * together('10'));
  });

  test('may have as many rows as asked for', async () => {
    const path = await generate(37);
    expect(readFileSync(path, 'utf8').trimEnd().split('\n')).toHaveLength(38);
    // Half a row of five is a tenth, and counts as a whole one.
    const five = readFileSync(await generate(5), 'utf8')
      .trimEnd()
      .split('\n')
      .slice(1);
    expect(five.filter((line) => line.endsWith(',bad'))).toHaveLength(1);
  });

  test.each(['comma, here', 'say "so"', 'two\nlines', 'a\rreturn'])(
    'has %j in quotes, as a name and as values',
    async (text) => {
      const { source, ...rest } = CONF['pipeline.json'];
      const synthetic = { calibration: 'calibration.json', rows: 3 };
      const name = text.replaceAll(/[\r\n]/g, ',');
      const columns = { [name]: 'VARCHAR', fate: 'VARCHAR' };
      world.writeConf('pipeline.json', { ...rest, source: { ...source, columns, synthetic } });
      world.writeConf('calibration.json', {
        ...CALIBRATION,
        identifiers: [],
        columns: { [name]: [[text, 1, 1]] },
        correlations: { columns: [], lower: [] },
      });
      const inQuotes = (text: string) => `"${text.replaceAll('"', '""')}"`;
      const row = `${inQuotes(text)},good\n`;
      expect(readFileSync(await generate(), 'utf8')).toBe(`${inQuotes(name)},fate\n${row}${row}${row}`);
    },
  );
});

describe('a calibration that does not fit is refused', () => {
  test.each([
    [
      'a column is missing',
      { columns: { kind: CALIBRATION.columns.kind, size: CALIBRATION.columns.size } },
      /columns: expected weight, which pipeline\.json names\n.*correlations\.columns: expected weight in "columns"$/,
    ],
    [
      'a count is missing',
      { columns: { ...CALIBRATION.columns, kind: [['plain', 1]] } },
      /columns\.kind: expected 2 counts a value, as the label has 2 values$/,
    ],
    [
      'correlations are not a triangle',
      { correlations: { columns: ['size', 'weight'], lower: [[0.8], []] } },
      /correlations\.lower: expected a row a column, each one longer than the one before$/,
    ],
    [
      'a correlation is beyond 1',
      { correlations: { columns: ['size', 'weight'], lower: [[], [1.5]] } },
      /correlations\.lower\.1\.0: /,
    ],
    [
      'an identifier is missing',
      { identifiers: [CALIBRATION.identifiers[0]] },
      /columns: expected owner, which pipeline\.json names$/,
    ],
    [
      'one of several values lacks a count',
      {
        columns: {
          ...CALIBRATION.columns,
          kind: [
            ['plain', 1, 2],
            ['odd', 1],
          ],
        },
      },
      /columns\.kind: expected 2 counts a value/,
    ],
    [
      'a value has a count too many',
      { columns: { ...CALIBRATION.columns, kind: [['plain', 1, 2, 3]] } },
      /columns\.kind: expected 2 counts a value/,
    ],
    [
      'correlations are of fewer columns',
      { correlations: { columns: ['size'], lower: [[], [0.8]] } },
      /correlations\.lower: expected a row a column/,
    ],
    [
      'one row of correlations is too long',
      { correlations: { columns: ['size', 'weight'], lower: [[], [0.8, 0.1]] } },
      /correlations\.lower: expected a row a column/,
    ],
    ['it says not what was counted', { about: '' }, /calibration\.json.*\n.*about: /],
    ['its seed is negative', { seed: -1 }, /seed: /],
    ['its seed has more than 32 bits', { seed: 2 ** 32 }, /seed: /],
    ['the label has one value', { label: { column: 'fate', values: [['good', 900]] }, columns: {} }, /label\.values: /],
    [
      'a count is negative',
      {
        label: {
          column: 'fate',
          values: [
            ['good', 900],
            ['bad', -1],
          ],
        },
      },
      /label\.values\.1\.1: /,
    ],
    [
      'an identifier begins below 0',
      { identifiers: [{ column: 'id', first: -1, mean_step: 1 }] },
      /identifiers\.0\.first: /,
    ],
    [
      'an identifier stands still',
      { identifiers: [{ column: 'id', first: 0, mean_step: 0 }] },
      /identifiers\.0\.mean_step: /,
    ],
    [
      'a value stands on no row',
      { identifiers: [{ column: 'id', first: 0, mean_step: 1, rows_per_value: [[0, 1]] }] },
      /identifiers\.0\.rows_per_value\.0\.0: /,
    ],
    [
      'no value stands on any row',
      { identifiers: [{ column: 'id', first: 0, mean_step: 1, rows_per_value: [] }] },
      /identifiers\.0\.rows_per_value: /,
    ],
    ['a column has no values', { columns: { ...CALIBRATION.columns, kind: [] } }, /columns\.kind: /],
    [
      'a correlation is 1',
      { correlations: { columns: ['size', 'weight'], lower: [[], [1]] } },
      /correlations\.lower\.1\.0: /,
    ],
    [
      'a correlation is -1',
      { correlations: { columns: ['size', 'weight'], lower: [[], [-1]] } },
      /correlations\.lower\.1\.0: /,
    ],
    [
      'correlations contradict each other',
      { correlations: { columns: ['kind', 'size', 'weight'], lower: [[], [0.9], [0.9, -0.9]] } },
      /^The correlations of the calibration are not those of any distribution \(not positive definite\); count them anew\.$/,
    ],
  ])('%s', async (_what, change, message) => {
    world.writeConf('calibration.json', { ...CALIBRATION, ...change });
    await expect(generate(10)).rejects.toMatchObject({
      type: 'ConfigInvalid',
      message: expect.stringMatching(message) as string,
    });
    expect(readdirSync(world.root).filter((name) => name.startsWith('generated'))).toEqual([]);
  });

  test('the largest seed, and identifiers without a gap, are none of these', async () => {
    world.writeConf('calibration.json', {
      ...CALIBRATION,
      seed: 2 ** 32 - 1,
      identifiers: [{ column: 'id', first: 0, mean_step: 1 }, CALIBRATION.identifiers[1]],
    });
    const rows = readFileSync(await generate(5), 'utf8')
      .trimEnd()
      .split('\n')
      .slice(1);
    expect(rows.map((row) => row.split(',')[0])).toEqual(['0', '1', '2', '3', '4']);
  });

  test('nor is a folder that is not there, which is told', async () => {
    const path = join(world.root, 'absent', 'generated.csv');
    await expect(generateCsv(await loadPipeline(VISITS, world.env), path)).rejects.toMatchObject({
      type: 'StoreUnavailable',
      message: expect.stringContaining(`${path} can't be read or written`) as string,
    });
  });

  test('there is none', async () => {
    writeFileSync(
      join(world.root, 'conf', 'pipelines', VISITS, 'pipeline.json'),
      JSON.stringify(CONF['pipeline.json']),
    );
    await expect(generate(10)).rejects.toMatchObject({
      type: 'ConfigInvalid',
      message: 'The pipeline visits has no synthetic data; name a CSV file instead.',
    });
  });
});
