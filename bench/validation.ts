import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { literal, withDuckDb } from '../src/data/duckdb.js';
import { packageFolder } from '../src/package.js';
import { GIB } from '../src/platform/resources/resources.js';
import { measure, type Measured } from './processTree.js';
import { checkingPython } from './python.js';
import type { Section } from './section.js';

const [ROWS, NUMBERS, TEXTS] = [1_000_000, 12, 8];
const CATEGORIES = 12;
/** Of the time, and of the memory, of the Python packages. */
const AIM = { seconds: 0.1, memory: 1 / 3 };

/**
 * What is expected of a table, and how far its columns are from those of a reference, against Great Expectations and
 * Evidently: each side reads two Parquet files in a process of its own, start-up included.
 */
export const validation: Section = {
  title: `Validation and drift of ${ROWS.toLocaleString('en-US')} rows x ${NUMBERS + TEXTS} columns, against Great Expectations and Evidently`,
  async run(_pipeline, folder, tell) {
    const python = await checkingPython();
    tell('generating');
    await generate(folder);
    await configure(folder);
    tell('Perdure');
    const ours = await measure('node', [join(packageFolder(), 'dist', 'bench', 'checkedTable.js'), folder], {
      cwd: folder,
      whole: true,
    });
    tell('Great Expectations and Evidently');
    const theirs = await measure(python, [join(packageFolder(), 'bench', 'checkedTable.py'), folder], {
      cwd: folder,
      whole: true,
    });
    return [
      'run                                seconds     of theirs   peak, GiB   of theirs   found',
      line('Great Expectations and Evidently', theirs, theirs),
      line('Perdure', ours, theirs),
      `aims: ${AIM.seconds} of the time, ${AIM.memory.toFixed(2)} of the memory. The drift of Perdure is PSI, Jensen-Shannon, chi-square, Kolmogorov-Smirnov and Wasserstein of each column, the last two against 20,000 rows of the reference; that of Evidently its default for such a column.`,
    ];
  },
};

/** Two tables of numbers and texts; a quarter of the columns have moved in the second. */
async function generate(folder: string): Promise<void> {
  const signal = AbortSignal.timeout(600_000);
  const table = (moved: number) => {
    const shift = (i: number) => (i % 4 === 0 ? moved : 0);
    const numbers = Array.from(
      { length: NUMBERS },
      (_, i) =>
        `CASE WHEN random() < 0.01 THEN NULL ELSE ${shift(i)} + ${i + 1} * sqrt(-2 * ln(1 - random())) * cos(2 * pi() * random()) END AS n${i}`,
    );
    const texts = Array.from(
      { length: TEXTS },
      (_, i) =>
        `'v' || CAST(floor(random() * ${CATEGORIES - 2} ${shift(i) > 0 ? '* random()' : ''}) AS INTEGER) AS t${i}`,
    );
    return `SELECT ${[...numbers, ...texts].join(', ')} FROM range(${ROWS})`;
  };
  await withDuckDb(
    { resources: { cpus: 1, memory: 4 * GIB }, scratch: folder, signal },
    async (database) => {
      await database.run('SELECT setseed(0.5)');
      for (const [name, moved] of [
        ['reference', 0],
        ['current', 2],
      ] as const)
        await database.run(`COPY (${table(moved)}) TO ${literal(join(folder, `${name}.parquet`))} (FORMAT parquet)`);
    },
    { threads: 1 },
  );
}

/** The same expectations for both sides. */
async function configure(folder: string): Promise<void> {
  const values = Array.from({ length: CATEGORIES }, (_, i) => `v${i}`);
  const expectations = [
    { type: 'expect_table_row_count_to_be_between', kwargs: { min_value: 1 } },
    ...Array.from({ length: NUMBERS }, (_, i) => `n${i}`).flatMap((column, i) => [
      { type: 'expect_column_values_to_not_be_null', kwargs: { column, mostly: 0.95 } },
      {
        type: 'expect_column_values_to_be_between',
        kwargs: { column, min_value: -20 * (i + 1), max_value: 4 * (i + 1) },
      },
    ]),
    ...Array.from({ length: TEXTS }, (_, i) => `t${i}`).flatMap((column) => [
      { type: 'expect_column_values_to_not_be_null', kwargs: { column } },
      { type: 'expect_column_values_to_be_in_set', kwargs: { column, value_set: values } },
    ]),
  ];
  await writeFile(join(folder, 'suite.json'), JSON.stringify({ name: 'current', expectations }));
  const pipeline = join(folder, 'conf', 'pipelines', 'checked');
  await mkdir(pipeline, { recursive: true });
  const definition = { source: 'current.parquet', key: 't0', label: 't1' };
  await writeFile(join(pipeline, 'pipeline.json'), JSON.stringify(definition));
  await writeFile(join(pipeline, 'expectations.json'), JSON.stringify({ name: 'current', expectations }));
}

function line(name: string, run: Measured, theirs: Measured): string {
  const { expectations, met, drifted } = JSON.parse(run.stdout.trim().split('\n').at(-1)!) as Record<string, number>;
  const peak = ({ peaks }: Measured) => peaks.whole ?? NaN;
  return [
    name.padEnd(33),
    run.seconds.toFixed(1).padStart(8),
    (run.seconds / theirs.seconds).toFixed(3).padStart(13),
    (peak(run) / GIB).toFixed(2).padStart(11),
    (peak(run) / peak(theirs)).toFixed(3).padStart(11),
    `  ${met} of ${expectations} expectations met, ${drifted} columns drifted`,
  ].join(' ');
}
