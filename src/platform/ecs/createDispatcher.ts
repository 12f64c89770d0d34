import type { DispatcherTimes } from './dispatcherTimes.js';
import type { EcsDispatcher } from './ecsDispatcher.js';

/** A host that drops packets is given up after this long. */
const CONNECTION_TIMEOUT_MS = 5_000;
/** Likewise a service that stops talking. */
const SILENCE_TIMEOUT_MS = 30_000;

/**
 * A dispatcher that goes by AWS's own environment and files: credentials, region, and `AWS_ENDPOINT_URL_ECS` and
 * `AWS_ENDPOINT_URL_CLOUDWATCH_LOGS` for other servers. The SDK is loaded only where it is used.
 */
export async function createDispatcher(times: Partial<DispatcherTimes> = {}): Promise<EcsDispatcher> {
  const [{ ECSClient }, { CloudWatchLogsClient }, { EcsDispatcher }] = await Promise.all([
    import('@aws-sdk/client-ecs'),
    import('@aws-sdk/client-cloudwatch-logs'),
    import('./ecsDispatcher.js'),
  ]);
  const requestHandler = { connectionTimeout: CONNECTION_TIMEOUT_MS, socketTimeout: SILENCE_TIMEOUT_MS };
  // The dispatcher tries again by itself: it has to know of each refusal.
  return new EcsDispatcher({
    ecs: new ECSClient({ maxAttempts: 1, requestHandler }),
    logs: new CloudWatchLogsClient({ requestHandler }),
    times,
  });
}
