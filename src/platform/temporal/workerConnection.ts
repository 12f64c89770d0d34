import { NativeConnection } from '@temporalio/worker';
import { connectClient, unavailable, type TemporalTarget } from './connection.js';

/**
 * A connection for workers; close it when they have stopped.
 *
 * @throws PerdureError `TemporalUnavailable` within seconds where nothing answers.
 */
export async function connectWorker(target: TemporalTarget): Promise<NativeConnection> {
  // The native connection has no deadline of its own and so waits minutes for a host that drops packets.
  const client = await connectClient(target);
  await client.connection.close();
  try {
    return await NativeConnection.connect({ address: target.address, ...target.security });
  } catch (error) {
    throw unavailable(target, error);
  }
}
