import { setTimeout as sleep } from 'node:timers/promises';
import { isGrpcServiceError, type Connection } from '@temporalio/client';
import proto from '@temporalio/proto';
import { SEARCH_ATTRIBUTES } from '../../contracts/index.js';
import { messageOf } from '../../errors.js';

const { INDEXED_VALUE_TYPE_KEYWORD } = proto.temporal.api.enums.v1.IndexedValueType;

const NAMES = Object.values(SEARCH_ATTRIBUTES);

type Operated = Pick<Connection, 'operatorService'>;
type Searched = Operated & Pick<Connection, 'workflowService'>;

/** A server takes some moments to tell all of its parts. */
const PATIENCE_MS = 15_000;
const POLL_MS = 50;

/** What a namespace lacks of Perdure's search attributes, and why they could not be added. */
export interface LackingAttributes {
  names: string[];
  reason: string;
}

/**
 * Adds those of Perdure's search attributes that a namespace lacks. Returns what is still lacking, as on a namespace
 * whose attributes only an administrator may add; `undefined` where nothing is. A workflow that sets one that isn't there
 * would try the same workflow task for ever, so a worker has to know before it takes any.
 */
export async function ensureSearchAttributes(
  connection: Searched,
  namespace: string,
): Promise<LackingAttributes | undefined> {
  const missing = await missingAttributes(connection, namespace);
  if (missing.length === 0) return undefined;
  const refusal = await addSearchAttributes(connection, namespace, missing).then(() => undefined, said);
  // Another worker may have added them meanwhile.
  for (const deadline = Date.now() + PATIENCE_MS; ; await sleep(POLL_MS)) {
    const names = await missingAttributes(connection, namespace);
    if (names.length === 0) return undefined;
    if (refusal !== undefined) return { names, reason: refusal };
    if (Date.now() > deadline) return { names, reason: 'they were taken, and have not appeared' };
  }
}

/** For people, with what to do. */
export function describeLacking({ names, reason }: LackingAttributes, namespace: string): string {
  const command = `temporal operator search-attribute create --namespace ${namespace} ${names.map((name) => `--name ${name} --type Keyword`).join(' ')}`;
  return (
    `The namespace "${namespace}" lacks the search attributes ${names.join(', ')}, and they can't be added (${reason.replace(/\.$/, '')}); ` +
    `runs go on without them and keep their values in the memo, but the web UI can't filter by them: have them made (${command}), then start the orchestrator again.`
  );
}

/** Adds search attributes, none of which may be there. */
export async function addSearchAttributes(
  connection: Operated,
  namespace: string,
  names: string[] = NAMES,
): Promise<void> {
  const searchAttributes = Object.fromEntries(names.map((name) => [name, INDEXED_VALUE_TYPE_KEYWORD]));
  await connection.operatorService.addSearchAttributes({ namespace, searchAttributes });
}

/** `PERMISSION_DENIED` and `UNIMPLEMENTED` of gRPC. */
const NOT_FOR_US = [7, 12];

async function missingAttributes(connection: Searched, namespace: string): Promise<string[]> {
  try {
    const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
    return NAMES.filter((name) => !(name in (customAttributes ?? {})));
  } catch (error) {
    // Whoever may not ask for the list may still list workflows, where an attribute that isn't there is an error.
    if (!isGrpcServiceError(error) || !NOT_FOR_US.includes(error.code)) throw error;
    const found = await Promise.all(NAMES.map((name) => canBeQueried(connection, namespace, name)));
    return NAMES.filter((_, i) => !found[i]);
  }
}

async function canBeQueried(connection: Searched, namespace: string, name: string): Promise<boolean> {
  try {
    await connection.workflowService.countWorkflowExecutions({ namespace, query: `${name} IS NULL` });
    return true;
  } catch (error) {
    if (isUnknownAttribute(error, name)) return false;
    throw error;
  }
}

/** `INVALID_ARGUMENT` of gRPC. */
const INVALID = 3;

/** Whether a list or a count was refused because the namespace lacks the attribute. */
export function isUnknownAttribute(error: unknown, name: string): boolean {
  const cause = error instanceof Error && error.cause ? error.cause : error;
  return isGrpcServiceError(cause) && Number(cause.code) === INVALID && said(cause).includes(name);
}

/** A worker's connection has no details in its errors. */
function said(error: unknown): string {
  return (isGrpcServiceError(error) && error.details) || messageOf(error);
}
