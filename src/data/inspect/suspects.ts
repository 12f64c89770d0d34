import { SAMPLED_ROWS, strengthOf, SUSPICIOUS, type Strength } from '../../ml/leakage.js';
import { identifier, literal, type Database } from '../duckdb.js';
import { TABLE, type ColumnSummary } from './describe.js';
import type { LabelDecision } from './label.js';

export interface Suspect {
  columns: string[];
  reason: string;
}

/** Below these a name alone makes no suspect. */
const RELATED = { 'ROC AUC': 0.65, 'errors saved': 0.2, 'R²': 0.2 };
const NAMED =
  /(^|[_\s.-])(preds?|predict(ed|ion|ions)|prob(s|a|ability|abilities)?|scores?|scored|y_?hat|fitted|residuals?|outcome|target)([_\s.-]|[0-9]*$)|(Pred|Prob|Score|Target)([A-Z0-9]|$)/;

/**
 * Columns that may hold what is to be predicted, or be known only after it: by what one column tells of the label, by its
 * name, and by sums of columns that are the label. Nothing is left out for it; whether a column is known in time only
 * people can tell.
 *
 * @param features columns that a model would learn from
 */
export async function findSuspects(
  database: Database,
  features: ColumnSummary[],
  label: LabelDecision,
): Promise<{ suspects: Suspect[]; strongest: Strength[] }> {
  const sample = await readSample(database, features, label);
  const strengths = features
    .map(({ name }, i) => strengthOf(name, sample.columns[i]!, sample.labels, label.task))
    .filter((strength) => strength !== undefined);
  const strongest = strengths.toSorted((a, b) => b.value - a.value);
  const suspects: Suspect[] = strongest
    .filter(({ measure, value }) => value >= SUSPICIOUS[measure])
    .map(({ column, measure, value }) => ({
      columns: [column],
      reason: `tells the label by itself (${measure} ${shown(value)})`,
    }));
  for (const { column, measure, value } of strongest) {
    if (suspects.some(({ columns }) => columns.includes(column)) || value < RELATED[measure]) continue;
    if (NAMED.test(column))
      suspects.push({
        columns: [column],
        reason: `by its name it may come from a model or from the outcome (${measure} ${shown(value)})`,
      });
    else if (label.column.length > 3 && column.toLowerCase().includes(label.column.toLowerCase()))
      suspects.push({ columns: [column], reason: `its name has the label's in it (${measure} ${shown(value)})` });
  }
  for (const name of await missingTogether(database, features, label))
    if (!suspects.some(({ columns }) => columns.includes(name)))
      suspects.push({
        columns: [name],
        reason: 'has values where the label has one, and hardly any where it has none',
      });
  if (label.task === 'regression') {
    const sum = sumOf(features, sample);
    if (sum && (await holds(database, sum, label.column)))
      suspects.unshift({ columns: sum.map(({ column }) => column), reason: `${describeSum(sum)} is the label` });
  }
  return { suspects, strongest: strongest.slice(0, 3) };
}

/** Rows without a label below which it is no sign that a column is empty in them. */
const UNLABELLED = 20;
/** Shares of rows: of those without a label that lack a value, at least; and of those with one, at most. */
const MISSING = { unlabelled: 0.8, labelled: 0.01 };

/** Columns that become known together with the label: they are missing where it is. */
async function missingTogether(
  database: Database,
  features: ColumnSummary[],
  { column, unlabelled }: LabelDecision,
): Promise<string[]> {
  const [total] = await database.rows<{ rows: bigint }>(`SELECT count(*) AS rows FROM ${TABLE}`);
  const rows = Number(total!.rows);
  const gaps = features.filter(({ present }) => present < rows);
  if (unlabelled < UNLABELLED || gaps.length === 0) return [];
  const counts = gaps.flatMap(({ name }, i) =>
    (['IS NULL', 'IS NOT NULL'] as const).map(
      (state, j) =>
        `count(*) FILTER (${identifier(name)} IS NULL AND ${identifier(column)} ${state}) AS ${j === 0 ? 'u' : 'l'}${i}`,
    ),
  );
  const [row] = await database.rows<Record<string, bigint>>(`SELECT ${counts.join(', ')} FROM ${TABLE}`);
  return gaps
    .filter(
      (_, i) =>
        Number(row![`u${i}`]) >= MISSING.unlabelled * unlabelled &&
        Number(row![`l${i}`]) <= MISSING.labelled * (rows - unlabelled),
    )
    .map(({ name }) => name);
}

function shown(value: number): string {
  return value.toFixed(value > 0.995 && value < 1 ? 4 : 2);
}

interface Sample {
  /** Per feature, a number or a text per row, `null` where it is missing. */
  columns: (number | string | null)[][];
  /** 0 or 1, a class's position, or the value. */
  labels: Float64Array;
}

/** Rows that have a label, at most some {@link SAMPLED_ROWS}, the same every time. */
async function readSample(
  database: Database,
  features: ColumnSummary[],
  { column, task, positive }: LabelDecision,
): Promise<Sample> {
  const own = identifier(column);
  const label =
    task === 'regression'
      ? `CAST(${own} AS DOUBLE)`
      : task === 'binary'
        ? `CAST(${own} = ${typeof positive === 'string' ? literal(positive) : positive} AS INTEGER)`
        : `CAST(${own} AS VARCHAR)`;
  const read = features.map(({ name, type }) =>
    type === 'VARCHAR'
      ? identifier(name)
      : type === 'DATE' || type === 'TIMESTAMP'
        ? `epoch(${identifier(name)}::TIMESTAMP)`
        : `CAST(${identifier(name)} AS DOUBLE)`,
  );
  const [total] = await database.rows<{ n: bigint }>(
    `SELECT count(*) AS n FROM ${TABLE} WHERE ${identifier(column)} IS NOT NULL`,
  );
  const step = Math.max(1, Math.floor(Number(total!.n) / SAMPLED_ROWS));
  const columns: (number | string | null)[][] = features.map(() => []);
  const labels: number[] = [];
  const positions = new Map<string, number>();
  for await (const chunk of database.chunks(
    `SELECT ${[`${label} AS label`, ...read].join(', ')} FROM ${TABLE} WHERE ${identifier(column)} IS NOT NULL AND hash(rowid) % ${step} = 0`,
  )) {
    const [own, ...others] = chunk.getColumns() as [unknown[], ...(number | string | null)[][]];
    for (const value of own) {
      if (typeof value === 'string' && !positions.has(value)) positions.set(value, positions.size);
      labels.push(typeof value === 'string' ? positions.get(value)! : Number(value));
    }
    others.forEach((values, i) => values.forEach((value) => columns[i]!.push(value)));
  }
  return { columns, labels: Float64Array.from(labels) };
}

/** Columns whose sum, so many times each, may be the label. */
type Sum = { column: string; times: number }[];

const MOST_TERMS = 8;
const SUM_ROWS = 500;

/**
 * Takes the column that explains most of what is left of the label, again and again (orthogonal matching pursuit); once
 * nothing is left, the label may be a sum of these columns with whole factors, the nearest of which are taken.
 */
function sumOf(features: ColumnSummary[], { columns, labels }: Sample): Sum | undefined {
  const rows = Array.from({ length: Math.min(SUM_ROWS, labels.length) }, (_, i) => i);
  const numeric = features
    .map(({ name, type }, i) => ({ name, type, values: rows.map((row) => columns[i]![row]!) }))
    .filter(
      ({ type, values }) =>
        (type === 'BIGINT' || type === 'DOUBLE') && values.every((value) => typeof value === 'number'),
    ) as { name: string; values: number[] }[];
  let left = rows.map((row) => labels[row]!);
  const size = norm(left);
  // Each column with what it has in common with the chosen ones taken out.
  const open = numeric.map(({ name, values }) => ({ name, values, own: [...values] }));
  const chosen: { name: string; values: number[] }[] = [];
  while (chosen.length < MOST_TERMS && norm(left) > 1e-7 * size) {
    const scored = open
      // Of a chosen one nothing is left.
      .filter(({ own, values }) => norm(own) > 1e-6 * norm(values))
      .map((column) => ({ column, gain: Math.abs(dot(column.own, left)) / norm(column.own) }));
    const best = scored.toSorted((a, b) => b.gain - a.gain)[0];
    if (!best || rows.length < 5 * (chosen.length + 1)) return undefined;
    const { own } = best.column;
    const square = dot(own, own);
    const direction = [...own];
    const factor = dot(direction, left) / square;
    left = left.map((value, i) => value - factor * direction[i]!);
    for (const column of open) {
      const shared = dot(direction, column.own) / square;
      column.own = column.own.map((value, i) => value - shared * direction[i]!);
    }
    chosen.push(best.column);
  }
  if (chosen.length < 2 || norm(left) > 1e-7 * size) return undefined;
  const factors = solve(
    chosen.map(({ values }) => values),
    rows.map((row) => labels[row]!),
  );
  const terms = chosen
    .map(({ name }, i) => ({ column: name, times: Math.round(factors[i]!) }))
    .filter(({ times }) => times !== 0);
  return terms.length > 1 ? terms : undefined;
}

/** Least squares by the normal equations, of which there are few; they are positive definite, so no rows have to be swapped. */
function solve(columns: number[][], target: number[]): number[] {
  const n = columns.length;
  const rows = columns.map((one) => [...columns.map((other) => dot(one, other)), dot(one, target)]);
  for (let pivot = 0; pivot < n; pivot++) {
    for (let row = 0; row < n; row++) {
      if (row === pivot) continue;
      const factor = rows[row]![pivot]! / rows[pivot]![pivot]!;
      rows[row] = rows[row]!.map((value, i) => value - factor * rows[pivot]![i]!);
    }
  }
  return rows.map((row, i) => row[n]! / row[i]!);
}

/** Whether a sum is the label in every row that has all of its values. */
async function holds(database: Database, sum: Sum, label: string): Promise<boolean> {
  const total = sum.map(({ column, times }) => `${times} * CAST(${identifier(column)} AS DOUBLE)`).join(' + ');
  const own = identifier(label);
  const [row] = await database.rows<{ same: number | null }>(
    `SELECT avg(CAST(abs(${total} - ${own}) <= 1e-6 * greatest(abs(${own}), 1) AS INTEGER)) AS same FROM ${TABLE} WHERE ${own} IS NOT NULL`,
  );
  return (row!.same ?? 0) >= 0.999;
}

function describeSum(sum: Sum): string {
  return sum
    .map(
      ({ column, times }, i) =>
        `${times < 0 ? (i === 0 ? '-' : '- ') : i === 0 ? '' : '+ '}${Math.abs(times) === 1 ? '' : `${Math.abs(times)} * `}${column}`,
    )
    .join(' ');
}

function dot(a: number[], b: number[]): number {
  return a.reduce((sum, value, i) => sum + value * b[i]!, 0);
}

function norm(values: number[]): number {
  return Math.sqrt(dot(values, values));
}
