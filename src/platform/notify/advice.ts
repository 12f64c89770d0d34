import { z } from 'zod';
import { variables, type Variables } from '../../environment.js';
import { SEARCH_ATTRIBUTES, type AlertedRun, type AlertFacts } from '../../contracts/index.js';

/** Where people look at runs: the address of Temporal's web UI, and the namespace. */
export interface WebUi {
  /** E.g. `http://127.0.0.1:8233`. */
  address: string;
  namespace: string;
}

/** What an alert says besides the facts. */
export const adviceShape = {
  /** What happens, or does not, until somebody acts. */
  consequence: z.string(),
  /** The command to act with, or to look closer with. */
  command: z.string(),
  /** The page, or the report, to look at; `null` where nobody said where the web UI is (`PERDURE_TEMPORAL_UI`). */
  link: z.string().nullable(),
};
export type Advice = z.infer<z.ZodObject<typeof adviceShape>>;

/** What facts mean to whoever is told of them. */
export function adviceFor(facts: AlertFacts, webUi?: WebUi): Advice {
  const { pipeline } = facts;
  const ofPipeline = listUrl(webUi, pipeline);
  switch (facts.condition) {
    case 'processing_failing':
      return {
        consequence: 'New data does not arrive: trainings and predictions go on with what there is.',
        command: `perdure process ${pipeline}`,
        link: ofPipeline,
      };
    case 'inference_down':
      return { consequence: 'New rows have no predictions.', command: `perdure predict ${pipeline}`, link: ofPipeline };
    case 'accuracy_drop':
      return {
        consequence: inSentences('The champion goes on predicting, less well than when it was chosen.', facts),
        command: answerTo(facts, 'performance drop'),
        link: facts.report,
      };
    case 'training_failed':
      return {
        consequence: 'The champion stays the version that it was.',
        command: `perdure train ${pipeline}`,
        link: runUrlOf(webUi, facts.run),
      };
    case 'drift_detected':
      return {
        consequence: inSentences(
          `The champion goes on predicting rows unlike those that it was trained with${facts.noRetraining === undefined ? '; a retraining that needs approval waits for it' : ''}.`,
          facts,
        ),
        command: answerTo(facts, 'the drift is real'),
        link: facts.report,
      };
    case 'unusual_data_volume':
      return {
        consequence: 'Trainings and predictions use the partition as it is.',
        command: `perdure process ${pipeline}`,
        link: ofPipeline,
      };
    case 'training_completed':
      return {
        consequence: 'None; the promotion gate has decided.',
        command: `perdure models list ${pipeline}`,
        link: runUrlOf(webUi, facts.run),
      };
    case 'model_tests_failed':
      return {
        consequence: 'The new version stays registered, and is neither staging nor champion: those before it go on.',
        command: `perdure models show ${pipeline} challenger`,
        link: runUrlOf(webUi, facts.run),
      };
    case 'model_deployed':
      return {
        consequence: 'From now on predictions come from this version.',
        command: `perdure models rollback ${pipeline} --reason "..."`,
        link: ofPipeline,
      };
    case 'weekly_report':
      return {
        consequence: 'None; for the record.',
        command: `perdure status ${pipeline}`,
        link: facts.monitoring.uri,
      };
    case 'sla_missed':
      return {
        consequence: 'What follows on this run is late as well.',
        command: `perdure status ${pipeline}`,
        link: runUrlOf(webUi, facts.run),
      };
    case 'tasks_failing':
      return {
        consequence: 'The workflow stands still, and does nothing until the cause is gone; nothing of it is lost.',
        command: 'perdure doctor',
        link: facts.failing ? runUrlOf(webUi, facts.failing.run) : ofPipeline,
      };
  }
}

type Found = Extract<AlertFacts, { condition: 'accuracy_drop' | 'drift_detected' }>;

/** What goes on, and why no retraining is asked for where none is. */
function inSentences(goesOn: string, { noRetraining }: Found): string {
  return noRetraining === undefined ? goesOn : `${goesOn} ${noRetraining}`;
}

/** A retraining that is asked for may wait for a person; where none is, new rows come first. */
function answerTo({ pipeline, noRetraining }: Found, reason: string): string {
  return noRetraining === undefined
    ? `perdure steward approve ${pipeline} --reason "${reason}"`
    : `perdure process ${pipeline}`;
}

/** The web UI that the environment names; `undefined` where it names none. */
export function webUiFrom(
  namespace: string,
  { PERDURE_TEMPORAL_UI: address }: Variables = variables(),
): WebUi | undefined {
  return address ? { address: address.replace(/\/+$/, ''), namespace } : undefined;
}

function runUrlOf(webUi: WebUi | undefined, { workflowId, runId }: AlertedRun): string | null {
  return webUi ? `${pages(webUi)}/${encodeURIComponent(workflowId)}/${encodeURIComponent(runId)}/history` : null;
}

function listUrl(webUi: WebUi | undefined, pipeline: string): string | null {
  return webUi ? `${pages(webUi)}?query=${encodeURIComponent(`${SEARCH_ATTRIBUTES.pipeline}="${pipeline}"`)}` : null;
}

function pages({ address, namespace }: WebUi): string {
  return `${address}/namespaces/${encodeURIComponent(namespace)}/workflows`;
}
