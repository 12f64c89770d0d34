import { randomUUID } from 'node:crypto';
import {
  ableOf,
  leftOutIfMissing,
  leftOutOf,
  nothingChanged,
  type AlgorithmInput,
  type AlgorithmResult,
  type ModelTrainingResult,
  type Progress,
  type StageInput,
  type Unchanged,
  type VersionRef,
} from '../contracts/index.js';
import { PerdureError } from '../errors.js';
import { checkGoldDataExists } from './checkGoldDataExists.js';
import { checkModelConfig } from './checkModelConfig.js';
import { checkSufficientTrainingData } from './checkSufficientTrainingData.js';
import { promoteBest } from './promoteBest.js';
import { testModel } from './testModel.js';
import type { Stage } from './context.js';
import type { RunStage } from './createContext.js';
import { discardVersion } from './discardVersion.js';
import { findUnchanged } from './findUnchanged.js';
import { pinConfig } from './pinConfig.js';
import { preprocess } from './preprocess.js';
import { trackTraining } from './trackTraining.js';
import { failureOf, trainInSteps } from './trainAlgorithm.js';

export interface LocalTrainingInput {
  pipeline: string;
  /** ISO 8601 date or instant: rows after it don't exist yet. */
  asOf: string;
  /** @default those that `training_config.enabled_algorithms` names */
  algorithms?: string[];
  /** As in the input of the `modelTraining` workflow. */
  again?: boolean;
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
export async function trainLocally(
  input: LocalTrainingInput,
  options: LocalTrainingOptions,
): Promise<ModelTrainingResult> {
  return new LocalTraining(input, options).run();
}

class LocalTraining {
  private stage: StageInput;

  constructor(
    private readonly input: LocalTrainingInput,
    private readonly options: LocalTrainingOptions,
  ) {
    const run = {
      workflowId: `${input.pipeline}-model-training-local`,
      runId: randomUUID(),
      startedAt: new Date().toISOString(),
    };
    this.stage = { pipeline: input.pipeline, run };
  }

  async run(): Promise<ModelTrainingResult> {
    const { input, options } = this;
    options.onStep('checking the prerequisites');
    const config = await this.perform(pinConfig, this.stage);
    const stage = (this.stage = { ...this.stage, run: { ...this.stage.run, config } });
    const plan = await this.perform(checkModelConfig, { ...stage, algorithms: input.algorithms });
    if (plan.status === 'skipped') return plan;
    for (const check of [checkGoldDataExists, checkSufficientTrainingData]) {
      const result = await this.perform(check, stage);
      if (result.status === 'skipped') return result;
    }

    const names = plan.algorithms.map(({ name }) => name);
    const { unchanged, unable = [] }: Unchanged = input.again
      ? { unchanged: [] }
      : await this.perform(findUnchanged, { ...stage, asOf: input.asOf, algorithms: names });
    const due = names.filter((name) => !unchanged.some(({ algorithm }) => algorithm === name));
    if (due.every((name) => unable.includes(name))) return { status: 'skipped', reason: nothingChanged(unchanged) };

    options.onStep('preprocessing');
    const dataset = await this.perform(preprocess, { ...stage, asOf: input.asOf });

    const algorithms: Record<string, AlgorithmResult> = {};
    for (const name of ableOf(due, dataset, input)) {
      const { optional } = plan.algorithms.find((planned) => planned.name === name)!;
      const result = await this.trainAlone({ ...stage, algorithm: name, dataset }, optional);
      algorithms[name] = result;
      options.onAlgorithm(name, result);
    }
    const trained = versionsOf(algorithms);
    if (trained.length + unchanged.length === 0) throw nothingTrained(algorithms);
    const leftOut = leftOutOf(algorithms);
    if (Object.keys(leftOut).length === Object.keys(algorithms).length)
      return { status: 'skipped', reason: nothingChanged(unchanged, leftOut) };

    const best = { ...stage, trained, unchanged, dataset };
    options.onStep('testing the best model');
    const tests = await this.perform(testModel, best);
    options.onStep('choosing the champion');
    const { champion, challenger, promotion, comparison, page, track, refusal } = await this.perform(promoteBest, {
      ...best,
      tested: tests,
      leftOut,
    });
    const tracking = track && (await this.perform(trackTraining, stage));
    if (refusal !== undefined) throw new PerdureError('PromotionRefused', refusal);
    const status = Object.values(algorithms).some((result) => result.status === 'failed') ? 'partial' : 'completed';
    return {
      status,
      champion,
      challenger,
      tests,
      promotion,
      comparison,
      dataset,
      algorithms,
      ...(unchanged.length > 0 && { unchanged }),
      ...(page && { page }),
      ...(tracking && { tracking }),
      config: config.checksum,
    };
  }

  /** A failure is the algorithm's result, and leaves nothing of its version behind. */
  private async trainAlone(input: AlgorithmInput, optional?: boolean): Promise<AlgorithmResult> {
    try {
      const { signal, onStep, onProgress } = this.options;
      return await trainInSteps(input, {
        perform: (stage, stageInput) => this.perform(stage, stageInput),
        signal,
        onStep,
        onProgress,
      });
    } catch (error) {
      const { pipeline, run, algorithm } = input;
      const call = { signal: new AbortController().signal, report: () => {} };
      await this.options.runStage(discardVersion, { pipeline, run, algorithm }, call);
      this.options.signal.throwIfAborted();
      return leftOutIfMissing(failureOf(error), optional);
    }
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

function nothingTrained(algorithms: Record<string, AlgorithmResult>): PerdureError {
  const reasons = Object.entries(algorithms).map(
    ([name, result]) => `${name}: ${result.status === 'completed' ? '' : result.reason}`,
  );
  return new PerdureError('EngineFailed', `No algorithm could be trained. ${reasons.join(' ')}`);
}
