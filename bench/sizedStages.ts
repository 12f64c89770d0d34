import { join } from 'node:path';
import { loadPipeline } from '../src/config/load.js';
import type { DatasetRef, ModelRef, SplitMetrics } from '../src/contracts/index.js';
import type { Resources } from '../src/platform/resources/resources.js';
import { WORKERS } from '../src/platform/temporal/workers.js';
import { writeLargeCsv } from './largeSource.js';
import { runLimited, type InputOf, type LimitedRun, type OutputOf, type StageName } from './limitedStage.js';

const AS_OF = '2009-01-31';
const RUN = { workflowId: 'sized', runId: 'sized', startedAt: `${AS_OF}T00:00:00Z` };

/** What a stage took in a process of a worker's resources. */
export interface StageRun<Output> extends LimitedRun<Output> {
  stage: string;
  /** Rows that it worked on; candidates count the rows of each. */
  rows: number;
  /** Bytes that the process and its engine hosts were allowed. */
  limit: number;
}

/** Sizes of the processes that process data, and of those that train. */
export interface StageResources {
  processing: Resources;
  training: Resources;
}

const STANDARD: StageResources = {
  processing: WORKERS.dataProcessing.resources,
  training: WORKERS.modelTraining.resources,
};

/**
 * Every stage with data in its hands, on `copies` times 100,000 rows of a pipeline's source, each in a process of its
 * own that is held to the memory of its worker. Each call runs one stage; a stage needs those before it.
 *
 * @param folder an empty folder, for the source and the store
 */
export async function sizedStages(name: string, folder: string, copies: number, resources: StageResources = STANDARD) {
  const pipeline = await loadPipeline(name);
  const source = join(folder, 'large.csv');
  const { rows } = await writeLargeCsv(pipeline, source, copies);
  const stage = { pipeline: name, run: RUN };
  const asked = { ...stage, asOf: AS_OF };

  async function run<Name extends StageName>(
    what: { stage: Name; title?: string; rows: number; resources: Resources },
    ...inputs: InputOf<Name>[]
  ): Promise<StageRun<OutputOf<Name>>> {
    const { title = what.stage, resources } = what;
    const limited = await runLimited(what.stage, inputs, { resources, storeRoot: join(folder, 'store'), cwd: folder });
    return { stage: title, rows: what.rows, limit: resources.memory, ...limited };
  }
  const { processing, training } = resources;
  const paramsOf = (algorithm: string) => pipeline.config.algorithms[algorithm]!.params;

  return {
    rows,
    algorithms: Object.keys(pipeline.config.algorithms),
    bronze: () => run({ stage: 'bronze', rows, resources: processing }, { ...asked, source }),
    silver: (partitions: string[], resources = processing) =>
      run({ stage: 'silver', rows, resources }, { ...stage, partitions }),
    gold: (partitions: string[]) => run({ stage: 'gold', rows, resources: processing }, { ...stage, partitions }),
    preprocess: () => run({ stage: 'preprocess', rows, resources: training }, asked),
    /** Two candidates side by side, as in a search; the first fold stands for the others. */
    twoCandidates(algorithm: string, dataset: DatasetRef) {
      const what = {
        stage: 'evaluateCandidate',
        title: `2 candidates, ${algorithm}`,
        rows: 2 * dataset.rows.train!,
        resources: training,
      } as const;
      const candidate = (index: number) => ({
        ...stage,
        algorithm,
        dataset,
        candidate: { index, params: paramsOf(algorithm) },
        folds: [0],
      });
      return run(what, candidate(0), candidate(1));
    },
    refit: (algorithm: string, dataset: DatasetRef) =>
      run(
        { stage: 'refit', title: `refit, ${algorithm}`, rows: dataset.rows.train!, resources: training },
        { ...stage, algorithm, dataset, params: paramsOf(algorithm) },
      ),
    evaluateModel: (algorithm: string, dataset: DatasetRef, model: ModelRef) =>
      run({ stage: 'evaluateModel', rows, resources: training }, { ...stage, algorithm, dataset, model }),
    registerModel: (algorithm: string, dataset: DatasetRef, model: ModelRef, performance: SplitMetrics) =>
      run(
        { stage: 'registerModel', rows, resources: training },
        {
          ...stage,
          algorithm,
          dataset,
          model,
          best_params: paramsOf(algorithm),
          cv_score: 0,
          plan: { grid: {}, cells: [], order: [], rungs: [] },
          dropped: [],
          performance,
        },
      ),
    predict: (model: ModelRef, dataset: DatasetRef) =>
      run({ stage: 'predict', rows: dataset.rows.oot!, resources: processing }, { ...asked, model }),
  };
}
