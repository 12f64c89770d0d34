import type { LifecycleInput, LifecycleResult } from '../src/contracts/index.js';
import { dataProcessing } from './dataProcessing.js';
import { modelInference } from './modelInference.js';
import { modelMonitoring } from './modelMonitoring.js';
import { modelTraining } from './modelTraining.js';
import { startRun } from './support/startRun.js';
import { runChild } from './support/children.js';
import { FLAG, NAMES, SOURCE } from './support/input.js';
import { withConfig } from './support/pinConfig.js';
import { reportToSteward } from './support/signalSteward.js';

/** The four workflows in order. One that skips has found nothing to do, which the next need not share; a failure ends all. */
export async function lifecycle(input: LifecycleInput): Promise<LifecycleResult> {
  const { result } = await reportToSteward('lifecycle', input, async () => ({
    status: 'completed' as const,
    result: await runAll(input),
  }));
  return result;
}

async function runAll(input: LifecycleInput): Promise<LifecycleResult> {
  const { stage, asOf, progress } = startRun(input, {
    source: SOURCE,
    labels: SOURCE,
    replace: FLAG,
    algorithms: NAMES,
    again: FLAG,
  });
  const { pipeline, reason, triggeredBy, source, labels, replace, algorithms, again } = input;
  const { config } = (await withConfig(stage, input)).run;
  const shared = { pipeline, asOf, reason, triggeredBy, config };

  progress.step('processing data');
  const processing = await runChild(progress, {
    name: 'processing',
    workflow: dataProcessing,
    input: { ...shared, source, labels, replace },
    summary: 'Data processing: bronze, silver, gold',
  });

  progress.step('training models');
  const training = await runChild(progress, {
    name: 'training',
    workflow: modelTraining,
    input: { ...shared, algorithms, again },
    summary: 'Model training: every algorithm, then the champion',
  });

  progress.step('predicting');
  const inference = await runChild(progress, {
    name: 'inference',
    workflow: modelInference,
    input: shared,
    summary: 'Model inference: rows not yet predicted',
  });

  progress.step('monitoring');
  const monitoring = await runChild(progress, {
    name: 'monitoring',
    workflow: modelMonitoring,
    input: shared,
    summary: 'Model monitoring: performance and drift',
  });

  return { processing, training, inference, monitoring };
}
