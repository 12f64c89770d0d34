import { randomBytes } from 'node:crypto';
import { defaultPayloadConverter, type Payload } from '@temporalio/common';
import { describe, expect, test } from 'vitest';
import { PerdureError } from '../../src/errors.js';
import { encryptionCodecFrom } from '../../src/platform/temporal/encryptionCodec.js';

const newKey = () => randomBytes(32).toString('base64');
const codec = (...keys: string[]) => encryptionCodecFrom({ PERDURE_ENCRYPTION_KEY: keys.join(', ') })!;
const secret = { patient: 'Jane Doe' };
const payload = () => defaultPayloadConverter.toPayload(secret);
const valueOf = ([first]: Payload[]) => defaultPayloadConverter.fromPayload<unknown>(first!);

describe('payloads', () => {
  test('come back as they were, and show nothing on the way', async () => {
    const key = codec(newKey());
    const sent = await key.encode([payload(), payload()]);
    const wire = Buffer.from(sent[0]!.data!).toString('latin1');
    expect(wire).not.toContain('Jane');
    expect(Buffer.from(sent[0]!.metadata!.encoding!).toString()).toBe('binary/encrypted');
    expect(sent[0]!.data).not.toEqual(sent[1]!.data);
    expect(valueOf(await key.decode(sent))).toEqual(secret);
  });

  test('that are not encrypted pass as they are', async () => {
    expect(valueOf(await codec(newKey()).decode([payload()]))).toEqual(secret);
  });

  test('of an earlier key are read while it is still named, and no longer', async () => {
    const [older, newer] = [newKey(), newKey()];
    const sent = await codec(older).encode([payload()]);
    expect(valueOf(await codec(newer, older).decode(sent))).toEqual(secret);
    const refused = codec(newer).decode(sent);
    await expect(refused).rejects.toThrow(/PERDURE_ENCRYPTION_KEY does not hold/);
    await expect(refused).rejects.toMatchObject({ type: 'ConfigInvalid' });
    expect(valueOf(await codec(older).decode(await codec(older, newer).encode([payload()])))).toEqual(secret);
  });

  test.each([
    ['a changed byte', (data: Uint8Array) => data.map((byte, i) => (i === 20 ? byte ^ 1 : byte))],
    ['a missing end', (data: Uint8Array) => data.subarray(0, -1)],
    ['nothing', () => new Uint8Array()],
  ])('with %s are refused', async (_, damage) => {
    const key = codec(newKey());
    const [sent] = await key.encode([payload()]);
    await expect(key.decode([{ ...sent, data: damage(sent!.data!) }])).rejects.toMatchObject({ type: 'ObjectCorrupt' });
  });
});

describe('keys', () => {
  test('none, no encryption', () => {
    expect(encryptionCodecFrom({})).toBeUndefined();
    expect(encryptionCodecFrom({ PERDURE_ENCRYPTION_KEY: '' })).toBeUndefined();
  });

  test.each(['too short', Buffer.alloc(31).toString('base64'), Buffer.alloc(32).toString('hex'), `${newKey()},`])(
    'that are none are refused, without being told: %s',
    (keys) => {
      try {
        encryptionCodecFrom({ PERDURE_ENCRYPTION_KEY: keys });
        expect.unreachable();
      } catch (error) {
        expect(error).toBeInstanceOf(PerdureError);
        expect((error as PerdureError).message).toMatch(/^Key \d of PERDURE_ENCRYPTION_KEY is not 32 bytes in base64/);
        expect((error as PerdureError).message).not.toContain(keys);
      }
    },
  );
});
