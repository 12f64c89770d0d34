import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import { isCancellation, ParentClosePolicy, startChild } from '@temporalio/workflow';
import {
  countOf,
  type ModelInferenceInput,
  type ModelInferenceResult,
  type StageInput,
} from '../src/contracts/index.js';
import { inferenceOutage } from './inferenceOutage.js';
import { activities } from './support/activityProxies.js';
import { now, raiseAlerts } from './support/alerts.js';
import { startRun, type RunContext } from './support/startRun.js';
import { computeTargetOf, stagesOn } from './support/computeTarget.js';
import { DAY, FLAG, MODEL } from './support/input.js';
import { setSearchAttributes } from './support/searchAttributes.js';
import { withConfig } from './support/pinConfig.js';
import { withinServiceLevel } from './support/sla.js';
import { reportToSteward } from './support/signalSteward.js';
import { underBackfill } from './support/underBackfill.js';

/** The chosen model scores the gold rows that nobody has predicted yet. */
export async function modelInference(input: ModelInferenceInput): Promise<ModelInferenceResult> {
  const context = startRun(input, { model: MODEL, from: DAY, to: DAY, again: FLAG });
  try {
    const result = await withinServiceLevel('inference', context.stage, () =>
      reportToSteward('inference', input, () => infer(input, context)),
    );
    await raiseAlerts(() => ({
      condition: 'inference_down',
      pipeline: context.stage.pipeline,
      at: now(),
      since: null,
    }));
    return result;
  } catch (error) {
    if (!isCancellation(error)) await watchOutage(context.stage);
    throw error;
  }
}

async function infer(
  input: ModelInferenceInput,
  { stage: started, asOf, progress }: RunContext,
): Promise<ModelInferenceResult> {
  const busy = await underBackfill(started);
  if (busy) return { ...busy, rows: 0 };
  const stage = await withConfig(started, input);
  progress.step('resolving the model');
  const resolved = await activities.resolveModel({ ...stage, model: input.model });
  if (resolved.status === 'skipped') return { ...resolved, rows: 0 };
  const { model } = resolved;
  setSearchAttributes({ algorithm: model.algorithm, modelVersion: model.version });

  progress.step('finding rows that are not predicted yet');
  const { from, to, again } = input;
  const rowsAsked = { ...stage, asOf, from, to, again };
  const found = await activities.findNewRows(rowsAsked);
  if (found.status === 'skipped') return { ...found, rows: 0 };

  progress.step(`predicting ${countOf(found.rows, 'row')} with ${model.algorithm} ${model.version}`);
  const stages = stagesOn(await computeTargetOf('inference', stage));
  const { rows, batches, uri, checksum, unexplained } = await stages.predict({ ...rowsAsked, model });

  return {
    status: 'completed',
    rows,
    batches,
    uri,
    checksum,
    model: { algorithm: model.algorithm, version: model.version },
    ...(unexplained !== undefined && { unexplained }),
    config: stage.run.config?.checksum,
  };
}

/** Somebody has to notice where no later run makes up for this one; the first of several failed runs sees to it. */
async function watchOutage({ pipeline, run }: StageInput): Promise<void> {
  await raiseAlerts(async () => {
    await startChild(inferenceOutage, {
      workflowId: `${pipeline}-inference-outage`,
      args: [{ pipeline, since: run.startedAt }],
      parentClosePolicy: ParentClosePolicy.ABANDON,
      staticSummary: 'Wait for predictions after a failed run',
    }).catch((error: unknown) => {
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    });
    return [];
  });
}
