import { join } from 'node:path';
import { literal, identifier, type Database } from '../src/data/duckdb.js';
import { writeColumns } from '../src/platform/files/parquet.js';
import type { MatrixFile } from '../src/ml/engines/pool.js';
import { sha256File } from '../src/platform/storage/checksum.js';
import { Mt19937 } from '../src/ml/mt19937.js';

/** A training matrix to search on, made from a generator or from a real file. */
export interface SearchData {
  /** Its kind or file, its rows and its seed. */
  name: string;
  rows: number;
  /** Writes the matrix into a folder. */
  write(folder: string, database: Database): Promise<MatrixFile>;
}

/**
 * Data of several kinds, from 500 to 100,000 rows: generated, and drawn from the public files that lie in a folder, one
 * below it for each.
 *
 * @param root the folder; without it there are the generated ones alone
 */
export function searchData(root: string | undefined): SearchData[] {
  const real = SAMPLES.map(([name, rows, seed]) => (root === undefined ? undefined : sampled(name, root, rows, seed)));
  const all = [
    ...GENERATED.map(([kind, rows, seed]) => generated(kind, rows, seed)),
    ...real.filter((data) => data !== undefined),
  ];
  return all.sort((a, b) => a.rows - b.rows);
}

/** Kind, rows, seed. */
const GENERATED: [string, number, number][] = [
  ['linear', 500, 1],
  ['interactions', 500, 2],
  ['noise', 1_000, 1],
  ['strong', 1_000, 1],
  ['steps', 2_000, 1],
  ['heavyTails', 2_000, 1],
  ['weak', 2_000, 2],
  ['interactions', 5_000, 1],
  ['drifting', 5_000, 1],
  ['rare', 5_000, 2],
  ['correlated', 10_000, 1],
  ['linear', 10_000, 2],
  ['strong', 10_000, 2],
  ['rare', 20_000, 1],
  ['steps', 20_000, 2],
  ['noise', 20_000, 2],
  ['interactions', 20_000, 3],
  ['weak', 50_000, 1],
  ['heavyTails', 50_000, 2],
  ['drifting', 50_000, 2],
  ['correlated', 100_000, 2],
];

/** File, rows, seed. */
const SAMPLES: [string, number, number][] = [
  ['churn', 500, 2],
  ['credit', 500, 3],
  ['readmission', 1_000, 4],
  ['churn', 2_000, 3],
  ['credit', 2_000, 2],
  ['readmission', 5_000, 2],
  ['churn', 7_043, 1],
  ['credit', 10_000, 1],
  ['readmission', 20_000, 1],
  ['readmission', 100_000, 3],
];

/** How a generated label depends on the features. */
interface Kind {
  features: number;
  /** Share of positives, about. */
  positives: number;
  /** Log-odds of a row but for the intercept. `time` runs from 0 to 1 over the rows. */
  signal: (x: Float32Array, time: number) => number;
  /** Turns an independent standard normal value into the feature's; as it is by default. */
  value?: (z: number, column: number, x: Float32Array) => number;
}

const KINDS: Record<string, Kind> = {
  linear: {
    features: 15,
    positives: 0.3,
    signal: (x) => 0.8 * x[0]! - 0.6 * x[1]! + 0.4 * x[2]! + 0.3 * x[3]! - 0.2 * x[4]!,
  },
  correlated: {
    features: 20,
    positives: 0.2,
    signal: (x) => 0.5 * x[0]! + 0.5 * x[5]! - 0.7 * x[10]!,
    value: (z, column, x) => (column % 5 === 0 ? z : 0.9 * x[column - (column % 5)]! + 0.44 * z),
  },
  weak: { features: 25, positives: 0.1, signal: (x) => 0.15 * x[0]! + 0.1 * x[1]! + 0.1 * x[2]! * x[3]! },
  noise: { features: 10, positives: 0.5, signal: () => 0 },
  strong: { features: 10, positives: 0.4, signal: (x) => 4 * x[0]! + 3 * x[1]! - 3 * x[2]! },
  interactions: {
    features: 12,
    positives: 0.25,
    signal: (x) => 1.5 * Math.sign(x[0]! * x[1]!) + x[2]! * x[3]! + (x[4]! > 1 ? 1 : 0),
  },
  steps: {
    features: 12,
    positives: 0.15,
    signal: (x) => (x[0]! > 2 ? 1 : -0.5) + (x[1]! === 1 ? 1.2 : 0) + (x[2]! + x[3]! > 5 ? 0.8 : 0),
    value: (z) => Math.round(Math.min(6, Math.abs(z) * 2)),
  },
  heavyTails: {
    features: 10,
    positives: 0.2,
    signal: (x) => Math.tanh(x[0]!) - Math.tanh(x[1]! / 3) + 0.5 * Math.tanh(x[2]!),
    value: (z) => Math.sinh(1.5 * z),
  },
  drifting: {
    features: 12,
    positives: 0.2,
    signal: (x, time) => (1 - time) * x[0]! + time * x[1]! + 0.5 * x[2]! * time,
  },
  rare: { features: 15, positives: 0.03, signal: (x) => 0.9 * x[0]! + 0.7 * Math.abs(x[1]!) - 0.5 * x[2]! },
};

/** Rows of a kind by a seed. */
function generated(kind: string, rows: number, seed: number): SearchData {
  const { features, positives, signal, value = (z) => z } = KINDS[kind]!;
  return {
    name: `${kind}_${rows}_${seed}`,
    rows,
    async write(folder) {
      const random = new Mt19937(seed);
      const uniform = () => (random.uint32() + 0.5) / 2 ** 32;
      const normal = () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
      const columns = Array.from({ length: features }, () => new Float32Array(rows));
      const signals = new Float64Array(rows);
      const x = new Float32Array(features);
      for (let row = 0; row < rows; row++) {
        for (let column = 0; column < features; column++) {
          x[column] = value(normal(), column, x);
          columns[column]![row] = x[column]!;
        }
        signals[row] = signal(x, row / rows);
      }
      const intercept = interceptFor(signals, positives);
      const labels = Int8Array.from(signals, (log_odds) => (uniform() < sigmoid(log_odds + intercept) ? 1 : 0));
      const names = columns.map((_, column) => `x${column}`);
      const path = join(folder, `${kind}_${rows}_${seed}.parquet`);
      await writeColumns(path, {
        ...Object.fromEntries(columns.map((values, column) => [`x${column}`, standardized(values)])),
        label: labels,
      });
      return { path, checksum: await sha256File(path), features: names, label: 'label', rows };
    },
  };
}

function sigmoid(x: number): number {
  return 1 / (1 + Math.exp(-x));
}

/** The intercept at which the mean probability is the share asked for, by bisection. */
function interceptFor(signals: Float64Array, share: number): number {
  let [low, high] = [-20, 20];
  for (let step = 0; step < 60; step++) {
    const middle = (low + high) / 2;
    const mean = signals.reduce((sum, value) => sum + sigmoid(value + middle), 0) / signals.length;
    if (mean < share) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** With mean 0 and standard deviation 1. */
function standardized(values: Float32Array): Float32Array {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const deviation = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
  return values.map((value) => (deviation > 0 ? (value - mean) / deviation : 0));
}

/** A public CSV: what is predicted, and which columns give it away or only name the row. */
interface RealFile {
  file: string;
  /** SQL condition that holds for the positive rows. */
  positive: string;
  without: string[];
}

const REAL_FILES: Record<string, RealFile> = {
  churn: { file: 'churn/Telco-Customer-Churn.csv', positive: `"Churn" = 'Yes'`, without: ['customerID', 'Churn'] },
  credit: {
    file: 'credit/loans_full_schema.csv',
    positive: `"grade" >= 'D'`,
    without: ['emp_title', 'interest_rate', 'installment', 'grade', 'sub_grade', 'issue_month'],
  },
  readmission: {
    file: 'readmission/diabetic_data.csv',
    positive: `"readmitted" = '<30'`,
    without: ['encounter_id', 'patient_nbr', 'readmitted'],
  },
};

/** Text columns of at most so many values become a column a value; of others, each value becomes its share of the rows. */
const ONE_HOT_VALUES = 8;

/** Rows of a real file drawn by a seed, in the file's order. Numbers that are missing become the mean. */
function sampled(name: string, root: string, rows: number, seed: number): SearchData {
  const { file, positive, without } = REAL_FILES[name]!;
  return {
    name: `${name}_${rows}_${seed}`,
    rows,
    async write(folder, database) {
      const csv = `read_csv(${literal(join(root, file))}, header = true, nullstr = ['', ' ', '?', 'NA'], sample_size = -1)`;
      await database.run(`
        CREATE OR REPLACE TABLE drawn AS
        SELECT * FROM (SELECT *, row_number() OVER () AS place FROM ${csv}) ORDER BY hash(place + ${seed} * 1000003) LIMIT ${rows}`);
      const described = await database.rows(`DESCRIBE drawn`);
      const selected: string[] = [];
      for (const { column_name: column, column_type: type } of described as {
        column_name: string;
        column_type: string;
      }[]) {
        if (column === 'place' || without.includes(column)) continue;
        const quoted = identifier(column);
        const values = await database.rows(
          `SELECT CAST(${quoted} AS VARCHAR) AS value, count(*) AS n FROM drawn GROUP BY ALL ORDER BY n DESC, value`,
        );
        if (values.length < 2) continue;
        if (type !== 'VARCHAR')
          selected.push(`coalesce(CAST(${quoted} AS DOUBLE), avg(CAST(${quoted} AS DOUBLE)) OVER ())`);
        else if (values.length > ONE_HOT_VALUES) selected.push(`count(*) OVER (PARTITION BY ${quoted}) / ${rows}.0`);
        else
          selected.push(
            ...values
              .slice(1)
              .map(({ value }) =>
                value === null
                  ? `CAST(${quoted} IS NULL AS INTEGER)`
                  : `CAST(${quoted} IS NOT DISTINCT FROM ${literal(String(value))} AS INTEGER)`,
              ),
          );
      }
      const names = selected.map((_, i) => `x${i}`);
      const path = join(folder, `${name}_${rows}_${seed}.parquet`);
      const standard = names.map(
        (x) => `CAST((${x} - avg(${x}) OVER ()) / greatest(stddev_pop(${x}) OVER (), 1e-9) AS FLOAT) AS ${x}`,
      );
      await database.run(`
        COPY (
          SELECT ${standard.join(', ')}, label FROM (
            SELECT place, ${selected.map((sql, i) => `${sql} AS x${i}`).join(', ')}, CAST(${positive} AS TINYINT) AS label FROM drawn
          ) ORDER BY place
        ) TO ${literal(path)} (FORMAT parquet)`);
      const [{ n }] = (await database.rows(`SELECT count(*) AS n FROM drawn`)) as [{ n: number | bigint }];
      return { path, checksum: await sha256File(path), features: names, label: 'label', rows: Number(n) };
    },
  };
}
