import type { Pipeline } from '../config/load.js';
import { positiveOf, toldTask } from '../config/schema.js';
import { countOf, listOf, ZERO_OR_ONE, type TaskSpec } from '../contracts/index.js';
import { PerdureError } from '../errors.js';
import { isMissing } from '../ml/missing.js';
import { describe, identifier, literal, type Database } from './duckdb.js';
import { NUMBER } from './inputColumns.js';
import { dayOf } from './partitions.js';

/**
 * The last day whose rows have labels that count at `asOf`: a label is known `label_maturity_days` after its row's day.
 * Training, the promotion gate and monitoring all go by it; a label that stands in the data earlier may still change.
 */
export function lastLabelledDay({ config }: Pick<Pipeline, 'config'>, asOf: string): string {
  const { label_maturity_days } = config.monitoring_config;
  const day = new Date(Date.parse(dayOf(asOf)) - label_maturity_days * 86_400_000).toISOString();
  // Years before 0 have a sign and six digits, which do not sort as text.
  return /^\d{4}-/.test(day) ? day.slice(0, 10) : '0000-01-01';
}

/** A label as the label store has it: a number, or the text of anything else; `null` where it isn't known yet. */
export type RawLabel = number | string | null;

/**
 * SQL for a {@link RawLabel}.
 * @param relation SQL that reads the label store
 * @param table that the relation is called in the query
 */
export async function labelSql(
  database: Database,
  { definition }: Pipeline,
  relation: string,
  table: string,
): Promise<string> {
  const columns = await describe(database, `SELECT ${identifier(definition.label)} FROM ${relation}`);
  const { type } = columns[0]!;
  return `CAST(${table}.${identifier(definition.label)} AS ${NUMBER.test(type) && type !== 'BOOLEAN' ? 'DOUBLE' : 'VARCHAR'})`;
}

/** What labels of 0 and 1, as a pipeline's own SQL makes them, are of; `undefined` where it takes a look at the labels. */
export function declaredTask({ definition }: Pick<Pipeline, 'definition'>): TaskSpec | undefined {
  return !definition.labelSource && (toldTask(definition) ?? 'binary') === 'binary' ? ZERO_OR_ONE : undefined;
}

/** Distinct labels beyond which whole numbers are taken for a quantity rather than for classes. */
const MOST_CLASSES = 20;

/**
 * What a pipeline without a {@link declaredTask} predicts: its `task`, else what the labels are. Two values are the classes of a binary task, text or up to
 * {@link MOST_CLASSES} whole numbers those of a multi-class one, and other numbers a regression.
 *
 * @param labels the distinct labels of the training rows
 * @throws PerdureError `ConfigInvalid` for a task that the labels can't be of
 */
export function taskSpecOf(
  { definition, folder }: Pick<Pipeline, 'definition' | 'folder'>,
  labels: RawLabel[],
): TaskSpec {
  const { objective = 'squared_error' } = definition;
  const known = labels.filter((label) => !isUnknown(label));
  const numbers = known.filter((label) => typeof label === 'number');
  const texts = classTexts(known);
  const positive = positiveOf(definition);
  const task = toldTask(definition) ?? guessed(known, numbers);
  if (task === 'regression') {
    const [text] = known.filter((label) => typeof label === 'string').sort();
    if (text !== undefined)
      throw new PerdureError(
        'ConfigInvalid',
        `The task of ${folder} is a regression, and the label holds ${JSON.stringify(text)}; give numbers, or another "task".`,
      );
    return { task, objective };
  }
  if (task === 'multiclass') return { task, classes: texts };
  if (positive !== undefined) {
    const others = texts.filter((text) => text !== String(positive));
    return { task, classes: [others.length === 1 ? others[0]! : `not ${positive}`, String(positive)] };
  }
  if (texts.length > 2) {
    throw new PerdureError(
      'ConfigInvalid',
      `The task of ${folder} is binary, and the label has ${countOf(texts.length, 'value')} (${listOf(texts, 5)}); name the positive one, "label": {"column": ..., "positive": ...}, or make the task multiclass.`,
    );
  }
  return { task, classes: [texts[0] ?? '0', texts[1] ?? (texts[0] === undefined ? '1' : `not ${texts[0]}`)] };
}

function guessed(known: RawLabel[], numbers: number[]): TaskSpec['task'] {
  if (known.length <= 2) return 'binary';
  if (numbers.length < known.length) return 'multiclass';
  return numbers.every((number) => Number.isInteger(number)) && numbers.length <= MOST_CLASSES
    ? 'multiclass'
    : 'regression';
}

function isUnknown(label: RawLabel): boolean {
  return label === null || (typeof label === 'number' && isMissing(label));
}

/** Texts of classes: numbers in their order, texts in that of the alphabet. */
function classTexts(labels: RawLabel[]): string[] {
  return [...labels]
    .sort((a, b) => (typeof a === 'number' && typeof b === 'number' ? a - b : String(a) < String(b) ? -1 : 1))
    .map(String);
}

/** What a label is as a number: `undefined` where it isn't known yet, `null` for a class that training didn't know. */
export type ReadLabel = (label: RawLabel) => number | undefined | null;

/**
 * Reads labels as a task has them: positions of classes, or values.
 * @throws PerdureError `InputInvalid` (when it reads) for a label that the task doesn't have, or that is the positive class
 * but for capitals and spaces
 */
export function labelReader({ definition }: Pick<Pipeline, 'definition'>, spec: TaskSpec): ReadLabel {
  const { labelSource, label: name } = definition;
  const column = labelSource && 'column' in labelSource ? labelSource.column : undefined;
  const refuse = (label: RawLabel, text: string): never => {
    const where = column === undefined ? `The column ${name} of the label store` : `The label ${column}`;
    throw new PerdureError('InputInvalid', `${where} holds ${JSON.stringify(label)}${text}.`);
  };
  if (spec.task === 'regression')
    return (label) =>
      isUnknown(label) ? undefined : typeof label === 'number' ? label : refuse(label, '; expected a number');
  const positions = new Map<string, number>(spec.classes.map((name, position) => [name, position]));
  if (spec.task === 'multiclass')
    return (label) => (isUnknown(label) ? undefined : (positions.get(String(label)) ?? null));
  const [negative, positive] = spec.classes;
  // All others than the one that pipeline.json names are the other class, also those that training hadn't seen; and
  // "not X" stands for every other value.
  const hasOthers = String(positiveOf(definition)) === positive || negative === `not ${positive}`;
  return (label) => {
    if (isUnknown(label)) return undefined;
    const found = positions.get(String(label));
    if (found !== undefined) return found;
    if (!hasOthers)
      return refuse(
        label,
        `; expected ${negative} or ${positive}${column === undefined ? '' : `: correct it, or name the positive class, to which all others are the other ("label": ${JSON.stringify({ column, positive })} in pipeline.json)`}`,
      );
    if (isLike(label, positive))
      return refuse(
        label,
        `, which is no ${JSON.stringify(positive)}, the positive class, by capitals or spaces alone; write it so, or "label": {"sql": ${JSON.stringify(`lower(trim(${identifier(column ?? name)})) = ${literal(plain(positive))}`)}} into pipeline.json, with the column under "drop"`,
      );
    return 0;
  };
}

/** Whether a label would be another text but for capitals and spaces, as which nobody would want it to be the opposite. */
function isLike(label: RawLabel, text: string): boolean {
  return typeof label === 'string' && plain(label) === plain(text);
}

function plain(text: string): string {
  return text.trim().toLowerCase();
}
