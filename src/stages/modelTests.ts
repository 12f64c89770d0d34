import { stat } from 'node:fs/promises';
import type { Pipeline } from '../config/load.js';
import { countOf } from '../contracts/counts.js';
import { PERFORMANCE_TEST, type ModelTest, type SplitName, type VersionRef } from '../contracts/index.js';
import { PerdureError } from '../errors.js';
import { createEnginePool } from '../ml/engines/hostPool.js';
import type { ModelOutput } from '../ml/modelOutput.js';
import { rowsOfTable, withColumn, type RawValue } from '../ml/rows.js';
import type { RawColumn, RawTable } from '../ml/table.js';
import { taskOf } from '../ml/tasks/task.js';
import { applyTransforms } from '../ml/transforms/transforms.js';
import { limitsOf } from '../platform/resources/limits.js';
import { limitRules } from '../registry/promotionGate.js';
import { slicesOf } from '../registry/slices.js';
import { checkVersion, readVersionFileIfAny, requireVersion } from '../registry/versions.js';
import { shareExpected, tryBehaviour } from './behaviouralTests.js';
import type { StageContext } from './context.js';
import { isUseless } from './evaluateChallenger.js';
import { openModel, scoreRows, thresholdOf, type OpenModel } from './openModel.js';

/** Rows that are predicted one by one, after some whose times don't count, as code is slow until it has run. */
const SINGLE_ROWS = 100;
const WARM_UP_ROWS = 10;
/** Rows that are predicted at once; few rows come again until there are so many. */
const BATCH_ROWS = 1_000;
/** Rows that the tests look at. */
export const TESTED_ROWS = 10_000;

/** What is measured of a version. */
export interface TestedVersion {
  ref: VersionRef;
  /** The split whose metrics the promotion gate goes by. */
  split: SplitName;
  /** Raw rows to predict; without any, what needs some is not measured. */
  rows: RawTable;
}

/**
 * Tests a registered version in an engine process of its own, which has nothing loaded before: whether it loads, says what
 * its task asks for, of odd rows as well, meets the limits of the gate, and is small, fast and modest enough. What can't be measured is
 * not passed.
 *
 * @throws PerdureError where looking fails: the store, the disk, the engine's library
 */
export async function testVersion(
  context: StageContext,
  pipeline: Pipeline,
  tested: TestedVersion,
): Promise<ModelTest[]> {
  const engines = createEnginePool({ hosts: 1, memory: limitsOf(context.resources).engines.memory });
  try {
    return await new VersionTests({ ...context, engines }, pipeline, tested).run();
  } finally {
    await engines.close();
  }
}

/** What a test found. */
type Found = Omit<ModelTest, 'test' | 'expected'>;

class VersionTests {
  private readonly tests: ModelTest[] = [];
  private rows: RawTable;

  constructor(
    private readonly context: StageContext,
    private readonly pipeline: Pipeline,
    private readonly tested: TestedVersion,
  ) {
    this.rows = tested.rows;
  }

  async run(): Promise<ModelTest[]> {
    const limits = this.pipeline.config.model_tests;
    let model: OpenModel | undefined;
    await this.test('loads', 'its files as written, and a prediction', async () => {
      const opened = await this.open();
      this.rows = inputsOf(opened, this.rows);
      const began = performance.now();
      await this.predict(opened, rowsOfTable(this.rows, [0]));
      model = opened;
      return { actual: 1, passed: true, detail: `Its first prediction took ${whole(performance.now() - began)} ms.` };
    });
    await this.test('prediction_format', 'no faulty row', () => this.faultyRows(loaded(), this.rows));
    await this.test('invalid_inputs', 'no faulty row', () => this.faultyRows(loaded(), oddRows(this.rows)));
    await this.test(PERFORMANCE_TEST, 'no limit broken', () => this.brokenLimits());
    await this.test('size_mb', `<= ${limits.max_size_mb}`, async () => {
      const { size } = await stat(loaded().modelPath);
      return atMost(limits.max_size_mb, size / 1e6);
    });
    await this.test('latency_p95_ms', `<= ${limits.max_latency_ms}`, () => this.latency(loaded()));
    await this.test('rows_per_second', `>= ${limits.min_rows_per_second}`, () => this.throughput(loaded()));
    await this.test('memory_mb', `<= ${limits.max_memory_mb}`, async () => {
      loaded();
      return atMost(limits.max_memory_mb, (await this.context.engines.peakMemory(this.context.signal)) / 1e6);
    });
    for (const behaviour of this.pipeline.behaviouralTests)
      await this.test(behaviour.name, shareExpected(behaviour), () => {
        const model = loaded();
        return tryBehaviour(behaviour, {
          model,
          rows: this.rows,
          threshold: thresholdOf(this.pipeline, model.threshold),
          predict: (rows) => this.predict(model, rows),
        });
      });
    return this.tests;

    function loaded(): OpenModel {
      if (!model) throw new NotMeasured('It does not load.');
      return model;
    }
  }

  /** A version that is no good fails the test; a store or a library that is away is a failure to look. */
  private async test(test: string, expected: string, measure: () => Found | Promise<Found>): Promise<void> {
    let found: Found;
    try {
      found = await measure();
    } catch (error) {
      this.context.signal.throwIfAborted();
      if (!(error instanceof NotMeasured || isUseless(error) || isCrash(error))) throw error;
      found = { actual: null, passed: false, detail: error.message };
    }
    this.tests.push({ test, expected, ...found });
  }

  private async open(): Promise<OpenModel> {
    const { modelRegistry } = this.context.stores(this.pipeline);
    if (this.rows.rows === 0) throw new NotMeasured('There are no rows to predict.');
    await checkVersion(modelRegistry, this.tested.ref);
    return openModel(modelRegistry, this.tested.ref);
  }

  /** From raw rows to calibrated predictions. A process that another ended is started once more. */
  private async predict(model: OpenModel, rows: RawTable): Promise<ModelOutput> {
    const { transforms, features } = model.preprocessing;
    const { columns } = applyTransforms(transforms, rows);
    const score = () => scoreRows(this.context, model, { features, columns });
    return score().catch((error: unknown) => {
      if (!isCrash(error)) throw error;
      return score();
    });
  }

  private async faultyRows(model: OpenModel, rows: RawTable): Promise<Found> {
    const faulty = countFaulty(model, rows.rows, await this.predict(model, rows));
    return { ...atMost(0, faulty), detail: `Of ${countOf(rows.rows, 'row')}.` };
  }

  private async brokenLimits(): Promise<Found> {
    const { modelRegistry } = this.context.stores(this.pipeline);
    const { ref, split } = this.tested;
    const metadata = await requireVersion(modelRegistry, ref);
    const metrics = metadata.performance[split];
    if (!metrics) throw new NotMeasured(`It has no metrics of ${split}.`);
    const slices = slicesOf(await readVersionFileIfAny(modelRegistry, metadata, 'slices.json'), split);
    const rules = limitRules(metadata.task, this.pipeline.config.promotion_gate, metrics, slices);
    const broken = rules.filter(({ passed }) => !passed);
    return {
      ...atMost(0, broken.length),
      detail:
        broken.length === 0
          ? `Of ${countOf(rules.length, 'limit')} of the promotion gate.`
          : `Below or above its limit: ${broken.map(({ rule, expected, actual }) => `${rule} ${figure(actual)} (${expected})`).join(', ')}.`,
    };
  }

  private async latency(model: OpenModel): Promise<Found> {
    const { rows } = this;
    const times: number[] = [];
    for (let i = 0; i < WARM_UP_ROWS + SINGLE_ROWS; i++) {
      const row = rowsOfTable(rows, [i % rows.rows]);
      const began = performance.now();
      await this.predict(model, row);
      if (i >= WARM_UP_ROWS) times.push(performance.now() - began);
    }
    times.sort((a, b) => a - b);
    return {
      ...atMost(this.pipeline.config.model_tests.max_latency_ms, percentile(times, 0.95)),
      detail: `Median ${figure(percentile(times, 0.5))} ms, 99th percentile ${figure(percentile(times, 0.99))} ms of ${countOf(times.length, 'row')}, one by one.`,
    };
  }

  private async throughput(model: OpenModel): Promise<Found> {
    const { rows } = this;
    const batch = rowsOfTable(
      rows,
      Array.from({ length: Math.max(BATCH_ROWS, rows.rows) }, (_, i) => i % rows.rows),
    );
    const began = performance.now();
    await this.predict(model, batch);
    const actual = whole(batch.rows / ((performance.now() - began) / 1000));
    return {
      actual,
      passed: actual >= this.pipeline.config.model_tests.min_rows_per_second,
      detail: `${countOf(batch.rows, 'row')} at once.`,
    };
  }
}

/** Why a test has no number. */
class NotMeasured extends Error {}

/** A process that died once may have been ended from outside; one that does twice is the model's doing. */
function isCrash(error: unknown): error is PerdureError {
  return error instanceof PerdureError && error.type === 'EngineCrashed';
}

/** Rows without a prediction, or with one that the task can't have. */
function countFaulty({ task: spec }: OpenModel, rows: number, output: ModelOutput): number {
  const task = taskOf(spec);
  const { values, width } = output;
  const said = width === task.width ? values.length / width : 0;
  let faulty = Math.abs(rows - said);
  for (let row = 0; row < Math.min(rows, said); row++)
    if (!task.isSound(values.subarray(row * width, (row + 1) * width))) faulty++;
  return faulty;
}

/** The columns that a version reads. */
function inputsOf({ preprocessing }: OpenModel, { rows, columns }: RawTable): RawTable {
  const gone = preprocessing.inputs.filter(({ name }) => !columns.has(name)).map(({ name }) => name);
  if (gone.length > 0) throw new NotMeasured(`It reads ${gone.join(', ')}, which gold doesn't have any more.`);
  return { rows, columns: new Map(preprocessing.inputs.map(({ name }) => [name, columns.get(name)!])) };
}

/** What a feature may hold that the training rows did not: nothing, infinities, a number beyond single precision, a category that nobody has seen. */
const ODD_VALUES: Record<RawColumn['kind'], RawValue[]> = {
  number: [null, Infinity, -Infinity, 1e300, -1e300],
  category: [null, '__perdure_unseen', ''],
  date: [null],
};

/** Columns that are tried with odd values; of wide tables the first ones. */
const ODD_COLUMNS = 200;

/** The first row with an odd value in one column, for each column and value, and without any value at all. */
function oddRows(table: RawTable): RawTable {
  const tried = [...table.columns].slice(0, ODD_COLUMNS);
  const odd = tried.flatMap(([name, { kind }]) => ODD_VALUES[kind].map((value) => ({ name, value })));
  const repeated = rowsOfTable(table, new Int32Array(odd.length + 1));
  return [...table.columns.keys()].reduce(
    (rows, name) =>
      withColumn(rows, name, (position, now) => {
        if (position === odd.length) return null;
        return odd[position]!.name === name ? odd[position]!.value : now;
      }),
    repeated,
  );
}

/** The smallest of the values that a share of them doesn't exceed (nearest rank). @param sorted ascending, one at least */
function percentile(sorted: number[], share: number): number {
  return sorted[Math.ceil(share * sorted.length) - 1]!;
}

function atMost(limit: number, actual: number): Found {
  return { actual: Number(actual.toPrecision(6)), passed: actual <= limit };
}

function whole(value: number): number {
  return Math.round(value);
}

/** Four digits, or that there is none. */
export function figure(value: number | null): string {
  return value === null ? 'not measured' : String(Number(value.toPrecision(4)));
}
