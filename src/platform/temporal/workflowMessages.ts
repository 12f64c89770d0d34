import { defaultPayloadConverter, type Payload } from '@temporalio/common';
import type { WorkflowInterceptors } from '@temporalio/workflow';
import { countOf } from '../../contracts/counts.js';

/** Names that begin so are Temporal's own; a signal of such a name that nobody handles fails the workflow task. */
const RESERVED = '__temporal_';

/** What comes in from outside, as Temporal hands it to a workflow. */
interface Message {
  headers?: Record<string, Payload> | null;
}

/**
 * Lets no message fail a workflow task, which Temporal would then try again for ever: whoever can reach the namespace
 * could stop a workflow for good. What can't be decoded arrives as a text that says so, and is refused like any other
 * input that is not what it should be; for `workflowInterceptorModules` of bundle and worker. What comes from
 * activities and child workflows is left alone: where a key is missing there, trying again is right.
 */
export function interceptors(): WorkflowInterceptors {
  return {
    internals: [
      {
        activate(input, next) {
          for (const { initializeWorkflow, signalWorkflow, doUpdate, queryWorkflow } of input.activation.jobs ?? []) {
            if (initializeWorkflow) {
              initializeWorkflow.arguments = decodable(initializeWorkflow.arguments);
              dropUndecodableHeaders(initializeWorkflow);
            }
            if (signalWorkflow) {
              signalWorkflow.input = decodable(signalWorkflow.input);
              signalWorkflow.signalName = unreserved(signalWorkflow.signalName);
              dropUndecodableHeaders(signalWorkflow);
            }
            if (doUpdate) {
              doUpdate.input = decodable(doUpdate.input);
              dropUndecodableHeaders(doUpdate);
            }
            if (queryWorkflow) {
              queryWorkflow.arguments = decodable(queryWorkflow.arguments);
              dropUndecodableHeaders(queryWorkflow);
            }
          }
          return next(input);
        },
      },
    ],
  };
}

function unreserved(name: string | null | undefined): string {
  return !name || name.startsWith(RESERVED) ? `reserved name ${name ?? ''}` : name;
}

function decodable(payloads: Payload[] | null | undefined): Payload[] | null | undefined {
  const fault = payloads?.map(faultOf).find((found) => found !== undefined);
  return fault === undefined ? payloads : [defaultPayloadConverter.toPayload(`not decodable: ${fault}`)];
}

function dropUndecodableHeaders(message: Message): void {
  for (const [name, payload] of Object.entries(message.headers ?? {})) {
    if (faultOf(payload) !== undefined) delete message.headers![name];
  }
}

function faultOf(payload: Payload): string | undefined {
  try {
    if (depthOf(payload.data ?? new Uint8Array()) > DEEPEST) return `nested deeper than ${countOf(DEEPEST, 'level')}`;
    defaultPayloadConverter.fromPayload(payload);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : 'unknown';
  }
}

/** No message of ours comes near it; tens of thousands overflow the stack of whoever walks through the value. */
const DEEPEST = 100;
const [QUOTE, BACKSLASH] = [0x22, 0x5c];
const OPENING = new Set([0x5b, 0x7b]);
const CLOSING = new Set([0x5d, 0x7d]);

/** How deep JSON is nested, without reading it. */
function depthOf(json: Uint8Array): number {
  let [depth, deepest, inText] = [0, 0, false];
  for (let i = 0; i < json.length; i += 1) {
    const byte = json[i]!;
    if (inText) {
      if (byte === BACKSLASH) i += 1;
      else if (byte === QUOTE) inText = false;
    } else if (byte === QUOTE) inText = true;
    else if (OPENING.has(byte)) deepest = Math.max(deepest, (depth += 1));
    else if (CLOSING.has(byte)) depth -= 1;
  }
  return deepest;
}
