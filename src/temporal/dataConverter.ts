import type { DataConverter } from '@temporalio/common';
import { encryptionCodecFrom } from './encryptionCodec.js';

/** How clients and workers alike turn values into payloads: encrypted where `PERDURE_ENCRYPTION_KEY` asks for it. */
export function dataConverterFrom(env: NodeJS.ProcessEnv = process.env): DataConverter {
  const codec = encryptionCodecFrom(env);
  return { payloadCodecs: codec ? [codec] : [] };
}
