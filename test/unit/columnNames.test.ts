import { rmSync } from 'node:fs';
import { beforeEach, describe, expect, test } from 'vitest';
import { DUCKDB_COLUMNS, INTERNAL, INTERNAL_PREFIX, PREDICTION_COLUMNS } from '../../src/config/columns.js';
import { loadPipeline } from '../../src/config/load.js';
import { CONF, createMedallion, visitsOf, type Medallion } from '../support/medallion.js';

let world: Medallion;
beforeEach(async () => {
  world = await createMedallion();
});

type Definition = Omit<(typeof CONF)['pipeline.json'], 'source'> & {
  source: { file: string; columns: Record<string, string> };
};

/** The faults that are told of the pipeline's definition with a change. */
async function faultsOf(change: (definition: Definition) => void): Promise<string[]> {
  const definition = structuredClone(CONF['pipeline.json']) as Definition;
  change(definition);
  world.writeConf('pipeline.json', definition);
  const error = await loadPipeline('visits', world.env).then(
    () => undefined,
    (thrown: unknown) => thrown as Error,
  );
  if (!error) return [];
  expect(error).toMatchObject({ type: 'ConfigInvalid' });
  return error.message
    .split('\n')
    .slice(1)
    .map((line) => line.trim());
}

const KEPT = [
  ...Object.values(INTERNAL),
  ...DUCKDB_COLUMNS,
  `${INTERNAL_PREFIX}anything`,
  `${INTERNAL_PREFIX.toUpperCase()}ROW`,
  'Filename',
];
const WORDS = `another name: "file_row_number", "filename" and names that begin with "${INTERNAL_PREFIX}" are kept for columns that are added to a user's`;

describe("a name of Perdure's own", () => {
  test.each(KEPT)('%s is no column of the source, key, label or feature', async (name) => {
    expect(await faultsOf((d) => (d.source.columns[name] = 'DOUBLE'))).toEqual([
      `source.columns.${name}: expected ${WORDS} as a name`,
    ]);
    expect(await faultsOf((d) => (d.keys = [name, 'day']))).toEqual([`keys.0: ${WORDS}`]);
    expect(await faultsOf((d) => (d.partition.column = name))).toEqual([`partition.column: ${WORDS}`]);
    expect(await faultsOf((d) => (d.label = name))).toEqual([`label: ${WORDS}`]);
    expect(await faultsOf((d) => (d.features[0]!.name = name))).toEqual([`features.0.name: ${WORDS}`]);
  });

  test('is not made by SQL either', async () => {
    world.writeConf('silver.sql', `SELECT *, 1 AS ${INTERNAL.row} FROM bronze`);
    world.writeCsv(visitsOf(1));
    await expect(world.process()).rejects.toMatchObject({
      type: 'ConfigInvalid',
      message: expect.stringMatching(
        /silver\.sql gives the column __perdure_row, but "file_row_number", "filename" and names that begin with "__perdure_" are kept .*; rename it\.$/,
      ) as string,
    });
  });
});

test.each([...PREDICTION_COLUMNS, ...PREDICTION_COLUMNS.map((name) => name.toUpperCase())])(
  '%s is no key, as predictions have a column of that name',
  async (name) => {
    const fault = `expected another name than "${name}": predictions carry this column beside their own, probability, label, confidence, algorithm, version; the query may rename it with AS`;
    expect(await faultsOf((d) => (d.keys = ['id', name]))).toEqual([`keys.1: ${fault}`]);
    expect(await faultsOf((d) => (d.partition.column = name))).toEqual([`partition.column: ${fault}`]);
    // A feature, the label or a column of the source may have it.
    expect(await faultsOf((d) => (d.source.columns[name] = 'DOUBLE'))).toEqual([]);
    expect(await faultsOf((d) => (d.features[0]!.name = name))).toEqual([]);
    expect(await faultsOf((d) => (d.label = name))).toEqual([]);
  },
);

test.each<[what: string, change: (definition: Definition) => void, faults: string[]]>([
  [
    'columns of the source that differ in case',
    (d) => (d.source.columns.KIND = 'VARCHAR'),
    ['source.columns: expected every name once, got "KIND" twice (upper and lower case letters are the same)'],
  ],
  [
    'a key twice',
    (d) => (d.keys = ['id', 'day', 'ID']),
    ['keys: expected every name once, got "ID" twice (upper and lower case letters are the same)'],
  ],
  [
    'a feature twice',
    (d) => d.features.push({ name: 'urgent', type: 'binary' }),
    ['features: expected every name once, got "urgent" twice (upper and lower case letters are the same)'],
  ],
  [
    'features that differ in case',
    (d) => d.features.push({ name: 'Cost', type: 'numeric' }),
    ['features: expected every name once, got "Cost" twice (upper and lower case letters are the same)'],
  ],
  [
    'a feature that is the label',
    (d) => d.features.push({ name: 'COSTLY', type: 'binary' }),
    ['features.3.name: expected another column than the label, "costly": a model can\'t learn from what it predicts'],
  ],
  [
    'a key that is the label',
    (d) => (d.keys = ['id', 'costly']),
    ['keys.1: expected another column than the label, "costly"'],
  ],
  [
    'two spellings of a column',
    (d) => d.features.push({ name: 'Id', type: 'numeric' }),
    ['features.3.name: expected "id", as keys.0 spells it'],
  ],
  [
    'a feature that every JavaScript object has',
    (d) => (d.features[0]!.name = 'constructor'),
    [
      'features.0.name: another name: this one is a property of every JavaScript object; the query may rename it with AS',
    ],
  ],
  [
    'a feature with a dot',
    (d) => (d.features[0]!.name = 'a.b'),
    [
      'features.0.name: a column name of letters, digits, "_" and "-" that does not begin with a digit or "-"; the query may rename it with AS',
    ],
  ],
  ['an empty name', (d) => (d.source.columns[''] = 'DOUBLE'), ['source.columns.: expected a column name as a name']],
  [
    'a name with a line break',
    (d) => (d.keys = ['a\nb']),
    ['keys.0: a column name without line breaks, tabs and other control characters'],
  ],
  [
    'two layers at one path',
    (d) => (d.layers.silver.path = d.layers.bronze.path),
    ['layers.silver.path: expected another path than that of bronze, as each layer has files of its own'],
  ],
])('%s: refused when the config is read', async (_what, change, faults) => {
  expect(await faultsOf(change)).toEqual(faults);
});

test('a property that JSON can say and no object can hold is refused', async () => {
  world.writeConf(
    'pipeline.json',
    JSON.stringify(CONF['pipeline.json']).replace('"kind":"VARCHAR"', '"__proto__":"VARCHAR"'),
  );
  await expect(loadPipeline('visits', world.env)).rejects.toMatchObject({
    type: 'ConfigInvalid',
    message: expect.stringContaining('expected another name than "__proto__"') as string,
  });
});

test('a query that gives a name twice is refused: which of the two was meant is not known', async () => {
  world.writeConf('silver.sql', 'SELECT *, 1 AS Cost FROM bronze');
  world.writeCsv(visitsOf(1));
  await expect(world.process()).rejects.toMatchObject({
    type: 'ConfigInvalid',
    message: expect.stringMatching(
      /silver\.sql gives the column Cost twice \(upper and lower case letters are the same\); leave one out or rename it\.$/,
    ) as string,
  });
});

test.each<[string, object]>([
  [
    'two expectations of one name',
    {
      silver: [
        { name: 'a', check: 'true', on_failure: 'drop' },
        { name: 'a', check: 'true', on_failure: 'drop' },
      ],
    },
  ],
  [
    'an expectation named as the duplicates are',
    { duplicates: { name: 'a', on_failure: 'drop' }, silver: [{ name: 'a', check: 'true', on_failure: 'drop' }] },
  ],
])('%s are refused, as dropped rows are counted by name', async (_what, expectations) => {
  world.writeConf('expectations.json', expectations);
  await expect(loadPipeline('visits', world.env)).rejects.toMatchObject({
    type: 'ConfigInvalid',
    message: expect.stringContaining(
      'silver: expected a name of its own for each expectation, got "a" twice',
    ) as string,
  });
});

test('a lost expectations.json is told with what to do', async () => {
  rmSync(`${world.root}/conf/pipelines/visits/expectations.json`);
  await expect(loadPipeline('visits', world.env)).rejects.toMatchObject({
    type: 'ConfigInvalid',
    message: `${world.root}/conf/pipelines/visits/expectations.json is not there; restore it, or write {"silver": []} into it where nothing is expected of the rows.`,
  });
});
