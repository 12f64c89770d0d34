import { setTimeout as sleep } from 'node:timers/promises';
import { isGrpcServiceError, type Connection } from '@temporalio/client';
import proto from '@temporalio/proto';
import { SEARCH_ATTRIBUTES } from '../contracts/index.js';
import { PerdureError, messageOf } from '../errors.js';

const { INDEXED_VALUE_TYPE_KEYWORD } = proto.temporal.api.enums.v1.IndexedValueType;

const NAMES = Object.values(SEARCH_ATTRIBUTES);

type Operated = Pick<Connection, 'operatorService'>;

/** A server takes some moments to tell all of its parts. */
const PATIENCE_MS = 15_000;
const POLL_MS = 50;

/**
 * Adds those of Perdure's search attributes that a namespace lacks. A workflow that sets one that isn't there would
 * try the same workflow task for ever, so a worker makes sure before it takes any.
 *
 * @throws PerdureError `SetupFailed` where they can't be added, as on a namespace that others look after
 */
export async function ensureSearchAttributes(connection: Operated, namespace: string): Promise<void> {
  const missing = await missingAttributes(connection, namespace);
  if (missing.length === 0) return;
  try {
    await addSearchAttributes(connection, namespace, missing);
  } catch (error) {
    // Another worker may have added them meanwhile.
    if ((await missingAttributes(connection, namespace)).length > 0) throw notAdded(namespace, missing, error);
  }
  for (const deadline = Date.now() + PATIENCE_MS; (await missingAttributes(connection, namespace)).length > 0; await sleep(POLL_MS)) {
    if (Date.now() > deadline) throw notAdded(namespace, missing, 'they were taken, and have not appeared');
  }
}

/** Adds search attributes, none of which may be there. */
export async function addSearchAttributes(connection: Operated, namespace: string, names: string[] = NAMES): Promise<void> {
  const searchAttributes = Object.fromEntries(names.map((name) => [name, INDEXED_VALUE_TYPE_KEYWORD]));
  await connection.operatorService.addSearchAttributes({ namespace, searchAttributes });
}

async function missingAttributes(connection: Operated, namespace: string): Promise<string[]> {
  const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
  return NAMES.filter((name) => !(name in (customAttributes ?? {})));
}

function notAdded(namespace: string, missing: string[], why: unknown): PerdureError {
  const command = `temporal operator search-attribute create --namespace ${namespace} ${missing.map((name) => `--name ${name} --type Keyword`).join(' ')}`;
  return new PerdureError(
    'SetupFailed',
    `The namespace "${namespace}" lacks the search attributes ${missing.join(', ')}, and they can't be added (${isGrpcServiceError(why) ? why.details : messageOf(why)}); have them made: ${command}`,
  );
}
