import type { PromotionGate } from '../config/schema.js';
import {
  directionOf,
  type AucComparison,
  type GateRule,
  type MetricComparison,
  type MetricName,
  type PromotionDecision,
  type SliceMetrics,
  type TaskMetrics,
  type TaskSpec,
  type VersionRef,
  versionName,
} from '../contracts/index.js';
import type { ModelOutput } from '../ml/modelOutput.js';
import { taskOf } from '../ml/tasks/task.js';
import { DELONG_CONVENTION, delongTest } from '../ml/comparison/delong.js';
import { sliceName } from './slices.js';
import { agreeing, countOf } from '../contracts/counts.js';

/** A version and what it says of the rows, aligned with the labels. */
export interface ScoredVersion {
  ref: VersionRef;
  output: ModelOutput;
  /** Probability from which its rows count as positive. */
  threshold: number;
}

export interface PromotionCase {
  task: TaskSpec;
  /** By which the two are compared; ROC AUC for binary tasks. */
  metric: MetricName;
  /** Seed of the bootstrap. */
  seed: number;
  /** Of rows that neither model was trained on. */
  labels: ArrayLike<number>;
  challenger: ScoredVersion;
  /** Those of the challenger's metrics on these rows, where they are known. */
  intervals?: TaskMetrics['intervals'];
  /** Its metrics on the slices of these rows. */
  slices?: SliceMetrics[];
  /** How many model tests it did not pass, but for that of its performance, whose limits are the gate's own; `null` where it was not tested. @default the tests decide nothing */
  failedTests?: number | null;
  /** `null` where there is none yet. */
  champion: ScoredVersion | UnscoredVersion | null;
}

/** A version that could not score the rows. */
export interface UnscoredVersion {
  ref: VersionRef;
  /** Why, in a sentence. */
  unscored: string;
}

/**
 * Decides whether a challenger may take the champion's place, and shows every rule with its working. A rule that can't
 * be computed isn't passed. A champion that can't score the rows can't predict either: it is not compared with, and the
 * minimums decide.
 *
 * @throws PerdureError `InputInvalid` where the two models' probabilities aren't for the same rows
 */
export function promotionGate(
  { task: spec, metric, seed, labels, challenger, intervals, slices = [], failedTests, champion }: PromotionCase,
  gate: PromotionGate,
): PromotionDecision {
  const task = taskOf(spec);
  const compared = champion && 'output' in champion ? champion : null;
  const metrics = {
    challenger: { ...task.metrics(labels, challenger.output, challenger.threshold), ...(intervals && { intervals }) },
    champion: compared && task.metrics(labels, compared.output, compared.threshold),
  };
  const byAuc = metric === 'roc_auc';
  const comparison =
    compared &&
    (byAuc
      ? delongTest(labels, challenger.output.values, compared.output.values)
      : task.compare(metric, labels, challenger.output, compared.output, { alpha: gate.alpha, seed }));
  const rules = [
    ...limitRules(spec, gate, metrics.challenger, slices),
    ...(spec.task === 'binary' ? rowsOfEachClass(labels) : []),
    ...testRules(failedTests),
    ...(metrics.champion ? againstChampion(metric, metrics.challenger, metrics.champion, comparison, gate) : []),
  ];
  const notJudged = gate.slices
    ? slices.filter(({ metrics }) => !metrics).map((slice) => `${sliceName(slice)} (${countOf(slice.rows, 'row')})`)
    : [];
  const broken = rules.filter(({ passed }) => !passed);
  const notCompared =
    champion && 'unscored' in champion
      ? `${versionName(champion.ref)} could not be compared with: ${champion.unscored}`
      : null;
  const grounds = groundsOf(rules, broken, notCompared !== null);
  const decision = broken.length > 0 ? 'refuse' : gate.promote === 'approve' ? 'hold' : 'promote';
  return {
    decision,
    reason: [
      `${conclusionOf(challenger.ref, champion?.ref ?? null, decision)}: ${grounds}.`,
      ...(notCompared === null ? [] : [notCompared]),
    ].join(' '),
    grounds,
    challenger: challenger.ref,
    champion: champion?.ref ?? null,
    not_compared: notCompared,
    rules,
    ...(notJudged.length > 0 && { not_judged: notJudged }),
    metrics,
    comparison,
    convention: byAuc ? DELONG_CONVENTION : BOOTSTRAP_CONVENTION,
  };
}

/** The rules that a version passes or breaks by itself, by its metrics on the rows that the gate goes by. */
export function limitRules(
  spec: TaskSpec,
  gate: PromotionGate,
  metrics: TaskMetrics,
  slices: SliceMetrics[] = [],
): GateRule[] {
  const { metricNames } = taskOf(spec);
  return [
    atLeast('min_samples', gate.min_samples, metrics.n),
    ...metricNames.flatMap((name) => limitsOf(gate, name, metrics, metrics.intervals)),
    ...sliceRules(gate, metricNames, slices),
  ];
}

/** Model tests are told by themselves, and here where they stand in the way. */
function testRules(failedTests: number | null | undefined): GateRule[] {
  return failedTests === undefined || failedTests === 0 ? [] : [atMost('failed_model_tests', 0, failedTests)];
}

/** The limits for each slice that has enough rows. */
function sliceRules(
  { slices: limits }: PromotionGate,
  names: readonly MetricName[],
  slices: SliceMetrics[],
): GateRule[] {
  if (!limits) return [];
  return slices.flatMap((slice) => {
    const { metrics } = slice;
    if (!metrics) return [];
    const rules = names.flatMap((name) => limitsOf(limits, name, metrics, metrics.intervals));
    return rules.map((rule) => ({ ...rule, rule: `${rule.rule} of ${sliceName(slice)}` }));
  });
}

/** The limits that are set for a metric. */
function limitsOf(
  { minimums, maximums }: Pick<PromotionGate, 'minimums' | 'maximums'>,
  name: MetricName,
  metrics: TaskMetrics,
  intervals: TaskMetrics['intervals'],
): GateRule[] {
  const [minimum, maximum] = [minimums[name], maximums[name]];
  const value = metrics[name] ?? null;
  const interval = intervals?.[name] ?? undefined;
  return [
    ...(minimum === undefined ? [] : [atLeast(`minimum ${name}`, minimum, value)]),
    ...(maximum === undefined ? [] : [atMost(`maximum ${name}`, maximum, value)]),
  ].map((rule) => ({ ...rule, ...(interval && { interval }) }));
}

/** Rows of one class can't tell a good model from a bad one, whatever some metrics say of them. */
function rowsOfEachClass(labels: ArrayLike<number>): GateRule[] {
  const positives = Array.prototype.filter.call(labels, (label: number) => label === 1).length;
  const fewer = Math.min(positives, labels.length - positives);
  return fewer === 0 ? [atLeast('rows_of_each_class', 1, 0)] : [];
}

/** How models are compared by other metrics than ROC AUC, in words. */
const BOOTSTRAP_CONVENTION = 'Two-sided paired bootstrap: both models score the same resampled rows, by a fixed seed.';

function againstChampion(
  metric: MetricName,
  challenger: TaskMetrics,
  champion: TaskMetrics,
  comparison: AucComparison | MetricComparison | null,
  gate: PromotionGate,
): GateRule[] {
  const [now, before] = [challenger[metric] ?? null, champion[metric] ?? null];
  const higher = directionOf(metric) === 'higher';
  const loss = now === null || before === null ? null : higher ? before - now : now - before;
  const significant = comparison !== null && comparison.p < gate.alpha;
  const better = comparison !== null && (higher ? comparison.difference > 0 : comparison.difference < 0);
  const name = metric === 'roc_auc' ? 'ROC AUC' : metric;
  return [
    // How much of a metric in units of its own is much, nobody can say beforehand.
    ...(metric === 'roc_auc' ? [atMost('max_auc_loss', gate.max_auc_loss, loss)] : []),
    gate.require === 'better'
      ? {
          rule: 'significantly_better',
          expected: `${higher ? 'higher' : 'lower'} ${name} with p < ${gate.alpha}`,
          actual: comparison?.p ?? null,
          passed: significant && better,
        }
      : {
          rule: 'not_significantly_worse',
          expected: `no ${higher ? 'lower' : 'higher'} ${name} with p < ${gate.alpha}`,
          actual: comparison?.p ?? null,
          passed: comparison !== null && (better || !significant),
        },
  ];
}

function atLeast(rule: string, least: number, actual: number | null): GateRule {
  return { rule, expected: `>= ${least}`, actual, passed: actual !== null && actual >= least };
}

function atMost(rule: string, most: number, actual: number | null): GateRule {
  return { rule, expected: `<= ${most}`, actual, passed: actual !== null && actual <= most };
}

function conclusionOf(
  challenger: VersionRef,
  champion: VersionRef | null,
  decision: PromotionDecision['decision'],
): string {
  if (decision === 'refuse') return `${versionName(challenger)} may not be promoted`;
  if (decision === 'hold') return `${versionName(challenger)} may be promoted, and waits for a person to do so`;
  return champion
    ? `${versionName(challenger)} takes the place of ${versionName(champion)}`
    : `${versionName(challenger)} becomes the first champion`;
}

function groundsOf(rules: GateRule[], broken: GateRule[], minimumsAlone: boolean): string {
  const faults = broken.map(({ rule, expected, actual }) => `${rule} (expected ${expected}, got ${shown(actual)})`);
  if (faults.length > 0) return `it does not pass ${faults.join(', ')}`;
  const which = minimumsAlone ? ` that ${agreeing(rules.length, 'needs', 'need')} no comparison` : '';
  return `it passes ${agreeing(rules.length, 'the one rule', `all ${countOf(rules.length, 'rule')}`)}${which}`;
}

function shown(value: number | null): string {
  return value === null ? 'nothing that can be computed' : String(Number(value.toPrecision(4)));
}
