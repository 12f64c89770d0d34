import type { MetricName } from '../../contracts/index.js';
import type { Counts, Measure } from './measure.js';

/** Counts of rows by actual and predicted class. */
export class ConfusionMatrix {
  /** Row-major: the actual class is the row. */
  private readonly cells: Float64Array;
  readonly actual: Float64Array;
  readonly predicted: Float64Array;
  /** Rows. */
  n = 0;
  /** Rows that are decided right. */
  correct = 0;
  /** Classes that occur or are predicted. */
  seen = 0;

  /**
   * @param labels position of a class per row, aligned with the decisions
   * @param decisions position of the class that a model decides for, per row
   */
  constructor(
    readonly classes: number,
    labels: ArrayLike<number>,
    decisions: ArrayLike<number>,
    counts?: Counts,
  ) {
    this.cells = new Float64Array(classes * classes);
    this.actual = new Float64Array(classes);
    this.predicted = new Float64Array(classes);
    for (let row = 0; row < labels.length; row++)
      this.cells[labels[row]! * classes + decisions[row]!]! += counts ? counts[row]! : 1;
    for (let actual = 0; actual < classes; actual++) {
      this.correct += this.at(actual, actual);
      for (let predicted = 0; predicted < classes; predicted++) {
        const rows = this.at(actual, predicted);
        this.actual[actual]! += rows;
        this.predicted[predicted]! += rows;
        this.n += rows;
      }
    }
    for (let of = 0; of < classes; of++) if (this.isSeen(of)) this.seen++;
  }

  at(actual: number, predicted: number): number {
    return this.cells[actual * this.classes + predicted]!;
  }

  /** Whether a class occurs or is predicted. */
  isSeen(of: number): boolean {
    return this.actual[of]! + this.predicted[of]! > 0;
  }

  /** How many classes occur. */
  get occurring(): number {
    return this.actual.reduce((classes, rows) => classes + (rows > 0 ? 1 : 0), 0);
  }

  toArrays(): number[][] {
    return Array.from({ length: this.classes }, (_, actual) =>
      Array.from(this.cells.subarray(actual * this.classes, (actual + 1) * this.classes)),
    );
  }
}

/** A metric of decisions alone. */
interface DecisionMetric {
  value(matrix: ConfusionMatrix): number | null;
  /**
   * By how much the metric moves with one more row of an actual class that is decided for a class, where the actual
   * classes' sizes are fixed; up to a constant per actual class.
   */
  slope(matrix: ConfusionMatrix, actual: number, predicted: number): number;
}

/** Precision, recall or F1 of one class. */
interface ClassMetric {
  value(matrix: ConfusionMatrix, of: number): number;
  slope(matrix: ConfusionMatrix, of: number, actual: number, predicted: number): number;
}

const precision: ClassMetric = {
  value: (matrix, of) => ratio(matrix.at(of, of), matrix.predicted[of]!),
  slope(matrix, of, actual, predicted) {
    if (predicted !== of) return 0;
    const rows = matrix.predicted[of]!;
    // Without a row that is decided for the class, one right one takes the precision from 0 to 1.
    if (rows === 0) return actual === of ? 1 : 0;
    return (actual === of ? rows - matrix.at(of, of) : -matrix.at(of, of)) / rows ** 2;
  },
};

const recall: ClassMetric = {
  value: (matrix, of) => ratio(matrix.at(of, of), matrix.actual[of]!),
  slope: (matrix, of, actual, predicted) => (actual === of && predicted === of ? 1 / matrix.actual[of]! : 0),
};

/** 2 TP / (actual + predicted rows). */
const f1: ClassMetric = {
  value: (matrix, of) => ratio(2 * matrix.at(of, of), matrix.actual[of]! + matrix.predicted[of]!),
  slope(matrix, of, actual, predicted) {
    if (predicted !== of) return 0;
    const rows = matrix.actual[of]! + matrix.predicted[of]!;
    const right = matrix.at(of, of);
    if (rows === 0) return 0;
    return actual === of ? (2 * (rows - right)) / rows ** 2 : (-2 * right) / rows ** 2;
  },
};

/** The mean over classes with these weights; classes that neither occur nor are predicted have none. */
function mean(metric: ClassMetric, weightOf: (matrix: ConfusionMatrix, of: number) => number): DecisionMetric {
  const over = (matrix: ConfusionMatrix, value: (of: number) => number) => {
    let sum = 0;
    for (let of = 0; of < matrix.classes; of++) {
      const weight = weightOf(matrix, of);
      if (weight > 0) sum += weight * value(of);
    }
    return sum;
  };
  return {
    value: (matrix) => (matrix.n === 0 ? null : over(matrix, (of) => metric.value(matrix, of))),
    // Only the decided class's own figure moves with a decision for it, up to a constant per actual class.
    slope: (matrix, actual, predicted) =>
      weightOf(matrix, predicted) * metric.slope(matrix, predicted, actual, predicted),
  };
}

function macro(metric: ClassMetric): DecisionMetric {
  return mean(metric, (matrix, of) => (matrix.isSeen(of) ? 1 / matrix.seen : 0));
}

function weighted(metric: ClassMetric): DecisionMetric {
  return mean(metric, (matrix, of) => matrix.actual[of]! / matrix.n);
}

function ofPositive(metric: ClassMetric): DecisionMetric {
  return {
    value: (matrix) => (matrix.n === 0 ? null : metric.value(matrix, 1)),
    slope: (matrix, actual, predicted) => metric.slope(matrix, 1, actual, predicted),
  };
}

const accuracy: DecisionMetric = {
  value: (matrix) => (matrix.n === 0 ? null : matrix.correct / matrix.n),
  slope: (matrix, actual, predicted) => (actual === predicted ? 1 / matrix.n : 0),
};

/** Mean recall of the classes that occur. Of a single class a model that decides for it always is right, so there it is undefined. */
const balancedAccuracy: DecisionMetric = {
  value(matrix) {
    if (matrix.occurring < 2) return null;
    let sum = 0;
    for (let of = 0; of < matrix.classes; of++) sum += recall.value(matrix, of);
    return sum / matrix.occurring;
  },
  slope: (matrix, actual, predicted) => (actual === predicted ? 1 / (matrix.occurring * matrix.actual[actual]!) : 0),
};

/** Gorodkin's R_K (2004, Computational Biology and Chemistry 28, 367); 0 where a model always decides alike, as in scikit-learn. */
const matthews: DecisionMetric = {
  value(matrix) {
    if (matrix.occurring < 2) return null;
    const { covariance, spread } = matthewsParts(matrix);
    return spread === 0 ? 0 : covariance / Math.sqrt(spread);
  },
  slope(matrix, actual, predicted) {
    const { covariance, ofPredicted, spread } = matthewsParts(matrix);
    // From the decision that is always alike a single row may move it by up to 1.
    if (spread === 0) return actual === predicted ? 1 : 0;
    const bySame = (actual === predicted ? matrix.n : 0) - matrix.actual[predicted]!;
    return bySame / Math.sqrt(spread) + (covariance * matrix.predicted[predicted]!) / (ofPredicted * Math.sqrt(spread));
  },
};

function matthewsParts({ n, correct, actual, predicted }: ConfusionMatrix) {
  const ofPredicted = n ** 2 - dot(predicted, predicted);
  return {
    covariance: correct * n - dot(actual, predicted),
    ofPredicted,
    spread: ofPredicted * (n ** 2 - dot(actual, actual)),
  };
}

/** Cohen (1960): (observed - expected) / (1 - expected) agreement of labels and decisions. */
const kappa: DecisionMetric = {
  value(matrix) {
    if (matrix.occurring < 2) return null;
    const expected = dot(matrix.actual, matrix.predicted) / matrix.n ** 2;
    return (matrix.correct / matrix.n - expected) / (1 - expected);
  },
  slope(matrix, actual, predicted) {
    const expected = dot(matrix.actual, matrix.predicted) / matrix.n ** 2;
    const observed = matrix.correct / matrix.n;
    const byAgreement = (actual === predicted ? 1 : 0) / matrix.n / (1 - expected);
    return byAgreement - ((1 - observed) * matrix.actual[predicted]!) / matrix.n ** 2 / (1 - expected) ** 2;
  },
};

const DECISION_METRICS = {
  accuracy,
  balanced_accuracy: balancedAccuracy,
  precision: ofPositive(precision),
  recall: ofPositive(recall),
  f1: ofPositive(f1),
  precision_macro: macro(precision),
  recall_macro: macro(recall),
  f1_macro: macro(f1),
  precision_weighted: weighted(precision),
  recall_weighted: weighted(recall),
  f1_weighted: weighted(f1),
  matthews_corrcoef: matthews,
  cohen_kappa: kappa,
} as const satisfies Partial<Record<MetricName, DecisionMetric>>;
export type DecisionMetricName = keyof typeof DECISION_METRICS;

export function isDecisionMetric(metric: MetricName): metric is DecisionMetricName {
  return metric in DECISION_METRICS;
}

/**
 * A metric of decisions on some rows.
 * @param labels position of a class per row
 * @param decisions the same of what a model decides for
 * @param matrixOf their confusion matrix, of a draw where there is one
 */
export function decisionMeasure(
  name: DecisionMetricName,
  classes: number,
  labels: ArrayLike<number>,
  decisions: ArrayLike<number>,
  matrixOf: (counts?: Counts) => ConfusionMatrix,
): Measure {
  const metric = DECISION_METRICS[name];
  return {
    passes: 1,
    value: (counts) => metric.value(matrixOf(counts)),
    influence() {
      const matrix = matrixOf();
      // What a row is worth by its decision, beyond what a decision for the first class would be worth.
      const worth = new Float64Array(classes * classes);
      for (let actual = 0; actual < classes; actual++) {
        const first = metric.slope(matrix, actual, 0);
        for (let predicted = 0; predicted < classes; predicted++) {
          if (matrix.at(actual, predicted) > 0)
            worth[actual * classes + predicted] =
              matrix.actual[actual]! * (metric.slope(matrix, actual, predicted) - first);
        }
      }
      const influence = new Float64Array(labels.length);
      for (let row = 0; row < influence.length; row++)
        influence[row] = worth[labels[row]! * classes + decisions[row]!]!;
      return influence;
    },
    step() {
      const matrix = matrixOf();
      let step = 0;
      for (let actual = 0; actual < classes; actual++) {
        if (matrix.actual[actual] === 0) continue;
        const slopes = Array.from({ length: classes }, (_, predicted) => metric.slope(matrix, actual, predicted));
        step = Math.max(step, Math.max(...slopes) - Math.min(...slopes));
      }
      return step;
    },
    unit: () => 1,
  };
}

function dot(x: Float64Array, y: Float64Array): number {
  return x.reduce((sum, value, at) => sum + value * y[at]!, 0);
}

function ratio(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole;
}

/** 1 per row whose class is decided wrong, else 0. */
export function wrongDecisions(labels: ArrayLike<number>, decisions: ArrayLike<number>): Float64Array {
  return Float64Array.from(labels, (label, row) => Number(label !== decisions[row]));
}
