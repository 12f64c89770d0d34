import { cpSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { configured } from '../../bench/configuration.js';
import { loadPipeline } from '../../src/config/load.js';
import type { AlgorithmTrained, ModelTrainingCompleted, RunRef } from '../../src/contracts/index.js';
import { readDatasetMetadata } from '../../src/data/dataset.js';
import { createEnginePool } from '../../src/ml/engines/hostPool.js';
import { limitsOf } from '../../src/platform/resources/limits.js';
import { bronze } from '../../src/stages/bronze.js';
import { checkPredictionsExist } from '../../src/stages/checkPredictionsExist.js';
import type { Stage } from '../../src/stages/context.js';
import { createRunStage } from '../../src/stages/createContext.js';
import { detectDrift } from '../../src/stages/detectDrift.js';
import { findNewRows } from '../../src/stages/findNewRows.js';
import { gold } from '../../src/stages/gold.js';
import { measurePerformance } from '../../src/stages/measurePerformance.js';
import { predict } from '../../src/stages/predict.js';
import { resolveModel } from '../../src/stages/resolveModel.js';
import { silver } from '../../src/stages/silver.js';
import { trainLocally } from '../../src/stages/trainLocally.js';
import { writeReport } from '../../src/stages/writeReport.js';
import { openStores } from '../../src/platform/storage/stores.js';
import { temporaryFolder } from './temporaryFolder.js';
import { completed } from './training.js';

const READMISSION = 'readmission';
/** When the labels of all ten years are mature. */
const AS_OF = '2009-01-31';
const RESOURCES = { cpus: 2, memory: 2 * 2 ** 30 };

/** Rows per split. The split is by date, and dates are given by position: the same for every file of this length. */
export const SPLIT_ROWS = { train: 71_596, test: 20_288, oot: 9_882 };

/**
 * The stages of the readmission pipeline in this process, on a store of their own, with every algorithm at its
 * documented parameters instead of a search. Ends with the file's last test.
 */
export async function createReadmission() {
  const root = temporaryFolder(afterAll);
  process.env.PERDURE_CONF = await configured(
    root,
    READMISSION,
    ({ training_config }) => (training_config.hyperparameter_tuning = false),
  );
  const engines = createEnginePool(limitsOf(RESOURCES).engines);
  afterAll(async () => {
    delete process.env.PERDURE_CONF;
    await engines.close();
  });
  const pipeline = await loadPipeline(READMISSION);
  return { folder: root, pipeline, lifecycle: lifecycleIn(join(root, 'store')) };

  function lifecycleIn(storeRoot: string) {
    const runStage = createRunStage({ storeRoot, engines, resources: RESOURCES });
    const { signal } = new AbortController();
    const nothing = () => {};
    const perform = <Input, Output>(stage: Stage<Input, Output>, input: Input) =>
      runStage(stage, input, { signal, report: nothing });
    const run: RunRef = { workflowId: READMISSION, runId: READMISSION, startedAt: `${AS_OF}T00:00:00Z` };
    const asked = { pipeline: READMISSION, run, asOf: AS_OF };

    return {
      async process(source: string) {
        const read = await perform(bronze, { ...asked, source });
        const partitions = [...read.written, ...read.unchanged].sort();
        return {
          bronze: read,
          silver: await perform(silver, { ...asked, partitions }),
          gold: await perform(gold, { ...asked, partitions }),
        };
      },

      async train(algorithms?: string[]): Promise<ModelTrainingCompleted> {
        const options = { runStage, signal, onStep: nothing, onProgress: nothing, onAlgorithm: nothing };
        return completed(await trainLocally({ pipeline: READMISSION, asOf: AS_OF, algorithms, again: true }, options));
      },

      /** Trains one algorithm with a search of its parameters, as the shipped config has it. */
      async search(algorithm: string, racing: boolean): Promise<AlgorithmTrained> {
        const usual = process.env.PERDURE_CONF;
        process.env.PERDURE_CONF = await configured(
          join(root, `racing-${racing}`),
          READMISSION,
          ({ search, training_config }) => {
            search.racing = racing;
            training_config.hyperparameter_tuning = true;
          },
        );
        try {
          return trained(await this.train([algorithm]), algorithm);
        } finally {
          process.env.PERDURE_CONF = usual;
        }
      },

      async splits({ dataset }: ModelTrainingCompleted) {
        const { datamart } = (await openStores(storeRoot))(pipeline);
        const { train, test, oot } = (await readDatasetMetadata(datamart, dataset)).splits;
        const counted = (split: typeof train) => ({ rows: split!.rows, positives: split!.classes![1] });
        return { train: counted(train), test: counted(test), oot: counted(oot) };
      },

      async infer() {
        const resolved = ready(await perform(resolveModel, asked));
        const found = ready(await perform(findNewRows, asked));
        return { found: found.rows, ...(await perform(predict, { ...asked, model: resolved.model })) };
      },

      async monitor() {
        const predictions = ready(await perform(checkPredictionsExist, asked));
        const monitored = { ...asked, predictions };
        const performance = measured(await perform(measurePerformance, monitored));
        const drift = measured(await perform(detectDrift, monitored));
        const { verdict } = await perform(writeReport, { ...monitored, performance, drift });
        return { performance, drift, verdict };
      },

      /** A lifecycle on a copy of the store as it is now. */
      copy(name: string) {
        const copied = join(root, name);
        cpSync(storeRoot, copied, { recursive: true });
        return lifecycleIn(copied);
      },
    };
  }
}

/** Days from 1999-01-01 to 2008-01-01, and to 2009-01-02, when the dates begin anew. */
const [START_OF_2008, DAYS] = [3_287, 3_653];

/** Copies a CSV with every patient of 2008 in his nineties. */
export async function writeDrifted(from: string, to: string): Promise<void> {
  const [header, ...rows] = (await readFile(from, 'utf8')).split('\n');
  const drifted = rows.map((row, i) => (i % DAYS < START_OF_2008 ? row : row.replace(/\[\d+-\d+\)/, '[90-100)')));
  await writeFile(to, [header, ...drifted].join('\n'));
}

/** What a training made of an algorithm. */
export function trained({ algorithms }: ModelTrainingCompleted, algorithm: string): AlgorithmTrained {
  return having('completed', algorithms[algorithm]!);
}

function ready<Result extends { status: string }>(result: Result): Extract<Result, { status: 'ready' }> {
  return having('ready', result);
}

function measured<Result extends { status: string }>(result: Result): Extract<Result, { status: 'measured' }> {
  return having('measured', result);
}

function having<Status extends string, Result extends { status: string }>(
  status: Status,
  result: Result,
): Extract<Result, { status: Status }> {
  if (result.status !== status) throw new Error(`expected ${status}: ${JSON.stringify(result)}`);
  return result as Extract<Result, { status: Status }>;
}
