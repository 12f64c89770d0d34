import type { DataConverter } from '@temporalio/common';
import { variables, type Variables } from '../../environment.js';
import { encryptionCodecFrom, lenient } from './encryptionCodec.js';

/** How clients and workers alike turn values into payloads: encrypted where `PERDURE_ENCRYPTION_KEY` asks for it. */
export function dataConverterFrom(env: Variables = variables()): DataConverter {
  const codec = encryptionCodecFrom(env);
  return { payloadCodecs: codec ? [codec] : [] };
}

/**
 * The same for workers that run workflows: a payload that can't be decrypted reaches the workflow as it is, where a
 * message is refused, and the result of an activity fails the workflow task until the key is there.
 */
export function workflowDataConverterFrom(env: Variables = variables()): DataConverter {
  const { payloadCodecs = [] } = dataConverterFrom(env);
  return { payloadCodecs: payloadCodecs.map(lenient) };
}
