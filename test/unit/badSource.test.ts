import { mkdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { bronze } from '../../src/stages/bronze.js';
import { createMedallion, visitsOf, type CONF, type Medallion } from '../support/medallion.js';

let world: Medallion;
beforeEach(async () => {
  world = await createMedallion();
});

const HEADER = 'id,day,kind,cost\n';
const GOOD = '1,2020-01-01,urgent,1\n';

describe('a source that cannot be used is refused in a sentence, and nothing is stored', () => {
  const cases: [what: string, content: string | Buffer, message: string][] = [
    ['is empty', '', 'CSV is empty; give a CSV with a header line.'],
    ['has a header only', HEADER, 'CSV holds no rows below its header; give a file with data.'],
    ['lacks a column', 'id,day,cost\n1,2020-01-01,1\n', 'CSV lacks the column kind; add it or give another file.'],
    [
      'is something else',
      'PK\u0003\u0004 zip\n',
      'CSV lacks the columns id, day, kind, cost; add them or give another file.',
    ],
    [
      'names a column twice',
      'id,day,kind,cost,id\n1,2020-01-01,urgent,1,2\n',
      'CSV names the column id twice in its header; rename one and run again.',
    ],
    [
      'holds text for a number',
      `${HEADER}${GOOD}2,2020-01-02,urgent,3.5 euro\n`,
      'Line 3 of CSV holds "3.5 euro" in the column cost, where a number is expected; correct it and run again.',
    ],
    [
      'holds a fraction for a whole number',
      `${HEADER}${GOOD}x1,2020-01-02,urgent,1\n`,
      'Line 3 of CSV holds "x1" in the column id, where a whole number is expected; correct it and run again.',
    ],
    [
      'holds a day that is none',
      `${HEADER}1,2020-02-31,urgent,1\n`,
      'Line 2 of CSV holds "2020-02-31" in the column day, where a date such as 2005-12-31 is expected; correct it and run again.',
    ],
    [
      'is torn',
      `${HEADER}${GOOD.repeat(50)}2,2020-01-02`,
      'Line 52 of CSV has 2 values where the header names 4 columns, so the file may be torn; fetch it again or correct the line.',
    ],
    [
      'has a quote too many',
      `${HEADER}${GOOD}2,2020-01-02,"urg"ent,1\n${GOOD}`,
      'Line 3 of CSV has a quote that is not closed; correct it and run again.',
    ],
    [
      'is not in UTF-8',
      Buffer.from(`${HEADER}1,2020-01-01,ürgent,1\n`, 'latin1'),
      'Line 2 of CSV is not in UTF-8; save the file in UTF-8 and run again.',
    ],
    [
      'has rows without a day',
      `${HEADER}${GOOD}2,,urgent,1\n`,
      'The column day is empty in 1 row of CSV, which so belongs to no partition; correct the file and run again.',
    ],
    [
      'mixes line ends',
      `${HEADER.trim()}\r\n${GOOD.trim()}\r\n${GOOD}${GOOD.trim()}\r\n`,
      "CSV can't be read as CSV: line ends or quotes are not the same throughout; save it anew as plain CSV.",
    ],
  ];
  test.each(cases)('%s', async (_what, content, message) => {
    writeFileSync(world.csv, content);
    await expect(world.process()).rejects.toMatchObject({
      type: 'InputInvalid',
      retryable: false,
      message: message.replace('CSV', world.csv),
    });
    expect(world.snapshot()).toEqual({});
  });

  test('is not there', async () => {
    const message = `There is no file ${world.csv}; check the path, which must be one that the workers can read.`;
    await expect(world.process()).rejects.toMatchObject({ type: 'InputInvalid', message });
    expect(world.snapshot()).toEqual({});
  });

  test('is a folder', async () => {
    mkdirSync(world.csv);
    await expect(world.process()).rejects.toMatchObject({
      type: 'InputInvalid',
      message: `${world.csv} is a folder, where a regular file is expected; give a file, or write what is read from there into one.`,
    });
  });

  test('was never named', async () => {
    await expect(world.perform(bronze, { ...world.stage, asOf: '2020-12-31' })).rejects.toMatchObject({
      type: 'InputInvalid',
      message: expect.stringMatching(
        /^No source was given, and there is none at .*raw\/visits\.csv; name a CSV file\.$/,
      ) as string,
    });
  });

  test.each([
    [
      's3://bucket/visits.csv',
      /^s3:\/\/bucket\/visits\.csv is no file of the folder store at .*; name a file, or the store that has the object \(PERDURE_STORE=s3:\/\/\)\.$/,
    ],
    [
      'https://example.org/visits.csv',
      /^https:\/\/example\.org\/visits\.csv is neither a path nor an address that begins with s3:\/\/ or file:\/\/; download the file and name its path\.$/,
    ],
  ])('lies at %s', async (source, message) => {
    await expect(world.bronze(source)).rejects.toMatchObject({
      type: 'InputInvalid',
      message: expect.stringMatching(message) as string,
    });
  });

  test('comes with a moment that is none', async () => {
    world.writeCsv(visitsOf(1));
    await expect(world.bronze(world.csv, 'yesterday')).rejects.toMatchObject({
      type: 'InputInvalid',
      message: '"yesterday" is no moment; give an ISO 8601 date or instant such as 2008-12-31.',
    });
  });

  test('turns bad after a good run, whose results stay', async () => {
    world.writeCsv(visitsOf(2));
    await world.process();
    const before = world.snapshot();
    writeFileSync(world.csv, `${HEADER}${GOOD}2,2020-01-02,urgent,much\n`);
    await expect(world.process()).rejects.toMatchObject({ type: 'InputInvalid' });
    expect(world.snapshot()).toEqual(before);
  });
});

test('a path is a path, not a pattern', async () => {
  const path = join(world.root, 'visits [2020] *.csv');
  world.writeCsv(visitsOf(1));
  writeFileSync(path, readFileSync(world.csv));
  expect((await world.process(path)).bronze.rows).toBe(4);
});

describe('a torn Parquet file', () => {
  test('of the layer before stops the one after, and says which file and what to do', async () => {
    world.writeCsv(visitsOf(2));
    const { written } = await world.bronze();
    const path = await world.path('bronze', '2020_02');
    const bytes = readFileSync(path);
    bytes.fill(0, 20, 60);
    writeFileSync(path, bytes);

    await expect(world.silver(written)).rejects.toMatchObject({
      type: 'ObjectCorrupt',
      retryable: false,
      message: `file://${path} is damaged: it is not what was written; delete it and run data processing with a CSV that has the rows of 2020_02.`,
    });
    expect((await world.manifest('silver')).partitions).toEqual({});
    rmSync(path);
    expect((await world.process()).silver.rows).toBe(8);
  });

  test('that was cut short is repaired from the source where that is at hand', async () => {
    world.writeCsv(visitsOf(2));
    await world.process();
    truncateSync(await world.path('bronze', '2020_01'), 10);
    expect((await world.process()).bronze.written).toEqual(['2020_01']);
  });
});

describe('a pipeline whose own files are wrong', () => {
  const cases: [what: string, file: keyof typeof CONF, content: unknown, message: RegExp][] = [
    ['SQL with a typo', 'silver.sql', 'SELEC 1', /silver\.sql can't be run: syntax error at or near/],
    [
      'SQL with an unknown column',
      'bronze.sql',
      'SELECT nothing FROM source',
      /bronze\.sql can't be run: Referenced column "nothing" not found in FROM clause!\.$/,
    ],
    [
      'bronze without its partition column',
      'bronze.sql',
      'SELECT id FROM source',
      /bronze\.sql gives no column day, by which pipeline\.json has the rows partitioned; add it to the query or change partition\.column\.$/,
    ],
    [
      'gold without a feature',
      'feature_store.sql',
      'SELECT id, day, cost FROM silver',
      /pipeline\.json names urgent, constant, which .*feature_store\.sql doesn't give \(it gives id, day, cost\); correct the name in pipeline\.json or add the column to the query\.$/,
    ],
    [
      'gold without the label',
      'label_store.sql',
      'SELECT id, day FROM silver',
      /pipeline\.json names costly, which .*label_store\.sql doesn't give \(it gives id, day\)/,
    ],
    [
      'bronze with a column twice',
      'bronze.sql',
      'SELECT *, 1 AS ID FROM source',
      /bronze\.sql gives the column ID twice \(upper and lower case letters are the same\); leave one out or rename it\.$/,
    ],
    [
      "silver with a column of Perdure's own",
      'silver.sql',
      'SELECT *, 1 AS __perdure_row FROM bronze',
      /silver\.sql gives the column __perdure_row, but "file_row_number", "filename" and names that begin with "__perdure_" are kept for columns that are added to a user's; rename it\.$/,
    ],
    [
      'a day with a time zone',
      'bronze.sql',
      'SELECT * REPLACE (CAST(NULL AS TIMESTAMPTZ) AS day) FROM source',
      /bronze\.sql gives the column day, by which rows are partitioned, as TIMESTAMP WITH TIME ZONE; make it a DATE/,
    ],
    [
      'an expectation that is no condition',
      'expectations.json',
      { silver: [{ name: 'odd', check: 'price > 1', on_failure: 'drop' }] },
      /expectations\.json: the check of odd can't be run: Referenced column "price" not found/,
    ],
  ];
  test.each(cases)('%s', async (_what, file, content, message) => {
    world.writeCsv(visitsOf(1));
    world.writeConf(file, content);
    await expect(world.process()).rejects.toMatchObject({
      type: 'ConfigInvalid',
      message: expect.stringMatching(message) as string,
    });
  });

  test('an expectation that its data does not suit', async () => {
    world.writeCsv(visitsOf(1));
    world.writeConf('expectations.json', {
      silver: [
        { name: 'fine', check: 'count(*) OVER () > 0', on_failure: 'drop' },
        { name: 'odd', check: 'CAST(kind AS INTEGER) > 1', on_failure: 'drop' },
      ],
    });
    await expect(world.process()).rejects.toMatchObject({
      type: 'InputInvalid',
      message: expect.stringMatching(
        /expectations\.json: the check of odd failed on its data: Could not convert string 'None' to INT32.*; correct the data or the query\.$/,
      ) as string,
    });
  });

  test('an expectation of a name that every object has', async () => {
    world.writeConf('expectations.json', { silver: [{ name: 'constructor', check: 'true', on_failure: 'drop' }] });
    await expect(world.process()).rejects.toMatchObject({
      type: 'ConfigInvalid',
      message: expect.stringContaining(
        'silver.0.name: another name: this one is a property of every JavaScript object',
      ) as string,
    });
  });

  test('SQL that is not there', async () => {
    world.writeCsv(visitsOf(1));
    rmSync(join(world.root, 'conf', 'pipelines', 'visits', 'silver.sql'));
    await expect(world.process()).rejects.toMatchObject({
      type: 'ConfigInvalid',
      message: expect.stringMatching(/silver\.sql can't be read .*; restore the pipeline's SQL\.$/) as string,
    });
  });

  test('SQL that its data does not suit', async () => {
    world.writeCsv(visitsOf(1));
    world.writeConf('silver.sql', 'SELECT id, day, kind, CAST(kind AS INTEGER) AS cost FROM bronze');
    await expect(world.process()).rejects.toMatchObject({
      type: 'InputInvalid',
      message: expect.stringMatching(
        /silver\.sql failed on its data: Could not convert string 'None' to INT32.*; correct the data or the query\.$/,
      ) as string,
    });
  });
});
