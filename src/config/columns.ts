import { z } from 'zod';
import { sameName } from '../contracts/index.js';

/**
 * The names of columns: which are Perdure's own, and which a pipeline may give. Rows of a user's pass through SQL in
 * which Perdure adds columns and tables. All of those begin with one prefix that no column of a user's may have, so
 * that every other name is free.
 */
export const INTERNAL_PREFIX = '__perdure_';

/** Every column and table that Perdure adds to a query over a user's columns. They need no quotes in SQL. */
export const INTERNAL = {
  /** Number of a row in the order of its file, or among the rows to predict. */
  row: `${INTERNAL_PREFIX}row`,
  partition: `${INTERNAL_PREFIX}partition`,
  /** Path of the file that a row comes from. */
  file: `${INTERNAL_PREFIX}file`,
  day: `${INTERNAL_PREFIX}day`,
  /** Position of the first expectation that a row breaks. */
  broken: `${INTERNAL_PREFIX}broken`,
  /** Position of the first condition in SQL that a row breaks. */
  condition: `${INTERNAL_PREFIX}condition`,
  /** With the position of an expectation after them: whether a row has nothing to look at, and whether it breaks it. */
  missing: `${INTERNAL_PREFIX}missing`,
  unexpected: `${INTERNAL_PREFIX}unexpected`,
  observed: `${INTERNAL_PREFIX}observed`,
  /** Of a row in quarantine: which row of silver it is, and the names of what it breaks. */
  id: `${INTERNAL_PREFIX}id`,
  rules: `${INTERNAL_PREFIX}rules`,
  quarantine: `${INTERNAL_PREFIX}quarantine`,
  corrections: `${INTERNAL_PREFIX}corrections`,
  occurrence: `${INTERNAL_PREFIX}occurrence`,
  /** A number of a model's output. */
  score: `${INTERNAL_PREFIX}score`,
  label: `${INTERNAL_PREFIX}label`,
  /** The fold that a training row is tested in, and the first that it trains for where training expands. */
  fold: `${INTERNAL_PREFIX}fold`,
  foldSince: `${INTERNAL_PREFIX}fold_since`,
  features: `${INTERNAL_PREFIX}features`,
  labels: `${INTERNAL_PREFIX}labels`,
  /** Digest of the values that a row was scored by. */
  inputs: `${INTERNAL_PREFIX}inputs`,
  /** Place of a predictions file among those of its model, oldest first. */
  order: `${INTERNAL_PREFIX}order`,
  scores: `${INTERNAL_PREFIX}scores`,
  newRows: `${INTERNAL_PREFIX}new_rows`,
  /** Scored rows that may count, and whether the model was trained on them. */
  eligible: `${INTERNAL_PREFIX}eligible`,
  trained: `${INTERNAL_PREFIX}trained`,
  scoredRows: `${INTERNAL_PREFIX}scored_rows`,
  /** Numbers of scored rows. */
  numbers: `${INTERNAL_PREFIX}numbers`,
  partitions: `${INTERNAL_PREFIX}partitions`,
  repeated: `${INTERNAL_PREFIX}repeated`,
  duplicates: `${INTERNAL_PREFIX}duplicates`,
  rows: `${INTERNAL_PREFIX}rows`,
  /** Rows that arrived before, and the place of each within its partition. */
  arrivals: `${INTERNAL_PREFIX}arrivals`,
  position: `${INTERNAL_PREFIX}position`,
  /** From when and until when a row of gold was what it is, as milliseconds since 1970; see `goldHistory.ts`. */
  since: `${INTERNAL_PREFIX}since`,
  until: `${INTERNAL_PREFIX}until`,
  history: `${INTERNAL_PREFIX}history`,
  changes: `${INTERNAL_PREFIX}changes`,
  changed: `${INTERNAL_PREFIX}changed`,
  places: `${INTERNAL_PREFIX}places`,
  place: `${INTERNAL_PREFIX}place`,
  before: `${INTERNAL_PREFIX}before`,
  after: `${INTERNAL_PREFIX}after`,
  /** Number of a row in the file before, and in the one after. */
  oldRow: `${INTERNAL_PREFIX}old_row`,
  newRow: `${INTERNAL_PREFIX}new_row`,
} as const;

/** A column that DuckDB adds under this very name: a row's number within its Parquet file, from 0. */
export const FILE_ROW = 'file_row_number';

/** Names that DuckDB has of its own in every Parquet file: it filters by them whatever a file's own column holds. */
export const DUCKDB_COLUMNS = [FILE_ROW, 'filename'] as const;

/** Columns of a predictions file beside the pipeline's keys and its partition column, in their order. */
export const PREDICTION_COLUMNS = ['probability', 'label', 'confidence', 'algorithm', 'version'] as const;
export type PredictionColumn = (typeof PREDICTION_COLUMNS)[number];

/** Columns of a predictions file that name the reasons of each row, where the config asks for so many. */
export function reasonColumns(count: number): { feature: string; value: string; contribution: string }[] {
  return Array.from({ length: count }, (_, i) => {
    const feature = `reason_${i + 1}`;
    return { feature, value: `${feature}_value`, contribution: `${feature}_contribution` };
  });
}

/** Whether DuckDB takes a name for one of these. */
export function isAmong(names: readonly string[], name: string): boolean {
  return names.some((other) => sameName(other) === sameName(name));
}

/** Whether a name is one that no column of a user's may have. */
export function isInternal(name: string): boolean {
  return sameName(name).startsWith(INTERNAL_PREFIX) || (DUCKDB_COLUMNS as readonly string[]).includes(sameName(name));
}

/** {@link isInternal} in words. */
export const INTERNAL_IN_WORDS = `${DUCKDB_COLUMNS.map((name) => `"${name}"`).join(', ')} and names that begin with "${INTERNAL_PREFIX}" are kept for columns that are added to a user's`;

/** The first name that stands in a list twice, also where only the case of letters differs. */
export function repeatedName(names: readonly string[]): string | undefined {
  const seen = new Set<string>();
  return names.find((name) => seen.size === seen.add(sameName(name)).size);
}

const RESERVED = `another name: ${INTERNAL_IN_WORDS}`;

/** A column of the source or a key: any name that a CSV's header can have. */
export const ColumnName = z
  .string()
  .min(1, 'a column name')
  .max(1_000, 'a column name of at most 1000 characters')
  .regex(/^[^\u0000-\u001F\u007F]*$/, 'a column name without line breaks, tabs and other control characters')
  .refine((name) => !isInternal(name), RESERVED);

/**
 * A column that the pipeline's own SQL makes for the model. Models and reports carry its name, and what every
 * JavaScript object has (`constructor`) can't be told from a column there.
 */
export const ModelColumnName = z
  .string()
  .regex(
    /^[A-Za-z_][A-Za-z0-9_-]*$/,
    'a column name of letters, digits, "_" and "-" that does not begin with a digit or "-"; the query may rename it with AS',
  )
  .max(200, 'a column name of at most 200 characters')
  .refine((name) => !isInternal(name), RESERVED)
  .refine(
    (name) => !(name in Object.prototype),
    'another name: this one is a property of every JavaScript object; the query may rename it with AS',
  );

/** Columns of gold that name a row and its day, each once: labels, predictions and features share them. */
export function carriedColumns({ keys, partition }: Pick<NamedColumns, 'keys' | 'partition'>): string[] {
  return [...new Set([...keys, ...(partition.column === undefined ? [] : [partition.column])])];
}

/** What {@link nameFaults} looks at of a pipeline's definition. */
interface NamedColumns {
  source: { columns: Record<string, unknown> };
  partition: { column?: string | undefined };
  keys: string[];
  label: string;
  features: { name: string }[];
}

/** Faults that lie in several names together: `path` in the definition, and what is wrong. */
export function nameFaults({
  source,
  partition,
  keys,
  label,
  features,
}: NamedColumns): { path: (string | number)[]; message: string }[] {
  const faults: { path: (string | number)[]; message: string }[] = [];
  const report = (path: (string | number)[], message: string) => faults.push({ path, message });
  const twice = (path: string[], names: string[]) => {
    const name = repeatedName(names);
    if (name !== undefined)
      report(
        path,
        `expected every name once, got ${JSON.stringify(name)} twice (upper and lower case letters are the same)`,
      );
  };
  twice(['source', 'columns'], Object.keys(source.columns));
  twice(['keys'], keys);
  twice(
    ['features'],
    features.map(({ name }) => name),
  );

  const taken = new Set<string>(PREDICTION_COLUMNS);
  const carried: [path: (string | number)[], name: string][] = [
    ...keys.map((key, i): [(string | number)[], string] => [['keys', i], key]),
    ...(partition.column === undefined
      ? []
      : [[['partition', 'column'], partition.column] satisfies [(string | number)[], string]]),
  ];
  for (const [path, name] of carried) {
    if (taken.has(sameName(name))) {
      report(
        path,
        `expected another name than ${JSON.stringify(name)}: predictions carry this column beside their own, ${PREDICTION_COLUMNS.join(', ')}; the query may rename it with AS`,
      );
    }
    if (sameName(name) === sameName(label))
      report(path, `expected another column than the label, ${JSON.stringify(label)}`);
  }
  features.forEach(({ name }, i) => {
    if (sameName(name) === sameName(label))
      report(
        ['features', i, 'name'],
        `expected another column than the label, ${JSON.stringify(label)}: a model can't learn from what it predicts`,
      );
  });

  // One column may be a key and a feature, and then it has one spelling.
  features.forEach(({ name }, i) => {
    const other = carried.find(([, column]) => sameName(column) === sameName(name) && column !== name);
    if (other)
      report(['features', i, 'name'], `expected ${JSON.stringify(other[1])}, as ${other[0].join('.')} spells it`);
  });
  return faults;
}
