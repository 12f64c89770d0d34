import { basename } from 'node:path';
import { z } from 'zod';
import {
  DRIFT_DISTANCES,
  MAX_EVALUATIONS,
  METRICS,
  NAME,
  NAME_IN_WORDS,
  OBJECTIVES,
  SCORERS,
  TASKS,
  directionOf,
  type MetricName,
  type ScoringName,
  sameName,
} from '../contracts/index.js';
import { ESTIMATOR_NAMES, estimatorKind, parameterFault } from '../ml/estimators/estimators.js';
import { MAX_GRID_CELLS, gridCells } from '../ml/parameterSampler.js';
import { Range, gridOf, isRange, valuesWithin } from '../ml/searchSpace.js';
import { didYouMean } from '../nearestName.js';
import { SplitSettings } from './splitSettings.js';
import { CALIBRATIONS } from '../ml/calibrator.js';
import { ThresholdRule } from '../ml/threshold.js';
import { TransformSettings } from '../ml/transforms/settings.js';
import { AlertThresholds } from './alerts.js';
import { ColumnName, INTERNAL_IN_WORDS, isInternal, ModelColumnName, nameFaults } from './columns.js';
import { Compute } from './compute.js';
import { Schedules } from './schedules.js';

/** What every JavaScript object has (`constructor`) can't be told from a name where things are counted by name. */
const name = z
  .string()
  .regex(NAME, NAME_IN_WORDS)
  .refine((text) => !(text in Object.prototype), 'another name: this one is a property of every JavaScript object');
/** A table's name in SQL; those of the layers are taken. */
const tableName = z
  .string()
  .regex(
    /^(?!(source|bronze|silver)$)[A-Za-z_][A-Za-z0-9_]*$/i,
    'a table name of letters, digits and "_" that no layer has',
  )
  .refine((table) => !isInternal(table), INTERNAL_IN_WORDS);
/** DuckDB types that a column of the source may have. */
export const COLUMN_TYPES = ['BIGINT', 'INTEGER', 'DOUBLE', 'VARCHAR', 'DATE', 'TIMESTAMP', 'BOOLEAN'] as const;
export type ColumnType = (typeof COLUMN_TYPES)[number];
/** Periods that partitions may be cut by. */
export const PERIODS = ['day', 'week', 'month', 'year'] as const;
const date = z.iso.date('a date such as 2005-12-31');
const file = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, "a file name in the pipeline's folder");
const share = z.number().min(0).max(1);
/** More rows, runs or partitions than anybody has: a number beyond it is a slip. */
const MANY = 1_000_000_000;
/** A hundred years. */
const MANY_DAYS = 36_525;
const HOURS_A_YEAR = 8_784;
const psi = z.number().min(0.0001).max(100);
const year = z.int().min(1).max(9_999);

/** A layer's Parquet files: SQL beside this file, and a key with `{partition}` in it. */
const layer = z.strictObject({
  sql: file.meta({
    description: 'SQL file beside this one that makes the layer',
    otherwise: 'a query that follows from the other settings',
  }),
  path: z
    .string()
    .regex(
      /^(?!\/|.*\.\.)[A-Za-z0-9_/.-]*\{partition\}[A-Za-z0-9_.-]*\.parquet$/,
      'a key without ".." that holds "{partition}" and ends in ".parquet"',
    )
    .meta({
      description: 'Key of its Parquet files in the store, with "{partition}" in it',
      otherwise: 'the usual place',
    }),
});

/** Where a CSV lies. */
const csvPath = z
  .string()
  .min(1)
  .max(4_096)
  .refine(
    (path) => /^(s3|file):\/\//.test(path) || !/^[a-z][a-z0-9+.-]+:\/\//i.test(path),
    'expected a path, or an address that begins with s3:// or file://; download the file and name its path',
  );

const syntheticRows = z.int().min(1).max(MANY).describe('Rows that are generated');

/** A CSV and how its text is read. */
const sourceFile = z.strictObject({
  file: file.describe('Name of the raw CSV, as it lies in the store'),
  columns: z
    .record(ColumnName, z.enum(COLUMN_TYPES))
    .refine((columns) => Object.keys(columns).length > 0, 'expected one column at least')
    .optional()
    .meta({
      description: 'DuckDB type of each column, in any order; other columns of the file are ignored',
      found: 'every column of the file, as what its values are',
    }),
  null_values: z
    .array(z.string().min(1))
    .default([])
    .describe('Texts that say that no value is known, such as "NA"; an empty field always does'),
  download: z
    .strictObject({
      url: z
        .url({ protocol: /^https?$/, error: 'expected an address that begins with https:// or http://' })
        .describe('Address of the file or of a zip archive'),
      member: z
        .string()
        .optional()
        .meta({ description: 'The file within a zip archive', otherwise: 'the address leads to the file itself' }),
      sha256: z
        .string()
        .regex(/^[0-9a-f]{64}$/, 'expected the 64 digits 0 to 9 and a to f of a SHA-256')
        .describe('SHA-256 of what the address leads to, in hexadecimal digits'),
      licence: z.string().describe('Licence of the data, which is told before it is fetched'),
    })
    .optional()
    .meta({
      description: 'Public home of the data, for "perdure data get"',
      otherwise: 'none: a file is given with --csv, or by its path',
    }),
  synthetic: z
    .union([
      z.strictObject({
        calibration: file.describe('Calibration file beside this one'),
        rows: syntheticRows,
      }),
      z.strictObject({
        sql: file.describe("SQL file beside this one that gives the rows, whose number is getvariable('rows')"),
        rows: syntheticRows,
        seed: z
          .int()
          .min(0)
          .max(2 ** 32 - 1)
          .default(42)
          .describe('Seed of random() in that SQL'),
      }),
    ])
    .optional()
    .meta({
      description: 'Settings of the generator of data that looks like the real one',
      otherwise: 'none: nothing is generated',
    }),
});

/** The name that a source has in the store's raw data. */
export function fileNameOf(path: string): string {
  return (
    basename(path.replaceAll('\\', '/'))
      .replaceAll(/[^A-Za-z0-9._-]+/g, '_')
      .replace(/^[^A-Za-z0-9]+/, '') || 'data.csv'
  );
}

/** Where a label comes from: a column of the source, with the value that is the positive class of two, or SQL over silver. */
const labelSource = z.union([
  z.strictObject({
    column: ColumnName.describe('Column of the source that is the label'),
    positive: z.union([z.string(), z.number(), z.boolean()]).optional().meta({
      description: 'The value that is the positive class; all others are the other one',
      found: 'of two values the one that sorts last, or the task has more classes or none',
    }),
  }),
  z.strictObject({
    sql: z.string().min(1).describe('SQL over silver that gives the label; null where it is not known yet'),
  }),
]);
export type LabelSource = z.infer<typeof labelSource>;

/** Where a layer's files lie unless a pipeline says so. */
const LAYER_PATHS = {
  bronze: 'bronze/bronze_{partition}.parquet',
  silver: 'silver/silver_{partition}.parquet',
  feature_store: 'gold/feature_store/feature_store_{partition}.parquet',
  label_store: 'gold/label_store/label_store_{partition}.parquet',
} as const;
/** The label's column in the label store, where a pipeline doesn't name it by SQL of its own. */
const LABEL = 'label';
/** The key where a source has none: the number of a row in its file, from 1. */
export const ROW_NUMBER = 'row_number';
/** The column of the rows' days, where SQL in `time` gives them. */
const DAY = 'snapshot_date';
/** The column of the day on which a row's key was first in a source, where rows are partitioned by that. */
export const ARRIVAL = 'arrival_date';

function joinOf(on: string | string[] | Record<string, string>): Record<string, string> {
  return typeof on === 'object' && !Array.isArray(on)
    ? on
    : Object.fromEntries([on].flat().map((name) => [name, name]));
}

/** How monitoring looks at a feature. */
export const featureType = z.enum(['numeric', 'ordinal', 'binary', 'categorical']);

const feature = z.strictObject({
  name: ModelColumnName.describe('Column of the feature store'),
  type: featureType.describe('How monitoring looks at it'),
  scale: z.boolean().default(false).describe('Whether the column goes through the standard scaler'),
});

const writtenDefinition = z.strictObject({
  $schema: z.string().optional().meta({
    description: 'Address of this schema, for editors',
    otherwise: 'an editor has to be told the schema',
    isSetting: false,
  }),
  name: name.optional().meta({
    description: 'Name of the pipeline where it differs from its folder',
    otherwise: 'the name of the folder',
  }),
  title: z
    .string()
    .min(1)
    .optional()
    .meta({ description: 'What people see in place of the name', otherwise: 'the name' }),
  source: z
    .union([csvPath, sourceFile])
    .describe(
      'A CSV, by its path from here or from where a command is given, or by its address in the store (s3:// or file://); or more about how its text is read',
    ),
  time: z.string().min(1).optional().meta({
    description:
      'SQL over the source, or a column of it, that gives the day of each row; the columns in it are no features',
    otherwise: 'the table has no dates, unless its layers do',
  }),
  partition: z
    .union([
      z.enum(['none', ...PERIODS, 'arrival']),
      z.strictObject({
        column: ColumnName.describe('Column of silver and gold that holds the days of the rows'),
        by: z.enum(PERIODS).describe('Length of a partition'),
      }),
    ])
    .optional()
    .meta({
      description:
        'How the store is cut: by periods of the days of the rows, or by the day on which a source first had the key of a row',
      otherwise: 'month where there is a time, else none',
    }),
  key: z
    .union([ColumnName, z.array(ColumnName).min(1)])
    .optional()
    .meta({
      description:
        'The column, or the columns, that tell rows apart: they join features with labels, and predictions carry them. One column is no feature; of several each is one, unless it has a value of its own in more than half of the training rows',
      otherwise: 'the number of a row in the file, row_number',
    }),
  keys: z
    .array(ColumnName)
    .min(1)
    .optional()
    .meta({ description: 'As key; the name where layers are given', otherwise: 'key says so', isSetting: false }),
  label: z
    .union([ColumnName, labelSource])
    .describe(
      'What is predicted: a column; a column with its positive value; or SQL over silver. null means that it is not known yet. Where layers are given, the column of the label store',
    ),
  labels: z
    .strictObject({
      file: csvPath.describe(
        'A CSV, by its path from here or from where a command is given, or by its address in the store (s3:// or file://)',
      ),
      on: z
        .union([ColumnName, z.array(ColumnName).min(1), z.record(ColumnName, ColumnName)])
        .optional()
        .meta({
          description:
            'Columns that labels are joined on: of both files, or those of the source with the names that they have in the file',
          otherwise: 'the key',
        }),
    })
    .optional()
    .meta({
      description: 'A second CSV that has the labels: rows without one there are not labelled yet',
      otherwise: 'the source has them',
    }),
  task: z.enum(TASKS).optional().meta({
    description: 'What the label is',
    found:
      'a positive value says binary, and an objective regression; else two values are binary; text, or up to 20 whole numbers, are classes; other numbers are a regression',
  }),
  objective: z
    .enum(OBJECTIVES)
    .optional()
    .meta({ description: 'What a regression minimises', otherwise: 'squared_error, of a regression' }),
  entity: ColumnName.optional().meta({
    description:
      'The column of gold that says whom or what a row is about, where several rows are about one: a patient, a machine. It is no feature, and how many rows of each evaluating split are about those that train has is told',
    otherwise: 'the column of a split by group',
  }),
  split: SplitSettings.optional().meta({
    description: 'Which rows train a model and which evaluate it',
    otherwise:
      'by the hash of the key: three fifths train, one fifth chooses the champion, one fifth tests; temporal_splits of the model config where it has them',
  }),
  transforms: TransformSettings.optional().meta({
    description: 'How features become columns of a model, per column or kind of columns',
    found:
      'by the kind of each column in the training rows: numbers are scaled, text is one-hot or target-encoded, dates become parts; of features that are listed, those with scale are scaled',
  }),
  online_store: z
    .strictObject({
      ttl_hours: z
        .number()
        .min(0.001)
        .max(87_600)
        .optional()
        .meta({ description: 'Hours for which features may be used after they were written', otherwise: 'for ever' }),
    })
    .optional()
    .meta({
      description:
        'Processing also writes the features of every key for lookup: into the Redis that REDIS_URL names, else into the datamart',
      otherwise: 'features are not looked up by key',
    }),
  history: z
    .strictObject({
      keep_days: z
        .int()
        .min(0)
        .max(MANY_DAYS)
        .default(730)
        .describe(
          'Days for which gold keeps what its rows were before a correction, and when they arrived: a training that stands before it then sees what was known at the time. 0 keeps nothing',
        ),
    })
    .prefault({})
    .describe('What is kept of what rows of features and labels were before'),
  tracking: z
    .strictObject({
      mlflow: z
        .strictObject({
          experiment: z.string().min(1).max(200).optional().meta({
            description: 'The experiment',
            otherwise: "the pipeline's name, with -dev or -staging outside of prod",
          }),
          registered_model: z
            .string()
            .regex(/^[^/:]{1,200}$/, 'up to 200 characters without "/" and ":"')
            .optional()
            .meta({
              description: 'The registered model, whose versions are those of every algorithm',
              otherwise: "the pipeline's name, with -dev or -staging outside of prod",
            }),
        })
        .describe('The MLflow server that MLFLOW_TRACKING_URI names'),
    })
    .optional()
    .meta({
      description:
        'Trainings are also written to an experiment tracker: runs, metrics, artifacts and registered models',
      otherwise: 'nothing is written elsewhere',
    }),
  drop: z.array(ColumnName).default([]).describe('Columns of the source that are no features'),
  tables: z
    .record(
      tableName,
      z
        .string()
        .regex(/^[A-Za-z0-9][A-Za-z0-9._-]*\.(csv|parquet)$/, "a .csv or .parquet file in the pipeline's folder"),
    )
    .default({})
    .describe('CSV or Parquet files beside this one that SQL of every layer may read as tables of these names'),
  layers: z
    .strictObject({
      bronze: layer.describe('Raw rows per partition'),
      silver: layer.describe('Cleaned rows, over bronze'),
      feature_store: layer.describe('Features, over silver'),
      label_store: layer.describe('Labels, over silver'),
    })
    .optional()
    .meta({
      description: 'SQL and path of each layer; with it everything is written out, and no setting has a default',
      otherwise: 'the columns as they are; the label, the key and what is dropped are no features',
    }),
  features: z
    .array(feature)
    .min(1)
    .optional()
    .meta({ description: 'The columns of the model in order', found: 'all that the feature store has' }),
});
type WrittenDefinition = z.output<typeof writtenDefinition>;

/** What is written, where some settings have a short form, in the long one. Adds nothing. */
export function spelledOut({ key, keys, source, label, labels, partition, ...rest }: WrittenDefinition) {
  return {
    ...rest,
    source: (typeof source === 'string' ? { file: fileNameOf(source), path: source } : source) as Partial<
      z.infer<typeof sourceFile>
    > & { file: string; path?: string },
    key: keys ?? (key === undefined ? undefined : [key].flat()),
    labels: labels && { file: labels.file, on: labels.on === undefined ? undefined : joinOf(labels.on) },
    /** A column of the label store where layers are given. */
    label: typeof label === 'string' && !rest.layers ? { column: label } : label,
    partition: (typeof partition === 'string' ? { by: partition } : partition) as
      { by: 'none' | 'arrival' | (typeof PERIODS)[number]; column?: string } | undefined,
  };
}

/** What is spelled out, with what holds where nothing is said. */
export function withDefaults(said: ReturnType<typeof spelledOut>) {
  const { source, key, labels, partition, time, layers, entity, split } = said;
  return {
    ...said,
    /** Its columns are those that are found in it, where they aren't said. */
    source: { null_values: [], ...source },
    key: key ?? [ROW_NUMBER],
    /** `on` has the columns of the file by the source's that they are joined with. */
    labels: labels && { file: labels.file, on: labels.on ?? joinOf(key ?? []) },
    /** A split by group says it as well. */
    entity: entity ?? (split?.by === 'group' ? split.column : undefined),
    /** `column` holds the rows' days; without one the table has none. */
    partition: {
      by: partition?.by ?? (time === undefined ? 'none' : 'month'),
      column: partition?.column ?? (partition?.by === 'arrival' ? ARRIVAL : time === undefined ? undefined : DAY),
    },
    layers: Object.fromEntries(
      Object.entries(LAYER_PATHS).map(([name, path]) => [name, layers?.[name as keyof typeof LAYER_PATHS] ?? { path }]),
    ) as Record<keyof typeof LAYER_PATHS, { sql?: string; path: string }>,
  };
}

/**
 * `pipeline.json`: what a pipeline is, the same in every environment. Without `layers` it may be as short as a source, a
 * key and a label: SQL, expectations and the model config then have defaults, and `label` is a column of the source.
 * With `layers` every layer has SQL of its own, and `label` is a column of the label store.
 */
export const PipelineDefinition = writtenDefinition
  .superRefine((written, context) => {
    if (written.key !== undefined && written.keys !== undefined)
      context.addIssue({ code: 'custom', path: ['key'], message: 'expected "key" or "keys", not both' });
    if (written.labels && written.labels.on === undefined && written.key === undefined && written.keys === undefined)
      context.addIssue({
        code: 'custom',
        path: ['labels', 'on'],
        message: 'expected the columns that labels are joined on, as there is no key',
      });
    if (written.labels && Object.keys(written.tables).some((table) => sameName(table) === 'labels'))
      context.addIssue({
        code: 'custom',
        path: ['tables'],
        message: 'expected another name than "labels", by which SQL reads the labels of the second file',
      });
    if (written.partition === 'arrival') {
      if (written.key === undefined && written.keys === undefined)
        context.addIssue({
          code: 'custom',
          path: ['key'],
          message: 'expected the columns that tell rows apart, as "arrival" is when a key was first there',
        });
      if (written.time !== undefined)
        context.addIssue({
          code: 'custom',
          path: ['time'],
          message: 'expected none, as "arrival" has rows go by the day on which they arrive',
        });
    }
    if (!written.layers) return;
    if (written.key === undefined && written.keys === undefined)
      context.addIssue({
        code: 'custom',
        path: ['keys'],
        message: 'expected the columns that join features with labels, as "layers" are given',
      });
    if (typeof written.label !== 'string' || ColumnName.safeParse(written.label).success) {
      for (const { message } of ModelColumnName.safeParse(written.label).error?.issues ?? [])
        context.addIssue({ code: 'custom', path: ['label'], message });
    }
    if (typeof written.partition !== 'object' && written.partition !== 'arrival')
      context.addIssue({
        code: 'custom',
        path: ['partition'],
        message: 'expected the column of the rows\' days and "by", as "layers" are given',
      });
  })
  .transform((written) => {
    const { key, label, source, layers, features, ...rest } = withDefaults(spelledOut(written));
    return {
      ...rest,
      source: {
        ...source,
        columns: source.columns ?? {},
        findsColumns: source.columns === undefined,
        path: source.path,
      },
      keys: key,
      /** Column of the label store. */
      label: typeof label === 'string' ? label : LABEL,
      /** Where it comes from; `undefined` where the pipeline's own SQL makes it. */
      labelSource: typeof label === 'string' ? undefined : label,
      /** `sql` is a file beside this one; without it the layer has its default. */
      layers,
      /** Whether SQL, expectations and model config may be absent. */
      brief: written.layers === undefined,
      features: features ?? [],
    };
  })
  .superRefine((definition, context) => {
    if (definition.partition.by !== 'none' && definition.partition.column === undefined) {
      context.addIssue({
        code: 'custom',
        path: ['time'],
        message: `expected SQL that gives each row's day, as rows are partitioned by ${definition.partition.by}`,
      });
    }
    const task = toldTask(definition);
    if (positiveOf(definition) !== undefined && task !== 'binary')
      context.addIssue({
        code: 'custom',
        path: ['label', 'positive'],
        message: `expected none, as a ${task} task has no positive class`,
      });
    if (definition.objective !== undefined && task !== 'regression')
      context.addIssue({
        code: 'custom',
        path: ['objective'],
        message: `expected none, as a ${task} task has none; it is of a regression`,
      });
    if (definition.split?.by === 'time' && definition.partition.column === undefined)
      context.addIssue({
        code: 'custom',
        path: ['split', 'by'],
        message: 'expected another split, or the day of each row in "time"',
      });
    for (const { path, message } of nameFaults(definition)) context.addIssue({ code: 'custom', path, message });
    const layers = Object.entries(definition.layers);
    layers.forEach(([layer, { path }], i) => {
      const other = layers.slice(0, i).find(([, earlier]) => earlier.path === path);
      if (other)
        context.addIssue({
          code: 'custom',
          path: ['layers', layer, 'path'],
          message: `expected another path than that of ${other[0]}, as each layer has files of its own`,
        });
    });
  });
/** As spelled out and, where the source's columns aren't written, completed by what was read of them. */
export type PipelineDefinition = z.infer<typeof PipelineDefinition> & { name: string; title: string };

type ToldTask = Partial<Pick<PipelineDefinition, 'labelSource' | 'task' | 'objective'>>;

/** The task that a definition says, by its name or by what only one task has; `undefined` where the labels are to say it. */
export function toldTask(definition: ToldTask): PipelineDefinition['task'] {
  if (definition.task !== undefined) return definition.task;
  if (positiveOf(definition) !== undefined) return 'binary';
  return definition.objective === undefined ? undefined : 'regression';
}

/** The value of the label that is the positive class of two. */
export function positiveOf({ labelSource }: ToldTask): string | number | boolean | undefined {
  return labelSource && 'column' in labelSource ? labelSource.positive : undefined;
}

function yearText(value: number): string {
  return String(value).padStart(4, '0');
}

/** A temporal window, both ends included; whole years may be given instead of dates. */
const window = z.union([
  z.strictObject({ start_date: date.describe('First day'), end_date: date.describe('Last day') }),
  z
    .strictObject({ start_year: year.describe('First year'), end_year: year.describe('Last year') })
    .transform(({ start_year, end_year }) => ({
      start_date: `${yearText(start_year)}-01-01`,
      end_date: `${yearText(end_year)}-12-31`,
    })),
]);

const params = z.record(name, z.union([z.number(), z.string(), z.boolean(), z.null()]));
/** The values of a search pass through Temporal beside what {@link MAX_EVALUATIONS} candidates take, 512 KiB in all. */
const MAX_GRID_BYTES = 128 * 1024;
/** What a search may maximise, whatever the task. */
export const SCORINGS = Object.values(SCORERS).flatMap((scorers) => Object.keys(scorers)) as [
  ScoringName,
  ...ScoringName[],
];

/** A folder below the pipeline's. */
const FOLDER = /^(?!\.)[\w.-]+(\/(?!\.)[\w.-]+)*$/;

/** A program that trains and predicts, as docs/scripts.md has it. */
const Script = z.strictObject({
  folder: z
    .string()
    .regex(FOLDER, 'a folder below the pipeline, such as "catboost"')
    .describe(
      'Folder in that of the pipeline with all files of the script, and with requirements.txt where it needs Python packages',
    ),
  command: z
    .array(z.string().min(1))
    .min(1)
    .describe('Program and arguments, run in a copy of the folder, such as ["python", "catboost_model.py"]'),
  timeout_seconds: z
    .number()
    .gt(0)
    .max(HOURS_A_YEAR * 3600)
    .default(3600)
    .describe('Seconds that one training may take, and one prediction'),
  validation_share: z
    .number()
    .min(0)
    .lt(1)
    .default(0)
    .describe(
      'Share of the training rows that it gets apart from the others, to stop by; 0 gives it all rows to train on',
    ),
});

const algorithm = z.strictObject({
  script: Script.optional().meta({
    description: 'The program that trains, where the estimator is script',
    otherwise: 'the estimator is one that Perdure has',
  }),
  estimator: z
    .enum(ESTIMATOR_NAMES)
    .meta({ description: 'Estimator that stands behind the name', otherwise: 'each stands under its own name' }),
  optional: z
    .boolean()
    .default(false)
    .describe(
      'A training goes on without it where its library, program or packages are not on the worker, and says why; no training fetches its packages, "perdure setup" with the name of the pipeline does',
    ),
  timeout_hours: z.number().min(0.001).max(HOURS_A_YEAR).meta({
    description: 'Hours for search, refit and registration together',
    otherwise: 'more than a table on one machine takes',
  }),
  param_distributions: z
    .record(
      name,
      z.union([z.array(z.union([z.number(), z.string(), z.boolean(), z.null()])).min(1), Range], {
        error: 'expected a list of values, or a range such as {"low": 0.01, "high": 0.3, "log": true}',
      }),
    )
    .refine((space) => {
      const grid = gridOf(space);
      return !grid || gridCells(grid) <= MAX_GRID_CELLS;
    }, 'expected values that make fewer than 2^53 combinations')
    .refine((grid) => Buffer.byteLength(JSON.stringify(grid)) <= MAX_GRID_BYTES, 'expected at most 128 KiB of values')
    .meta({
      description:
        'What a search samples from, in the names of scikit-learn: a list of values, or a range of numbers; "balanced" for scale_pos_weight is negatives / positives',
      otherwise: 'nothing is searched',
    }),
  params: params.meta({
    description: 'Parameters of the one candidate where hyperparameter_tuning is off',
    otherwise: 'the defaults of the estimator',
  }),
});

/** How candidates are found and compared. */
const Search = z.strictObject({
  scoring: z
    .enum(SCORINGS)
    .optional()
    .meta({ description: 'What a search maximises', found: 'the usual one of the task' }),
  racing: z
    .boolean()
    .default(false)
    .describe('Give up a candidate once the folds seen so far say that it cannot win; of a search at random alone'),
  sampler: z
    .enum(['random', 'tpe'])
    .default('random')
    .describe(
      'How candidates are sampled: at random, or by the tree-structured Parzen estimator, which learns from those before where good ones are',
    ),
  n_startup_trials: z
    .int()
    .min(1)
    .max(1_000)
    .default(10)
    .describe('Candidates that are drawn at random before tpe learns from them, and compared before median prunes any'),
  batch_size: z
    .int()
    .min(1)
    .max(100)
    .default(4)
    .describe(
      'Candidates that are decided together after that, and evaluated side by side: more keep more workers busy, and know less of each other',
    ),
  pruner: z
    .enum(['none', 'median'])
    .default('none')
    .describe(
      'Whether a candidate is given up whose mean score over its folds so far is below the median that others had after as many',
    ),
  n_warmup_steps: z
    .int()
    .min(0)
    .max(100)
    .default(0)
    .describe('Folds that every candidate has before it may be pruned after the next one'),
  early_stopping: z
    .strictObject({
      patience: z
        .int()
        .min(1)
        .max(MAX_EVALUATIONS)
        .describe('Candidates in a row that bring nothing better, after those that n_startup_trials counts'),
      min_delta: z
        .number()
        .min(0)
        .max(MANY)
        .default(0)
        .describe('By how much a mean score must be better than the best so far to count as better'),
    })
    .optional()
    .meta({
      description: 'A search ends before it had all its candidates once nothing better is found any more',
      otherwise: 'it has all n_iter_search',
    }),
});

/**
 * Candidates of a search by `tpe`, a pruner or early stopping, at most: each learns from all before it, and what is known
 * of them is read for every batch.
 */
const MAX_TRIALS = 1_000;
/** Values drawn from ranges pass through Temporal beside the rest of a plan: some 20 bytes each of 512 KiB. */
const MAX_DRAWN_VALUES = 12_000;

const METRIC_NAMES = Object.keys(METRICS) as [MetricName, ...MetricName[]];
const minimums = z
  .partialRecord(z.enum(METRIC_NAMES), share)
  .superRefine(onlyOf('higher', 'a maximum, as lower is better'))
  .default({});
const maximums = z
  .partialRecord(z.enum(METRIC_NAMES), z.number().min(0).max(MANY))
  .superRefine(onlyOf('lower', 'a minimum, as higher is better'))
  .default({});

/** A limit on the good side of a metric would refuse good models and let bad ones pass. */
function onlyOf(better: 'higher' | 'lower', expected: string) {
  return (limits: Partial<Record<MetricName, number>>, context: z.RefinementCtx): void => {
    for (const metric of Object.keys(limits) as MetricName[])
      if (directionOf(metric) !== better)
        context.addIssue({ code: 'custom', path: [metric], message: `expected ${expected} of this metric` });
  };
}

/** Limits of metrics, by their names. */
const limits = {
  minimums: minimums.describe('Least value of metrics, by their names'),
  maximums: maximums.describe('Largest value of metrics of which lower is better, by their names'),
};

/** How permutation importance is measured; SHAP values and gain have no settings. */
const PermutationSettings = z.strictObject({
  n_repeats: z
    .int()
    .min(0)
    .max(100)
    .default(5)
    .describe('How often the values of each feature change places; 0 leaves permutation importance out'),
  max_rows: z
    .int()
    .min(10)
    .max(1_000_000)
    .default(2_000)
    .describe(
      'Rows of the evaluating split that it is measured on, at most; fewer where features are many or a model is large',
    ),
});

/** How a new version is evaluated. */
const Evaluation = z.strictObject({
  slices: z
    .array(ColumnName)
    .max(20)
    .default([])
    .describe(
      'Columns of the feature store by whose values every metric is told as well; numbers of many values by the quarters of the training rows',
    ),
  min_slice_rows: z
    .int()
    .min(1)
    .max(MANY)
    .default(50)
    .describe('Rows of a slice below which it is told and not judged'),
  calibration: z
    .enum(['auto', 'none', ...CALIBRATIONS])
    .default('auto')
    .describe(
      "Whether probabilities are calibrated by what models of the training folds say of rows that they have not seen: by Platt's sigmoid, which keeps the order of the rows, or by isotonic regression, which needs many rows and makes some equal; auto: sigmoid where classes are weighted, as they move the probabilities",
    ),
  permutation_importance: PermutationSettings.prefault({}).describe(
    'How it is measured by how much the metric that chooses the champion gets worse when the values of a feature change places',
  ),
  threshold: ThresholdRule.optional().meta({
    description:
      'How the decision threshold of yes or no is chosen on the validation rows; each version keeps its own, by which it is evaluated, predicts and is monitored',
    otherwise: 'it is inference_config.prediction_threshold',
  }),
});

/** What a challenger must show before it may take the champion's place. */
export const PromotionGate = z.strictObject({
  min_samples: z
    .int()
    .min(1)
    .max(MANY)
    .default(100)
    .describe("Labelled rows below which nothing is decided in the challenger's favour"),
  ...limits,
  slices: z.strictObject(limits).optional().meta({
    description: 'The same for the rows of every slice of evaluation.slices that has min_slice_rows',
    otherwise: 'slices are told and decide nothing',
  }),
  max_auc_loss: share
    .default(0.01)
    .describe(
      "How far below the champion's the challenger's ROC AUC may lie, whatever the test says: few rows prove nothing",
    ),
  alpha: z.number().min(1e-12).max(0.999999).default(0.05).describe('Two-sided level of the DeLong test'),
  require: z
    .enum(['not_worse', 'better'])
    .default('not_worse')
    .describe("`not_worse`: the challenger's ROC AUC isn't significantly lower; `better`: it is significantly higher"),
  promote: z
    .enum(['auto', 'approve'])
    .default('auto')
    .describe(
      '`auto`: a challenger that passes becomes champion; `approve`: it waits in staging until a person promotes it',
    ),
  on_refusal: z.enum(['keep', 'fail']).optional().meta({
    description: '`fail`: a training whose best is refused ends as failed, with the values that were refused',
    otherwise: 'it completes, and the champion stays',
  }),
});
export type PromotionGate = z.infer<typeof PromotionGate>;

/** What a registered version must show, in a process of its own, before it goes to staging. */
const ModelTests = z.strictObject({
  max_size_mb: z.number().gt(0).max(MANY).default(1_000).describe("Size of the model's file, in MB of 1,000,000 bytes"),
  max_latency_ms: z
    .number()
    .gt(0)
    .max(MANY)
    .default(1_000)
    .describe('Milliseconds from a raw row to its prediction, of 95 in 100 rows that are predicted one by one'),
  min_rows_per_second: z
    .number()
    .min(0)
    .max(MANY)
    .default(100)
    .describe('Rows that are predicted in a second, many at once'),
  max_memory_mb: z
    .number()
    .gt(0)
    .max(MANY)
    .default(2_000)
    .describe('Largest resident memory of the process that predicts, in MB of 1,000,000 bytes'),
});
export type ModelTests = z.infer<typeof ModelTests>;

/** When a period of a backfill retrains. */
const Retraining = z.strictObject({
  every_days: z
    .int()
    .min(1)
    .max(MANY_DAYS)
    .default(90)
    .describe('Days from the last retraining to the next; one that nobody recorded counts as so long ago'),
  minimums: minimums.describe(
    'Metrics that retrain when the champion is below them on the rows of the period before, by their names',
  ),
  maximums: maximums.describe('The same of metrics of which lower is better, when it is above them'),
});

const mode = z.enum(['auto', 'approve', 'off']);

/** When the steward retrains. `auto` trains, `approve` waits for a person, `off` only notes that it was asked. */
const Steward = z.strictObject({
  retrain: z
    .strictObject({
      drift: mode.default('approve').describe('Features or scores have drifted'),
      severe_drift: mode.default('auto').describe('They have drifted by severe_drift_psi or more'),
      performance_drop: mode.default('auto').describe('The metric has dropped by performance_threshold_drop'),
      new_data: mode.default('auto').describe('New partitions with labels lie within the days that a training uses'),
      schedule: mode.default('auto').describe('The schedule of training says so'),
    })
    .prefault({})
    .describe(
      'What each reason to retrain leads to: auto trains, approve waits for a person, off only notes it. What monitoring finds is no reason while a training would only make the newest versions again, as nothing to learn from has come.',
    ),
  cooldown_hours: z
    .number()
    .min(0)
    .max(HOURS_A_YEAR)
    .default(24)
    .describe('Hours from the end of one training to the start of the next; what is asked meanwhile waits'),
  severe_drift_psi: psi.default(0.5).describe('PSI of a feature or the score from which drift is severe'),
  new_data: z
    .strictObject({
      min_partitions: z
        .int()
        .min(1)
        .max(MANY)
        .default(1)
        .describe(
          'Partitions with labels that count, within the days that a training uses, new or changed since the newest one, from which it does',
        ),
    })
    .prefault({})
    .describe('When new data asks for a retraining'),
});

/** What an hour of a worker costs, for `perdure status --cost`. */
const Prices = z.strictObject({
  currency: z
    .string()
    .regex(/^\S{1,10}$/, 'a currency such as "USD"')
    .describe('As it heads the column of a table, such as USD'),
  per_vcpu_hour: z.number().min(0).max(MANY).describe('Price of a vCPU for an hour'),
  per_gb_hour: z.number().min(0).max(MANY).describe('Price of a GB of memory for an hour'),
});
export type Prices = z.infer<typeof Prices>;

/** By the rules of S3 for new buckets; the endings that it keeps for aliases, such as those of access points, lead to buckets too. */
const bucket = z
  .string()
  .regex(
    /^(?!xn--|sthree-|amzn-s3-demo-|\d+(\.\d+){3}$)(?!.*\.\.)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/,
    'a bucket name as S3 takes it: 3 to 63 lower-case letters, digits, "-" and single ".", no IP address, and not beginning with "xn--", "sthree-" or "amzn-s3-demo-"',
  );

/** A warning above what a distance can be would never come. */
function checkDistances(
  { kolmogorov_smirnov, jensen_shannon }: Partial<Record<(typeof DRIFT_DISTANCES)[number], number>>,
  context: z.RefinementCtx,
): void {
  for (const [distance, value = 0] of Object.entries({ kolmogorov_smirnov, jensen_shannon }))
    if (value >= 1)
      context.addIssue({
        code: 'custom',
        path: [distance],
        message: 'expected less than 1, as it is never more than that',
      });
}

/** Windows follow each other. */
function checkWindows(
  { train, test, oot }: Record<'train' | 'test' | 'oot', { start_date: string; end_date: string }>,
  context: z.RefinementCtx,
): void {
  const order: [string, { start_date: string; end_date: string }][] = [
    ['train', train],
    ['test', test],
    ['oot', oot],
  ];
  for (const [window, { start_date, end_date }] of order) {
    if (start_date > end_date) {
      context.addIssue({
        code: 'custom',
        path: ['temporal_splits', window],
        message: 'expected start_date on or before end_date',
      });
    }
  }
  if (train.end_date >= test.start_date || test.end_date >= oot.start_date) {
    context.addIssue({
      code: 'custom',
      path: ['temporal_splits'],
      message: 'expected train before test before oot, without overlap',
    });
  }
}

/** What a search asks for fits together, and there is room for it. */
function checkSearch(
  {
    search,
    model_config: { n_iter_search },
    algorithms,
  }: {
    search: z.output<typeof Search>;
    model_config: { n_iter_search: number };
    algorithms: Record<string, z.output<typeof algorithm>>;
  },
  context: z.RefinementCtx,
): void {
  const study = isStudy(search);
  if (search.racing && study)
    context.addIssue({
      code: 'custom',
      path: ['search', 'racing'],
      message:
        'expected false, as racing needs all candidates from the start; "pruner" gives up candidates of the others',
    });
  if (study && n_iter_search > MAX_TRIALS)
    context.addIssue({
      code: 'custom',
      path: ['model_config', 'n_iter_search'],
      message: `expected at most ${MAX_TRIALS}, as each candidate of this search learns from all before it`,
    });
  for (const [name, { param_distributions }] of Object.entries(algorithms)) {
    const drawn = gridOf(param_distributions) ? 0 : Object.keys(param_distributions).length * n_iter_search;
    if (!study && drawn > MAX_DRAWN_VALUES)
      context.addIssue({
        code: 'custom',
        path: ['algorithms', name, 'param_distributions'],
        message: `expected lists alone, or an n_iter_search of at most ${Math.floor(MAX_DRAWN_VALUES / Object.keys(param_distributions).length)}, as values of ranges are drawn for each candidate`,
      });
  }
}

/** `model_config.<environment>.json`: how a pipeline runs in one environment. */
export const ModelConfig = z
  .strictObject({
    $schema: z.string().optional().meta({
      description: 'Address of this schema, for editors',
      otherwise: 'an editor has to be told the schema',
      isSetting: false,
    }),
    storage: z
      .strictObject({
        datamart_bucket: bucket.meta({
          description: 'Layers and preprocessed data',
          otherwise: 'named after the pipeline',
        }),
        predictions_bucket: bucket.meta({ description: 'Predictions', otherwise: 'named after the pipeline' }),
        monitoring_bucket: bucket.meta({ description: 'Reports and alerts', otherwise: 'named after the pipeline' }),
      })
      .describe('Buckets of the store; each has one pipeline'),
    temporal_splits: z
      .strictObject({
        train: window.describe('Rows to learn from'),
        test: window.describe('Rows to test on'),
        oot: window.describe('Rows after them, out of time'),
      })
      .optional()
      .meta({
        description: 'Ranges of days that train and test',
        otherwise: 'split of pipeline.json says which rows do',
      }),
    model_config: z
      .strictObject({
        model_registry_bucket: bucket.meta({
          description: 'Versions of models',
          otherwise: 'named after the pipeline',
        }),
        random_state: z
          .int()
          .min(0)
          .max(2 ** 32 - 1)
          .meta({
            description: 'Seed of everything random',
            otherwise: 'fixed, so that the same data give the same model',
          }),
        cv_folds: z.int().min(2).max(100).optional().meta({
          description: 'Folds of a search',
          otherwise: 'five for a search; a single candidate is not cross-validated',
        }),
        n_iter_search: z
          .int()
          .min(1)
          .max(MAX_EVALUATIONS)
          .meta({ description: 'Candidates of a search, at most', otherwise: 'nothing is searched' }),
        champion_metric: z
          .string()
          .regex(
            new RegExp(`^(validation|test|oot)\\.(${METRIC_NAMES.join('|')})$`),
            'a split and a metric such as "oot.roc_auc"',
          )
          .optional()
          .meta({
            description: 'What chooses the champion: a split and a metric, such as oot.roc_auc',
            found: 'the usual metric of the task, on the validation rows, else on the last split',
          }),
      })
      .describe('Models and their registry'),
    search: Search.describe('How candidates are found and compared'),
    evaluation: Evaluation.prefault({}).describe('How a new version is evaluated'),
    promotion_gate: PromotionGate.prefault({}).describe(
      'What a challenger must show before it may take the place of the champion',
    ),
    model_tests: ModelTests.prefault({}).describe('What a new version must show before it goes to staging'),
    training_config: z
      .strictObject({
        algorithms: z.array(name).min(1).meta({
          description: 'Algorithms, by their names in "algorithms"',
          otherwise: 'every estimator that can do the task',
        }),
        enabled_algorithms: z
          .record(name, z.boolean())
          .meta({ description: 'Which of them train; one that is not named does', otherwise: 'all of them' }),
        hyperparameter_tuning: z.boolean().meta({
          description: 'Whether parameters are searched',
          otherwise: 'estimators train with defaults of their own first',
        }),
        feature_selection: z.boolean().meta({
          description: 'Leave out features that are constant over the training rows',
          otherwise: 'a constant says nothing',
        }),
        class_weight: z.enum(['balanced']).nullable().meta({
          description: '"balanced" weighs classes by their rows; null leaves it to the search',
          otherwise: 'probabilities stay those of the data',
        }),
        wait_for_features: z
          .strictObject({
            timeout_minutes: z
              .number()
              .gt(0)
              .max(43_200)
              .describe('Minutes after which a training without its data ends as failed'),
            poll_seconds: z
              .int()
              .min(1)
              .max(3_600)
              .default(30)
              .describe('Seconds between two looks into the store; the signal featuresReady has it look at once'),
          })
          .optional()
          .meta({
            description: 'A training waits for as much of gold as it asks for',
            otherwise: 'without it a training is skipped',
          }),
        min_partitions: z
          .int()
          .min(1)
          .max(MANY)
          .meta({ description: 'Partitions of gold below which nothing trains', otherwise: 'any data may train' }),
      })
      .describe('What is trained'),
    algorithms: z.record(name, algorithm).describe('Settings of each algorithm, by its name'),
    inference_config: z
      .strictObject({
        batch_size: z.int().min(1).max(1_000_000).meta({
          description: 'Rows that are predicted at once',
          otherwise: 'fits the memory of the smallest worker',
        }),
        prediction_threshold: share.meta({
          description:
            'Probability of the positive class from which it is predicted, where evaluation.threshold chooses none; a version keeps the one that it was evaluated at',
          otherwise: 'the more probable class',
        }),
        confidence_intervals: z
          .boolean()
          .meta({ description: 'Add the confidence column, max(p, 1 - p)', otherwise: 'it costs nothing' }),
        reasons: z
          .int()
          .min(0)
          .max(20)
          .default(0)
          .describe(
            'Features per row that a predictions file names as the strongest reasons, by their SHAP values; 0 names none',
          ),
        start_date: date.meta({
          description: 'First day whose rows are predicted: days before it belong to training',
          otherwise: 'every row is',
        }),
      })
      .describe('How rows are predicted'),
    monitoring_config: z
      .strictObject({
        drift_threshold_psi: psi.meta({
          description: 'PSI from which a feature or the score has drifted',
          otherwise: 'the usual mark of a significant shift',
        }),
        drift_warnings: z
          .partialRecord(z.enum(DRIFT_DISTANCES), z.number().gt(0).max(100))
          .superRefine(checkDistances)
          .optional()
          .meta({
            description:
              'Distances of a feature from the training rows above which monitoring warns, without a verdict: psi, kolmogorov_smirnov (0 to 1), wasserstein (in standard deviations of train), jensen_shannon (0 to 1)',
            otherwise: 'only PSI is looked at, for the verdict',
          }),
        performance_threshold_drop: share.meta({
          description: 'Drop of the metric from which performance has dropped, as a difference of the two',
          otherwise: 'what people notice',
        }),
        performance_metric: z
          .enum(METRIC_NAMES)
          .optional()
          .meta({ description: 'Metric that is watched', found: 'the usual one of the task' }),
        estimated_drop: z
          .enum(['report', 'alarm'])
          .default('report')
          .describe(
            'What a drop does that is estimated from the probabilities of the newest batch of scored rows, before their labels are known: report, or alarm, as a drop that was measured',
          ),
        missing_rate_threshold: share.meta({
          description: 'How far the share of missing values of a feature may lie from that of the training rows',
          otherwise: 'a tenth of the rows',
        }),
        min_samples_for_metrics: z
          .int()
          .min(1)
          .max(MANY)
          .meta({ description: 'Labelled rows below which no metric is told', otherwise: 'fewer say little' }),
        alpha: z
          .number()
          .gt(0)
          .lt(1)
          .default(0.01)
          .describe(
            'Share of the runs in which one kind of finding (drift, missing values, a drop in performance) may come from sampling alone. What sampling explains at this level asks for no retraining, however large it is.',
          ),
        label_maturity_days: z
          .int()
          .min(0)
          .max(MANY_DAYS)
          .meta({ description: 'Days until a label is known', otherwise: 'labels are known at once' }),
        window_days: z.int().min(1).max(MANY_DAYS).optional().meta({
          description: 'Days of scored rows that are looked at, back from the newest',
          otherwise: 'a month, or as far back as `min_samples_for_metrics` rows take; without dates, all rows',
        }),
      })
      .describe('When predictions and data call for attention'),
    validation_config: z
      .strictObject({
        min_quality_score: share.optional().meta({
          description:
            'Quality score below which a run fails: the share of the expectations that a partition meets, 0 to 1',
          otherwise: 'expectations of severity fail alone decide',
        }),
      })
      .optional()
      .meta({ description: 'When data are too bad to go on with', otherwise: 'no score is asked for' }),
    steward: Steward.prefault({}).describe('When the steward retrains'),
    retraining: Retraining.prefault({}).describe('When a period of "perdure backfill" retrains'),
    compute: Compute.prefault({}).describe('Where the stages of each phase run'),
    schedules: Schedules.default({}).describe('When phases start by themselves; one that is not named does not'),
    alerts: AlertThresholds.prefault({}).describe('When people are told'),
    prices: Prices.optional().meta({
      description: 'What an hour of a worker costs, for "perdure status --cost"',
      otherwise: 'costs are told in hours',
    }),
  })
  .superRefine((config, context) => {
    if (config.temporal_splits) checkWindows(config.temporal_splits, context);
    if (config.promotion_gate.slices && config.evaluation.slices.length === 0)
      context.addIssue({
        code: 'custom',
        path: ['evaluation', 'slices'],
        message: 'expected a column at least, as "promotion_gate.slices" sets limits for slices',
      });
    const repeated = config.training_config.algorithms.find((algorithm, i, all) => all.indexOf(algorithm) < i);
    if (repeated !== undefined)
      context.addIssue({
        code: 'custom',
        path: ['training_config', 'algorithms'],
        message: `expected every name once, got "${repeated}" twice`,
      });
    config.training_config.algorithms.forEach((algorithm, i) => {
      if (!Object.hasOwn(config.algorithms, algorithm)) {
        context.addIssue({
          code: 'custom',
          path: ['training_config', 'algorithms', i],
          message: `expected a name that "algorithms" describes, got "${algorithm}"; ${didYouMean(algorithm, Object.keys(config.algorithms))}`,
        });
      }
    });
    for (const [name, { estimator, script, params, param_distributions }] of Object.entries(config.algorithms)) {
      if (estimatorKind(estimator).needsScript !== (script !== undefined))
        context.addIssue({
          code: 'custom',
          path: ['algorithms', name, 'script'],
          message: script
            ? `expected none, as ${estimator} needs no program`
            : 'expected the folder and the command of a program',
        });
      const values: [path: (string | number)[], parameter: string, value: string | number | boolean | null][] = [
        ...Object.entries(params).map(([parameter, value]): (typeof values)[number] => [
          ['params', parameter],
          parameter,
          value,
        ]),
        ...Object.entries(param_distributions).flatMap(([parameter, distribution]) =>
          valuesWithin(distribution).map((value, i): (typeof values)[number] => [
            ['param_distributions', parameter, ...(isRange(distribution) ? [] : [i])],
            parameter,
            value,
          ]),
        ),
      ];
      for (const [path, parameter, value] of values) {
        const fault = parameterFault(estimator, parameter, value);
        if (fault !== undefined)
          context.addIssue({ code: 'custom', path: ['algorithms', name, ...path], message: fault });
      }
    }
    checkSearch(config, context);
    for (const algorithm of Object.keys(config.training_config.enabled_algorithms)) {
      if (!config.training_config.algorithms.includes(algorithm)) {
        context.addIssue({
          code: 'custom',
          path: ['training_config', 'enabled_algorithms', algorithm],
          message: `expected a name that "training_config.algorithms" lists; ${didYouMean(algorithm, config.training_config.algorithms)}`,
        });
      }
    }
  });
export type ModelConfig = z.infer<typeof ModelConfig>;

/** Whether candidates are decided round by round, as the sampler, the pruner or early stopping goes by what others scored. */
export function isStudy({ sampler, pruner, early_stopping }: ModelConfig['search']): boolean {
  return sampler !== 'random' || pruner !== 'none' || early_stopping !== undefined;
}

/** Folds of a search of several candidates where nobody says how many. */
const USUAL_FOLDS = 5;

/**
 * Folds of a search; 0 where there is one candidate, and nobody asked for its score.
 * @param candidates several where they aren't known
 */
export function foldCount(
  { model_config: { cv_folds } }: Pick<ModelConfig, 'model_config'>,
  candidates = Infinity,
): number {
  return cv_folds ?? (candidates === 1 ? 0 : USUAL_FOLDS);
}
export type AlgorithmConfig = z.infer<typeof algorithm>;
