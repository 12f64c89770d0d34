import { join } from 'node:path';
import { expect, test } from 'vitest';
import { writeColumns } from '../../src/platform/files/parquet.js';
import { columnsOfBlocks, evenBlocks, rowsOfBlocks, type Block } from '../../src/stages/explainModel.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

/** More rows than are decoded at a time. */
const ROWS = 300_000;
const AT_A_TIME = 2 ** 18;

test.each<[string, Block[]]>([
  ['that lie evenly', evenBlocks(ROWS, 20)],
  ['that lie across what is decoded at a time', [0, AT_A_TIME - 3, ROWS - 7].map((offset) => ({ offset, limit: 7 }))],
  ['of no rows', evenBlocks(0, 20)],
])('blocks %s give the features of their rows', async (_, blocks) => {
  const path = join(temporaryFolder(), 'rows.parquet');
  await writeColumns(path, {
    position: Float32Array.from({ length: ROWS }, (_, row) => row),
    opposite: Float32Array.from({ length: ROWS }, (_, row) => -row),
  });
  const rows = rowsOfBlocks(blocks);

  expect(await columnsOfBlocks(path, ['opposite', 'position'], blocks)).toEqual([
    Float32Array.from(rows, (row) => -row),
    Float32Array.from(rows),
  ]);
});
