import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isMainThread } from 'node:worker_threads';
import { describe, expect, test } from 'vitest';
import { asUtf8, encodingOf } from '../../src/data/inspect/encoding.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

function file(content: string | Buffer): string {
  const path = join(temporaryFolder(), 'table.csv');
  writeFileSync(path, content);
  return path;
}

const isRoot = process.getuid?.() === 0;
/** Files are read by so many bytes at once. */
const CHUNK = 1 << 20;

describe('the encoding of a file', () => {
  // Characters of 1, 2, 3 and 4 bytes, wherever in one of them a chunk ends.
  // Characters of 1, 2, 3 and 4 bytes, wherever in one of them a chunk ends.
  test.each(['x', 'й', '東', '𝄞'])(
    'is UTF-8 where all characters are %s, and not where one byte is wrong',
    async (character) => {
      const bytes = Buffer.byteLength(character);
      for (let before = 0; before < bytes; before++) {
        const text = Buffer.from('a'.repeat(before) + character.repeat(CHUNK / bytes + 2));
        expect(await encodingOf(file(text))).toBe('utf-8');
        for (const at of [before, CHUNK - 1, CHUNK, text.length - 1]) {
          const broken = Buffer.from(text);
          broken[at] = 0xfc;
          expect(await encodingOf(file(broken))).toBe('windows-1252');
        }
      }
    },
  );

  test('is UTF-8 where there is one character alone', async () => {
    expect(await encodingOf(file('a'))).toBe('utf-8');
    expect(await encodingOf(file('東'))).toBe('utf-8');
  });

  test('is none of Unicode where its last character is cut, or bytes go on with nothing', async () => {
    expect(await encodingOf(file(Buffer.from('a,東').subarray(0, 4)))).toBe('windows-1252');
    expect(await encodingOf(file(Buffer.alloc(CHUNK + 9, 0xbf)))).toBe('windows-1252');
  });

  test('is told by the first bytes, of which those of value 0 show that it is no text', async () => {
    const zeroAt = (at: number) => file(Buffer.from('a'.repeat(at) + '\0' + 'a'.repeat(9)));
    const path = zeroAt(4_095);
    await expect(encodingOf(path)).rejects.toMatchObject({
      type: 'InputInvalid',
      message: `${path} holds bytes of value 0, so it is no text; save it as CSV in UTF-8.`,
    });
    expect(await encodingOf(zeroAt(4_096))).toBe('utf-8');
    // A mark or a magic number stands at the beginning alone.
    expect(await encodingOf(file(Buffer.from('a\xff\xfe', 'latin1')))).toBe('windows-1252');
    expect(await encodingOf(file(Buffer.from('a\xfe\xff', 'latin1')))).toBe('windows-1252');
    expect(await encodingOf(file('a,PAR1'))).toBe('utf-8');
    expect(await encodingOf(file(Buffer.from('\xff\xfe\n\0', 'latin1')))).toBe('utf-16le');
    expect(await encodingOf(file(Buffer.from('\xfe\xff\0\n', 'latin1')))).toBe('utf-16be');
  });

  test.each([
    ['nothing', Buffer.alloc(0), 'is empty; give a CSV with a header line.'],
    ['gzip', Buffer.from('\x1f\x8b\b', 'latin1'), 'is compressed with gzip; unpack it and give the file within.'],
    [
      'a ZIP archive',
      Buffer.from('PK\x03\x04\0', 'latin1'),
      'is a ZIP archive or a spreadsheet; unpack it, or save the sheet as CSV.',
    ],
    ['an old spreadsheet', Buffer.from('\xd0\xcf\x11\xe0\xa1', 'latin1'), 'is a spreadsheet; save the sheet as CSV.'],
    ['Parquet', Buffer.from('PAR1\x15', 'latin1'), 'is a Parquet file; write it as CSV.'],
    ['zstd', Buffer.from('(\xb5\x2f\xfd$', 'latin1'), 'is compressed with zstd; unpack it and give the file within.'],
  ])('of %s is refused', async (_, content, said) => {
    const path = file(content);
    await expect(encodingOf(path)).rejects.toMatchObject({ type: 'InputInvalid', message: `${path} ${said}` });
  });

  test('of a path that can not be read is refused with what is wrong', async () => {
    const folder = temporaryFolder();
    const long = join(folder, 'x'.repeat(300));
    await expect(encodingOf(long)).rejects.toMatchObject({
      type: 'StoreUnavailable',
      message: expect.stringContaining('ENAMETOOLONG') as string,
      cause: { code: 'ENAMETOOLONG' },
    });
    await expect(encodingOf(folder)).rejects.toMatchObject({
      type: 'InputInvalid',
      message: expect.stringContaining('is a folder') as string,
    });
    const absent = join(folder, 'absent.csv');
    await expect(encodingOf(absent)).rejects.toMatchObject({
      type: 'InputInvalid',
      message: `There is no file ${absent}; check the path.`,
      cause: { code: 'ENOENT' },
    });
    const below = join(file('a,b\n'), 'table.csv');
    await expect(encodingOf(below)).rejects.toMatchObject({
      type: 'InputInvalid',
      message: `There is no file ${below}; check the path.`,
      cause: { code: 'ENOTDIR' },
    });
  });

  // Only a whole process can give up the rights of root.
  test.skipIf(isRoot && !isMainThread)('of a file that this user may not read is refused', async () => {
    const path = file('a,b\n');
    chmodSync(path, 0);
    await expect(withoutRights(() => encodingOf(path))).rejects.toMatchObject({
      type: 'InputInvalid',
      message: `${path} may not be read by this user; change its permissions and run again.`,
      cause: { code: 'EACCES' },
    });
  });
});

/** Root may read everything, so its rights are given up for a while. */
async function withoutRights<T>(work: () => Promise<T>): Promise<T> {
  if (!isRoot) return work();
  process.seteuid!(65_534);
  try {
    return await work();
  } finally {
    process.seteuid!(0);
  }
}

describe('a copy in UTF-8', () => {
  const text = 'name,n\nMüller €,1\n';
  test.each([
    ['utf-16le', Buffer.from(`\uFEFF${text}`, 'utf16le')],
    ['utf-16be', Buffer.from(`\uFEFF${text}`, 'utf16le').swap16()],
    ['windows-1252', Buffer.from('name,n\nM\xfcller \x80,1\n', 'latin1')],
  ] as const)('of %s holds the same text', async (encoding, content) => {
    const path = await asUtf8(file(content), encoding, temporaryFolder());
    expect(readFileSync(path)).toEqual(Buffer.from(text));
  });

  test('of UTF-8 is the file itself, and has a name without signs', async () => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, 'a[1]*'));
    const path = join(folder, 'a[1]*', 'b?.csv');
    writeFileSync(path, text);
    const link = await asUtf8(path, 'utf-8', folder);
    expect(link).toBe(join(folder, 'source.csv'));
    writeFileSync(path, 'a,b\n');
    expect(readFileSync(link, 'utf8')).toBe('a,b\n');
  });
});
