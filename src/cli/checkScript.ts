import { existsSync, statSync } from 'node:fs';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { availableParallelism, tmpdir, totalmem } from 'node:os';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { estimatorOf, loadPipeline } from '../config/load.js';
import { toldTask } from '../config/schema.js';
import { countOf } from '../contracts/counts.js';
import { isObject, type Params, type TaskSpec } from '../contracts/index.js';
import { PerdureError, messageOf } from '../errors.js';
import { createEnginePool } from '../ml/engines/hostPool.js';
import type { EnginePool, MatrixFile } from '../ml/engines/pool.js';
import type { Script } from '../ml/estimators/estimator.js';
import { Mt19937 } from '../ml/mt19937.js';
import { sha256File } from '../platform/storage/checksum.js';
import { writeColumns, type Column } from '../platform/files/parquet.js';
import { limitsOf } from '../platform/resources/limits.js';
import { chosenResources } from '../platform/resources/resources.js';
import { EXIT } from './exitCodes.js';
import { interruption } from './interruption.js';
import type { JsonOption } from './options.js';
import { print, printJson } from './terminal.js';
import { table } from './table.js';

export interface CheckScriptOptions extends JsonOption {
  task?: TaskSpec['task'];
  params?: string;
}

/** A part of the contract, and whether a script keeps to it. */
interface Check {
  check: string;
  /** `null` for what can't be told, as a check before failed. */
  passed: boolean | null;
  detail: string;
}

/** Programs that run files of a kind. */
const RUNS: Record<string, string> = {
  '.py': 'python',
  '.js': 'node',
  '.mjs': 'node',
  '.R': 'Rscript',
  '.jl': 'julia',
  '.sh': 'sh',
};

/**
 * Has a script train and predict on a small table that is made here, and tells what of the contract it kept to.
 *
 * @param what a pipeline, or the file of a script
 * @param algorithm of the pipeline; its scripts where none is named
 */
export async function checkScript(
  what: string,
  algorithm: string | undefined,
  options: CheckScriptOptions,
): Promise<void> {
  const scripts = await scriptsOf(what, algorithm, options);
  const checked: Record<string, Check[]> = {};
  const engines = createEnginePool(
    limitsOf(chosenResources({ cpus: availableParallelism(), memory: totalmem() })).engines,
  );
  try {
    for (const { name, script, params, task } of scripts) {
      checked[name] = await new ScriptChecks(engines, script, params, task).run();
      if (options.json) continue;
      print(`${name}: ${script.command.join(' ')} in ${script.folder}, on a ${task.task} task`);
      print(
        table(
          ['check', 'verdict', ''],
          checked[name].map(({ check, passed, detail }) => [
            check,
            passed === null ? '-' : passed ? 'passed' : 'FAILED',
            detail,
          ]),
        ),
      );
    }
  } finally {
    await engines.close();
  }
  const passed = Object.values(checked)
    .flat()
    .every((check) => check.passed === true);
  if (options.json) printJson({ passed, scripts: checked });
  if (!passed) process.exitCode = EXIT.failed;
}

interface NamedScript {
  name: string;
  script: Script;
  params: Params;
  task: TaskSpec;
}

async function scriptsOf(
  what: string,
  algorithm: string | undefined,
  options: CheckScriptOptions,
): Promise<NamedScript[]> {
  const given = options.params === undefined ? undefined : paramsOf(options.params);
  if (existsSync(what) && statSync(what).isFile()) {
    const [folder, file] = [dirname(resolve(what)), basename(what)];
    const program = RUNS[extname(file)];
    const script: Script = {
      name: basename(folder),
      folder,
      command: program ? [program, file] : [`./${file}`],
      timeout_seconds: 600,
      validation_share: 0.2,
    };
    return [{ name: file, script, params: given ?? {}, task: TASKS[options.task ?? 'binary'] }];
  }
  const pipeline = await loadPipeline(what);
  const names = algorithm === undefined ? Object.keys(pipeline.config.algorithms) : [algorithm];
  const task = TASKS[options.task ?? toldTask(pipeline.definition) ?? 'binary'];
  const found = names.flatMap((name): NamedScript[] => {
    const { script } = estimatorOf(pipeline, name);
    return script ? [{ name, script, params: given ?? pipeline.config.algorithms[name]!.params, task }] : [];
  });
  if (found.length > 0) return found;
  throw new PerdureError(
    'NotFound',
    algorithm === undefined
      ? `No algorithm of ${what} is a script; name the file of one, or give an algorithm the estimator "script".`
      : `The algorithm ${algorithm} of ${what} is no script; name one whose estimator is "script".`,
  );
}

function paramsOf(text: string): Params {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  if (!isObject(value))
    throw new PerdureError('ConfigInvalid', `--params is ${text}; give an object of JSON such as '{"depth": 4}'.`);
  return value as Params;
}

const TASKS: Record<TaskSpec['task'], TaskSpec> = {
  binary: { task: 'binary', classes: ['no', 'yes'] },
  multiclass: { task: 'multiclass', classes: ['A', 'B', 'C'] },
  regression: { task: 'regression', objective: 'squared_error' },
};

const ROWS = 300;
const FEATURES = ['number', 'with_missing', 'all_missing', 'flag'];

class ScriptChecks {
  private readonly checks: Check[] = [];
  private readonly signal = interruption();
  private folder = '';
  private over = false;

  constructor(
    private readonly engines: EnginePool,
    private readonly script: Script,
    private readonly params: Params,
    private readonly task: TaskSpec,
  ) {}

  async run(): Promise<Check[]> {
    this.folder = await mkdtemp(join(tmpdir(), 'perdure-check-'));
    try {
      const { columns, label } = tinyTable(this.task);
      const train = await this.file('train', { ...columns, label });
      const model = join(this.folder, 'model.tar');
      await this.check('its files are known', () => this.engines.version('script', this.script));
      await this.check('trains', async () => {
        const { seconds } = await this.fit(train, model);
        return `${seconds.toFixed(1)} s, a model of ${countOf((await stat(model)).size, 'byte')} with its script`;
      });
      let said = new Float64Array(0);
      await this.check('predicts', async () => {
        said = await this.predict(model, train.path);
        return `${countOf(ROWS, 'row')}, each as the task asks for`;
      });
      await this.check('has learned something', () => {
        if (new Set(said).size < 2)
          throw new Error('It says the same of every row; see that "predict" uses the model.');
        return Promise.resolve('Not every row is the same to it.');
      });
      await this.check('says the same of a row wherever it stands', async () => {
        const backwards = await this.file(
          'backwards',
          mapped(columns, (values) => values.slice().reverse()),
        );
        const other = await this.predict(model, backwards.path);
        const width = said.length / ROWS;
        for (let row = 0; row < ROWS; row++)
          for (let of = 0; of < width; of++)
            if (Math.abs(said[row * width + of]! - other[(ROWS - 1 - row) * width + of]!) > 1e-6)
              throw new Error(
                `Row ${row + 1} gets another prediction where the rows are turned round; predict each row by itself.`,
              );
        return 'The rows were turned round.';
      });
      await this.check('predicts one row', async () => {
        const one = await this.file(
          'one',
          mapped(columns, (values) => values.slice(0, 1)),
        );
        await this.predict(model, one.path);
        return 'As single-row prediction does.';
      });
      await this.check('predicts a row of missing values', async () => {
        const odd = await this.file(
          'odd',
          mapped(columns, () => Float32Array.of(NaN)),
        );
        await this.predict(model, odd.path);
        return 'All of them are NaN.';
      });
      await this.check('makes the same model of the same rows', async () => {
        const again = join(this.folder, 'again.tar');
        await this.fit(train, again);
        if ((await sha256File(model)) !== (await sha256File(again)))
          throw new Error(
            'Its files differ from one training to the next; use the seed of params.json, and write no times.',
          );
        return 'To the byte.';
      });
      return this.checks;
    } finally {
      await rm(this.folder, { recursive: true, force: true });
    }
  }

  /** What follows one that failed would only say the same again. */
  private async check(check: string, look: () => Promise<string>): Promise<void> {
    if (this.over) {
      this.checks.push({ check, passed: null, detail: 'The check before failed.' });
      return;
    }
    try {
      this.checks.push({ check, passed: true, detail: await look() });
    } catch (error) {
      this.signal.throwIfAborted();
      this.checks.push({ check, passed: false, detail: messageOf(error) });
      this.over = error instanceof PerdureError;
    }
  }

  private fit(train: MatrixFile, modelPath: string): Promise<{ seconds: number }> {
    const { script, params, task } = this;
    return this.engines.fit({ train, task, estimator: 'script', script, params, seed: 42, modelPath }, this.signal);
  }

  private async predict(modelPath: string, path: string): Promise<Float64Array<ArrayBuffer>> {
    const data = { path, features: FEATURES };
    const { values } = await this.engines.predict({ modelPath, task: this.task, data }, this.signal);
    return Float64Array.from(values);
  }

  private async file(name: string, columns: Record<string, Column>): Promise<MatrixFile> {
    const path = join(this.folder, `${name}.parquet`);
    await writeColumns(path, columns);
    return { path, checksum: path, features: FEATURES, label: 'label', rows: ROWS };
  }
}

/** Rows whose label follows the first two features. */
function tinyTable(task: TaskSpec): { columns: Record<string, Float32Array>; label: Column } {
  const random = new Mt19937(7);
  const draw = () => Float32Array.from({ length: ROWS }, () => random.integer(2 ** 20) / 2 ** 20 - 0.5);
  const [number, second] = [draw(), draw()];
  const value = Float64Array.from(number, (one, row) => 3 * one + second[row]!);
  const columns = {
    number,
    with_missing: second.map((one, row) => (row % 5 === 0 ? NaN : one)),
    all_missing: new Float32Array(ROWS).fill(NaN),
    flag: Float32Array.from({ length: ROWS }, (_, row) => row % 2),
  };
  if (task.task === 'regression') return { columns, label: value };
  const classes = task.classes.length;
  return {
    columns,
    label: Int8Array.from(value, (one) =>
      Math.max(0, Math.min(classes - 1, Math.floor(((one + 1.2) / 2.4) * classes))),
    ),
  };
}

function mapped(
  columns: Record<string, Float32Array>,
  change: (values: Float32Array) => Float32Array,
): Record<string, Column> {
  return Object.fromEntries(Object.entries(columns).map(([name, values]) => [name, change(values)]));
}
