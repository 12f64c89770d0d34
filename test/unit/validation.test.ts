import { readFileSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeEach, describe, expect, test } from 'vitest';
import { loadPipeline } from '../../src/config/load.js';
import { EXPECTATION_NAMES } from '../../src/validation/expectationTypes.js';
import { validationKey, validationResult, type ValidationResult } from '../../src/data/validation/results.js';
import { readParquetSql, withDuckDb, type Database, type SqlValue } from '../../src/data/duckdb.js';
import {
  exportQuarantine,
  firstQuarantined,
  openQuarantine,
  quarantineLine,
  returnRows,
} from '../../src/data/validation/quarantine.js';
import { gold } from '../../src/stages/gold.js';
import { CONF, createMedallion, RESOURCES, visitsOf, type Medallion, type Visit } from '../support/medallion.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

/** Expectations of the rows of a partition, as suites of Great Expectations have them. */
let world: Medallion;
beforeEach(async () => {
  world = await createMedallion();
});

type Written = { type: string; kwargs?: object; severity?: string; meta?: object };
const expects = (...expectations: Written[]) => world.writeConf('expectations.json', { name: 'visits', expectations });
const resultOf = (partition: string) => validationResult.read(world.stores.datamart, validationKey(partition));
const of = ({ results }: ValidationResult, rule: string) => results.find((result) => result.rule === rule)!;
const processed = (visits: Visit[]) => {
  world.writeCsv(visits);
  return world.process();
};

function cut(path: string): void {
  truncateSync(path, 5);
}

function change(path: string): void {
  const bytes = readFileSync(path);
  bytes[bytes.length >> 1]! ^= 1;
  writeFileSync(path, bytes);
}

async function quarantined(partition: string): Promise<Record<string, SqlValue>[]> {
  const { quarantine } = (await resultOf(partition))!;
  if (!quarantine) return [];
  const path = await world.stores.datamart.localFile(quarantine.key, quarantine.checksum);
  const context = { resources: RESOURCES, scratch: temporaryFolder(), signal: new AbortController().signal };
  return withDuckDb(context, (database) =>
    database.rows(`SELECT * REPLACE (CAST(day AS VARCHAR) AS day) FROM ${readParquetSql([path])}`),
  );
}

describe('a suite', () => {
  test('is evaluated per partition, and what came of it is kept with a score', async () => {
    expects(
      { type: 'expect_column_values_to_not_be_null', kwargs: { column: 'id' } },
      { type: 'expect_column_values_to_be_unique', kwargs: { column: 'id' } },
      { type: 'expect_column_values_to_be_between', kwargs: { column: 'cost', min_value: 0 }, severity: 'warn' },
      { type: 'expect_column_values_to_be_in_set', kwargs: { column: 'kind', value_set: ['urgent'], mostly: 0.5 } },
      { type: 'expect_table_row_count_to_be_between', kwargs: { min_value: 1, max_value: 10 } },
    );
    const visits = visitsOf(2);
    visits[1] = { ...visits[1]!, cost: -3 };
    visits[3] = { ...visits[3]!, cost: -5 };
    const { silver } = await processed(visits);
    const between = 'expect_column_values_to_be_between(cost)';
    expect(silver).toMatchObject({
      rows: 8,
      dropped: {},
      quality: { evaluated: 10, met: 9, unmet: { [between]: 2 } },
    });
    const january = (await resultOf('2020_01'))!;
    expect(january).toMatchObject({
      success: false,
      quality_score: 0.8,
      statistics: { evaluated_expectations: 5, successful_expectations: 4, success_percent: 80 },
      meta: { partition: '2020_01', suite: 'visits' },
    });
    expect(of(january, between)).toEqual({
      rule: between,
      dimension: 'validity',
      severity: 'warn',
      success: false,
      expectation_config: {
        type: 'expect_column_values_to_be_between',
        kwargs: { column: 'cost', min_value: 0 },
      },
      result: {
        element_count: 4,
        unexpected_count: 2,
        unexpected_percent: 50,
        partial_unexpected_list: [-3, -5],
        partial_unexpected_counts: [
          { value: -3, count: 1 },
          { value: -5, count: 1 },
        ],
        missing_count: 0,
        missing_percent: 0,
        unexpected_percent_total: 50,
        unexpected_percent_nonmissing: 50,
      },
    });
    expect(january.results.map(({ dimension }) => dimension)).toEqual([
      'completeness',
      'uniqueness',
      'validity',
      'validity',
      'completeness',
    ]);
    expect((await resultOf('2020_02'))!.success).toBe(true);
    // What is known of a partition that stays as it is is told again.
    expect((await world.process()).silver.quality).toEqual(silver.quality);
  });

  test('of the first releases says the same', async () => {
    world.writeConf('expectations.json', {
      data_asset_type: 'Dataset',
      expectation_suite_name: 'old',
      meta: { great_expectations_version: '0.15.50' },
      expectations: [
        {
          expectation_type: 'expect_column_values_to_be_between',
          kwargs: { column: 'cost', min_value: 100, max_value: null, result_format: 'BASIC' },
          meta: {},
        },
      ],
    });
    await expect(processed(visitsOf(1))).rejects.toMatchObject({
      type: 'InputInvalid',
      message: expect.stringMatching(
        /^The expectation expect_column_values_to_be_between\(cost\), which must hold, is broken by 4 rows of partition 2020_01; /,
      ) as string,
    });
    expect(await resultOf('2020_01')).toMatchObject({ meta: { suite: 'old' }, quality_score: 0 });
  });

  test.each([
    ['fail', { rows: 4, dropped: {} }],
    ['critical', { rows: 4, dropped: {} }],
    ['warn', { rows: 4, dropped: {} }],
    ['info', { rows: 4, dropped: {} }],
    ['drop', { rows: 3, dropped: { 'expect_column_values_to_be_between(cost)': 1 } }],
  ])('of severity %s keeps the rows that break it, with the rule and all columns', async (severity, silver) => {
    expects({ type: 'expect_column_values_to_be_between', kwargs: { column: 'cost', max_value: 30 }, severity });
    world.writeCsv(visitsOf(1));
    if (severity === 'fail' || severity === 'critical') {
      await expect(world.process()).rejects.toMatchObject({ type: 'InputInvalid' });
      expect((await world.manifest('silver')).partitions).toEqual({});
    } else expect((await world.process()).silver).toMatchObject(silver);
    expect(await quarantined('2020_01')).toEqual([
      {
        __perdure_id: expect.stringMatching(/^[0-9a-f]{32}-1$/) as string,
        __perdure_rules: 'expect_column_values_to_be_between(cost)',
        id: 4n,
        day: '2020-01-13',
        kind: 'urgent',
        cost: 40,
      },
    ]);
  });

  test('below the minimum score fails the run, which names the worst, also where the minimum was raised later', async () => {
    const minimum = (min_quality_score?: number) =>
      world.writeConf('model_config.dev.json', {
        ...CONF['model_config.dev.json'],
        ...(min_quality_score !== undefined && { validation_config: { min_quality_score } }),
      });
    expects(
      { type: 'expect_column_values_to_be_between', kwargs: { column: 'cost', max_value: 30 }, severity: 'warn' },
      { type: 'expect_column_values_to_be_in_set', kwargs: { column: 'kind', value_set: [] }, severity: 'warn' },
      { type: 'expect_column_to_exist', kwargs: { column: 'id' } },
    );
    minimum(0.5);
    await expect(processed(visitsOf(1))).rejects.toMatchObject({
      type: 'InputInvalid',
      message:
        'Partition 2020_01 has a quality score of 0.33 (1 of 3 expectations is met), below the minimum of 0.5 (validation_config.min_quality_score); the worst are expect_column_values_to_be_in_set(kind) (100.0% of the rows), expect_column_values_to_be_between(cost) (25.0% of the rows); correct the source, or the rows that "perdure data quarantine visits" shows, and run again.',
    });
    minimum();
    expect((await world.process()).silver.quality).toMatchObject({ evaluated: 3, met: 1 });
    minimum(0.5);
    await expect(world.process()).rejects.toMatchObject({
      message:
        'Partition 2020_01 has a quality score of 0.33 (1 of 3 expectations is met), below the minimum of 0.5 (validation_config.min_quality_score); not met are expect_column_values_to_be_in_set(kind) (4 rows), expect_column_values_to_be_between(cost) (1 row); correct the source, or lower the minimum, and run again.',
    });
    minimum(0.3);
    expect((await world.process()).silver.unchanged).toEqual(['2020_01']);
  });

  test('that must hold and does not names the worst first, and how many more there are', async () => {
    const fails = (type: string, kwargs: object, name: string) => ({
      type: `expect_${type}`,
      kwargs,
      severity: 'fail',
      meta: { name },
    });
    expects(
      fails('column_values_to_be_between', { column: 'cost', max_value: 30 }, 'cheap'),
      fails('column_values_to_be_between', { column: 'cost', max_value: 20 }, 'cheaper'),
      fails('table_row_count_to_equal', { value: 3 }, 'three'),
      fails('column_values_to_be_in_set', { column: 'kind', value_set: ['urgent'] }, 'urgent'),
      fails('column_to_exist', { column: 'id' }, 'met'),
      { type: 'expect_column_to_exist', kwargs: { column: 'absent' }, severity: 'warn', meta: { name: 'warned' } },
    );
    const remedy = 'correct the source, or the rows that "perdure data quarantine visits" shows, and run again.';
    const visits = [...visitsOf(1), { id: 5, day: '2020-01-20', kind: 'urgent', cost: 1 }];
    await expect(processed(visits)).rejects.toMatchObject({
      type: 'InputInvalid',
      message: `Expectations that must hold are not met: three is not met (5) in 2020_01, cheaper is broken by 2 rows of 2020_01, urgent is broken by 2 rows of 2020_01, and 1 more; ${remedy}`,
    });
    expects(
      fails('column_values_to_be_between', { column: 'cost', max_value: 30 }, 'cheap'),
      fails('column_to_exist', { column: 'absent' }, 'there'),
    );
    await expect(processed(visits)).rejects.toMatchObject({
      message: `Expectations that must hold are not met: there is not met in 2020_01, cheap is broken by 1 row of 2020_01; ${remedy}`,
    });
    expects(fails('column_to_exist', { column: 'absent' }, 'there'));
    await expect(processed(visits)).rejects.toMatchObject({
      message: `The expectation there, which must hold, is not met in partition 2020_01; ${remedy}`,
    });
  });

  test('of which too few are met tells of the worst partition, the worst three, and of how many others', async () => {
    world.writeConf('model_config.dev.json', {
      ...CONF['model_config.dev.json'],
      validation_config: { min_quality_score: 0.9 },
    });
    const warns = (max_value: number) => ({
      type: 'expect_column_values_to_be_between',
      kwargs: { column: 'cost', max_value },
      severity: 'warn',
      meta: { name: `to ${max_value}` },
    });
    // January costs up to 40, February up to 80, March up to 120.
    expects(...[35, 45, 100, 15, 110].map(warns), {
      type: 'expect_column_to_exist',
      kwargs: { column: 'absent' },
      severity: 'warn',
      meta: { name: 'there' },
    });
    const low = (partitions: string, score: string, met: string) =>
      `Partition ${partitions} has a quality score of ${score} (${met} of 6 expectations `;
    const end = 'correct the source, or the rows that "perdure data quarantine visits" shows, and run again.';
    await expect(processed(visitsOf(2))).rejects.toMatchObject({
      message: `${low('2020_02, as 1 other,', '0.33', '2')}are met), below the minimum of 0.9 (validation_config.min_quality_score); the worst are to 35 (100.0% of the rows), to 45 (100.0% of the rows), to 15 (100.0% of the rows), and 1 more; ${end}`,
    });
    await expect(processed(visitsOf(3))).rejects.toMatchObject({
      type: 'InputInvalid',
      message: `${low('2020_03, as 2 others,', '0.00', '0')}are met), below the minimum of 0.9 (validation_config.min_quality_score); the worst are to 35 (100.0% of the rows), to 45 (100.0% of the rows), to 15 (100.0% of the rows), and 3 more; ${end}`,
    });
    world.writeConf('model_config.dev.json', CONF['model_config.dev.json']);
    await processed(visitsOf(3));
    world.writeConf('model_config.dev.json', {
      ...CONF['model_config.dev.json'],
      validation_config: { min_quality_score: 0.5 },
    });
    await expect(world.process()).rejects.toMatchObject({
      type: 'InputInvalid',
      message: `${low('2020_03, as 1 other,', '0.00', '0')}are met), below the minimum of 0.5 (validation_config.min_quality_score); not met are to 35 (4 rows), to 45 (4 rows), to 15 (4 rows), and 3 more; correct the source, or lower the minimum, and run again.`,
    });
  });

  test('of the age of a column without values is not met', async () => {
    expects({
      type: 'expect_column_newest_value_age_to_be_between',
      kwargs: { column: 'seen', max_value: 30 },
      severity: 'fail',
      meta: { name: 'fresh' },
    });
    world.writeConf('silver.sql', "SELECT *, CAST(NULL AS DATE) AS seen FROM bronze WHERE kind <> 'x'");
    await processed(visitsOf(1));
    await expect(
      world.perform(gold, { ...world.stage, partitions: ['2020_01'], asOf: '2020-02-20' }),
    ).rejects.toMatchObject({
      type: 'InputInvalid',
      message:
        'The expectation fresh, which must hold, is not met: no row has a value; bring newer data, or correct expectations.json, and run again.',
    });
  });

  test('says how old the newest value is, over all partitions, on the day of the run', async () => {
    const fresh = (severity: string) =>
      expects({
        type: 'expect_column_newest_value_age_to_be_between',
        kwargs: { column: 'day', max_value: 30 },
        severity,
        meta: { name: 'fresh' },
      });
    const goldAt = (asOf: string) => world.perform(gold, { ...world.stage, partitions: ['2020_01', '2020_02'], asOf });
    fresh('fail');
    await processed(visitsOf(2));
    expect((await goldAt('2020-02-20')).freshness).toEqual({ fresh: { days: 7, met: true } });
    await expect(goldAt('2020-04-01')).rejects.toMatchObject({
      type: 'InputInvalid',
      message:
        'The expectation fresh, which must hold, is not met: the newest value is of 2020-02-13, 48 days before 2020-04-01; bring newer data, or correct expectations.json, and run again.',
    });
    fresh('warn');
    await world.process();
    expect((await goldAt('2020-04-01')).freshness).toEqual({ fresh: { days: 48, met: false } });
  });

  test.each<[string, Written[], string]>([
    [
      'an unknown type',
      [{ type: 'expect_rain', kwargs: {} }],
      `expectations.0.type: there is no expectation "expect_rain"; there are ${EXPECTATION_NAMES.join(', ')}`,
    ],
    [
      'a field that its type does not have',
      [{ type: 'expect_column_values_to_be_unique', kwargs: { column: 'id', min_value: 3 } }],
      'expectations.0.kwargs: there is no "min_value" here; there are column, mostly',
    ],
    [
      'no bounds',
      [{ type: 'expect_column_values_to_be_between', kwargs: { column: 'id' } }],
      'expectations.0.kwargs: expected min_value, max_value or both',
    ],
    [
      'rows to leave out of what is about a table',
      [{ type: 'expect_table_row_count_to_equal', kwargs: { value: 3 }, severity: 'drop' }],
      'expectations.0.severity: expected fail or warn, as expect_table_row_count_to_equal is not about single rows that could be left out',
    ],
    [
      'a name twice',
      [
        { type: 'expect_column_to_exist', kwargs: { column: 'id' }, meta: { name: 'a' } },
        { type: 'expect_column_to_exist', kwargs: { column: 'day' }, meta: { name: 'a' } },
      ],
      'expectations.1.meta.name: expected a name of its own for each expectation, got "a" twice',
    ],
  ])('is refused when it is read: %s', async (_what, expectations, message) => {
    expects(...expectations);
    await expect(loadPipeline('visits', world.env)).rejects.toMatchObject({
      type: 'ConfigInvalid',
      message: expect.stringContaining(message) as string,
    });
  });

  test.each([
    ['expect_column_values_to_be_unique', { column: 'price' }, {}, 'expect_column_values_to_be_unique\\(price\\)'],
    ['expect_column_mean_to_be_between', { column: 'price', min_value: 0 }, { meta: { name: 'mine' } }, 'mine'],
    [
      'expect_column_newest_value_age_to_be_between',
      { column: 'price', max_value: 3 },
      { meta: { name: 'mine' } },
      'mine',
    ],
  ])('of a column that silver does not have is told by its name: %s', async (type, kwargs, meta, name) => {
    expects({ type: 'expect_column_to_exist', kwargs: { column: 'id' } }, { type, kwargs, ...meta });
    await expect(processed(visitsOf(1))).rejects.toMatchObject({
      type: 'ConfigInvalid',
      message: expect.stringMatching(
        new RegExp(`expectations\\.json: the expectation ${name} can't be run: Referenced column "price" not found`),
      ) as string,
    });
  });

  test('shows the first twenty values that break it, and the twenty most frequent', async () => {
    expects({
      type: 'expect_column_values_to_be_between',
      kwargs: { column: 'cost', min_value: 0 },
      severity: 'warn',
      meta: { name: 'cost' },
    });
    // Two of -25, and one of each from -24 to -1.
    await processed(
      Array.from({ length: 26 }, (_, i) => ({ id: i, day: '2020-01-05', kind: 'urgent', cost: -1 - Math.min(i, 24) })),
    );
    const { result } = of((await resultOf('2020_01'))!, 'cost');
    expect(result.partial_unexpected_list).toEqual(Array.from({ length: 20 }, (_, i) => -1 - i));
    expect(result.partial_unexpected_counts).toHaveLength(20);
    expect(result.partial_unexpected_counts![0]).toEqual({ value: -25, count: 2 });
    expect(result.partial_unexpected_counts![1]).toMatchObject({ count: 1 });
  });

  test('of nothing observes nothing, and is met where no row has to be looked at', async () => {
    world.writeConf('silver.sql', 'SELECT id, day, kind, CASE WHEN cost > 1000 THEN cost END AS cost FROM bronze');
    expects(
      { type: 'expect_column_mean_to_be_between', kwargs: { column: 'cost', min_value: 0 }, severity: 'warn' },
      { type: 'expect_column_values_to_be_between', kwargs: { column: 'cost', min_value: 0 }, severity: 'warn' },
      { type: 'expect_column_values_to_not_be_null', kwargs: { column: 'cost', mostly: 0.25 }, severity: 'warn' },
    );
    await processed([...visitsOf(1).slice(0, 3)]);
    const [mean, between, present] = (await resultOf('2020_01'))!.results;
    expect(mean!.result).toEqual({ observed_value: null });
    expect(between).toMatchObject({
      success: true,
      result: { element_count: 3, unexpected_count: 0, missing_count: 3, missing_percent: 100 },
    });
    expect(between!.result).toMatchObject({ unexpected_percent: null, unexpected_percent_total: 0 });
    expect(present).toMatchObject({ success: false, result: { unexpected_count: 3, unexpected_percent: 100 } });
  });

  test('is met where just as many rows are as expected as have to be', async () => {
    const mostly = (mostly: number, name: string) => ({
      type: 'expect_column_values_to_be_between',
      kwargs: { column: 'cost', max_value: 30, mostly },
      severity: 'warn',
      meta: { name },
    });
    expects(mostly(0.75, 'enough'), mostly(0.76, 'too few'));
    await processed(visitsOf(1));
    expect((await resultOf('2020_01'))!.results.map(({ rule, success }) => [rule, success])).toEqual([
      ['enough', true],
      ['too few', false],
    ]);
  });

  test('of conditions that read what no run would notice is refused', async () => {
    expects({
      type: 'unexpected_rows_expectation',
      kwargs: { unexpected_rows_query: 'SELECT * FROM {batch} WHERE random() > 2' },
    });
    await expect(processed(visitsOf(1))).rejects.toMatchObject({
      type: 'ConfigInvalid',
      message: expect.stringContaining('the expectation unexpected_rows_expectation uses random()') as string,
    });
  });
});

test('every type is in the documentation', () => {
  const docs = readFileSync('docs/pipelines.md', 'utf8');
  expect(EXPECTATION_NAMES.filter((name) => !docs.includes(`\`${name}\``))).toEqual([]);
});

describe('rows in quarantine', () => {
  const perform = async <T>(work: (database: Database, folder: string) => Promise<T>) => {
    const scratch = temporaryFolder();
    return withDuckDb({ resources: RESOURCES, scratch, signal: new AbortController().signal }, (database) =>
      work(database, scratch),
    );
  };
  const open = async () => openQuarantine(await loadPipeline('visits', world.env), world.stores.datamart);
  const exported = async (): Promise<string> => {
    const file = join(temporaryFolder(), 'bad.csv');
    const opened = await open();
    await perform((database) => exportQuarantine(database, opened, file));
    return readFileSync(file, 'utf8');
  };
  const sendBack = async (text: string) => {
    const file = join(temporaryFolder(), 'corrected.csv');
    writeFileSync(file, text);
    const pipeline = await loadPipeline('visits', world.env);
    const opened = await open();
    return perform((database, folder) => returnRows(database, pipeline, world.stores.datamart, opened, file, folder));
  };
  const costs = async () => (await world.rows('silver', 'silver')).map(({ id, cost }) => [Number(id), cost]);

  beforeEach(async () => {
    expects(
      { type: 'expect_column_values_to_be_between', kwargs: { column: 'cost', min_value: 0 }, severity: 'drop' },
      { type: 'expect_column_values_to_be_unique', kwargs: { column: 'id' }, severity: 'fail' },
    );
    const visits = visitsOf(2);
    visits[1] = { ...visits[1]!, cost: -20 };
    visits[2] = { ...visits[2]!, cost: -30 };
    await processed(visits);
  });

  test('are exported, and taken back corrected in their place by the next run', async () => {
    const text = await exported();
    const lines = text.trimEnd().split('\n');
    expect(lines[0]).toBe('__perdure_partition,__perdure_id,__perdure_rules,id,day,kind,cost');
    expect(lines[1]).toMatch(
      /^2020_01,[0-9a-f]{32}-1,expect_column_values_to_be_between\(cost\),2,2020-01-11,urgent,-20\.0$/,
    );
    expect(lines).toHaveLength(3);

    expect(await sendBack(text.replace('-20.0', '20'))).toEqual({
      corrected: 1,
      unchanged: 1,
      partitions: ['2020_01'],
    });
    const { silver } = await world.process();
    expect(silver).toMatchObject({ written: ['2020_01'], unchanged: ['2020_02'], rows: 7 });
    expect((await costs()).slice(0, 3)).toEqual([
      [1, 10],
      [2, 20],
      [4, 40],
    ]);
    expect((await open()).map(({ rows }) => rows)).toEqual([1]);

    // The other one comes later, and the first stays corrected.
    expect(await sendBack((await exported()).replace('-30.0', '30'))).toMatchObject({ corrected: 1 });
    expect((await world.process()).silver).toMatchObject({ rows: 8, dropped: {} });
    expect((await costs()).slice(0, 3)).toEqual([
      [1, 10],
      [2, 20],
      [3, 30],
    ]);
    expect(await open()).toEqual([]);
  });

  /** Local paths of what validation keeps, by the end of their names. */
  const keptFile = (end: string) => {
    const folder = dirname(fileURLToPath(world.stores.datamart.uri(validationKey('2020_01'))));
    return join(
      folder,
      readdirSync(folder).find((name) => name.endsWith(end))!,
    );
  };

  test.each<[string, string, (path: string) => void]>([
    ['2020_01.json', 'deleted', rmSync],
    ['2020_01.json', 'cut', cut],
    ['2020_01.quarantine.parquet', 'deleted', rmSync],
    ['2020_01.quarantine.parquet', 'cut', cut],
    ['2020_01.quarantine.parquet', 'changed', change],
    ['2020_02.json', 'deleted', rmSync],
    ['2020_02.json', 'cut', cut],
  ])('and the results are there again with the next run where %s is %s', async (name, _, lose) => {
    const before = [await exported(), await resultOf('2020_01'), await resultOf('2020_02')];
    lose(keptFile(name));
    if (lose !== rmSync) {
      // What is not what was written is told by whoever reads it, with what to do.
      await expect(exported()).rejects.toThrow(
        /; delete it and run (data processing|the stage that writes it) again\.$/,
      );
      rmSync(keptFile(name));
    }
    expect((await world.process()).silver.written).toEqual([name.slice(0, 7)]);
    expect([await exported(), await resultOf('2020_01'), await resultOf('2020_02')]).toEqual(before);
    expect((await world.process()).silver.written).toEqual([]);
  });

  test('are there again where an expectation is met that a few rows may break', async () => {
    expects({
      type: 'expect_column_values_to_be_between',
      kwargs: { column: 'cost', min_value: 0, mostly: 0.5 },
      severity: 'warn',
    });
    expect((await world.process()).silver.quality).toMatchObject({ unmet: {} });
    const before = await exported();
    expect(before.trimEnd().split('\n')).toHaveLength(3);
    rmSync(keptFile('2020_01.quarantine.parquet'));
    expect((await world.process()).silver.written).toEqual(['2020_01']);
    expect(await exported()).toBe(before);
  });

  test('are there again where their corrections are lost, once these are given up', async () => {
    const before = await exported();
    await sendBack(before.replace('-20.0', '20'));
    await world.process();
    const corrections = keptFile('corrections.json');
    const [, held] = /"key": ?"validation\/([^"]+)"/.exec(readFileSync(corrections, 'utf8'))!;
    // The partition is made again, as something else of it is lost.
    for (const name of [held!, '2020_01.json']) rmSync(keptFile(name));
    const uri = (name: string) => world.stores.datamart.uri(`validation/${name}`);
    await expect(world.process()).rejects.toThrow(
      `${uri(held!)}, which held corrected rows, is gone or not what was written; delete ${uri('corrections.json')}, run data processing, and correct the rows in quarantine anew.`,
    );
    rmSync(corrections);
    await world.process();
    expect(await exported()).toBe(before);
    expect(await sendBack(before.replace('-20.0', '20'))).toMatchObject({ corrected: 1 });
  });

  test('are shown, the first of them as text, and counted in a line', async () => {
    const opened = await open();
    expect(quarantineLine(opened)).toBe('2 rows of 1 partition in quarantine');
    expect(await perform((database) => firstQuarantined(database, opened, 1))).toEqual([
      {
        __perdure_partition: '2020_01',
        __perdure_id: expect.stringMatching(/-1$/) as string,
        __perdure_rules: 'expect_column_values_to_be_between(cost)',
        id: '2',
        day: '2020-01-11',
        kind: 'urgent',
        cost: '-20.0',
      },
    ]);
    expect(await perform((database) => firstQuarantined(database, [], 1))).toEqual([]);
    await expect(sendBack((await exported()).replace('kind', 'kind,more'))).rejects.toMatchObject({
      type: 'InputInvalid',
    });
    const text = await exported();
    await processed(visitsOf(2));
    expect(await open()).toEqual([]);
    await expect(sendBack(text)).rejects.toMatchObject({
      type: 'InputInvalid',
      message: expect.stringMatching(
        /corrected\.csv can't be taken back, as no rows are in quarantine; run data processing, and export them anew\.$/,
      ) as string,
    });
    expects();
    expect(await open()).toEqual([]);
  });

  test('that come back bad are found so again, and can be corrected again', async () => {
    await sendBack((await exported()).replace('-20.0', '-21'));
    expect((await world.process()).silver.dropped).toEqual({ 'expect_column_values_to_be_between(cost)': 2 });
    await sendBack((await exported()).replace('-21.0', '21'));
    expect((await world.process()).silver.rows).toBe(7);
    // A key that another row has is no less refused than that of a source.
    await sendBack((await exported()).replace(/,3,(2020-01-12,.*),-30\.0/, ',4,$1,30'));
    await expect(world.process()).rejects.toMatchObject({
      message: expect.stringMatching(/expect_column_values_to_be_unique\(id\).* is broken by 2 rows/) as string,
    });
  });

  test('are corrected as long as the source gives them: where it gives others, it counts', async () => {
    await sendBack((await exported()).replace('-20.0', '20'));
    await world.process();
    const visits = visitsOf(2);
    visits[1] = { ...visits[1]!, cost: 25 };
    await processed(visits);
    expect((await costs())[1]).toEqual([2, 25]);
  });

  test.each<[string, (text: string) => string, RegExp]>([
    [
      'a value that its column can not have',
      (text) => text.replace('-20.0', 'twenty'),
      /has "twenty" in the column cost \(record 2\), which is no DOUBLE; correct it and send the file again\.$/,
    ],
    [
      'a row that is not in quarantine',
      (text) => text.replace(/[0-9a-f]{32}/, 'f'.repeat(32)),
      /names a row that is not in quarantine \(record 2, __perdure_id f{32}-1\); export the rows anew/,
    ],
    ['a column less', (text) => text.replace(',kind', ',sort'), /has no column kind; export the rows anew/],
    [
      'columns more',
      (text) => text.trimEnd().replaceAll('\n', ',1,2\n').replace(',1,2\n', ',more,most\n') + ',1,2\n',
      /has the column more, most, which silver does not have; leave it out\.$/,
    ],
    [
      'a day of another partition',
      (text) => text.replace('2020-01-11', '2020-02-11').replace('-20.0', '20'),
      /moves a row out of its partition 2020_01 by the column day \(record 2\); correct the source instead\.$/,
    ],
    [
      'a row twice',
      (text) => `${text}${text.split('\n')[1]}\n`,
      /has a row twice \(record 4\); leave one of them out\.$/,
    ],
  ])('are refused as a whole with %s', async (_what, change, message) => {
    const text = await exported();
    await expect(sendBack(change(text))).rejects.toMatchObject({
      type: 'InputInvalid',
      message: expect.stringMatching(message) as string,
    });
    expect((await world.process()).silver.written).toEqual([]);
  });
});
