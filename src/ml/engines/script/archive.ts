import { PerdureError } from '../../../errors.js';

/** A file of an archive. */
export interface ArchivedFile {
  /** Below the archive's root, with "/". */
  path: string;
  bytes: Uint8Array;
}

/** The POSIX tar format (ustar): a header of 512 bytes a file, with numbers in octal text, and the file padded to 512. */
const BLOCK = 512;
const FIELDS = {
  name: [0, 100],
  mode: [100, 8],
  uid: [108, 8],
  gid: [116, 8],
  size: [124, 12],
  mtime: [136, 12],
  checksum: [148, 8],
  type: [156, 1],
  magic: [257, 8],
  prefix: [345, 155],
} as const;
type Field = keyof typeof FIELDS;
const MAGIC = 'ustar';

/** Whether a file begins as an archive does. */
export function isArchive(bytes: Uint8Array): boolean {
  return text(bytes, 'magic').startsWith(MAGIC);
}

/**
 * Files as one tar archive, in the order of their paths: the same files give the same bytes, whoever owns them and whenever
 * they were written.
 *
 * @throws PerdureError `EngineFailed` for a path that is too long
 */
export function packed(files: readonly ArchivedFile[]): Buffer {
  const blocks = [...files]
    .sort((a, b) => (a.path < b.path ? -1 : 1))
    .flatMap(({ path, bytes }) => [headerOf(path, bytes.length), bytes, Buffer.alloc(padding(bytes.length))]);
  return Buffer.concat([...blocks, Buffer.alloc(2 * BLOCK)]);
}

/**
 * The files of an archive that {@link packed} made.
 * @throws Error for one that is cut off, or leads out of its root
 */
export function unpacked(archive: Uint8Array): ArchivedFile[] {
  const files: ArchivedFile[] = [];
  for (let at = 0; ;) {
    const header = archive.subarray(at, at + BLOCK);
    if (header.length < BLOCK) throw new Error('it is cut off');
    if (header.every((byte) => byte === 0)) return files;
    if (!isArchive(header) || checksumOf(header) !== parseInt(text(header, 'checksum'), 8))
      throw new Error('it has a damaged header');
    const prefix = text(header, 'prefix');
    const path = prefix === '' ? text(header, 'name') : `${prefix}/${text(header, 'name')}`;
    if (path.split('/').some((part) => part === '..' || part === '')) throw new Error(`it has the path ${path}`);
    const size = parseInt(text(header, 'size'), 8);
    at += BLOCK;
    if (at + size > archive.length) throw new Error('it is cut off');
    files.push({ path, bytes: archive.subarray(at, at + size) });
    at += size + padding(size);
  }
}

function headerOf(path: string, size: number): Buffer {
  const header = Buffer.alloc(BLOCK);
  const write = (field: Field, value: string) => header.write(value, FIELDS[field][0], 'utf8');
  const [prefix, name] = splitPath(path);
  write('name', name);
  write('prefix', prefix);
  write('mode', '0000644\0');
  write('uid', '0000000\0');
  write('gid', '0000000\0');
  write('size', `${size.toString(8).padStart(11, '0')}\0`);
  write('mtime', '00000000000\0');
  write('type', '0');
  write('magic', `${MAGIC}\0${'00'}`);
  write('checksum', `${checksumOf(header).toString(8).padStart(6, '0')}\0 `);
  return header;
}

/** A long path is divided at a "/" between two fields. */
function splitPath(path: string): [prefix: string, name: string] {
  const fits = (part: string, field: Field) => Buffer.byteLength(part) <= FIELDS[field][1];
  if (fits(path, 'name')) return ['', path];
  for (let at = path.indexOf('/'); at !== -1; at = path.indexOf('/', at + 1)) {
    const [prefix, name] = [path.slice(0, at), path.slice(at + 1)];
    if (fits(prefix, 'prefix') && fits(name, 'name')) return [prefix, name];
  }
  throw new PerdureError(
    'EngineFailed',
    `The path ${path} is too long for a model's archive; have the script write files with shorter names.`,
  );
}

/** The sum of the header's bytes, with spaces where the sum itself stands. */
function checksumOf(header: Uint8Array): number {
  const [start, length] = FIELDS.checksum;
  return header.reduce((sum, byte, at) => sum + (at >= start && at < start + length ? 0x20 : byte), 0);
}

function padding(size: number): number {
  return (BLOCK - (size % BLOCK)) % BLOCK;
}

function text(bytes: Uint8Array, field: Field): string {
  const [start, length] = FIELDS[field];
  return Buffer.from(bytes.subarray(start, start + length))
    .toString('utf8')
    .replace(/\0.*$/s, '');
}
