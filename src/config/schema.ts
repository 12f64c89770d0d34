import { basename } from 'node:path';
import { z } from 'zod';
import {
  MAX_EVALUATIONS,
  METRICS,
  NAME,
  NAME_IN_WORDS,
  OBJECTIVES,
  SCORERS,
  TASKS,
  type MetricName,
  type ScoringName,
} from '../contracts/index.js';
import { ESTIMATOR_NAMES, parameterFault } from '../ml/estimators/estimators.js';
import { MAX_GRID_CELLS, gridCells } from '../ml/parameterSampler.js';
import { SplitSettings } from './splitSettings.js';
import { TransformSettings } from '../ml/transforms/settings.js';
import { AlertThresholds } from './alerts.js';
import { ColumnName, INTERNAL_IN_WORDS, isInternal, ModelColumnName, nameFaults, sameName } from './columns.js';
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
  sql: file,
  path: z
    .string()
    .regex(
      /^(?!\/|.*\.\.)[A-Za-z0-9_/.-]*\{partition\}[A-Za-z0-9_.-]*\.parquet$/,
      'a key without ".." that holds "{partition}" and ends in ".parquet"',
    ),
});

/** A CSV and how its text is read. */
const source = z.strictObject({
  /** Name of the raw CSV. */
  file,
  /** DuckDB type per column, in any order; other columns of the file are ignored. Without it every column is read, as what its values are. */
  columns: z
    .record(ColumnName, z.enum(COLUMN_TYPES))
    .refine((columns) => Object.keys(columns).length > 0, 'expected one column at least')
    .optional(),
  /** Texts that say that no value is known, such as "NA"; an empty field always does. */
  null_values: z.array(z.string().min(1)).default([]),
  /** Public home of the data, for `perdure data get`. */
  download: z
    .strictObject({
      url: z.url(),
      member: z.string().optional(),
      sha256: z.string().regex(/^[0-9a-f]{64}$/),
      licence: z.string(),
    })
    .optional(),
  /** Settings of the synthetic generator, in a file beside this one. */
  synthetic: z.strictObject({ calibration: file, rows: z.int().min(1).max(MANY) }).optional(),
});

/** The name that a source has in the store's raw data. */
export function fileNameOf(path: string): string {
  return (
    basename(path.replaceAll('\\', '/'))
      .replaceAll(/[^A-Za-z0-9._-]+/g, '_')
      .replace(/^[^A-Za-z0-9]+/, '') || 'data.csv'
  );
}

/** `columns` is empty where they aren't written: they are found in the source, and filled in once it was read. */
function sourceOf(written: z.infer<typeof source>) {
  return { ...written, columns: written.columns ?? {}, findsColumns: written.columns === undefined };
}

/** Where a label comes from: a column of the source, with the value that is the positive class of two, or SQL over silver. */
const labelSource = z.union([
  z.strictObject({ column: ColumnName, positive: z.union([z.string(), z.number(), z.boolean()]).optional() }),
  z.strictObject({ sql: z.string().min(1) }),
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

const feature = z.strictObject({
  name: ModelColumnName,
  type: z.enum(['numeric', 'ordinal', 'binary', 'categorical']),
  scale: z.boolean().default(false),
});

/**
 * `pipeline.json`: what a pipeline is, the same in every environment. Without `layers` it may be as short as a source, a
 * key and a label: SQL, expectations and the model config then have defaults, and `label` is a column of the source.
 * With `layers` every layer has SQL of its own, and `label` is a column of the label store.
 */
export const PipelineDefinition = z
  .strictObject({
    $schema: z.string().optional(),
    name: name.optional(),
    title: z.string().min(1).optional(),
    /** A CSV, by its path from here or from where a command is given; or more about how its text is read. */
    source: z.union([z.string().min(1).max(4_096), source]),
    /** SQL over the source that gives each row's day; without it, and without `layers`, the table has no dates. */
    time: z.string().min(1).optional(),
    /** How the store is cut: by periods of the rows' days, or by the day on which a source first had a row's key. */
    partition: z
      .union([z.enum(['none', ...PERIODS, 'arrival']), z.strictObject({ column: ColumnName, by: z.enum(PERIODS) })])
      .optional(),
    /** Columns that tell rows apart: they join features with labels, and predictions carry them. Without any a row goes by its number in the file. */
    key: z.union([ColumnName, z.array(ColumnName).min(1)]).optional(),
    keys: z.array(ColumnName).min(1).optional(),
    label: z.union([ColumnName, labelSource]),
    /** A second CSV that has the labels: rows without one there are not labelled yet. */
    labels: z
      .strictObject({
        /** By its path from here or from where a command is given. */
        file: z.string().min(1).max(4_096),
        /** The columns that labels are joined on, the key by default: of both files, or those of the source with the names that they have in the file. */
        on: z.union([ColumnName, z.array(ColumnName).min(1), z.record(ColumnName, ColumnName)]).optional(),
      })
      .optional(),
    /** What the label is; without it the label's values say so. */
    task: z.enum(TASKS).optional(),
    /** What a regression minimises. */
    objective: z.enum(OBJECTIVES).optional(),
    /** The column of gold that says whom or what a row is about, where several rows are about one: a patient, a machine. It is no feature, and how many of them stand on both sides of a split is told. */
    entity: ColumnName.optional(),
    /** Which rows train and which evaluate; by chance where nothing is said. */
    split: SplitSettings.optional(),
    /** How features become a model's columns; chosen by their kinds where nothing is said. */
    transforms: TransformSettings.optional(),
    /** Columns of the source that are no features. */
    drop: z.array(ColumnName).default([]),
    /** Files beside this one, CSV or Parquet, that every layer's SQL may read as tables of these names. */
    tables: z
      .record(
        tableName,
        z
          .string()
          .regex(/^[A-Za-z0-9][A-Za-z0-9._-]*\.(csv|parquet)$/, "a .csv or .parquet file in the pipeline's folder"),
      )
      .default({}),
    layers: z.strictObject({ bronze: layer, silver: layer, feature_store: layer, label_store: layer }).optional(),
    /** The model's columns in order; `scale` puts a column through the standard scaler. Without it all that the feature store gives. */
    features: z.array(feature).min(1).optional(),
  })
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
  .transform(({ key, keys, source, label, labels, partition, time, entity, layers, features, ...rest }) => {
    const period = typeof partition === 'object' ? partition.by : partition;
    return {
      ...rest,
      /** `on` has the columns of the file by the source's that they are joined with. */
      labels: labels && { file: labels.file, on: joinOf(labels.on ?? keys ?? key ?? []) },
      source:
        typeof source === 'string'
          ? { ...sourceOf({ file: fileNameOf(source), null_values: [] }), path: source }
          : { ...sourceOf(source), path: undefined },
      keys: keys ?? [key ?? ROW_NUMBER].flat(),
      /** Column of the label store. */
      label: layers ? (label as string) : LABEL,
      /** Where it comes from; `undefined` where the pipeline's own SQL makes it. */
      labelSource: layers ? undefined : typeof label === 'string' ? { column: label } : label,
      time,
      /** A split by group says it as well. */
      entity: entity ?? (rest.split?.by === 'group' ? rest.split.column : undefined),
      /** `column` holds the rows' days; without one the table has none. */
      partition: {
        by: period ?? (time === undefined ? 'none' : 'month'),
        column:
          typeof partition === 'object'
            ? partition.column
            : partition === 'arrival'
              ? ARRIVAL
              : time === undefined
                ? undefined
                : DAY,
      },
      /** `sql` is a file beside this one; without it the layer has its default. */
      layers: Object.fromEntries(
        Object.entries(LAYER_PATHS).map(([name, path]) => [
          name,
          layers?.[name as keyof typeof LAYER_PATHS] ?? { path },
        ]),
      ) as Record<keyof typeof LAYER_PATHS, { sql?: string; path: string }>,
      /** Whether SQL, expectations and model config may be absent. */
      brief: layers === undefined,
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

/** `expectations.json`: what a silver row must satisfy, in SQL. */
export const Expectations = z
  .strictObject({
    /** Rows whose values in every column of the source an earlier row has already; nothing is looked for without it. */
    duplicates: z.strictObject({ name, on_failure: z.enum(['drop', 'fail']) }).optional(),
    silver: z.array(
      z.strictObject({
        name,
        /** SQL condition that a good row satisfies. */
        check: z.string().min(1),
        /** `drop` leaves the row out and counts it; `fail` stops the run. */
        on_failure: z.enum(['drop', 'fail']),
      }),
    ),
  })
  .superRefine(({ duplicates, silver }, context) => {
    // Dropped rows are counted by name.
    const names = [...(duplicates ? [duplicates.name] : []), ...silver.map((expectation) => expectation.name)];
    const repeated = names.find((candidate, i) => names.indexOf(candidate) !== i);
    if (repeated !== undefined)
      context.addIssue({
        code: 'custom',
        path: ['silver'],
        message: `expected a name of its own for each expectation, got ${JSON.stringify(repeated)} twice`,
      });
  });
export type Expectations = z.infer<typeof Expectations>;

function yearText(value: number): string {
  return String(value).padStart(4, '0');
}

/** A temporal window, both ends included; whole years may be given instead of dates. */
const window = z.union([
  z.strictObject({ start_date: date, end_date: date }),
  z.strictObject({ start_year: year, end_year: year }).transform(({ start_year, end_year }) => ({
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
export const ESTIMATORS = ['logistic_regression', 'random_forest', 'xgboost'] as const;

const algorithm = z.strictObject({
  /** Which engine call stands behind the name. */
  estimator: z.enum(ESTIMATOR_NAMES),
  /** Time budget of search, refit and registration together. */
  timeout_hours: z.number().min(0.001).max(HOURS_A_YEAR),
  /** Values to sample from, in scikit-learn's names; `"balanced"` for `scale_pos_weight` is negatives / positives. */
  param_distributions: z
    .record(name, z.array(z.union([z.number(), z.string(), z.boolean(), z.null()])).min(1))
    .refine((grid) => gridCells(grid) <= MAX_GRID_CELLS, 'expected values that make fewer than 2^53 combinations')
    .refine((grid) => Buffer.byteLength(JSON.stringify(grid)) <= MAX_GRID_BYTES, 'expected at most 128 KiB of values'),
  /** The one candidate where `hyperparameter_tuning` is off. */
  params: params,
});

const METRIC_NAMES = Object.keys(METRICS) as [MetricName, ...MetricName[]];

/** What a challenger must show before it may take the champion's place. */
export const PromotionGate = z.strictObject({
  /** Labelled rows below which nothing is decided in the challenger's favour. */
  min_samples: z.int().min(1).max(MANY).default(100),
  /** Least value a metric, by its name. */
  minimums: z.partialRecord(z.enum(METRIC_NAMES), share).default({}),
  /** How far below the champion's the challenger's ROC AUC may lie, whatever the test says: few rows prove nothing. */
  max_auc_loss: share.default(0.01),
  /** Two-sided level of the DeLong test. */
  alpha: z.number().min(1e-12).max(0.999999).default(0.05),
  /** `not_worse`: the challenger's ROC AUC isn't significantly lower; `better`: it is significantly higher. */
  require: z.enum(['not_worse', 'better']).default('not_worse'),
});
export type PromotionGate = z.infer<typeof PromotionGate>;

const mode = z.enum(['auto', 'approve', 'off']);

/** When the steward retrains. `auto` trains, `approve` waits for a person, `off` only notes that it was asked. */
const Steward = z.strictObject({
  retrain: z
    .strictObject({
      drift: mode.default('approve'),
      severe_drift: mode.default('auto'),
      performance_drop: mode.default('auto'),
      new_data: mode.default('auto'),
      schedule: mode.default('auto'),
    })
    .prefault({}),
  /** Hours from the end of one training to the start of the next; what is asked meanwhile waits. */
  cooldown_hours: z.number().min(0).max(HOURS_A_YEAR).default(24),
  /** PSI of a feature or the score from which drift is severe. */
  severe_drift_psi: psi.default(0.5),
  /** Partitions within the training windows, new or changed since the newest training, that ask for the next. */
  new_data: z.strictObject({ min_partitions: z.int().min(1).max(MANY).default(1) }).prefault({}),
});

/** What an hour of a worker costs, for `perdure status --cost`. */
const Prices = z.strictObject({
  /** As it heads the column of a table, e.g. `USD`. */
  currency: z.string().regex(/^\S{1,10}$/, 'a currency such as "USD"'),
  per_vcpu_hour: z.number().min(0).max(MANY),
  per_gb_hour: z.number().min(0).max(MANY),
});
export type Prices = z.infer<typeof Prices>;

const bucket = z
  .string()
  .regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, 'a bucket name: 3 to 63 lower-case letters, digits, "." and "-"');

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

/** `model_config.<environment>.json`: how a pipeline runs in one environment. */
export const ModelConfig = z
  .strictObject({
    storage: z.strictObject({
      datamart_bucket: bucket,
      predictions_bucket: bucket,
      monitoring_bucket: bucket,
    }),
    /** The windows that train and test; without them `split` of `pipeline.json` says which rows do. */
    temporal_splits: z.strictObject({ train: window, test: window, oot: window }).optional(),
    model_config: z.strictObject({
      model_registry_bucket: bucket,
      random_state: z
        .int()
        .min(0)
        .max(2 ** 32 - 1),
      /** Folds of a search. Without them a search has five, and a single candidate is not cross-validated. */
      cv_folds: z.int().min(2).max(100).optional(),
      /** At most what one workflow's history has room for. */
      n_iter_search: z.int().min(1).max(MAX_EVALUATIONS),
      /** What decides the champion: a window and a metric. */
      champion_metric: z
        .string()
        .regex(
          new RegExp(`^(validation|test|oot)\\.(${METRIC_NAMES.join('|')})$`),
          'a split and a metric such as "oot.roc_auc"',
        )
        .optional(),
    }),
    search: z.strictObject({
      scoring: z.enum(SCORINGS).optional(),
      /** Give up a candidate once the folds seen so far say that it cannot win. */
      racing: z.boolean().default(false),
    }),
    promotion_gate: PromotionGate.prefault({}),
    training_config: z.strictObject({
      algorithms: z.array(name).min(1),
      enabled_algorithms: z.record(name, z.boolean()),
      hyperparameter_tuning: z.boolean(),
      /** Leave out features that are constant over the training window. */
      feature_selection: z.boolean(),
      /** `"balanced"` fixes balancing; `null` leaves it to the search. */
      class_weight: z.enum(['balanced']).nullable(),
      min_partitions: z.int().min(1).max(MANY),
    }),
    algorithms: z.record(name, algorithm),
    inference_config: z.strictObject({
      batch_size: z.int().min(1).max(1_000_000),
      prediction_threshold: share,
      /** Add the confidence column, max(p, 1 - p). */
      confidence_intervals: z.boolean(),
      /** First day whose rows are predicted: days before it belong to training. */
      start_date: date,
    }),
    monitoring_config: z.strictObject({
      /** PSI from which a feature or the score has drifted. */
      drift_threshold_psi: psi,
      performance_threshold_drop: share,
      performance_metric: z.enum(METRIC_NAMES).optional(),
      /** How far a feature's share of missing values may lie from that of the training window. */
      missing_rate_threshold: share,
      min_samples_for_metrics: z.int().min(1).max(MANY),
      /**
       * Share of the runs in which one kind of finding (drift, missing values, a drop in performance) may come from
       * sampling alone. What sampling explains at this level asks for no retraining, however large it is.
       */
      alpha: z.number().gt(0).lt(1).default(0.01),
      /** Days until a label is known. */
      label_maturity_days: z.int().min(0).max(MANY_DAYS),
      /** Days of scored rows that are looked at, back from the newest. */
      window_days: z.int().min(1).max(MANY_DAYS),
    }),
    steward: Steward.prefault({}),
    compute: Compute.prefault({}),
    schedules: Schedules.default({}),
    alerts: AlertThresholds.prefault({}),
    prices: Prices.optional(),
  })
  .superRefine((config, context) => {
    if (config.temporal_splits) checkWindows(config.temporal_splits, context);
    config.training_config.algorithms.forEach((algorithm, i) => {
      if (!Object.hasOwn(config.algorithms, algorithm)) {
        context.addIssue({
          code: 'custom',
          path: ['training_config', 'algorithms', i],
          message: `expected a name that "algorithms" describes, got "${algorithm}"`,
        });
      }
    });
    for (const [name, { estimator, params, param_distributions }] of Object.entries(config.algorithms)) {
      const values: [path: (string | number)[], parameter: string, value: string | number | boolean | null][] = [
        ...Object.entries(params).map(([parameter, value]): (typeof values)[number] => [
          ['params', parameter],
          parameter,
          value,
        ]),
        ...Object.entries(param_distributions).flatMap(([parameter, choices]) =>
          choices.map((value, i): (typeof values)[number] => [['param_distributions', parameter, i], parameter, value]),
        ),
      ];
      for (const [path, parameter, value] of values) {
        const fault = parameterFault(estimator, parameter, value);
        if (fault !== undefined)
          context.addIssue({ code: 'custom', path: ['algorithms', name, ...path], message: fault });
      }
    }
    for (const algorithm of Object.keys(config.training_config.enabled_algorithms)) {
      if (!config.training_config.algorithms.includes(algorithm)) {
        context.addIssue({
          code: 'custom',
          path: ['training_config', 'enabled_algorithms', algorithm],
          message: 'expected a name that "training_config.algorithms" lists',
        });
      }
    }
  });
export type ModelConfig = z.infer<typeof ModelConfig>;

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
