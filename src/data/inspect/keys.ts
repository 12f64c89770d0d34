import { isInternal, PREDICTION_COLUMNS } from '../../config/columns.js';
import { agreeing, count, countOf, shareOf, sameName } from '../../contracts/index.js';
import { PerdureError } from '../../errors.js';
import { identifier, type Database } from '../duckdb.js';
import { isNumbersAsText, TABLE, type ColumnSummary, type DescribedCsv } from './describe.js';
import { findColumn } from './label.js';

export interface KeyDecision {
  /** Empty where nothing tells the rows apart. */
  columns: string[];
  reason: string;
}

/** Names that identifiers have: `id`, `customer_id`, `patient_nbr`; and, where the case of letters tells, `customerID`, `OrderNo`. */
const WORDS =
  /^(id|ids|key|uuid|guid|index|idx|row_?(id|num|number|names?)|unnamed: 0|vin|iban|isbn|ssn|serial|.*[_\s.-](id|key|nbr|no|number|uuid|guid))$/i;
const CAMEL = /[a-z](ID|Id|Key|No|Nbr)$/;

/** Names of texts that say something of a person or a thing, and differ in a small table by chance. */
const DESCRIBES =
  /(first|last|given|family|middle|full|maiden)[_\s.-]?name|surname|street|address|comment|remark|note|descri|title|message/i;

export function isIdentifierName(name: string): boolean {
  return WORDS.test(name.trim()) || CAMEL.test(name.trim());
}

/** Rows of the first look at several columns together: most can be ruled out there. */
const FIRST = 20_000;
const MOST_CANDIDATES = 8;

/**
 * The columns that tell the rows apart. A day, a time or a number with a fraction is none by itself, but may be one
 * together with others.
 *
 * @throws PerdureError `InputInvalid` for columns that were asked for and don't tell the rows apart
 */
export async function decideKey(
  database: Database,
  described: DescribedCsv,
  label: string,
  asked: string[] | undefined,
): Promise<KeyDecision> {
  const { rows, columns, sniffed } = described;
  if (asked)
    return askedKey(
      database,
      described,
      asked.map((name) => findColumn(columns, name, sniffed.header, '--key')),
      label,
    );
  const usable = columns.filter(({ name, present }) => name !== label && present === rows && isFree(name));
  const single = usable.filter(
    (column) => column.distinct === rows && isKeyLike(column, rows, columns.indexOf(column) === 0),
  );
  const [best] = single.toSorted((a, b) => Number(isIdentifierName(b.name)) - Number(isIdentifierName(a.name)));
  if (best) return { columns: [best.name], reason: `a value of its own in each of ${countOf(rows, 'row')}` };

  const together = await decideTogether(database, rows, usable);
  if (together) return { columns: together, reason: 'together they tell every row apart' };
  const near = columns
    .filter(
      (column) =>
        column.name !== label &&
        (isText(column) || (column.type === 'BIGINT' && isIdentifierName(column.name))) &&
        column.distinct > 0.9 * rows &&
        column.distinct < rows &&
        isFree(column.name),
    )
    .slice(0, 3)
    .map(
      ({ name, distinct, present }) => `${name} (${countOf(distinct, 'value')} in ${shareOf(present, rows, 'rows')})`,
    );
  return {
    columns: [],
    reason:
      near.length > 0 ? `no column tells all rows apart; nearly: ${near.join(', ')}` : 'no column tells the rows apart',
  };
}

async function askedKey(
  database: Database,
  { rows }: DescribedCsv,
  key: ColumnSummary[],
  label: string,
): Promise<KeyDecision> {
  const names = key.map(({ name }) => name);
  for (const { name, present } of key) {
    if (name === label)
      throw new PerdureError(
        'InputInvalid',
        `The column ${name} is the label, and can't be the key as well; give another with --key.`,
      );
    if (!isFree(name))
      throw new PerdureError(
        'InputInvalid',
        `A key can't be called ${name}, as predictions have a column of this name beside the key; rename it in the file.`,
      );
    if (present < rows)
      throw new PerdureError(
        'InputInvalid',
        `The column ${name} has no value in ${shareOf(rows - present, rows, 'rows')}, so it can't be the key; give another with --key.`,
      );
  }
  const list = names.map(identifier).join(', ');
  const values = `CAST((${names.map((name) => `CAST(${identifier(name)} AS VARCHAR)`).join(` || ', ' || `)}) AS VARCHAR)`;
  const [repeated] = await database.rows<{ value: string; times: bigint; all: bigint }>(
    `SELECT first(${values}) AS value, count(*) AS times, sum(count(*)) OVER ()::BIGINT AS all FROM ${TABLE} GROUP BY ${list} HAVING count(*) > 1 ORDER BY times DESC, value LIMIT 1`,
  );
  if (repeated) {
    throw new PerdureError(
      'InputInvalid',
      `${names.join(' and ')} ${agreeing(names.length, 'does', 'do')} not tell the rows apart: ${repeated.value} stands in ${count(Number(repeated.times))} of them; give more columns with --key, or none.`,
    );
  }
  return { columns: names, reason: `as --key says; a value of its own in each of ${countOf(rows, 'row')}` };
}

function isFree(name: string): boolean {
  return !isInternal(name) && !(PREDICTION_COLUMNS as readonly string[]).includes(sameName(name));
}

/** Whether a column whose values are all different is so on purpose: by its name, as text, or as numbers one after another. */
function isKeyLike(column: ColumnSummary, rows: number, first: boolean): boolean {
  const { name, type, min, max } = column;
  if (type === 'VARCHAR')
    return (
      rows >= 20 && (isIdentifierName(name) || (isText(column) && !DESCRIBES.test(name) && (max?.length ?? 0) <= 100))
    );
  if (type !== 'BIGINT') return false;
  return isIdentifierName(name) || Number(max) - Number(min) === rows - 1 || (first && rows >= 100);
}

/** Whether a column is text that may name a row: no amount with signs. */
function isText(column: ColumnSummary): boolean {
  return column.type === 'VARCHAR' && !isNumbersAsText(column);
}

/** The fewest of identifiers, days and texts that tell the rows apart together; an identifier or a day is among them. */
async function decideTogether(
  database: Database,
  rows: number,
  usable: ColumnSummary[],
): Promise<string[] | undefined> {
  const anchors = new Set(
    usable
      .filter(({ name, type }) => isIdentifierName(name) || type === 'DATE' || type === 'TIMESTAMP')
      .map(({ name }) => name),
  );
  if (rows < 20) return undefined;
  const byDistinct = (columns: ColumnSummary[]) => columns.toSorted((a, b) => b.distinct - a.distinct);
  const varying = usable.filter(({ distinct }) => distinct > 1 && distinct < rows);
  const others = varying.filter(({ name }) => !anchors.has(name));
  const candidates = [
    ...byDistinct(varying.filter(({ name }) => anchors.has(name))),
    // The number of a flight, a room or a version; nearly different in every row it is an amount.
    ...byDistinct(others.filter(({ type, distinct }) => type === 'BIGINT' && distinct < rows / 2)).slice(0, 2),
    ...byDistinct(others.filter(isText)),
  ].slice(0, MOST_CANDIDATES);
  for (const size of [2, 3, 4]) {
    const groups = combinations(candidates, size).filter(
      (group) =>
        group.some(({ name }) => anchors.has(name)) &&
        (group.every(({ name }) => anchors.has(name)) || repeatsByChance(rows, group) >= TOO_MANY_BY_CHANCE) &&
        // Of large files the numbers are estimates, which may all be too low; the rows decide.
        group.reduce((product, { distinct }) => product * distinct, 1) >= rows / 4,
    );
    const first = await whichDiffer(database, groups, `(SELECT * FROM ${TABLE} LIMIT ${FIRST})`, Math.min(rows, FIRST));
    for (const group of first.slice(0, 5)) {
      const [whole] = await whichDiffer(database, [group], TABLE, rows);
      if (whole) return whole.map(({ name }) => name);
    }
  }
  return undefined;
}

/**
 * Columns that have many values together differ in every row by chance alone, which makes no key of them: rather than by
 * their names they must be known by repeating nothing where chance would have repeated as much.
 */
const TOO_MANY_BY_CHANCE = 3;

/** Pairs of rows that would be equal in columns whose values have nothing to do with each other. */
function repeatsByChance(rows: number, group: ColumnSummary[]): number {
  return group.reduce((pairs, { distinct }) => pairs / distinct, (rows * (rows - 1)) / 2);
}

async function whichDiffer(
  database: Database,
  groups: ColumnSummary[][],
  relation: string,
  rows: number,
): Promise<ColumnSummary[][]> {
  if (groups.length === 0) return [];
  const counts = groups.map(
    (group, i) => `count(DISTINCT hash(${group.map(({ name }) => identifier(name)).join(', ')})) AS g${i}`,
  );
  const [row] = await database.rows<Record<string, bigint>>(`SELECT ${counts.join(', ')} FROM ${relation}`);
  return groups.filter((_, i) => Number(row![`g${i}`]) === rows);
}

function combinations<T>(items: T[], size: number): T[][] {
  if (size === 0) return [[]];
  return items.flatMap((item, i) => combinations(items.slice(i + 1), size - 1).map((rest) => [item, ...rest]));
}
