import { isUtf8 } from 'node:buffer';
import { createWriteStream } from 'node:fs';
import { symlink } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { TextDecoderStream } from 'node:stream/web';
import { PerdureError, systemCode } from '../../errors.js';
import { diskError } from '../../platform/files/diskError.js';
import { openRegularFile } from '../../platform/storage/regularFile.js';

/** How a CSV's characters are written. What is no Unicode is taken for Windows' Western set, of which Latin-1 is a part. */
export const ENCODINGS = ['utf-8', 'utf-16le', 'utf-16be', 'windows-1252'] as const;
export type Encoding = (typeof ENCODINGS)[number];

const CHUNK = 1 << 20;

/** Files that are often taken for a CSV, by their first bytes. */
const OTHER_KINDS: [magic: string, kind: string, remedy: string][] = [
  ['\x1f\x8b', 'is compressed with gzip', 'unpack it and give the file within'],
  ['PK\x03\x04', 'is a ZIP archive or a spreadsheet', 'unpack it, or save the sheet as CSV'],
  ['\xd0\xcf\x11\xe0', 'is a spreadsheet', 'save the sheet as CSV'],
  ['PAR1', 'is a Parquet file', 'write it as CSV'],
  ['(\xb5\x2f\xfd', 'is compressed with zstd', 'unpack it and give the file within'],
];

/**
 * The encoding of a text file, which is read whole: a name with an accent may stand in its last line.
 *
 * @throws PerdureError `InputInvalid` for what is no file, an empty one, or one that holds no text
 */
export async function encodingOf(path: string): Promise<Encoding> {
  try {
    const file = await openRegularFile(path);
    try {
      return await readEncoding(path, file.createReadStream({ highWaterMark: CHUNK, autoClose: false }));
    } finally {
      await file.close();
    }
  } catch (error) {
    const code = systemCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR')
      throw new PerdureError('InputInvalid', `There is no file ${path}; check the path.`, { cause: error });
    if (code === 'EACCES')
      throw new PerdureError(
        'InputInvalid',
        `${path} may not be read by this user; change its permissions and run again.`,
        { cause: error },
      );
    throw diskError(error, path);
  }
}

async function readEncoding(path: string, chunks: AsyncIterable<Buffer>): Promise<Encoding> {
  let rest: Buffer = Buffer.alloc(0);
  let first = true;
  for await (const chunk of chunks) {
    if (first) {
      const start = chunk.toString('latin1', 0, 4);
      const other = OTHER_KINDS.find(([magic]) => start.startsWith(magic));
      if (other) throw new PerdureError('InputInvalid', `${path} ${other[1]}; ${other[2]}.`);
      const marked = markedEncoding(chunk);
      if (marked !== undefined) return marked;
      if (chunk.subarray(0, 4096).includes(0))
        throw new PerdureError(
          'InputInvalid',
          `${path} holds bytes of value 0, so it is no text; save it as CSV in UTF-8.`,
        );
      first = false;
    }
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    // The last character may be cut by the chunk's end, so it waits: from the last byte on that is not 10xxxxxx.
    const end = bytes.findLastIndex((byte) => byte >> 6 !== 0b10);
    if (end < 0 || !isUtf8(bytes.subarray(0, end))) return 'windows-1252';
    rest = bytes.subarray(end);
  }
  if (first) throw new PerdureError('InputInvalid', `${path} is empty; give a CSV with a header line.`);
  return isUtf8(rest) ? 'utf-8' : 'windows-1252';
}

/** UTF-16, by the byte order mark that a file begins with. */
function markedEncoding(start: Buffer): Encoding | undefined {
  if (start[0] === 0xff && start[1] === 0xfe) return 'utf-16le';
  return start[0] === 0xfe && start[1] === 0xff ? 'utf-16be' : undefined;
}

/**
 * The first characters of a text file.
 *
 * @param bytes how many of the file are read at most; a character that they cut is left out
 * @param known the encoding. @default by the byte order mark, else UTF-8
 * @returns `whole` where the file ends there
 */
export async function readStart(
  path: string,
  bytes: number,
  known?: Encoding,
): Promise<{ text: string; encoding: Encoding; whole: boolean }> {
  const file = await openRegularFile(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(bytes), 0, bytes, 0);
    const { size } = await file.stat();
    const encoding = known ?? markedEncoding(buffer) ?? 'utf-8';
    // Only as a stream does Node.js 20 tell windows-1252 from Latin-1.
    const text = new TextDecoder(encoding).decode(buffer.subarray(0, bytesRead), { stream: true });
    return { text, encoding, whole: bytesRead === size };
  } finally {
    await file.close();
  }
}

/**
 * A path in `folder` under which a CSV can be read in UTF-8: a link to it, or a copy where it is in another encoding.
 * DuckDB takes some characters of a path for a pattern, which those of the given folder must not hold.
 */
export async function asUtf8(path: string, encoding: Encoding, folder: string): Promise<string> {
  const target = join(folder, 'source.csv');
  if (encoding === 'utf-8') {
    await symlink(resolve(path), target);
    return target;
  }
  const file = await openRegularFile(path);
  await pipeline(
    Readable.fromWeb(
      Readable.toWeb(file.createReadStream({ highWaterMark: CHUNK })).pipeThrough(new TextDecoderStream(encoding)),
    ),
    createWriteStream(target),
  );
  return target;
}
