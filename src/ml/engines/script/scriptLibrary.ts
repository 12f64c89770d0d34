import { mkdtempSync, rmSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isObject, type Progress } from '../../../contracts/index.js';
import { PerdureError } from '../../../errors.js';
import { diskError } from '../../../platform/files/diskError.js';
import { writeColumns } from '../../../platform/files/parquet.js';
import type { DataNeeds, Script, TrainingRecipe } from '../../estimators/estimator.js';
import type { Dataset, Features, Library, Matrix, Model, Rows, TrainingWork } from '../binding.js';
import { checkpointFolder } from '../checkpointFolder.js';
import { sha256Of } from '../digest.js';
import { apart } from '../validationRows.js';
import { filesBelow, writeBelow } from './files.js';
import { runnable, scriptVersion, sourcesOf, versionOf, type Runnable } from './scriptFiles.js';
import { ScriptModel, unpackModel, type ModelFacts, type Runs } from './scriptModel.js';
import { ScriptProcess } from './scriptProcess.js';
import { columnsOf, ScriptRows } from './scriptRows.js';
import { makeWorkFolder } from './workFolder.js';

/** Lines of one process that are passed on. */
const MOST_LINES = 200;
/** Lines of metrics that are kept with a model. */
const MOST_METRICS = 10_000;

/** A copy of a script's folder, and the version of what was copied. */
interface Copy {
  folder: string;
  version: string;
}

/** Programs of users as a library: each training is a process, and each model one that answers until it is freed. */
export class ScriptLibrary implements Library, Runs {
  private readonly root = makeWorkFolder();
  private readonly copies = new Map<string, Promise<Copy>>();
  private peak = 0;
  private running = new Set<ScriptProcess>();

  constructor(private readonly onProgress: (progress: Progress) => void) {}

  version(script?: Script): Promise<string> {
    return scriptVersion(script!);
  }

  dataset(matrix: Matrix, features: string[], needs: DataNeeds): Dataset {
    return new TrainingFiles(this.folder(), matrix, features, needs);
  }

  rows(features: Features): Rows {
    return new ScriptRows(features);
  }

  async train(dataset: Dataset, features: string[], _recipe: TrainingRecipe, work: TrainingWork): Promise<Model> {
    const script = work.script!;
    const files = await (dataset as TrainingFiles).written(work);
    const folder = this.folder();
    const [output, params] = [join(folder, 'model'), join(folder, 'params.json')];
    const given = paramsOf(work, features, files.categoricals);
    const metrics: string[] = [];
    try {
      await mkdir(output);
      await writeFile(params, JSON.stringify(given, null, 2)).catch((error: unknown) => {
        throw diskError(error, params);
      });
      const { folder: sources, version } = await this.copyOf(script);
      const key = sha256Of(JSON.stringify([version, files.digests, { ...given, limits: undefined }]));
      const checkpoint = checkpointFolder(key);
      const checkpoints = checkpoint?.path ?? mkdtempSync(join(folder, 'checkpoint-'));
      const args = ['train', '--train', files.train, ...(files.validation ? ['--validation', files.validation] : [])];
      const run = await this.start(
        script,
        sources,
        [...args, '--params', params, '--output', output, '--checkpoint', checkpoints],
        work.memory,
        (message) => this.takeNews(message, metrics),
      );
      const fault = await run.within('finished training', run.fault);
      // What was killed may go on; what is wrong with the script, or with what it kept, would only be so again.
      if (!fault?.retryable) checkpoint?.remove();
      if (fault) throw fault;
      if ((await filesBelow(output)).length === 0)
        throw new PerdureError(
          'EngineFailed',
          `The script ${script.name} wrote no model; have "train" write its files into the folder that --output names.`,
        );
      // Who fetches packages is a matter of the worker's, and none of the model's.
      const { setUpBy: _, ...kept } = script;
      const facts: ModelFacts = { format: 1, script: { ...kept, folder: '' }, task: work.task, features };
      return new ScriptModel(this, facts, { sources, model: output, folder, memory: work.memory }, metrics);
    } catch (error) {
      await rm(folder, { recursive: true, force: true });
      throw error;
    }
  }

  async load(bytes: Uint8Array, _threads: number, memory: number): Promise<Model> {
    const folder = this.folder();
    const facts = await unpackModel(bytes, folder);
    return new ScriptModel(this, facts, {
      sources: join(folder, 'script'),
      model: join(folder, 'model'),
      folder,
      memory,
    });
  }

  peakMemory(): number {
    return Math.max(this.peak, ...[...this.running].map(({ peak }) => peak));
  }

  async start(
    script: Script,
    sources: string,
    args: string[],
    memory: number,
    onMessage: (message: Record<string, unknown>) => void,
  ): Promise<ScriptProcess> {
    const { name, timeout_seconds: timeoutSeconds } = script;
    let lines = 0;
    const onLog = (line: string) => {
      lines++;
      if (lines <= MOST_LINES) process.stderr.write(`${name}: ${line}\n`);
      if (lines === MOST_LINES) process.stderr.write(`${name}: what it writes after this is left out\n`);
    };
    const run: Runnable = await runnable(script, sources, onLog);
    const started = new ScriptProcess({
      name,
      program: run.program,
      args: [...run.args, ...args],
      env: run.env,
      folder: sources,
      memory,
      work: this.root,
      timeoutSeconds,
      onLog,
      onMessage,
    });
    this.running.add(started);
    void started.fault.then(() => {
      this.peak = Math.max(this.peak, started.peak);
      this.running.delete(started);
    });
    return started;
  }

  /** How far a training is, and its metrics after a step, which are kept with the model. */
  private takeNews(message: Record<string, unknown>, metrics: string[]): void {
    const { progress, step, metrics: measured } = message;
    if (isObject(progress) && typeof progress.done === 'number' && typeof progress.total === 'number')
      this.onProgress({ what: 'steps of the script', done: progress.done, total: progress.total });
    if (isObject(measured) && metrics.length < MOST_METRICS) metrics.push(JSON.stringify({ step, metrics: measured }));
  }

  /** A copy of a script's folder, in which it runs. */
  private copyOf(script: Script): Promise<Copy> {
    const key = JSON.stringify([script.folder, script.command]);
    const copy = this.copies.get(key) ?? this.makeCopy(script);
    this.copies.set(key, copy);
    copy.catch(() => this.copies.delete(key));
    return copy;
  }

  private async makeCopy(script: Script): Promise<Copy> {
    const folder = this.folder();
    const files = await sourcesOf(script);
    await writeBelow(folder, files);
    return { folder, version: await versionOf(script, files) };
  }

  private folder(): string {
    try {
      return mkdtempSync(join(this.root, 'work-'));
    } catch (error) {
      throw diskError(error, this.root);
    }
  }
}

/** What `params.json` says. */
function paramsOf(
  { task, params, seed, label, memory }: TrainingWork,
  features: string[],
  categoricals: number[],
): Record<string, unknown> {
  return {
    ...task,
    params,
    seed,
    features,
    label,
    categoricals: categoricals.map((position) => features[position]),
    limits: { threads: 1, memory_mb: Number.isFinite(memory) ? Math.floor(memory / 1e6) : null },
  };
}

/** Paths of the files, and what they hold. */
interface WrittenFiles {
  train: string;
  validation?: string;
  digests: string[];
  /** Positions of the columns that hold categories. */
  categoricals: number[];
}

/** Rows to train on, as Parquet files from the first training on. */
class TrainingFiles implements Dataset {
  private files: Promise<WrittenFiles> | undefined;

  constructor(
    private readonly folder: string,
    private matrix: Matrix | undefined,
    private readonly features: string[],
    private readonly needs: DataNeeds,
  ) {}

  written(work: TrainingWork): Promise<WrittenFiles> {
    return (this.files ??= this.write(work));
  }

  free(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  private async write({ label, task }: TrainingWork): Promise<WrittenFiles> {
    const matrix = this.matrix!;
    this.matrix = undefined;
    const { validation: apartFrom, categoricals = [] } = this.needs;
    const isClass = task.task !== 'regression';
    const chosen = apartFrom ? apart(matrix, isClass, apartFrom) : { train: undefined };
    const write = async (name: string, rows?: Uint32Array) => {
      const path = join(this.folder, `${name}.parquet`);
      const labels = valuesAt(matrix.labels, rows);
      await writeColumns(path, {
        ...columnsOf(matrix, this.features, rows),
        [label]: isClass ? Int32Array.from(labels) : labels,
      });
      return path;
    };
    const train = await write('train', chosen.train);
    const validation = 'test' in chosen ? await write('validation', chosen.test) : undefined;
    const digests = await Promise.all(
      [train, validation ?? []].flat().map(async (path) => sha256Of(await readFile(path))),
    );
    return { train, ...(validation !== undefined && { validation }), categoricals, digests };
  }
}

function valuesAt(values: Float64Array, rows?: Uint32Array): Float64Array {
  return rows ? Float64Array.from(rows, (row) => values[row]!) : values;
}
