import { randomUUID } from 'node:crypto';
import {
  Search,
  type AlgorithmInput,
  type AlgorithmResult,
  type AlgorithmTrained,
  type Failed,
  type ModelTrainingResult,
  type Progress,
  type SearchOutcome,
  type SearchPlan,
  type StageInput,
  type VersionRef,
} from '../contracts/index.js';
import { PerdureError, messageOf } from '../errors.js';
import { checkGoldDataExists } from './checkGoldDataExists.js';
import { checkModelConfig } from './checkModelConfig.js';
import { checkSufficientTrainingData } from './checkSufficientTrainingData.js';
import { chooseChampion } from './chooseChampion.js';
import type { Stage } from './context.js';
import type { RunStage } from './createContext.js';
import { discardVersion } from './discardVersion.js';
import { evaluateCandidate } from './evaluateCandidate.js';
import { evaluateModel } from './evaluateModel.js';
import { planSearch } from './planSearch.js';
import { preprocess } from './preprocess.js';
import { refit } from './refit.js';
import { registerModel } from './registerModel.js';
import { selectCandidates } from './selectCandidates.js';

export interface LocalTrainingInput {
  pipeline: string;
  /** ISO 8601 date or instant: rows after it don't exist yet. */
  asOf: string;
  /** @default those that `training_config.enabled_algorithms` names */
  algorithms?: string[];
}

export interface LocalTrainingOptions {
  runStage: RunStage;
  signal: AbortSignal;
  /** A step began. */
  onStep: (step: string) => void;
  /** The step came further. */
  onProgress: (progress: Progress) => void;
  /** An algorithm is done with, well or not. */
  onAlgorithm: (name: string, result: AlgorithmResult) => void;
}

/**
 * Trains without Temporal: the stages of the `modelTraining` workflow in this process, one algorithm after the other,
 * each failing alone.
 *
 * @throws PerdureError what a check or preprocessing threw; `EngineFailed` where no algorithm could be trained
 */
export async function trainLocally(input: LocalTrainingInput, options: LocalTrainingOptions): Promise<ModelTrainingResult> {
  return new LocalTraining(input, options).run();
}

class LocalTraining {
  private readonly stage: StageInput;

  constructor(
    private readonly input: LocalTrainingInput,
    private readonly options: LocalTrainingOptions,
  ) {
    const run = { workflowId: `${input.pipeline}-model-training-local`, runId: randomUUID(), startedAt: new Date().toISOString() };
    this.stage = { pipeline: input.pipeline, run };
  }

  async run(): Promise<ModelTrainingResult> {
    const { stage, input, options } = this;
    options.onStep('checking the prerequisites');
    const plan = await this.perform(checkModelConfig, { ...stage, algorithms: input.algorithms });
    if (plan.status === 'skipped') return plan;
    for (const check of [checkGoldDataExists, checkSufficientTrainingData]) {
      const result = await this.perform(check, stage);
      if (result.status === 'skipped') return result;
    }

    options.onStep('preprocessing');
    const dataset = await this.perform(preprocess, { ...stage, asOf: input.asOf });

    const algorithms: Record<string, AlgorithmResult> = {};
    for (const { name } of plan.algorithms) {
      const result = await this.trainAlone({ ...stage, algorithm: name, dataset });
      algorithms[name] = result;
      options.onAlgorithm(name, result);
    }
    const trained = versionsOf(algorithms);
    if (trained.length === 0) throw nothingTrained(algorithms);

    options.onStep('choosing the champion');
    const { champion, challenger, promotion, metric, scores } = await this.perform(chooseChampion, { ...stage, trained, dataset });
    const status = trained.length === plan.algorithms.length ? 'completed' : 'partial';
    return { status, champion, challenger, promotion, comparison: { metric, scores }, dataset, algorithms };
  }

  /** A failure is the algorithm's result, and leaves nothing of its version behind. */
  private async trainAlone(input: AlgorithmInput): Promise<AlgorithmResult> {
    try {
      return await this.train(input);
    } catch (error) {
      const { pipeline, run, algorithm } = input;
      const call = { signal: new AbortController().signal, report: () => {} };
      await this.options.runStage(discardVersion, { pipeline, run, algorithm }, call);
      this.options.signal.throwIfAborted();
      return failureOf(error);
    }
  }

  private async train(input: AlgorithmInput): Promise<AlgorithmTrained> {
    const { algorithm } = input;
    this.options.onStep(`${algorithm}: searching hyperparameters`);
    const plan = await this.perform(planSearch, input);
    const { best, candidates, search } = await this.search(input, plan);

    this.options.onStep(`${algorithm}: fitting the best candidate on the whole train window`);
    const model = await this.perform(refit, { ...input, params: best.params });
    const performance = await this.perform(evaluateModel, { ...input, model });
    const { cv_score, params: best_params } = best;
    const { version, uri } = await this.perform(registerModel, { ...input, model, best_params, cv_score, candidates, performance });

    const { test, oot } = performance;
    return { status: 'completed', version, uri, best_params, cv_score, test, oot, search };
  }

  private async search(input: AlgorithmInput, plan: SearchPlan): Promise<SearchOutcome> {
    const search = new Search(plan);
    for (const folds of plan.rungs) {
      const racers = search.racers();
      let done = 0;
      // The engine pool takes as many at a time as it has hosts.
      const evaluations = racers.map(async (candidate) => {
        const { index, params } = candidate;
        try {
          search.score(candidate, await this.perform(evaluateCandidate, { ...input, candidate: { index, params }, folds }));
        } catch (error) {
          search.fail(candidate, messageOf(error));
        }
        this.options.onProgress({ what: 'candidates', done: ++done, total: racers.length });
      });
      await Promise.all(evaluations);
      this.options.signal.throwIfAborted();
      search.select(await this.perform(selectCandidates, { ...input, results: search.candidates }));
    }
    return search.outcome(input.algorithm, (sentence) => new PerdureError('EngineFailed', sentence));
  }

  private perform<Input, Output>(stage: Stage<Input, Output>, input: Input): Promise<Output> {
    const { runStage, signal, onProgress } = this.options;
    return runStage(stage, input, { signal, report: onProgress });
  }
}

function versionsOf(algorithms: Record<string, AlgorithmResult>): VersionRef[] {
  return Object.entries(algorithms).flatMap(([algorithm, result]) =>
    result.status === 'completed' ? [{ algorithm, version: result.version }] : [],
  );
}

function failureOf(error: unknown): Failed {
  return { status: 'failed', type: error instanceof Error ? error.name : 'Error', reason: messageOf(error) };
}

function nothingTrained(algorithms: Record<string, AlgorithmResult>): PerdureError {
  const reasons = Object.entries(algorithms).map(([name, result]) => `${name}: ${result.status === 'failed' ? result.reason : ''}`);
  return new PerdureError('EngineFailed', `No algorithm could be trained. ${reasons.join(' ')}`);
}
