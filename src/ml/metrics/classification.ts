import type { MetricName } from '../../contracts/index.js';
import { columnOf, type ModelOutput } from '../modelOutput.js';
import { ConfusionMatrix, decisionMeasure, isDecisionMetric } from './decisions.js';
import { brierLosses, logLosses } from './losses.js';
import { UNDEFINED, classSizes, meanMeasure, type Counts, type Measure } from './measure.js';
import { aucInfluence, averagePrecisionInfluence, rank, rankStatistics, type Ranking } from './ranking.js';

type RankMetric = 'roc_auc' | 'average_precision';
const RANK_METRICS: Partial<Record<MetricName, RankMetric>> = {
  roc_auc: 'roc_auc',
  roc_auc_ovr: 'roc_auc',
  average_precision: 'average_precision',
  average_precision_macro: 'average_precision',
};
const LOSSES: Partial<Record<MetricName, typeof logLosses>> = { log_loss: logLosses, brier_score: brierLosses };

type RankStatistics = ReturnType<typeof rankStatistics>;

/** Rows with a class, what a model says of them and decides; what several metrics need is made once. */
export class ClassifiedRows {
  private readonly sizes: Float64Array;
  private wholeMatrix: ConfusionMatrix | undefined;
  /** What the newest draw's metrics share. */
  private draw: { counts: Counts; matrix?: ConfusionMatrix; statistics: Map<number, RankStatistics> } | undefined;
  private readonly rankings = new Map<number, Ranking>();
  private readonly statistics = new Map<number, RankStatistics>();

  /**
   * @param classes how many the task has
   * @param labels position of a class per row
   * @param output aligned with the labels
   * @param decisions position of the class that the model decides for, per row
   */
  constructor(
    private readonly classes: number,
    private readonly labels: ArrayLike<number>,
    private readonly output: ModelOutput,
    private readonly decisions: ArrayLike<number>,
  ) {
    this.sizes = classSizes(labels, classes);
  }

  get matrix(): ConfusionMatrix {
    return (this.wholeMatrix ??= new ConfusionMatrix(this.classes, this.labels, this.decisions));
  }

  measure(metric: MetricName): Measure {
    if (isDecisionMetric(metric))
      return decisionMeasure(metric, this.classes, this.labels, this.decisions, (counts) => this.matrixOf(counts));
    const ranked = RANK_METRICS[metric];
    if (ranked !== undefined) return this.rankMeasure(ranked);
    const losses = LOSSES[metric];
    if (losses === undefined) throw new Error(`${metric} is no metric of a classification`);
    return meanMeasure(losses(this.labels, this.output), {
      share: (row) => this.sizes[this.labels[row]!]! / this.labels.length,
    });
  }

  /** Of each class that occurs against the rest, the mean; of two classes that of the positive one. */
  private rankMeasure(metric: RankMetric): Measure {
    const occurring = Array.from(this.sizes.keys()).filter((of) => this.sizes[of]! > 0);
    if (this.output.width > 1 && occurring.length < 2) return UNDEFINED;
    const classes = this.output.width === 1 ? [1] : occurring;
    return {
      passes: classes.length,
      value: (counts) =>
        meanOfDefined(
          classes.map((of) => (counts ? this.drawnStatistics(of, counts) : this.wholeStatistics(of))[metric]),
          counts,
        ),
      influence: () => this.rankInfluence(metric, classes),
      step: () => 0,
      unit: () => 1,
    };
  }

  private rankInfluence(metric: RankMetric, classes: number[]): Float64Array {
    const influenceOf = metric === 'roc_auc' ? aucInfluence : averagePrecisionInfluence;
    if (classes.length === 1) return influenceOf(this.rank(classes[0]!));
    const influence = new Float64Array(this.labels.length);
    for (const of of classes) {
      const ofClass = influenceOf(this.rank(of));
      const rest = this.labels.length - this.sizes[of]!;
      for (let row = 0; row < influence.length; row++) {
        const label = this.labels[row]!;
        // As a share of the row's own class, not of all that are not `of`.
        const share = label === of ? 1 : this.sizes[label]! / rest;
        influence[row]! += (ofClass[row]! * share) / classes.length;
      }
    }
    return influence;
  }

  private matrixOf(counts?: Counts): ConfusionMatrix {
    if (!counts) return this.matrix;
    const draw = this.drawOf(counts);
    return (draw.matrix ??= new ConfusionMatrix(this.classes, this.labels, this.decisions, counts));
  }

  /** A draw of the rows needs the rankings again and again; the whole needs each once, and keeps none. */
  private drawnStatistics(of: number, counts: Counts): RankStatistics {
    const draw = this.drawOf(counts);
    const ranking = this.rankings.get(of) ?? this.rank(of);
    this.rankings.set(of, ranking);
    const found = draw.statistics.get(of) ?? rankStatistics(ranking, counts);
    draw.statistics.set(of, found);
    return found;
  }

  private drawOf(counts: Counts) {
    if (this.draw?.counts !== counts) this.draw = { counts, statistics: new Map() };
    return this.draw;
  }

  private wholeStatistics(of: number): RankStatistics {
    const found = this.statistics.get(of) ?? rankStatistics(this.rank(of));
    this.statistics.set(of, found);
    return found;
  }

  private rank(of: number): Ranking {
    const { values, width } = this.output;
    if (width === 1) return rank(values, (row) => this.labels[row] === of);
    return rank(columnOf(this.output, of), (row) => this.labels[row] === of);
  }
}

/** A draw may lack a class that the rows have, which leaves the mean of the others; the whole has every class that is asked for. */
function meanOfDefined(values: (number | null)[], counts: Counts | undefined): number | null {
  const defined = values.filter((value) => value !== null);
  if (defined.length === 0 || (counts === undefined && defined.length < values.length)) return null;
  return defined.reduce((sum, value) => sum + value, 0) / defined.length;
}
