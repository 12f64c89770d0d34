import { rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Pipeline } from '../config/load.js';
import { PerdureError } from '../errors.js';
import { Mt19937 } from '../ml/mt19937.js';
import { normalQuantile } from '../ml/normal.js';
import { diskError } from '../platform/files/diskError.js';
import { GIB } from '../platform/resources/resources.js';
import { readCalibration, type Calibration } from './calibration.js';
import { literal, withDuckDb } from './duckdb.js';
import { readSql } from './layerSql.js';

const PIECE_LENGTH = 1 << 20;

/**
 * Writes a CSV of rows that are drawn: by SQL of the pipeline's, or such that they look like its real source, by its
 * calibration. The same description and row count give the same bytes. The file appears whole or not at all.
 *
 * @param rows as many as the pipeline says by default
 * @throws PerdureError `ConfigInvalid` for a calibration that doesn't fit, or SQL that fails; `StoreFull`, `StoreUnavailable`
 */
export async function generateCsv(
  pipeline: Pipeline,
  path: string,
  { rows }: { rows?: number } = {},
): Promise<{ rows: number }> {
  const {
    name,
    source: { columns, synthetic },
  } = pipeline.definition;
  if (!synthetic) {
    throw new PerdureError('ConfigInvalid', `The pipeline ${name} has no synthetic data; name a CSV file instead.`);
  }
  const wanted = rows ?? synthetic.rows;
  const partial = `${path}.partial`;
  try {
    if ('sql' in synthetic)
      await writeBySql(join(pipeline.folder, synthetic.sql), partial, { ...synthetic, rows: wanted });
    else {
      const names = Object.keys(columns);
      const calibration = await readCalibration(join(pipeline.folder, synthetic.calibration), names);
      await writeFile(partial, textOf(names, calibration, wanted), { flush: true });
    }
    await rename(partial, path);
  } catch (error) {
    await rm(partial, { force: true });
    throw error instanceof PerdureError ? error : diskError(error, path);
  }
  return { rows: wanted };
}

/** The rows that a query gives. One thread draws them, so that each gets the same numbers again. */
async function writeBySql(file: string, path: string, { rows, seed }: { rows: number; seed: number }): Promise<void> {
  const query = await readSql(file);
  const scratch = `${path}.scratch`;
  const resources = { cpus: 1, memory: 2 * GIB };
  const context = { resources, scratch, signal: new AbortController().signal };
  try {
    await withDuckDb(
      context,
      async (database) => {
        await database.run(`SET VARIABLE rows = ${rows}`);
        // DuckDB takes a number from -1 to 1, and those that are close for one.
        await database.run(`SELECT setseed(${new Mt19937(seed).uint32() / 2 ** 32})`);
        await database.run(`COPY (${query}\n) TO ${literal(path)} (HEADER)`, { sqlFile: file });
      },
      { threads: 1 },
    );
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/**
 * The CSV that a calibration tells of, in pieces: the label in the real proportions, every other column with its
 * distribution given the label, correlated ones joined by a Gaussian copula.
 */
function* textOf(columns: string[], calibration: Calibration, rows: number): Generator<string> {
  const random = new Mt19937(calibration.seed);
  const labels = drawLabels(random, calibration, rows);
  const copula = new GaussianCopula(random, calibration.correlations.lower);
  const cells = columns.map((column) => cellWriter(random, calibration, column, labels, copula));

  let text = `${columns.map(quoted).join(',')}\n`;
  for (let row = 0; row < rows; row++) {
    copula.draw();
    for (let i = 0; i < cells.length; i++) text += (i === 0 ? '' : ',') + cells[i]!(row);
    text += '\n';
    if (text.length >= PIECE_LENGTH) {
      yield text;
      text = '';
    }
  }
  yield text;
}

/** Gives a column's text, row by row. */
type CellWriter = (row: number) => string;

function cellWriter(
  random: Mt19937,
  calibration: Calibration,
  column: string,
  labels: Uint8Array,
  copula: GaussianCopula,
): CellWriter {
  if (column === calibration.label.column) {
    const names = calibration.label.values.map(([name]) => quoted(name));
    return (row) => names[labels[row]!]!;
  }
  const identifier = calibration.identifiers.find((candidate) => candidate.column === column);
  if (identifier) return identifierWriter(random, identifier, labels.length);

  const values = calibration.columns[column]!;
  const names = values.map(([name]) => quoted(name));
  const cumulative = calibration.label.values.map((_, label) =>
    cumulativeShares(values.map((value) => value[label + 1] as number)),
  );
  const position = calibration.correlations.columns.indexOf(column);
  if (position === -1) return (row) => names[firstAbove(cumulative[labels[row]!]!, uniform(random))]!;
  const thresholds = cumulative.map((shares) => shares.map(normalThreshold));
  return (row) => names[firstAbove(thresholds[labels[row]!]!, copula.values[position]!)]!;
}

/** The label of every row, by position in the calibration: exact proportions in random order. */
function drawLabels(random: Mt19937, { label }: Calibration, rows: number): Uint8Array {
  const shares = cumulativeShares(label.values.map(([, count]) => count));
  return random.shuffle(Uint8Array.from({ length: rows }, (_, row) => firstAbove(shares, (row + 0.5) / rows)));
}

function identifierWriter(random: Mt19937, identifier: Calibration['identifiers'][number], rows: number): CellWriter {
  const { first, mean_step, rows_per_value } = identifier;
  const ordinals = rows_per_value ? drawOrdinals(random, rows_per_value, rows) : undefined;
  const values = new Float64Array(rows);
  let value = first;
  for (let i = 0; i < rows; i++) {
    values[i] = value;
    value += 1 + random.integer(2 * (mean_step - 1));
  }
  return (row) => String(values[ordinals ? ordinals[row]! : row]!);
}

/** Which of the identifier's values stands on each row, so that as many stand on 1, 2, ... rows as calibrated. */
function drawOrdinals(random: Mt19937, rowsPerValue: [number, number][], rows: number): Uint32Array {
  const shares = cumulativeShares(rowsPerValue.map(([each, values]) => each * values));
  const ordinals = new Uint32Array(rows);
  let ordinal = -1;
  let left = 0;
  for (let row = 0; row < rows; row++) {
    if (left === 0) {
      ordinal++;
      left = rowsPerValue[firstAbove(shares, (row + 0.5) / rows)]![0];
    }
    ordinals[row] = ordinal;
    left--;
  }
  return random.shuffle(ordinals);
}

/** Correlated standard normal variates. */
class GaussianCopula {
  /** The present draw, a variate a column. */
  readonly values: Float64Array;
  private readonly factor: Float64Array[];
  private readonly independent: Float64Array;

  /** @param lower correlations, rows of the lower triangle without the diagonal */
  constructor(
    private readonly random: Mt19937,
    lower: number[][],
  ) {
    this.factor = choleskyFactor(lower);
    this.values = new Float64Array(lower.length);
    // Normal variates come in pairs.
    this.independent = new Float64Array(lower.length + (lower.length % 2));
  }

  draw(): void {
    const { independent, factor, values } = this;
    for (let i = 0; i < independent.length; i += 2) drawNormalPair(this.random, independent, i);
    for (let i = 0; i < values.length; i++) {
      const row = factor[i]!;
      let value = 0;
      for (let j = 0; j <= i; j++) value += row[j]! * independent[j]!;
      values[i] = value;
    }
  }
}

/** Cholesky factor of a correlation matrix. Throws `ConfigInvalid` where it is not positive definite. */
function choleskyFactor(lower: number[][]): Float64Array[] {
  const factor = lower.map((_, i) => new Float64Array(i + 1));
  for (const [i, row] of factor.entries()) {
    for (let j = 0; j <= i; j++) {
      let rest = j === i ? 1 : lower[i]![j]!;
      for (let k = 0; k < j; k++) rest -= row[k]! * factor[j]![k]!;
      if (j === i && rest <= 0) {
        throw new PerdureError(
          'ConfigInvalid',
          'The correlations of the calibration are not those of any distribution (not positive definite); count them anew.',
        );
      }
      row[j] = j === i ? Math.sqrt(rest) : rest / factor[j]![j]!;
    }
  }
  return factor;
}

/** Two independent standard normal variates by Marsaglia's polar method. */
function drawNormalPair(random: Mt19937, into: Float64Array, at: number): void {
  for (;;) {
    const x = 2 * uniform(random) - 1;
    const y = 2 * uniform(random) - 1;
    const square = x * x + y * y;
    // It is never 0, as `uniform` is never 1/2.
    if (square >= 1) continue;
    const factor = Math.sqrt((-2 * Math.log(square)) / square);
    into[at] = x * factor;
    into[at + 1] = y * factor;
    return;
  }
}

/** Uniform on (0, 1). */
function uniform(random: Mt19937): number {
  return (random.uint32() + 0.5) / 2 ** 32;
}

/** Shares added up, the last one left out: value `i` lies between entries `i - 1` and `i`. */
function cumulativeShares(counts: number[]): Float64Array {
  const total = counts.reduce((sum, count) => sum + count, 0);
  let sum = 0;
  return Float64Array.from(counts.slice(0, -1), (count) => (sum += count) / total);
}

/** Index of the first entry above `value`; the length where there is none. Entries ascend. */
function firstAbove(entries: Float64Array, value: number): number {
  let low = 0;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (entries[middle]! > value) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** The value that a standard normal variate stays below with the probability `p`. */
function normalThreshold(p: number): number {
  return p < 0.5 ? -normalQuantile(p) : normalQuantile(1 - p);
}

function quoted(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
