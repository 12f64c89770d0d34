import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';
import type { Payload, PayloadCodec } from '@temporalio/common';
import { decode, encode } from '@temporalio/common/lib/encoding.js';
import proto from '@temporalio/proto';
import { variables, type Variables } from '../../environment.js';
import { PerdureError } from '../../errors.js';

const { Payload: PayloadMessage } = proto.temporal.api.common.v1;

/** As Temporal's own samples and codec servers name and lay it out: 12 bytes of nonce, the ciphertext, 16 bytes of tag. */
const ENCODING = 'binary/encrypted';
const KEY_ID = 'encryption-key-id';
const CIPHER = 'aes-256-gcm';
const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/**
 * Encrypts payloads with AES-256-GCM before they leave for Temporal, and decrypts those that come back. The first key
 * encrypts; each decrypts what was encrypted with it. Payloads that aren't encrypted pass as they are, so that a
 * namespace with runs under way can be switched over.
 *
 * Messages and stack traces of failures, search attributes and ids are no payloads: they stay readable.
 */
export class EncryptionCodec implements PayloadCodec {
  private readonly keys: ReadonlyMap<string, Uint8Array>;
  private readonly currentId: string;

  constructor(
    private readonly current: Uint8Array,
    ...previous: Uint8Array[]
  ) {
    this.keys = new Map([current, ...previous].map((key) => [keyId(key), key]));
    this.currentId = keyId(current);
  }

  async encode(payloads: Payload[]): Promise<Payload[]> {
    return payloads.map((payload) => this.encrypt(payload));
  }

  async decode(payloads: Payload[]): Promise<Payload[]> {
    return payloads.map((payload) => (textOf(payload, 'encoding') === ENCODING ? this.decrypt(payload) : payload));
  }

  private encrypt(payload: Payload): Payload {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv(CIPHER, this.current, nonce);
    const data = Buffer.concat([
      nonce,
      cipher.update(PayloadMessage.encode(payload).finish()),
      cipher.final(),
      cipher.getAuthTag(),
    ]);
    return { metadata: { encoding: encode(ENCODING), [KEY_ID]: encode(this.currentId) }, data };
  }

  /** @throws PerdureError `ConfigInvalid` where the key isn't at hand, `ObjectCorrupt` where the bytes were changed */
  private decrypt(payload: Payload): Payload {
    const id = textOf(payload, KEY_ID) ?? '';
    const key = this.keys.get(id);
    if (!key) {
      throw new PerdureError(
        'ConfigInvalid',
        `A payload is encrypted with key ${id}, which PERDURE_ENCRYPTION_KEY does not hold; add that key after the present one.`,
      );
    }
    const data = payload.data ?? new Uint8Array();
    try {
      const decipher = createDecipheriv(CIPHER, key, data.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES });
      decipher.setAuthTag(data.subarray(-TAG_BYTES));
      return PayloadMessage.decode(
        Buffer.concat([decipher.update(data.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()]),
      );
    } catch (error) {
      throw new PerdureError(
        'ObjectCorrupt',
        `A payload encrypted with key ${id} was changed since; it can't be read.`,
        { cause: error },
      );
    }
  }
}

/**
 * Decodes what it can and leaves the rest as it is, for workers that run workflows: an error here fails the whole
 * workflow task, also where all that can't be read is a message that a stranger sent.
 */
export function lenient(codec: PayloadCodec): PayloadCodec {
  const decodeOne = (payload: Payload) => codec.decode([payload]).catch(() => [payload]);
  return {
    encode: (payloads) => codec.encode(payloads),
    decode: async (payloads) => (await Promise.all(payloads.map(decodeOne))).flat(),
  };
}

/**
 * The codec that `PERDURE_ENCRYPTION_KEY` asks for; `undefined` where it isn't set, and payloads stay readable.
 *
 * The variable holds keys of 32 bytes in base64, comma-separated: the first encrypts, all decrypt. To change keys, add
 * the new one at the end everywhere, then move it to the front, then drop the old one once no kept history needs it.
 *
 * @throws PerdureError `ConfigInvalid`, never with a key in its message
 */
export function encryptionCodecFrom(env: Variables = variables()): EncryptionCodec | undefined {
  const named = env.PERDURE_ENCRYPTION_KEY?.trim();
  if (!named) return undefined;
  const [current, ...previous] = named.split(',').map((text, i) => keyFrom(text.trim(), i));
  return new EncryptionCodec(current!, ...previous);
}

function keyFrom(text: string, i: number): Uint8Array {
  const key = Buffer.from(text, 'base64');
  if (key.length !== KEY_BYTES || key.toString('base64') !== text) {
    throw new PerdureError(
      'ConfigInvalid',
      `Key ${i + 1} of PERDURE_ENCRYPTION_KEY is not 32 bytes in base64; make one with "openssl rand -base64 32".`,
    );
  }
  return key;
}

/** A key's name says nothing of the key, and can't be set wrongly: the start of its SHA-256. */
function keyId(key: Uint8Array): string {
  return createHash('sha256').update(key).digest('hex').slice(0, 16);
}

function textOf(payload: Payload, name: string): string | undefined {
  const bytes = payload.metadata?.[name];
  return bytes ? decode(bytes) : undefined;
}
