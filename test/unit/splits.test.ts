import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { withDuckDb, type Database } from '../../src/data/duckdb.js';
import { SplitSettings } from '../../src/config/splitSettings.js';
import { sharedGroupsSql, type SharedGroups } from '../../src/data/splits/sharedGroups.js';
import { splitOf, type SplitColumns } from '../../src/data/splits/split.js';

let database: Database;
let close: () => void;
let closed: Promise<void>;
beforeAll(async () => {
  const scratch = await mkdtemp(join(tmpdir(), 'perdure-splits-'));
  await new Promise<void>((resolve, reject) => {
    closed = withDuckDb(
      { resources: { cpus: 1, memory: 2 ** 30 }, scratch, signal: new AbortController().signal },
      async (opened) => {
        database = opened;
        resolve();
        await new Promise<void>((release) => (close = release));
      },
    ).finally(() => rm(scratch, { recursive: true }));
    closed.catch(reject);
  });
});
afterAll(() => {
  close();
  return closed;
});

const KEYS: SplitColumns = { keys: ['id'] };
const DATED: SplitColumns = { keys: ['id'], day: '"on"' };

/** The split of each row of a relation, in order of `id`. */
async function sides(
  settings: object,
  columns: SplitColumns,
  relation: string,
  asOf = '2013-12-31',
): Promise<(string | null)[]> {
  const split = splitOf(SplitSettings.parse(settings), columns);
  const rows = await database.rows<{ side: string | null }>(
    `SELECT ${split.sql(asOf)} AS side FROM ${relation} AS gold ORDER BY id`,
  );
  return rows.map(({ side }) => side);
}

function days(settings: object, asOf: string) {
  return Object.fromEntries(splitOf(SplitSettings.parse(settings), DATED).days!(asOf));
}

function faults(settings: object): string[] {
  const { error } = SplitSettings.safeParse(settings);
  return error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`) ?? [];
}

describe('by time', () => {
  test('a first day lasts until the next, train is what comes before, and the future is nowhere', async () => {
    const relation = `(SELECT row_number() OVER () AS id, d AS "on" FROM (VALUES (DATE '2010-01-01'), ('2013-08-31'), ('2013-09-01'), ('2013-10-31'), ('2013-11-01'), ('2013-12-31'), ('2014-01-01'), (NULL)) AS t(d))`;
    expect(await sides({ by: 'time', test: '2013-09-01', oot: '2013-11-01' }, DATED, relation)).toEqual([
      'train',
      'train',
      'test',
      'test',
      'oot',
      'oot',
      null,
      null,
    ]);
    expect(days({ by: 'time', test: '2013-09-01', oot: '2013-11-01' }, '2013-12-31T12:00:00Z')).toEqual({
      train: { to: '2013-08-31' },
      test: { from: '2013-09-01', to: '2013-10-31' },
      oot: { from: '2013-11-01', to: '2013-12-31' },
    });
  });

  test('both days may be given, as in a pipeline of whole years', () => {
    const given = {
      train: { from: '1999-01-01', to: '2005-12-31' },
      test: { from: '2006-01-01', to: '2006-12-31' },
      oot: { from: '2007-01-01', to: '2008-12-31' },
    };
    const settings = { by: 'time', ...given };
    expect(days(settings, '2009-06-30')).toEqual(given);
    expect(days(settings, '2008-03-01').oot).toEqual({ from: '2007-01-01', to: '2008-03-01' });
  });

  test('lengths move with asOf, and the gap keeps back what nobody would have known', () => {
    const settings = { by: 'time', train: '365 days', test: '90 days', oot: '30 days', gap: '10 days' };
    // Checked with Python's datetime.timedelta.
    expect(days(settings, '2013-12-31')).toEqual({
      train: { from: '2012-08-14', to: '2013-08-13' },
      test: { from: '2013-08-24', to: '2013-11-21' },
      oot: { from: '2013-11-22', to: '2013-12-21' },
    });
    expect(days(settings, '2014-01-01')).toEqual({
      train: { from: '2012-08-15', to: '2013-08-14' },
      test: { from: '2013-08-25', to: '2013-11-22' },
      oot: { from: '2013-11-23', to: '2013-12-22' },
    });
  });

  test('months and years are those of the calendar', () => {
    expect(days({ by: 'time', train: '1 year', test: '1 month' }, '2012-03-31')).toEqual({
      train: { from: '2011-03-01', to: '2012-02-29' },
      test: { from: '2012-03-01', to: '2012-03-31' },
    });
    expect(days({ by: 'time', train: '2 weeks', test: '2012-03-01' }, '2012-03-31').train).toEqual({
      from: '2012-02-16',
      to: '2012-02-29',
    });
  });

  test('is refused for rows without a day', () => {
    expect(() => splitOf(SplitSettings.parse({ by: 'time', test: '2013-09-01' }), KEYS)).toThrow(
      expect.objectContaining({
        type: 'ConfigInvalid',
        message:
          'A split by time needs rows with a day, and this pipeline has no "time"; name the column or give another "split", such as {"by": "random"}.',
      }) as Error,
    );
  });

  test('goes back to the year 1, and is refused where it goes farther', () => {
    expect(days({ by: 'time', test: '1 years' }, '0002-12-31').test).toMatchObject({ from: '0002-01-01' });
    expect(() => days({ by: 'time', test: '3 years' }, '0002-12-31')).toThrow(
      expect.objectContaining({
        type: 'ConfigInvalid',
        message: 'The lengths of "split" lead back to before the year 1 from 0002-12-31; give shorter ones.',
      }) as Error,
    );
  });

  test('says what is wrong with its days', () => {
    expect(faults({ by: 'time' })).toEqual([
      'test: expected a first day or a length, as a model is evaluated on rows that it did not learn from',
    ]);
    expect(faults({ by: 'time', test: '2013-09-01', oot: '2013-08-01' })).toEqual([
      'oot: expected a first day after 2013-09-01, as oot comes after test and shares no day with it',
    ]);
    expect(faults({ by: 'time', train: { to: '2013-09-01' }, test: '2013-09-01' })).toEqual([
      'test: expected a first day after 2013-09-01, as test comes after train and shares no day with it',
    ]);
    expect(faults({ by: 'time', train: '2013-09-02', test: '2013-09-01' })).toEqual([
      'test: expected a first day after 2013-09-02, as test comes after train and shares no day with it',
    ]);
    expect(faults({ by: 'time', test: { from: '2013-08-01', to: '2013-09-01' }, oot: '2013-09-01' })).toEqual([
      'oot: expected a first day after 2013-09-01, as oot comes after test and shares no day with it',
    ]);
    // Lengths say nothing of days until a run stands at one.
    for (const good of [
      { train: { to: '2013-08-31' }, test: '2013-09-01' },
      { train: '2013-08-31', test: '2013-09-01' },
      { train: { from: '2013-08-31' }, test: '90 days', oot: '2013-09-01' },
      { test: { from: '2013-09-01', to: '2013-09-01' }, oot: '2013-09-02' },
    ])
      expect(faults({ by: 'time', ...good })).toEqual([]);
    expect(faults({ by: 'time', test: { from: '2013-09-01', to: '2013-08-01' } })).toEqual([
      'test: expected "from" on or before "to"',
    ]);
    expect(faults({ by: 'time', test: '90 dogs' })).toEqual([
      'test: a first day such as "2013-09-01", a length such as "90 days", or {"from", "to"}',
    ]);
    expect(faults({ by: 'time', test: '2013-02-30' })).toHaveLength(1);
  });
});

describe('by hash', () => {
  const rows = '(SELECT range AS id, range // 3 AS person FROM range(30000))';

  test('stands where the MD5 of seed and key puts it', async () => {
    const actual = await sides(
      { by: 'random', test: 0.2, oot: 0.1, seed: 7 },
      KEYS,
      '(SELECT range AS id FROM range(500))',
    );
    const expected = actual.map((_, id) => {
      const position =
        parseInt(
          createHash('md5')
            .update(`7 ${String(id).length}:${id}`)
            .digest('hex')
            .slice(0, 13),
          16,
        ) /
        2 ** 52;
      return position < 0.2 ? 'test' : position < 0.3 ? 'oot' : 'train';
    });
    expect(actual).toEqual(expected);
  });

  test('a row stays where it is when others come, and a larger share takes from train alone', async () => {
    const few = await sides({ by: 'random' }, KEYS, '(SELECT range AS id FROM range(1000))');
    const many = await sides({ by: 'random' }, KEYS, rows);
    expect(many.slice(0, 1000)).toEqual(few);
    const more = await sides({ by: 'random', test: 0.3, oot: 0.1, validation: 0.1 }, KEYS, rows);
    expect(many.every((side, i) => side === 'train' || more[i] === 'test')).toBe(true);
    for (const [name, share] of [
      ['test', 0.3],
      ['oot', 0.1],
      ['validation', 0.1],
      ['train', 0.5],
    ] as const) {
      expect(more.filter((side) => side === name).length / more.length).toBeCloseTo(share, 1);
    }
  });

  test('does not mistake one pair of keys for another, nor nothing for an empty text', async () => {
    const pairs = `(SELECT row_number() OVER () AS id, a, b FROM (SELECT 'x' || range AS a, 'yz' AS b FROM range(64) UNION ALL SELECT 'x' || range || 'y', 'z' FROM range(64)) ORDER BY b, a)`;
    const all = await sides({ by: 'random', test: 0.5 }, { keys: ['a', 'b'] }, pairs);
    expect(all.slice(0, 64)).not.toEqual(all.slice(64));
    const empty = await Promise.all(
      [...Array(16).keys()].map((seed) =>
        sides({ by: 'random', test: 0.5, seed }, { keys: ['a'] }, `(SELECT 1 AS id, '' AS a UNION ALL SELECT 2, NULL)`),
      ),
    );
    expect(empty.some(([a, b]) => a !== b)).toBe(true);
  });

  test('has the splits that have a share, and train', () => {
    const namesOf = (settings: object) => splitOf(SplitSettings.parse({ by: 'random', ...settings }), KEYS);
    expect(namesOf({ test: 0.2 })).toMatchObject({
      names: ['train', 'test'],
      required: ['train', 'test'],
      columns: [],
    });
    expect(namesOf({ oot: 0.1, test: 0.2, validation: 0.2 }).names).toEqual(['train', 'validation', 'test', 'oot']);
    expect(splitOf(SplitSettings.parse({ by: 'group', column: 'who', test: 0.2 }), KEYS).columns).toEqual(['who']);
  });

  test('another seed deals anew', async () => {
    const [a, b] = [
      await sides({ by: 'random', seed: 1 }, KEYS, rows),
      await sides({ by: 'random', seed: 2 }, KEYS, rows),
    ];
    expect(a.filter((side, i) => side === 'test' && b[i] === 'test').length / a.length).toBeCloseTo(0.04, 2);
  });

  test('a group stands on one side, and who has none goes by the key', async () => {
    const persons = await sides({ by: 'group', column: 'person' }, KEYS, rows);
    expect(persons.every((side, i) => side === persons[Math.floor(i / 3) * 3])).toBe(true);
    expect(persons.filter((side) => side === 'test').length / persons.length).toBeCloseTo(0.2, 1);
    const nobody = '(SELECT range AS id, NULL AS person FROM range(1000))';
    expect(await sides({ by: 'group', column: 'person' }, KEYS, nobody)).toEqual(
      await sides({ by: 'random' }, KEYS, nobody),
    );
  });

  test('leaves rows of the future out where there are days', async () => {
    const dated = `(SELECT range AS id, CASE WHEN range < 500 THEN DATE '2013-12-31' WHEN range < 1000 THEN DATE '2014-01-01' END AS "on" FROM range(1500))`;
    const all = await sides({ by: 'random' }, DATED, dated);
    expect(all.slice(500, 1000).every((side) => side === null)).toBe(true);
    expect([...all.slice(0, 500), ...all.slice(1000)]).not.toContain(null);
  });

  test('refuses shares that leave nothing to learn from', () => {
    expect(faults({ by: 'random', test: 0.6, oot: 0.4 })).toEqual([
      'test: expected shares of less than 1 in all, as the rest is what a model learns from',
    ]);
    expect(faults({ by: 'random', test: 1 })).not.toEqual([]);
    expect(faults({ by: 'group', test: 0.2 })).toHaveLength(1);
  });
});

describe('by a column', () => {
  const table = (values: string) => `(SELECT row_number() OVER () AS id, c FROM (VALUES ${values}) AS t(c))`;

  test('that says the names', async () => {
    expect(
      await sides({ by: 'column', column: 'c' }, KEYS, table(`('train'), ('Test '), ('OOT'), ('dev'), (NULL)`)),
    ).toEqual(['train', 'test', 'oot', null, null]);
    // A column need not say all names, but these.
    expect(splitOf(SplitSettings.parse({ by: 'column', column: 'c' }), KEYS)).toMatchObject({
      names: ['train', 'validation', 'test', 'oot'],
      required: ['train', 'test'],
      columns: ['c'],
    });
    const given = splitOf(SplitSettings.parse({ by: 'column', column: 'c', test: 'a', oot: 'b' }), KEYS);
    expect(given).toMatchObject({ names: ['train', 'test', 'oot'], required: ['train', 'test', 'oot'] });
  });

  test('that says values, of any type', async () => {
    expect(await sides({ by: 'column', column: 'c', test: [5, 6] }, KEYS, table('(1.0), (5.0), (6), (NULL)'))).toEqual([
      'train',
      'test',
      'test',
      null,
    ]);
    expect(await sides({ by: 'column', column: 'c', train: true }, KEYS, table('(true), (false), (NULL)'))).toEqual([
      'train',
      'test',
      null,
    ]);
    expect(
      await sides(
        { by: 'column', column: 'c', train: ['a', "it's"], oot: 'z' },
        KEYS,
        table(`('a'), ('it''s'), ('z'), ('other')`),
      ),
    ).toEqual(['train', 'train', 'oot', null]);
    expect(splitOf(SplitSettings.parse({ by: 'column', column: 'c', oot: 'z' }), KEYS).names).toEqual(['train', 'oot']);
  });

  test('refuses a value that stands for two splits', () => {
    expect(faults({ by: 'column', column: 'c', train: 'a', test: ['b', 'a'] })).toEqual([
      'test: expected other values than those of train, got "a" in both',
    ]);
  });
});

test('entities that stand on both sides are counted', async () => {
  const relation = `(SELECT * FROM (VALUES ('train', 'a'), ('train', 'b'), ('train', NULL), ('test', 'a'), ('test', 'a'), ('test', 'c'), ('test', NULL), ('oot', 'd'), (NULL, 'a')) AS t(side, person))`;
  expect(
    await database.rows<SharedGroups & Record<string, number>>(sharedGroupsSql(relation, 'side', 'person')),
  ).toEqual([
    { split: 'test', rows: 4, sharedRows: 2, groups: 2, sharedGroups: 1 },
    { split: 'oot', rows: 1, sharedRows: 0, groups: 1, sharedGroups: 0 },
  ]);
});
