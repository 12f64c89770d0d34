import { isInternal } from '../../config/columns.js';
import { agreeing, count, countOf, listOf, sameName } from '../../contracts/index.js';
import { PerdureError } from '../../errors.js';
import { identifier, literal, type Database } from '../duckdb.js';
import { describeCsv, isNumbersAsText, TABLE, type ColumnSummary, type DescribedCsv } from './describe.js';
import { proposeExpectations, type ProposedSuite } from './expectations.js';
import { decideKey, isIdentifierName } from './keys.js';
import { decideLabel, type LabelDecision, type LabelWishes } from './label.js';
import { mayBeAbsent } from './sniff.js';
import { findSuspects, type Suspect } from './suspects.js';
import { decideTime, type TimeDecision } from './time.js';

/** A decision or an observation, for people. */
export interface Finding {
  topic: string;
  text: string;
}

/** The short form of `pipeline.json` for a CSV, and what it was decided by. */
export interface Proposal {
  definition: Record<string, unknown>;
  rows: number;
  columns: number;
  /** What was decided, in the order of the file. */
  decisions: Finding[];
  /** What was seen and left to people. */
  remarks: Finding[];
  /** Never dropped without being told to. */
  suspects: Suspect[];
  /** What `expectations.json` may say of the table. */
  expectations: ProposedSuite;
}

export interface Wishes extends LabelWishes {
  key?: string[] | undefined;
  time?: string | undefined;
}

/** Rows below which an evaluation says little. */
const FEW_ROWS = 100;
const HIGH_CARDINALITY = 30;
const RARE = 20;

/**
 * Looks at every row of a CSV and proposes a pipeline.
 *
 * @param file the name under which the pipeline knows the CSV
 * @throws PerdureError `InputInvalid` or `NotFound` for a file or wishes that no pipeline can be made of
 */
export async function propose(database: Database, path: string, file: string, wishes: Wishes): Promise<Proposal> {
  const described = await describeCsv(database, path);
  const { columns, rows } = described;
  if (rows === 0) throw new PerdureError('InputInvalid', `${path} has a header and no rows; give a file with some.`);
  const label = await decideLabel(database, described, wishes);
  const key = await decideKey(database, described, label.column, wishes.key);
  const time = await decideTime(database, described, label.column, wishes.time);
  const others = columns.filter(({ name }) => name !== label.column && !key.columns.includes(name));
  const drop = dropped(others, rows, time);
  // Columns that give a row's day are no features.
  const features = others.filter(
    ({ name }) => !time.columns.includes(name) && !drop.some(({ columns }) => columns.includes(name)),
  );
  if (features.length === 0)
    throw new PerdureError(
      'InputInvalid',
      `${path} has no column to learn from beside ${[label.column, ...key.columns].join(', ')}; give a file with more.`,
    );
  const group = time.test === undefined ? entityOf(others, rows) : undefined;
  const { suspects, strongest } = await findSuspects(database, features, label);

  const labelled = columns.find(({ name }) => name === label.column);
  const expectations = await proposeExpectations(database, file.replace(/\.[^.]*$/, ''), {
    key: key.columns,
    features,
    rows,
    ...(labelled && label.task !== 'regression' && { label: labelled }),
  });

  const definition = {
    source: file,
    ...(key.columns.length === 0 ? {} : { key: key.columns.length === 1 ? key.columns[0] : key.columns }),
    label: isPlain(label) ? label.column : { column: label.column, positive: label.positive },
    // A positive value says it already; without it a training would find the task, and tell that it did.
    ...(isPlain(label) ? { task: label.task } : {}),
    ...(label.objective === undefined ? {} : { objective: label.objective }),
    ...(time.sql !== undefined
      ? { time: time.sql, partition: time.partition }
      : key.columns.length > 0
        ? { partition: 'arrival' }
        : {}),
    ...(drop.length === 0 ? {} : { drop: drop.flatMap(({ columns }) => columns) }),
    ...(time.test !== undefined
      ? {
          split: {
            by: 'time',
            ...(time.validation === undefined ? {} : { validation: time.validation }),
            test: time.test,
          },
        }
      : group
        ? { split: { by: 'group', column: group.name, validation: 0.2 } }
        : {}),
  };
  const decisions: Finding[] = [
    { topic: 'file', text: fileText(described) },
    { topic: 'label', text: labelText(label, rows) },
    {
      topic: 'key',
      text:
        key.columns.length > 0
          ? `${key.columns.join(', ')}: ${key.reason}`
          : `none: ${key.reason}; rows go by their number in the file (--key names columns)`,
    },
    {
      topic: 'time',
      text:
        time.sql === undefined
          ? `none: ${time.reason}${key.columns.length > 0 ? '; rows go by the day on which a file first has their key' : '; a file is the whole table each time'}`
          : `${time.sql}: ${time.reason}; the store is cut by ${time.partition}${time.future === undefined ? '' : `; ${agreeing(time.future, '1 row is of a day to come, and counts', `${countOf(time.future, 'row')} are of days to come, and count`)} from then on`}`,
    },
    { topic: 'split', text: splitText(time, group, rows, key.columns.length > 0) },
    ...drop.map(({ columns, reason }) => ({ topic: 'drop', text: `${listOf(columns)}: ${reason}` })),
    { topic: 'expectations', text: expectationsText(expectations) },
  ];
  const remarks = [
    ...absentLabels(label, rows),
    ...(await remarksOn(database, described, features, rows)),
    ...(strongest.length === 0
      ? []
      : [
          {
            topic: 'strongest',
            text: `alone, by ${strongest[0]!.measure}: ${strongest.map(({ column, value }) => `${column} ${value.toFixed(2)}`).join(', ')}`,
          },
        ]),
  ];
  return { definition, rows, columns: columns.length, decisions, remarks, suspects, expectations };
}

/** Whether the label's values say by themselves which is positive: 1 of 0 and 1, true of false and true. */
function isPlain({ positive, classes }: LabelDecision): boolean {
  return (
    positive === undefined ||
    (classes.length === 2 && (positive === true || (positive === 1 && classes.some(({ value }) => Number(value) <= 0))))
  );
}

interface Dropped {
  columns: string[];
  reason: string;
}

/** Columns that no model can learn from: one value, or a value that says which row it is. */
function dropped(columns: ColumnSummary[], rows: number, time: TimeDecision): Dropped[] {
  const constant = columns.filter(({ distinct }) => distinct <= 1);
  const identifying = columns.filter((column) => {
    const { name, type, distinct, present } = column;
    if (time.columns.includes(name) || isNumbersAsText(column)) return false;
    if (type === 'VARCHAR' && present >= 50 && distinct > 0.95 * present) return true;
    return (type === 'BIGINT' || type === 'VARCHAR') && isIdentifierName(name) && distinct > Math.max(50, 0.05 * rows);
  });
  const named = (columns: ColumnSummary[], reason: string) =>
    columns.length === 0 ? [] : [{ columns: columns.map(({ name }) => name), reason }];
  return [
    ...named(constant, 'one value in all rows, or none'),
    ...named(identifying, 'an identifier, or a text of its own in nearly every row'),
  ];
}

/** What several rows each are of: a patient, a customer. */
function entityOf(columns: ColumnSummary[], rows: number): ColumnSummary | undefined {
  return columns.find(
    ({ name, type, present, distinct }) =>
      (type === 'BIGINT' || type === 'VARCHAR') &&
      isIdentifierName(name) &&
      present === rows &&
      distinct > Math.max(50, 0.05 * rows) &&
      distinct < 0.98 * rows,
  );
}

const DELIMITERS: Record<string, string> = { ',': 'commas', ';': 'semicolons', '\t': 'tabs', '|': 'vertical bars' };

function fileText({ sniffed, rows, columns, repeated }: DescribedCsv): string {
  const { delimiter, encoding, null_values, no_numbers, date_format, decimal, number_signs } = sniffed;
  const absent = [...null_values, ...no_numbers];
  return [
    `${countOf(rows, 'row')}, ${countOf(columns.length, 'column')}, ${DELIMITERS[delimiter]}, ${encoding}`,
    ...(decimal ? ['decimal commas'] : []),
    ...(number_signs ? ['numbers with signs of currency, percent or thousands'] : []),
    ...(date_format === undefined ? [] : [`days as ${date_format}`]),
    ...(absent.length > 0 ? [`no value: ${absent.map((text) => JSON.stringify(text)).join(' ')}`] : []),
    ...(repeated > 0 ? [`${countOf(repeated, 'row')} equal to another`] : []),
    ...(rows < FEW_ROWS ? ['so few that metrics will say little'] : []),
  ].join('; ');
}

function labelText({ column, task, positive, classes, unlabelled, reason }: LabelDecision, rows: number): string {
  const labelled = rows - unlabelled;
  const share = (part: number) => `${((100 * part) / labelled).toFixed(1)}%`;
  const shown =
    positive === undefined
      ? classes.slice(0, 7)
      : classes.filter(({ value }) =>
          typeof positive === 'number' ? Number(value) === positive : value === String(positive),
        );
  const shares = shown
    .map(({ value, rows }) => `${positive === undefined ? '' : 'positive '}${value} ${share(rows)}`)
    .join(', ');
  const rare = task === 'multiclass' ? classes.filter(({ rows }) => rows < RARE) : [];
  return [
    `${column}: ${task}, ${reason}`,
    ...(shares === ''
      ? []
      : [`${shares}${task === 'multiclass' && classes.length > 7 ? `, and ${classes.length - 7} more` : ''}`]),
    ...(rare.length > 0
      ? [`${agreeing(rare.length, 'a class', 'classes')} of fewer than ${countOf(RARE, 'row')}`]
      : []),
    ...(unlabelled > 0 ? [`${count(unlabelled)} of ${countOf(rows, 'row')} have no label yet`] : []),
  ].join('; ');
}

/** Classes beside others that may say that no label is known, which a person knows. */
function absentLabels({ column, task, classes, unlabelled }: LabelDecision, rows: number): Finding[] {
  const absent = task === 'multiclass' ? classes.filter(({ value }) => mayBeAbsent(value)) : [];
  if (absent.length === 0) return [];
  const shares = absent.map(
    ({ value, rows: having }) => `${JSON.stringify(value)} (${((100 * having) / (rows - unlabelled)).toFixed(1)}%)`,
  );
  const sql = absent.reduce((inner, { value }) => `nullif(${inner}, ${literal(value)})`, identifier(column));
  return [
    {
      topic: 'label',
      text: `${shares.join(' and ')} ${agreeing(absent.length, 'is taken for a class', 'are taken for classes')}; where that says that no label is known, write "label": ${JSON.stringify({ sql })}, and drop ${column}`,
    },
  ];
}

function splitText(time: TimeDecision, group: ColumnSummary | undefined, rows: number, keyed: boolean): string {
  if (time.test !== undefined)
    return time.validation === undefined
      ? `by time: what is from ${time.test} on tests, about a fifth of the rows`
      : `by time: what is from ${time.validation} on chooses the model, from ${time.test} on tests; about a fifth of the rows each`;
  if (group)
    return `by ${group.name}: it has ${countOf(group.distinct, 'value')} in ${countOf(rows, 'row')}, and all rows of one stay on one side; three fifths train, one chooses the model, one tests`;
  return `by the hash of the ${keyed ? 'key' : 'row'}: three fifths train, one chooses the model, one tests`;
}

function expectationsText({ expectations }: ProposedSuite): string {
  const must = expectations.filter(({ severity }) => severity === 'fail').length;
  return `${countOf(expectations.length, 'expectation')} in expectations.json, which this file meets: ${must > 0 ? 'a run fails without a sound key, and tells' : 'a run tells'} of values that look otherwise`;
}

/** What people may want to act on. */
async function remarksOn(
  database: Database,
  { sniffed }: DescribedCsv,
  features: ColumnSummary[],
  rows: number,
): Promise<Finding[]> {
  const remarks: Finding[] = [];
  const texts = features.filter(isNumbersAsText);
  if (texts.length > 0)
    remarks.push({
      topic: 'numbers as text',
      text: `${await withExamples(database, texts)}: read as categories; write plain numbers, or list what means "no value" in source.null_values`,
    });
  const many = features.filter(({ type, distinct }) => type === 'VARCHAR' && distinct > HIGH_CARDINALITY);
  if (many.length > 0)
    remarks.push({
      topic: 'many categories',
      text: many.map(({ name, distinct }) => `${name} ${count(distinct)}`).join(', '),
    });
  const empty = features.filter(({ present }) => present < 0.5 * rows);
  if (empty.length > 0)
    remarks.push({
      topic: 'mostly empty',
      text: listOf(empty.map(({ name, present }) => `${name} ${((100 * (rows - present)) / rows).toFixed(0)}%`)),
    });
  const rare = await rareCategories(
    database,
    features.filter(({ type, distinct }) => type === 'VARCHAR' && distinct <= HIGH_CARDINALITY),
  );
  if (rare.length > 0 && rows >= 10 * RARE)
    remarks.push({
      topic: 'rare categories',
      text: `of fewer than ${countOf(RARE, 'row')} in ${listOf(rare)}; they are grouped`,
    });
  const unusable = unusableNames(sniffed.header);
  if (unusable.length > 0)
    remarks.push({ topic: 'names', text: `${unusable.join(', ')}; rename them in the file to have them read` });
  return remarks;
}

async function withExamples(database: Database, columns: ColumnSummary[]): Promise<string> {
  const [row] = await database.rows<Record<string, string | null>>(
    `SELECT ${columns.map(({ name }, i) => `min(${identifier(name)}) FILTER (TRY_CAST(${identifier(name)} AS DOUBLE) IS NULL) AS e${i}`).join(', ')} FROM ${TABLE}`,
  );
  return columns.map(({ name }, i) => `${name} (such as ${JSON.stringify(row![`e${i}`])})`).join(', ');
}

async function rareCategories(database: Database, columns: ColumnSummary[]): Promise<string[]> {
  if (columns.length === 0) return [];
  const counts = columns.map(({ name }, i) => `list_min(map_values(histogram(${identifier(name)}))) AS m${i}`);
  const [row] = await database.rows<Record<string, bigint>>(`SELECT ${counts.join(', ')} FROM ${TABLE}`);
  return columns.filter((_, i) => row![`m${i}`]! < RARE).map(({ name }) => name);
}

/** Columns of the header that can't be read, each in words. */
function unusableNames(header: string[]): string[] {
  const empty = header.filter((name) => name === '').length;
  const seen = new Set<string>();
  const repeated = header.filter((name) => name !== '' && seen.size === seen.add(sameName(name)).size);
  return [
    ...(empty > 0 ? [`${countOf(empty, 'column')} without a name`] : []),
    ...repeated.map((name) => `${name} stands there twice`),
    ...header.filter(isInternal).map((name) => `${name} is a reserved name`),
  ];
}
