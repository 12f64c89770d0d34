import { balance, costOfTrees, defineEstimator, LEAST_GAIN_OF_XGBOOST } from './estimator.js';
import { CLASS_WEIGHT, limit, number } from './parameter.js';

/** Share of the rows that a tree of a forest sees: the distinct rows of a bootstrap sample, 1 - 1/e. */
const BOOTSTRAP_SHARE = 0.632;
const UNLIMITED = 0;
/**
 * Share of what a tree sees that a leaf is asked to have at most: half would keep it from splitting, and a tree that sees
 * fewer rows than a leaf is asked to have says 0 of every row instead of their mean.
 */
const MOST_OF_LEAF = 0.6;
/**
 * Share of the training rows that a leaf has at least: one row of up to 10,000, as in scikit-learn. With one row of any
 * number, trees and the time and memory that they take would grow without end: 100 trees of 60,000 rows have 67 MB.
 */
const LEAF_SHARE = 1e-4;
/**
 * Values that a split of a regression, of several classes or of a tree without a limit chooses among, a feature. A deep
 * tree counts them at every node: with the library's 256, 40 trees of 9,000 rows took six times as long, and had an R2 of
 * .9839 where 64 give .9862 and scikit-learn .9866; 10 trees without a limit of 60,000 rows x 91 columns took 9.0 s of a
 * CPU and 2.1 GB, with 64 values 3.6 s and .8 GB, at a ROC AUC of .664 and .666.
 */
const BINS = 64;
/** Values that a split of other trees chooses among, as the library has it. */
const LIBRARY_BINS = 256;
/**
 * Memory for the counts of nodes that are kept while their children are split, in bytes. Without a limit 20 trees of 202,000
 * rows x 135 columns took 1.19 GB; with this one .35 GB, at 103% of the time and with the same bytes.
 */
const KEPT_COUNTS = 2 ** 28;
/** Two sums in double precision per value and label. */
const BYTES_PER_COUNT = 16;
/** The library adds in double precision what has single precision: it is exact while a sum is below so many of the least part. */
const EXACT = 2 ** (53 - 24);
/** Levels that a tree without a limit reaches, about. */
const DEEP = 30;

/**
 * A forest is one round of parallel trees with the squared error of the label: a leaf's value is then the (weighted)
 * share of positives among its rows, the prediction is the mean of the leaves, the gain of a split is Gini's, and
 * `min_child_weight` counts (weighted) rows as `min_samples_leaf` does. Several classes are as many labels of one tree,
 * whose leaves hold a share for each. Approximations: rows are drawn without replacement, and `min_samples_split` of m,
 * which has no counterpart, asks for m / 2 rows a leaf. As in scikit-learn, either of them is a share of the rows below 1.
 *
 * lib_lightgbm's `boosting=rf` is no faster: 20 trees of 60,000 rows x 91 columns with 6 rows a leaf took 7.0 s of a CPU (6.7 s
 * with quantized gradients) where these took 3.9 s, at a ROC AUC of .7006 (.6990) and .7033.
 */
export const randomForest = defineEstimator('random_forest', {
  library: 'libxgboost',
  parameters: {
    n_estimators: number('count', 100),
    max_depth: limit(),
    min_samples_split: number('positive', 2),
    min_samples_leaf: number('positive', LEAF_SHARE),
    class_weight: CLASS_WEIGHT,
  },
  only: { class_weight: ['binary', 'multiclass'] },
  cannot: (task) =>
    task.task === 'regression' && task.objective === 'absolute_error'
      ? "predicts means, which don't minimise the absolute error; use xgboost or lightgbm"
      : undefined,
  leastGain: ({ task }) => (task === 'regression' ? LEAST_GAIN_OF_XGBOOST : 0),
  relativeCost: (params) => costOfTrees(params, DEEP),
  balancing: (task) => (task === 'regression' ? undefined : 'class_weight'),
  meanOfLabels: true,
  data({ class_weight }, task) {
    if (task.task !== 'multiclass') return {};
    const classes = task.classes.length;
    return { oneHotLabels: classes, ...(class_weight === 'balanced' ? { balancedClasses: classes } : {}) };
  },
  recipe(values, task, shape) {
    const { min_samples_leaf: leaf, min_samples_split: split } = values;
    const rowsOf = (given: number) => (given < 1 ? Math.ceil(given * shape.rows) : given);
    const positiveWeight = task.task === 'binary' && values.class_weight === 'balanced' ? balance(shape) : 1;
    const weight = shape.rows + shape.positives * (positiveWeight - 1);
    const bins = task.task === 'binary' && values.max_depth !== null ? LIBRARY_BINS : BINS;
    const labels = task.task === 'multiclass' ? task.classes.length : 1;
    const bytesPerNode = shape.features * bins * labels * BYTES_PER_COUNT;
    // As in scikit-learn, a split of a classification sees the root of the number of features, that of a regression all.
    const featuresPerSplit =
      task.task === 'regression' ? shape.features : Math.max(1, Math.floor(Math.sqrt(shape.features)));
    return {
      settings: {
        booster: 'gbtree',
        objective: 'reg:squarederror',
        base_score: 0,
        tree_method: 'hist',
        num_parallel_tree: values.n_estimators,
        max_depth: values.max_depth ?? UNLIMITED,
        min_child_weight: Math.min(
          Math.max(rowsOf(leaf), rowsOf(split) / 2),
          Math.max(1, MOST_OF_LEAF * BOOTSTRAP_SHARE * weight),
        ),
        ...(task.task === 'binary' ? { scale_pos_weight: positiveWeight } : {}),
        max_bin: bins,
        max_cached_hist_node: Math.max(1, Math.floor(KEPT_COUNTS / bytesPerNode)),
        ...(task.task === 'multiclass' ? { multi_strategy: 'multi_output_tree' } : {}),
        learning_rate: 1,
        reg_lambda: 1e-5,
        subsample: BOOTSTRAP_SHARE,
        // The library truncates the product with the number of features: half a feature more keeps it whole.
        colsample_bynode: Math.min(1, (featuresPerSplit + 0.5) / shape.features),
      },
      rounds: 1,
      // What is added up are labels of 0 and 1 and weights; a regression's labels and weights of several classes may be of any size.
      exactSums:
        (task.task === 'binary' || (task.task === 'multiclass' && values.class_weight === null)) &&
        shape.rows * Math.max(positiveWeight, 1 / positiveWeight) < EXACT,
    };
  },
});
