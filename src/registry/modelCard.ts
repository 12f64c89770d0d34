import {
  SPLITS,
  metricsOf,
  type ChosenThreshold,
  type SplitName,
  type TaskMetrics,
  type TaskSpec,
} from '../contracts/index.js';
import { countOf, listOf, scoreText } from '../contracts/counts.js';
import type { DatasetMetadata } from '../data/dataset.js';
import type { Calibrator } from '../ml/calibrator.js';
import { INTERVAL_CONVENTION } from '../ml/comparison/bootstrap.js';
import {
  IMPORTANCE_KINDS,
  IMPORTANCE_TITLES,
  importanceNotes,
  importanceOf,
  isMeasured,
  shiftInWords,
  type VersionImportance,
} from './importance.js';
import type { ImportanceChange } from './importanceHistory.js';
import { sliceName, type VersionSlices } from './slices.js';
import { measuredWith, type VersionReadiness } from './readiness.js';
import type { ModelSignature } from './signature.js';
import type { VersionMetadata } from './versions.js';

export interface CardFacts {
  title: string;
  /** Where the rows come from. */
  source: string;
  label: string;
  metadata: Omit<VersionMetadata, 'files'>;
  dataset: DatasetMetadata;
  signature: ModelSignature;
  threshold: ChosenThreshold | undefined;
  calibrator: Calibrator | undefined;
  slices: VersionSlices | undefined;
  importance: VersionImportance | undefined;
  /** Against the version before it, where there is one. */
  importanceChange: ImportanceChange | undefined;
}

/**
 * `card.md` of a version: what it is for, what it was made from, how good it is and where that ends. Of the same version it
 * is the same text.
 */
export function modelCard(facts: CardFacts): string {
  const { title, metadata } = facts;
  return (
    [
      `# ${named(title)}: ${metadata.model_name} ${metadata.version}`,
      ...section('Purpose', purposeOf(facts)),
      ...section('Data', dataOf(facts)),
      ...section('Model', modelOf(facts)),
      ...section('Metrics', metricsTable(facts)),
      ...(facts.slices ? section('Slices', slicesTable(facts.slices)) : []),
      ...(facts.importance
        ? section('Importance', importanceOfFeatures(facts.importance, facts.importanceChange))
        : []),
      ...section('Inputs', inputsTable(facts.signature)),
      ...section('Limits', limitsOf(facts)),
      ...section('Lineage', lineageOf(facts)),
    ].join('\n\n') + '\n'
  );
}

/** What the model tests said of a version, as a section of its card: they come after it is written. */
export function testsSection(readiness: VersionReadiness | undefined): string {
  const text = readiness
    ? [
        table(
          ['test', 'value', 'limit', 'verdict'],
          readiness.tests.map(({ test, actual, expected, passed }) => [
            code(test),
            actual === null ? 'not measured' : number(actual),
            expected,
            passed ? 'passed' : 'failed',
          ]),
        ),
        `Measured ${measuredWith(readiness)}.`,
      ].join('\n\n')
    : 'It was not tested.';
  return section('Model tests', text).join('\n\n');
}

function section(title: string, text: string): string[] {
  return [`## ${title}`, text];
}

const TASKS: Record<TaskSpec['task'], string> = {
  binary: 'yes or no',
  multiclass: 'one of several classes',
  regression: 'a number',
};

function purposeOf({ title, label, metadata: { task } }: CardFacts): string {
  const classes =
    task.task === 'binary'
      ? `: the probability that it is ${code(task.classes[1])} rather than ${code(task.classes[0])}`
      : task.task === 'multiclass'
        ? `: ${task.classes.map(code).join(', ')}`
        : '';
  return `Predicts ${code(label)} of each row of "${named(title)}", which is ${TASKS[task.task]}${classes}. It is meant for rows of the same source, and says nothing of what causes what.`;
}

function dataOf({ source, dataset }: CardFacts): string {
  const rows = SPLITS.flatMap((name) => {
    const split = dataset.splits[name];
    if (!split) return [];
    const days = split.end_date === undefined ? '' : `${split.start_date ?? 'the beginning'} to ${split.end_date}`;
    const classes = dataset.task.task === 'regression' ? '' : (split.classes ?? []).join(' / ');
    return [[name, String(split.rows), classes, days, split.unlabelled > 0 ? String(split.unlabelled) : '']];
  });
  return [
    `Rows of ${code(source)} as they stood at ${dataset.as_of}, in ${countOf(Object.keys(dataset.partitions).length, 'partition')}.`,
    table(['split', 'rows', 'rows by class', 'days', 'left out without a label'], rows),
  ].join('\n\n');
}

function modelOf({ metadata, threshold, calibrator }: CardFacts): string {
  const { lineage, best_params, cv_score, candidates } = metadata;
  const params = Object.entries(best_params).map(([name, value]) => `${name} = ${value}`);
  return list([
    `${metadata.model_name} of ${lineage.engine}, seed ${lineage.seed}, of ${countOf(metadata.feature_count, 'column')}`,
    params.length > 0 ? `Parameters: ${params.join(', ')}` : 'Parameters: the defaults of the estimator',
    cv_score === null
      ? 'Not cross-validated: there was a single candidate'
      : `Mean score of the folds ${number(cv_score)}, the best of ${countOf(candidates.length, 'candidate')}`,
    ...(calibrator
      ? [
          `Probabilities are calibrated by ${calibrator.curves[0]!.method}, fitted on ${countOf(calibrator.rows, 'row')} of the training folds: their Brier score was ${number(calibrator.brier_score.before)} before and is ${number(calibrator.brier_score.after)} after`,
        ]
      : []),
    ...(threshold ? [thresholdOf(threshold)] : []),
  ]);
}

function thresholdOf({ value, rule, split, met }: ChosenThreshold): string {
  if (rule === undefined) return `A row is predicted positive from a probability of ${value} on, as the config says`;
  return `A row is predicted positive from a probability of ${number(value)} on, which has the ${rule} in the split ${split}${met ? '' : ', as nearly as any threshold has it'}`;
}

function metricsTable({ metadata: { task, performance } }: CardFacts): string {
  const splits = SPLITS.filter((split) => performance[split]);
  const rows = metricsOf(task.task).map((metric) => [
    code(metric),
    ...splits.map((split) => withInterval(performance[split]!, metric)),
  ]);
  const confusions =
    task.task === 'regression' ? [] : splits.map((split) => confusionOf(split, performance[split]!, task.classes));
  return [table(['metric', ...splits], rows), `In brackets: ${INTERVAL_CONVENTION}.`, ...confusions].join('\n\n');
}

function withInterval(metrics: TaskMetrics, metric: ReturnType<typeof metricsOf>[number]): string {
  const interval = metrics.intervals?.[metric];
  const value = metrics[metric] ?? null;
  if (value === null) return 'undefined';
  return `${number(value)}${interval ? ` (${number(interval[0])} to ${number(interval[1])})` : ''}`;
}

function confusionOf(
  split: SplitName,
  { confusion_matrix: matrix = [] }: TaskMetrics,
  classes: readonly string[],
): string {
  return table(
    [`${split}: actual`, ...classes.map((name) => `predicted ${named(name)}`)],
    matrix.map((row, actual) => [named(classes[actual]!), ...row.map(String)]),
  );
}

function slicesTable({ splits, min_rows, not_measured }: VersionSlices): string {
  if (not_measured !== undefined) return plain(not_measured);
  const tables = SPLITS.flatMap((split) => {
    const slices = splits[split] ?? [];
    const first = slices.find(({ metrics }) => metrics)?.metrics;
    if (!first) return [];
    const names = SLICE_METRICS.filter((name) => first[name] !== undefined);
    const rows = slices.map((slice) => [
      named(sliceName(slice)),
      String(slice.rows),
      ...names.map((name) => (slice.metrics ? withInterval(slice.metrics, name) : 'too few rows')),
    ]);
    return [table([split, 'rows', ...names], rows)];
  });
  return [...tables, `A slice of fewer rows than ${min_rows} is not measured.`].join('\n\n');
}

/** What a card tells of a slice; `slices.json` has all. */
const SLICE_METRICS = ['roc_auc', 'precision', 'recall', 'accuracy', 'f1_macro', 'log_loss', 'rmse', 'mae'] as const;

/** Features that a card names; `importance.json` has all. */
const MOST_IMPORTANT = 10;

function importanceOfFeatures(importance: VersionImportance, change: ImportanceChange | undefined): string {
  const kinds = IMPORTANCE_KINDS.filter((kind) => isMeasured(importance, kind));
  const rows = importance.features.slice(0, MOST_IMPORTANT).map((feature) => [
    code(feature.feature),
    ...kinds.map((kind) => {
      const value = importanceOf(feature, kind);
      if (value === null) return 'not measured';
      return kind === 'permutation' ? `${number(value)} ± ${number(feature.permutation!.std)}` : number(value);
    }),
  ]);
  const notes = importanceNotes(importance);
  if (change)
    notes.push(
      `Against version ${change.before.version}: ${'unknown' in change ? `not known, as ${change.unknown}` : shiftInWords(change)}`,
    );
  return [table(['feature', ...kinds.map((kind) => IMPORTANCE_TITLES[kind])], rows), list(notes)].join('\n\n');
}

/** More categories than anybody reads. */
const SHOWN = 12;

function inputsTable({ inputs, outputs }: ModelSignature): string {
  const rows = inputs.map(({ name, type, range, categories, missing, outside }) => [
    code(name),
    type,
    range ? `${number(range[0])} to ${number(range[1])}` : categories ? listOf(categories.map(named), SHOWN) : 'any',
    missing,
    outside,
  ]);
  return [
    table(['column', 'type', 'values', 'a missing value', 'another value'], rows),
    `A prediction has ${outputs.map(({ name }) => code(name)).join(', ')}. ${code('signature.json')} has all of this.`,
  ].join('\n\n');
}

function limitsOf({ dataset, metadata, threshold }: CardFacts): string {
  const evaluating = SPLITS.filter((split) => metadata.performance[split]);
  return list([
    `The metrics are of ${evaluating.map((split) => `${countOf(metadata.performance[split]!.n, 'row')} of ${split}`).join(' and ')}, and hold for rows like these.`,
    ...(threshold?.split
      ? [`The threshold was chosen on the rows of ${threshold.split}, so what is measured at it there is too good.`]
      : []),
    ...(threshold?.met === false ? [`No threshold has ${threshold.rule} there; the nearest one is used.`] : []),
    ...dataset.warnings.map(named),
    'Whether it passes the model tests, and may take the place of the champion, is decided after this was written; "perdure models show" has the verdicts.',
  ]);
}

function lineageOf({ metadata: { lineage, training_date, version, model_name } }: CardFacts): string {
  return table(
    ['', ''],
    [
      ['version', `${model_name} ${version}`],
      ['trained', training_date],
      ['run', `${lineage.workflow_id} ${lineage.run_id}`],
      ['pipeline', `${lineage.pipeline}, ${lineage.environment}`],
      ['config', lineage.config_version ?? lineage.config_hash],
      ['code', `${lineage.code_commit ?? 'commit unknown'}, package ${lineage.package_version}`],
      ['dataset', `${lineage.dataset.id} ${lineage.dataset.checksum}`],
      ['gold files', lineage.inputs_digest],
      ['model file', lineage.model_checksum],
    ],
  );
}

function number(value: number): string {
  return String(Number(scoreText(value)));
}

function list(lines: string[]): string {
  return lines.map((line) => `- ${plain(line)}`).join('\n');
}

function table(head: string[], rows: string[][]): string {
  const line = (cells: string[]) =>
    `| ${cells
      .map(plain)
      .map((cell) => cell.replaceAll('|', '\\|'))
      .join(' | ')} |`;
  return [line(head), `|${head.map(() => '---').join('|')}|`, ...rows.map(line)].join('\n');
}

function code(text: string): string {
  return `\`${onOneLine(text).replaceAll('`', "'")}\``;
}

/** Text of people's own as it is: what Markdown has signs for is none of it. An underscore inside a word is no sign. */
function named(text: string): string {
  return plain(text.replaceAll(/[\\`*~[\]]|(?<![^\W_])_|_(?![^\W_])/g, '\\$&'));
}

/** Names are people's own: no line of theirs ends a table, and no tag of theirs is one. In code there are none. */
function plain(text: string): string {
  return onOneLine(text).replaceAll(/(?<!\\)`[^`]*`|</g, (found) => (found === '<' ? '&lt;' : found));
}

function onOneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ');
}
