import type { ColumnType } from '../../config/schema.js';
import type { Objective, TaskName } from '../../contracts/task.js';
import { count, countOf, listOf } from '../../contracts/index.js';
import { PerdureError } from '../../errors.js';
import { identifier, type Database } from '../duckdb.js';
import { isNumbersAsText, TABLE, type ColumnSummary, type DescribedCsv } from './describe.js';

/** What a pipeline is to predict, and why it is taken for that. */
export interface LabelDecision {
  column: string;
  task: TaskName;
  objective?: Objective;
  /** The positive value of a binary task, where it has to be written down. */
  positive?: string | number | boolean;
  /** Values of a classification with their rows, most frequent first. */
  classes: { value: string; rows: number }[];
  unlabelled: number;
  reason: string;
}

/** What the caller has decided already. */
export interface LabelWishes {
  label: string;
  positive?: string | undefined;
  task?: TaskName | undefined;
}

/** Distinct whole numbers beyond which they are a quantity. */
const FEW = 10;
/** Classes beyond which a text is no label. */
const MOST_CLASSES = 100;
/** Words of yes and of no, in English, and as other languages say yes and no, and true and false in their spreadsheets. */
const POSITIVE =
  /^(yes|y|true|t|1|positive|pos|\+|default(ed)?|charged off|fraud|spam|churn(ed)?|malignant|m|bad|dead|died|failed|failure|fail|sick|disease|won|win|success|clicked|bought|above|high|up|case|>50k\.?|ja|oui|s[iíì]|sim|tak|да|evet|ano|igen|kyllä|是|はい|예|wahr|vrai|verdader[oa]|verdadeir[oa]|vero|waar|prawda|истина|sant|sann|tosi|pravda|igaz|doğru)$/i;
const NEGATIVE =
  /^(no|n|false|f|0|-1|negative|neg|-|none|ham|benign|b|good|alive|survived|ok|okay|pass(ed)?|normal|healthy|lost|loss|below|low|down|control|<=50k\.?|nein|nee|nej|non|não|nie|нет|hayır|ne|nem|ei|否|いいえ|아니요|falsch|faux|fals[oa]|onwaar|fałsz|ложь|falskt?|usann|epätosi|nepravda|hamis|yanlış)$/i;

/**
 * The task, classes and objective of a label column.
 * @throws PerdureError `NotFound` for a column that isn't there; `InputInvalid` for one that can't be a label
 */
export async function decideLabel(
  database: Database,
  { columns, sniffed, rows }: DescribedCsv,
  { label, positive, task }: LabelWishes,
): Promise<LabelDecision> {
  const found = findColumn(columns, label, sniffed.header);
  const name = found.name;
  const values = await database.rows<{ value: string; rows: bigint; distinct: bigint }>(
    `SELECT CAST(${identifier(name)} AS VARCHAR) AS value, count(*) AS rows, count(*) OVER () AS distinct FROM ${TABLE} WHERE ${identifier(name)} IS NOT NULL GROUP BY ALL ORDER BY rows DESC, value LIMIT ${MOST_CLASSES + 1}`,
  );
  const classes = values.map(({ value, rows }) => ({ value, rows: Number(rows) }));
  // Of other columns an estimate may be enough.
  const column = { ...found, distinct: Number(values[0]?.distinct ?? 0) };
  const unlabelled = rows - column.present;
  if (classes.length < 2) {
    const held =
      classes.length === 0
        ? 'no value at all'
        : `the value ${JSON.stringify(classes[0]!.value)} in every row that has one`;
    throw new PerdureError(
      'InputInvalid',
      `The column ${name} holds ${held}, so there is nothing to tell apart; name another with --label.`,
    );
  }
  if (positive !== undefined && task !== undefined && task !== 'binary')
    throw new PerdureError(
      'InputInvalid',
      `--positive names one of two classes, and --task says ${task}; leave one of them out.`,
    );
  const isNumber = isNumberType(column.type);
  const [decided, reason] =
    task !== undefined
      ? [task, 'as --task says']
      : positive !== undefined
        ? (['binary', 'as --positive names one class'] as const)
        : guess(column, classes, isNumber);
  const common = { column: name, unlabelled };

  if (decided === 'regression') {
    if (!isNumber)
      throw new PerdureError(
        'InputInvalid',
        `The column ${name} holds text such as ${JSON.stringify(classes[0]!.value)}, and a regression needs numbers; leave --task out, or name another column with --label.`,
      );
    const objective = objectiveOf(column, classes);
    return {
      ...common,
      task: 'regression',
      ...(objective === 'poisson' ? { objective } : {}),
      classes: [],
      reason: objective === 'poisson' ? `${reason}; counts from ${column.min}, so the objective is poisson` : reason,
    };
  }
  if (decided === 'multiclass' && classes.length > MOST_CLASSES && isNumbersAsText(column)) {
    const example = classes.find(({ value }) => Number.isNaN(Number(value)))?.value;
    throw new PerdureError(
      'InputInvalid',
      `The column ${name} holds numbers as text, such as ${JSON.stringify(example ?? classes[0]!.value)}, and can't be learned so; write plain numbers without signs into the file, or name another with --label.`,
    );
  }
  if (decided === 'multiclass' && classes.length > MOST_CLASSES) {
    throw new PerdureError(
      'InputInvalid',
      `The column ${name} has more than ${MOST_CLASSES} distinct values (${classes[0]!.value}, ${classes[1]!.value}, ...), which is too many for classes; name another with --label${isNumber ? ', or give --task regression' : ''}.`,
    );
  }
  if (decided === 'multiclass') return { ...common, task: 'multiclass', classes, reason };
  return { ...common, task: 'binary', classes, ...positiveOf(name, column, classes, positive, reason) };
}

/** The column that a name means, also where only the case of letters differs. */
export function findColumn(
  columns: ColumnSummary[],
  name: string,
  header: string[],
  option = '--label',
): ColumnSummary {
  const found =
    columns.find((column) => column.name === name) ??
    columns.find((column) => column.name.trim().toLowerCase() === name.trim().toLowerCase());
  if (found) return found;
  const first = header.some((field) => /^\s*[-+]?[0-9.]+\s*$/.test(field))
    ? '; if its first line is data already, add one with the names'
    : '';
  throw new PerdureError(
    'NotFound',
    `The file has no column ${JSON.stringify(name)}; name one of these with ${option}: ${listOf(header, 20)}${first}.`,
  );
}

function isNumberType(type: ColumnType): boolean {
  return type === 'BIGINT' || type === 'DOUBLE';
}

function guess(
  { type, distinct }: ColumnSummary,
  classes: { value: string; rows: number }[],
  isNumber: boolean,
): [TaskName, string] {
  if (classes.length === 2) return ['binary', 'two values'];
  if (!isNumber) return ['multiclass', type === 'VARCHAR' ? 'text' : 'more than two values that are no numbers'];
  const whole = type === 'BIGINT' || classes.every(({ value }) => Number.isInteger(Number(value)));
  if (!whole || classes.length > FEW) return ['regression', `numbers, ${count(distinct)} distinct`];
  if (isCountShaped(classes)) return ['regression', 'whole numbers from 0, the rarer the larger, as counts are'];
  return ['multiclass', `${classes.length} whole numbers; if they are a quantity, add --task regression`];
}

/** From 0 on, and each rarer than the one before. */
function isCountShaped(classes: { value: string; rows: number }[]): boolean {
  return classes.length > 3 && classes.every(({ value }, i) => Number(value) === i);
}

/**
 * Whole numbers from 0 or 1 that spread more than their mean are counts of something; amounts of money leave most of the
 * numbers in between out.
 */
function objectiveOf(
  { type, distinct, min, max, mean, variance }: ColumnSummary,
  classes: { value: string }[],
): Objective {
  const whole =
    type === 'BIGINT' ||
    (classes.length <= MOST_CLASSES && classes.every(({ value }) => Number.isInteger(Number(value))));
  const counts =
    whole &&
    (Number(min) === 0 || Number(min) === 1) &&
    variance! > mean! &&
    (Number(max) <= 50 || distinct > Math.min(0.5 * Number(max), mean!));
  return counts ? 'poisson' : 'squared_error';
}

function positiveOf(
  name: string,
  { type }: ColumnSummary,
  classes: { value: string; rows: number }[],
  asked: string | undefined,
  reason: string,
): { positive?: string | number | boolean; reason: string } {
  const isNumber = isNumberType(type);
  const typed = (value: string) => (isNumber ? Number(value) : type === 'BOOLEAN' ? value === 'true' : value);
  if (asked !== undefined) {
    const found =
      classes.find(({ value }) => value === asked) ??
      classes.find(({ value }) => value.toLowerCase() === asked.toLowerCase()) ??
      classes.find(({ value }) => isNumber && Number(value) === Number(asked));
    if (!found)
      throw new PerdureError(
        'NotFound',
        `No row has ${JSON.stringify(asked)} in the column ${name}; it holds ${classes
          .slice(0, 10)
          .map(({ value }) => value)
          .join(', ')}${classes.length > 10 ? ' and others' : ''}.`,
      );
    return {
      positive: typed(found.value),
      reason: classes.length > 2 ? `${reason}, all others are the other` : reason,
    };
  }
  if (classes.length > 2) {
    throw new PerdureError(
      'InputInvalid',
      `The column ${name} has ${classes.length > MOST_CLASSES ? `more than ${countOf(MOST_CLASSES, 'value')}` : countOf(classes.length, 'value')} (${classes
        .slice(0, 5)
        .map(({ value }) => value)
        .join(
          ', ',
        )}${classes.length > 5 ? ', ...' : ''}), and a binary task has two; say which is the positive one with --positive, or give --task multiclass.`,
    );
  }
  const [common, rare] = classes as [{ value: string; rows: number }, { value: string; rows: number }];
  if (type === 'BOOLEAN') return { positive: true, reason };
  if (isNumber) {
    const larger = Math.max(Number(common.value), Number(rare.value));
    return {
      positive: larger,
      reason: larger === 1 ? reason : `${reason}; the larger is taken as the positive one (--positive says otherwise)`,
    };
  }
  const [yes] = [rare, common].filter(({ value }) => POSITIVE.test(value.trim()));
  const [no] = [rare, common].filter(({ value }) => NEGATIVE.test(value.trim()));
  if (yes && yes !== no && !(POSITIVE.test(rare.value.trim()) && POSITIVE.test(common.value.trim())))
    return { positive: yes.value, reason };
  if (no && !yes) return { positive: (no === rare ? common : rare).value, reason };
  return {
    positive: rare.value,
    reason: `${reason}; the rarer is taken as the positive one (--positive says otherwise)`,
  };
}
