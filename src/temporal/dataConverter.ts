import type { DataConverter } from '@temporalio/common';
import { variables, type Variables } from '../environment.js';
import { encryptionCodecFrom } from './encryptionCodec.js';

/** How clients and workers alike turn values into payloads: encrypted where `PERDURE_ENCRYPTION_KEY` asks for it. */
export function dataConverterFrom(env: Variables = variables()): DataConverter {
  const codec = encryptionCodecFrom(env);
  return { payloadCodecs: codec ? [codec] : [] };
}
