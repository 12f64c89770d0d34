import { Client, Connection } from '@temporalio/client';
import { loadClientConnectConfig, type ClientConnectConfig } from '@temporalio/envconfig';
import { variables, type Variables } from '../../environment.js';
import { PerdureError, messageOf } from '../../errors.js';
import { tracing } from '../observe/tracing.js';
import { dataConverterFrom } from './dataConverter.js';
import { clientPayloadGuard } from './payloadInterceptors.js';

/** A Temporal namespace and how to reach it. */
export interface TemporalTarget {
  /** `host:port` */
  address: string;
  namespace: string;
  /** TLS, API key and headers, as the environment configuration gives them. */
  security: Pick<ClientConnectConfig['connectionOptions'], 'tls' | 'apiKey' | 'metadata'>;
}

/** How long a server may take to answer the first call. */
const CONNECT_TIMEOUT_MS = 5_000;

const DEFAULT_NAMESPACE = 'default';

/**
 * The server that the standard Temporal environment configuration names (`TEMPORAL_ADDRESS`, `TEMPORAL_NAMESPACE`,
 * `TEMPORAL_API_KEY`, `TEMPORAL_TLS*`, or a profile of `temporal.toml`); `undefined` where it names none.
 *
 * @throws PerdureError `ConfigInvalid` where the configuration can't be read.
 */
export function configuredTarget(env: Variables = variables()): TemporalTarget | undefined {
  const config = readConfig(env);
  const { address, tls, apiKey, metadata } = config.connectionOptions;
  return address
    ? { address, namespace: config.namespace ?? DEFAULT_NAMESPACE, security: { tls, apiKey, metadata } }
    : undefined;
}

/** A server without TLS or key, such as a dev server. */
export function plainTarget(address: string, namespace = DEFAULT_NAMESPACE): TemporalTarget {
  return { address, namespace, security: {} };
}

/**
 * A client with an open connection; close it with `client.connection.close()`.
 *
 * @throws PerdureError `TemporalUnavailable` within seconds where nothing answers, or where the namespace isn't there;
 * `ConfigInvalid` for an encryption key that is none
 */
export async function connectClient(target: TemporalTarget): Promise<Client> {
  const dataConverter = dataConverterFrom();
  const traced = await tracing();
  let connection: Connection | undefined;
  try {
    connection = await Connection.connect({
      address: target.address,
      ...target.security,
      connectTimeout: CONNECT_TIMEOUT_MS,
    });
    const described = connection;
    await connection.withDeadline(Date.now() + CONNECT_TIMEOUT_MS, () =>
      described.workflowService.describeNamespace({ namespace: target.namespace }),
    );
    return new Client({
      connection,
      namespace: target.namespace,
      dataConverter,
      interceptors: { workflow: [...(traced ? [traced.client] : []), clientPayloadGuard] },
    });
  } catch (error) {
    await connection?.close();
    throw unavailable(target, error);
  }
}

function readConfig(env: NodeJS.ProcessEnv): ClientConnectConfig {
  const variables = Object.fromEntries(
    Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
  try {
    return loadClientConnectConfig({ overrideEnvVars: variables });
  } catch (error) {
    throw new PerdureError(
      'ConfigInvalid',
      `The Temporal environment configuration can't be read (${messageOf(error)}); correct the TEMPORAL_* variables or temporal.toml.`,
      { cause: error },
    );
  }
}

/** Why a server can't be used. */
export function unavailable(target: TemporalTarget, error: unknown): PerdureError {
  return new PerdureError(
    'TemporalUnavailable',
    `No Temporal server answers for namespace "${target.namespace}" at ${target.address} (${messageOf(error)}); ` +
      'start it, or unset TEMPORAL_ADDRESS to use an embedded one.',
    { cause: error },
  );
}
