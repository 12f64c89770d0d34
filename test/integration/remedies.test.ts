import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { diffModels, modelHistory } from '../../src/cli/versionHistory.js';
import { listModels, showModel } from '../../src/cli/versions.js';
import { moveModel } from '../../src/cli/moveModel.js';
import { status } from '../../src/cli/pipelineStatus.js';
import { defaultSource } from '../../src/cli/source.js';
import { PerdureError } from '../../src/errors.js';
import { bronze } from '../../src/stages/bronze.js';
import { checkPredictionsExist } from '../../src/stages/checkPredictionsExist.js';
import { detectDrift } from '../../src/stages/detectDrift.js';
import { findNewRows } from '../../src/stages/findNewRows.js';
import { gold } from '../../src/stages/gold.js';
import { measurePerformance } from '../../src/stages/measurePerformance.js';
import { predict } from '../../src/stages/predict.js';
import { resolveModel } from '../../src/stages/resolveModel.js';
import { silver } from '../../src/stages/silver.js';
import { trainLocally } from '../../src/stages/trainLocally.js';
import { writeReport } from '../../src/stages/writeReport.js';
import {
  AFTER_ALL,
  createTinyWorld,
  MONTHS,
  runRef,
  TINY,
  tinyEngines,
  type TinyWorld,
} from '../support/tinyPipeline.js';
import { temporaryFolder } from '../support/temporaryFolder.js';
import { presumingTested } from '../support/training.js';
import { TRIES_ALL } from '../support/triesAll.js';

/** One year: every kind of object is there, and a store is made again some hundred times. */
const YEAR = MONTHS.slice(-12);

const engines = tinyEngines();
let world: TinyWorld;
let csv: string;
const saved = temporaryFolder(afterAll);
let runs = 0;

const run = () => {
  const id = `remedy-${String(++runs).padStart(6, '0')}`;
  return { pipeline: TINY, run: runRef(id, new Date(Date.UTC(2002, 2, 1) + runs * 1000).toISOString()) };
};

async function processData(source?: string): Promise<void> {
  if (source === undefined) await defaultSource(await world.pipeline(), world.storeRoot);
  const made = await world.perform(bronze, { ...run(), source, asOf: AFTER_ALL });
  const partitions = [...made.written, ...made.unchanged].sort();
  await world.perform(silver, { ...run(), partitions });
  await world.perform(gold, { ...run(), partitions });
}

/** One that goes by what is there already tests the version as a command would: it may have lost the results of its tests. */
async function train(algorithm = 'logistic_regression', again = true): Promise<void> {
  world.configure((config) => (config.training_config.hyperparameter_tuning = false));
  const result = await trainLocally(
    { pipeline: TINY, asOf: AFTER_ALL, algorithms: [algorithm], again },
    {
      runStage: again ? presumingTested(world.runStage) : world.runStage,
      signal: new AbortController().signal,
      onStep: () => {},
      onProgress: () => {},
      onAlgorithm: () => {},
    },
  );
  if (result.status === 'skipped') throw new PerdureError('NotFound', result.reason);
}

async function infer(asOf = AFTER_ALL, again = false): Promise<void> {
  const resolved = await world.perform(resolveModel, run());
  if (resolved.status === 'skipped') throw new PerdureError('NotFound', resolved.reason);
  const found = await world.perform(findNewRows, { ...run(), asOf, again });
  if (found.status === 'ready') await world.perform(predict, { ...run(), asOf, again, model: resolved.model });
}

async function monitor(): Promise<void> {
  const input = { ...run(), asOf: AFTER_ALL };
  const predictions = await world.perform(checkPredictionsExist, input);
  if (predictions.status === 'skipped') throw new PerdureError('NotFound', predictions.reason);
  const [performance, drift] = [
    await world.perform(measurePerformance, { ...input, predictions }),
    await world.perform(detectDrift, { ...input, predictions }),
  ];
  await world.perform(writeReport, { ...input, predictions, performance, drift });
}

const options = () => ({ store: world.storeRoot, json: true });
const moving = (alias = 'champion') => ({ ...options(), alias, reason: 'by test' });

/** What people call, by the parts that do the work. Those that read alone are tried on one damaged store, one after the other. */
const READING: Record<string, { of: RegExp; command: () => Promise<void> }> = {
  'models list': { of: /registry/, command: () => listModels(TINY, options()) },
  'models show': { of: /registry/, command: () => showModel(TINY, 'champion', undefined, options()) },
  'models history': { of: /registry/, command: () => modelHistory(TINY, 'champion', options()) },
  'models diff': { of: /registry/, command: () => diffModels(TINY, 'logistic_regression', 'champion', options()) },
  status: { of: /manifest|aliases|predictions|reports/, command: () => status(TINY, options()) },
  monitor: { of: /gold\/(manifest|feature_store|label_store)|registry|predictions|reports/, command: monitor },
};

/** Those that write, with the objects that they have to do with; each is tried on a damaged store of its own. */
const WRITING: Record<string, { of: RegExp; command: () => Promise<void> }> = {
  process: {
    of: /datamart\/(owner|bronze|silver|gold\/(manifest|bronze|silver|feature_store|label_store))/,
    command: () => processData(),
  },
  predict: { of: /datamart\/gold\/(manifest|feature_store)|registry|predictions/, command: () => infer() },
  'models promote': { of: /registry/, command: () => moveModel('promote', TINY, 'champion', moving('production')) },
  'models rollback': { of: /registry/, command: () => moveModel('rollback', TINY, undefined, moving()) },
  train: {
    of: /datamart\/gold\/(manifest|feature_store|label_store|preprocessed\/latest)|registry|conf/,
    command: () => train(),
  },
};

const DAMAGES: Record<string, (path: string) => void> = {
  deleted: (path) => rmSync(path),
  emptied: (path) => writeFileSync(path, ''),
  cut: (path) => writeFileSync(path, readFileSync(path).subarray(0, statSync(path).size / 2)),
  'changed by a byte': (path) => {
    const bytes = readFileSync(path);
    // A digit of a document, so that it stays one; of other files the byte in the middle.
    const at = path.endsWith('.json')
      ? bytes.findIndex((byte, i) => i > bytes.length / 3 && byte >= 0x30 && byte <= 0x38)
      : bytes.length >> 1;
    bytes[at]! += 1;
    writeFileSync(path, bytes);
  },
};

/** Files of the store, one of each kind: names that differ by algorithm, numbers, months or ids alone are of one kind. */
function objects(): string[] {
  const files = readdirSync(world.storeRoot, { recursive: true, encoding: 'utf8' })
    .filter((file) => statSync(join(world.storeRoot, file)).isFile())
    .sort();
  const kinds = new Map<string, string>();
  for (const file of files.filter((file) => !/^\.|\/\./.test(file)))
    kinds.set(file.replace(/v?\d[\d_-]*(_[0-9a-z]+)?(?=[/._])|logistic_regression|xgboost|[0-9a-f]{64}/g, '*'), file);
  return [...kinds.values()];
}

beforeAll(async () => {
  vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  world = await createTinyWorld(engines);
  csv = await world.writeCsv(YEAR);
  await processData(csv);
  await train();
  await infer('2001-11-30');
  await train('xgboost');
  // Whatever the gate made of it: the versions take turns.
  await moveModel('promote', TINY, 'xgboost', moving()).catch(() => undefined);
  await moveModel('promote', TINY, 'logistic_regression', moving('production'));
  await infer();
  await monitor();
  copyTree(world.storeRoot, saved);
});
afterAll(async () => {
  vi.restoreAllMocks();
  world.close();
  await engines.close();
});

function restore(): void {
  rmSync(world.storeRoot, { recursive: true });
  copyTree(saved, world.storeRoot);
}

/** With the system's own program: Node.js takes several times as long, and this is done some hundred times. */
function copyTree(from: string, to: string): void {
  mkdirSync(to, { recursive: true });
  execFileSync('cp', ['-pPR', '--', `${from}/.`, to]);
}

/** The sentence that a command told, or nothing where it worked. */
async function told(command: () => Promise<void>): Promise<string | undefined> {
  try {
    await command();
    return undefined;
  } catch (error) {
    if (!(error instanceof PerdureError)) return `not a sentence: ${String(error)}`;
    // What a remedy has brought about already is as good as done.
    return /is \w+ already; name another version\.$/.test(error.message) ? undefined : error.message;
  }
}

/** Does what a sentence says, word by word; the first of several ways that need nothing from outside. */
async function carryOut(sentence: string): Promise<void> {
  const steps = sentence.slice(sentence.lastIndexOf('; ') + 2);
  let known = false;
  if (/delete it/.test(steps)) {
    rmSync(fileURLToPath(/^file:\S+/.exec(sentence)![0]));
    known = true;
  }
  const actions: [RegExp, () => Promise<void>][] = [
    [/run data processing again/, () => processData()],
    [/run data processing with a CSV/, () => processData(csv)],
    [
      /name that CSV with --csv/,
      () => world.perform(bronze, { ...run(), source: csv, asOf: AFTER_ALL }).then(() => processData()),
    ],
    [/run inference again/, () => infer()],
    [/promote another version and predict with --again/, () => promoteOne().then(() => infer(AFTER_ALL, true))],
    [/promote (another version|a version|one of those)/, promoteOne],
    // A move to a named version leaves one to go back to.
    [
      /name one/,
      () =>
        told(() => moveModel('promote', TINY, 'xgboost', moving()))
          .then(() => told(() => moveModel('promote', TINY, 'logistic_regression', moving())))
          .then(() => undefined),
    ],
    // As a command would, which leaves alone what is whole and unchanged.
    [/train again/, () => train('logistic_regression', false)],
  ];
  const action = actions.find(([words]) => words.test(steps) || words.test(sentence))?.[1];
  if (action) await action();
  else if (!known) throw new Error(`Nobody can do what this says: ${sentence}`);
}

/** Promotes whichever version can be. */
async function promoteOne(): Promise<void> {
  const sentences: (string | undefined)[] = [];
  for (const model of ['logistic_regression', 'xgboost']) {
    const said = await told(() => moveModel('promote', TINY, model, moving()));
    if (said === undefined) return;
    sentences.push(said);
  }
  throw new Error(sentences.join('\n'));
}

/** One sentence of the house: a place, what is wrong, what to do; nothing of a library's. */
function expectSentence(sentence: string): void {
  expect(sentence).toMatch(/^[^\n]+\.$/);
  expect(sentence).not.toMatch(
    /not a sentence|undefined|not iterable|JSON at|Unexpected|TypeError|Cannot read|Binder|IO Error/,
  );
}

/** Does what a sentence says until the commands work; what they say next is a step of it. */
async function repair(sentence: string, commands: (() => Promise<void>)[]): Promise<void> {
  expectSentence(sentence);
  let next: string | undefined = sentence;
  for (let step = 0; next !== undefined && step < 3; step++) {
    await carryOut(next);
    next = undefined;
    for (const command of commands) next ??= await told(command);
  }
  expect(next).toBeUndefined();
}

test('what commands print as JSON is of one style, and a version has one shape', async () => {
  for (const [name, { command }] of Object.entries(READING)) {
    const printed = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
    printed.mockClear();
    await command();
    const text = printed.mock.calls.map(([chunk]) => String(chunk)).join('');
    if (name === 'monitor') continue;
    expectOneStyle(JSON.parse(text), name);
  }
});

/** Keys below these are names of columns, algorithms and the like. */
const NAMES = new Set([
  'algorithms',
  'best_params',
  'params',
  'param_distributions',
  'scores',
  'psi',
  'inputs',
  'config',
  'pipelines',
  'scaler',
  'minimums',
  'files',
]);

function expectOneStyle(value: unknown, path: string, named = false): void {
  if (Array.isArray(value)) value.forEach((item, i) => expectOneStyle(item, `${path}[${i}]`));
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return;
  for (const [key, field] of Object.entries(value)) {
    if (!named) expect(`${path}: ${key}`).toMatch(/: [a-z0-9_]+$/);
    const isId = typeof field === 'string' && /^v\d{8}_\d{6}_\w+$/.test(field);
    if (isId)
      expect([`${path}.${key}`, Object.keys(value)]).toEqual([
        `${path}.version`,
        expect.arrayContaining(['algorithm', 'version']),
      ]);
    expectOneStyle(field, `${path}.${key}`, NAMES.has(key));
  }
}

describe('whatever the store loses, each command works or says what to do, and that repairs it', () => {
  test.each(Object.keys(DAMAGES))('%s', { timeout: 600_000 }, async (damage) => {
    restore();
    const deadEnds: string[] = [];
    // Of a sample, each kind of object meets one of the damages.
    const turn = Object.keys(DAMAGES).indexOf(damage);
    const damaged = objects().filter((_, i) => TRIES_ALL || i % Object.keys(DAMAGES).length === turn);
    for (const file of damaged) {
      const lose = () => {
        restore();
        DAMAGES[damage]!(join(world.storeRoot, file));
      };
      const check = async (sentence: string, names: string[], commands: (() => Promise<void>)[]) => {
        await repair(sentence, commands).catch((error: unknown) => {
          deadEnds.push(
            `${file} ${damage}, ${names.join(', ')}: ${sentence}\n    -> ${String(error).split('\n').slice(0, 4).join(' ')}`,
          );
        });
      };

      lose();
      const sentences = new Map<string, string[]>();
      for (const [name, { of, command }] of Object.entries(READING)) {
        if (!of.test(file)) continue;
        const sentence = await told(command);
        if (sentence !== undefined) sentences.set(sentence, [...(sentences.get(sentence) ?? []), name]);
      }
      for (const [sentence, names] of sentences) {
        lose();
        await check(
          sentence,
          names,
          names.map((name) => READING[name]!.command),
        );
      }
      for (const [name, { of, command }] of Object.entries(WRITING)) {
        if (!of.test(file)) continue;
        lose();
        const sentence = await told(command);
        if (sentence !== undefined) await check(sentence, [name], [command]);
      }
    }
    expect(deadEnds.join('\n')).toBe('');
  });
});
