import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { deflateRawSync, crc32 } from 'node:zlib';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import type { Pipeline } from '../../src/config/load.js';
import { downloadSource } from '../../src/data/download.js';
import { sha256 } from '../../src/platform/storage/checksum.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

const CSV = `id,value\n${Array.from({ length: 5000 }, (_, i) => `${i},${i * 7919}`).join('\n')}\n`;
const ARCHIVE = zipOf(['folder/data.csv', CSV]);

let folder: string;
let target: string;
beforeEach(() => {
  folder = temporaryFolder();
  target = join(folder, 'nested', 'data.csv');
});

/** A real HTTP server that answers every request by `answer`. */
async function serve(answer: (response: ServerResponse) => void): Promise<{ url: string; requests: () => number }> {
  let requests = 0;
  const server = createServer((_request, response) => {
    requests++;
    answer(response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/data.zip`, requests: () => requests };
}

function pipelineAt(url: string, change: { member?: string | undefined; sha256?: string } = {}): Pipeline {
  const download = { url, member: 'data.csv', sha256: sha256(CSV), licence: 'none', ...change };
  return {
    definition: { name: 'numbers', source: { file: 'data.csv', columns: {}, download } },
  } as unknown as Pipeline;
}

/** What lies below the target's folder, once a download has failed. */
function leftovers(): string[] {
  mkdirSync(join(folder, 'nested'), { recursive: true });
  return readdirSync(join(folder, 'nested'));
}

describe('downloading a source', () => {
  test('fetches, unpacks and verifies, and tells how far it is', async () => {
    const { url } = await serve((response) => response.setHeader('content-length', ARCHIVE.length).end(ARCHIVE));
    const progress: number[] = [];
    await downloadSource(pipelineAt(url), target, { report: ({ done, total }) => progress.push(done / total) });
    expect(readFileSync(target, 'utf8')).toBe(CSV);
    expect(leftovers()).toEqual(['data.csv']);
    expect(progress.at(-1)).toBe(1);
  });

  test('tells the whole size while it is under way, where the server announces it', async () => {
    for (const announced of [true, false]) {
      let finish = () => {};
      const { url } = await serve((response) => {
        if (announced) response.setHeader('content-length', ARCHIVE.length);
        response.write(ARCHIVE.subarray(0, 100));
        finish = () => response.end(ARCHIVE.subarray(100));
      });
      const progress: { what: string; done: number; total: number }[] = [];
      await downloadSource(pipelineAt(url), join(folder, String(announced), 'data.csv'), {
        report: (news) => {
          if (progress.push(news) === 1) finish();
        },
      });
      expect(progress[0]).toEqual({ what: 'bytes', done: 100, total: announced ? ARCHIVE.length : 100 });
      expect(progress.at(-1)).toEqual({ what: 'bytes', done: ARCHIVE.length, total: ARCHIVE.length });
    }
  });

  test('fetches a file that is not packed', async () => {
    const { url } = await serve((response) => response.end(CSV));
    await downloadSource(pipelineAt(url, { member: undefined }), target);
    expect(readFileSync(target, 'utf8')).toBe(CSV);
  });

  test('finds its member among others, in the folder that it lies in', async () => {
    const archive = zipOf(
      ['data.csv/other', 'a,b\n'],
      ['olddata.csv', 'c\n'],
      ['data.csvx', 'd\n'],
      ['a/b/data.csv', CSV],
    );
    const { url } = await serve((response) => response.end(archive));
    await downloadSource(pipelineAt(url), target);
    expect(readFileSync(target, 'utf8')).toBe(CSV);
  });

  test('leaves a target alone that is right already, and replaces one that is not', async () => {
    const { url, requests } = await serve((response) => response.end(ARCHIVE));
    expect(await downloadSource(pipelineAt(url), target)).toEqual({ downloaded: true });
    expect(await downloadSource(pipelineAt(url), target)).toEqual({ downloaded: false });
    expect(requests()).toBe(1);
    writeFileSync(target, 'id,value\n');
    expect(await downloadSource(pipelineAt(url), target)).toEqual({ downloaded: true });
    expect(readFileSync(target, 'utf8')).toBe(CSV);
  });
});

describe('a download that fails says so in a sentence and leaves nothing', () => {
  const BY_HAND = 'try again later, or fetch the file by hand and name it with --csv.';
  const cases: [what: string, answer: (response: ServerResponse) => void, message: (url: string) => string][] = [
    [
      'not found',
      (response) => response.writeHead(404).end('no such file'),
      (url) => `${url} answers 404 Not Found; ${BY_HAND}`,
    ],
    [
      'nothing in the answer',
      (response) => response.writeHead(204).end(),
      (url) => `${url} answers 204 No Content; ${BY_HAND}`,
    ],
    [
      'the connection breaks in the middle',
      (response) => {
        response.writeHead(200, { 'content-length': ARCHIVE.length });
        response.write(ARCHIVE.subarray(0, ARCHIVE.length / 2), () => response.destroy());
      },
      (url) => `${url} can't be fetched (other side closed); ${BY_HAND}`,
    ],
    [
      'half an archive',
      (response) => response.end(ARCHIVE.subarray(0, ARCHIVE.length / 2)),
      (url) =>
        `The archive from ${url} can't be unpacked (End of central directory record signature not found. Either not a zip file, or file is truncated.); ${BY_HAND}`,
    ],
    [
      'an archive of something else',
      (response) => response.end(zipOf(['other.csv', CSV])),
      (url) => `The archive from ${url} can't be unpacked (it has no member data.csv); ${BY_HAND}`,
    ],
    [
      'an archive of a file whose name only ends like it',
      (response) => response.end(zipOf(['olddata.csv', CSV])),
      (url) => `The archive from ${url} can't be unpacked (it has no member data.csv); ${BY_HAND}`,
    ],
    [
      'other bytes',
      (response) => response.end(zipOf(['data.csv', 'id,value\n1,2\n'])),
      (url) =>
        `data.csv from ${url} has SHA-256 ${sha256('id,value\n1,2\n')}, where ${sha256(CSV)} is expected; ` +
        'the data was changed or the download garbled, so fetch it by hand and look.',
    ],
  ];
  test('what was wrong with an archive is kept for whoever looks closer', async () => {
    const { url } = await serve((response) => response.end(zipOf(['other.csv', CSV])));
    await expect(downloadSource(pipelineAt(url), target)).rejects.toMatchObject({
      cause: { message: 'it has no member data.csv' },
    });
  });

  test.each(['fetched', 'member'])('a folder stands where the %s file is to be', async (file) => {
    const { url } = await serve((response) => {
      mkdirSync(join(folder, 'nested', readdirSync(join(folder, 'nested'))[0]!, file));
      response.end(ARCHIVE);
    });
    await expect(downloadSource(pipelineAt(url), target)).rejects.toMatchObject({
      type: 'StoreUnavailable',
      message: expect.stringContaining(`${target} can't be read or written: EISDIR: `) as string,
    });
    expect(leftovers()).toEqual([]);
  });

  test("a folder stands where the data is to be, and the target can't be read", async () => {
    const { url, requests } = await serve((response) => response.end(ARCHIVE));
    mkdirSync(target, { recursive: true });
    await expect(downloadSource(pipelineAt(url), target)).rejects.toMatchObject({
      type: 'InputInvalid',
      message: expect.stringContaining(`${target} is a folder`) as string,
    });
    const long = join(folder, 'x'.repeat(300));
    await expect(downloadSource(pipelineAt(url), long)).rejects.toMatchObject({
      type: 'StoreUnavailable',
      message: expect.stringContaining(`${long} can't be read or written: ENAMETOOLONG`) as string,
    });
    expect(requests()).toBe(0);
  });

  test.each(cases)('%s', async (_what, answer, message) => {
    const { url } = await serve(answer);
    await expect(downloadSource(pipelineAt(url), target)).rejects.toMatchObject({
      type: 'SetupFailed',
      message: message(url),
    });
    expect(leftovers()).toEqual([]);
  });

  test('other bytes of a file that is not packed', async () => {
    const { url } = await serve((response) => response.end('id,value\n'));
    await expect(downloadSource(pipelineAt(url, { member: undefined }), target)).rejects.toMatchObject({
      message:
        `The file from ${url} has SHA-256 ${sha256('id,value\n')}, where ${sha256(CSV)} is expected; ` +
        'the data was changed or the download garbled, so fetch it by hand and look.',
    });
    expect(leftovers()).toEqual([]);
  });

  test('there is no address', async () => {
    const pipeline = {
      definition: { name: 'numbers', source: { file: 'data.csv', columns: {} } },
    } as unknown as Pipeline;
    await expect(downloadSource(pipeline, target)).rejects.toMatchObject({
      type: 'ConfigInvalid',
      message: 'The pipeline numbers names no public home of its data (source.download); name a CSV file instead.',
    });
  });

  test('nobody answers', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    await new Promise((closed) => server.close(closed));
    const closed = `http://127.0.0.1:${port}/data.csv`;
    await expect(downloadSource(pipelineAt(closed), target)).rejects.toMatchObject({
      type: 'SetupFailed',
      message: `${closed} can't be fetched (connect ECONNREFUSED 127.0.0.1:${port}); ${BY_HAND}`,
      cause: { message: 'fetch failed' },
    });
    expect(leftovers()).toEqual([]);
  });

  test('an address that is none', async () => {
    await expect(downloadSource(pipelineAt('data.csv'), target)).rejects.toMatchObject({
      type: 'SetupFailed',
      message: expect.stringMatching(/^data\.csv can't be fetched \(\S.*\); try again later/) as string,
    });
  });

  test('given up by the user', async () => {
    const { url } = await serve((response) => void response.write(ARCHIVE.subarray(0, 100)));
    const abort = new AbortController();
    const download = downloadSource(pipelineAt(url), target, { signal: abort.signal, report: () => abort.abort() });
    await expect(download).rejects.toThrow('aborted');
    expect(leftovers()).toEqual([]);
  });
});

// Linux has a file that takes no byte, as a full disk does.
describe.skipIf(!existsSync('/dev/full'))('a full disk is told as one, not as a failed download:', () => {
  test.each(['fetched', 'member'])('while the %s file is written', async (file) => {
    const { url } = await serve((response) => {
      const [own] = readdirSync(join(folder, 'nested'));
      symlinkSync('/dev/full', join(folder, 'nested', own!, file));
      response.end(ARCHIVE);
    });
    await expect(downloadSource(pipelineAt(url), target)).rejects.toMatchObject({
      type: 'StoreFull',
      message: `No space is left to write ${target}; free some and run again.`,
    });
    expect(leftovers()).toEqual([]);
  });
});

/** A zip archive of deflated members (APPNOTE 6.3.10, sections 4.3.7, 4.3.12 and 4.3.16). */
function zipOf(...members: [name: string, content: string][]): Buffer {
  const locals: Buffer[] = [];
  const centrals: Buffer[] = [];
  let offset = 0;
  for (const [name, content] of members) {
    const data = deflateRawSync(content);
    const fields = Buffer.alloc(26);
    fields.writeUInt16LE(20, 0);
    fields.writeUInt16LE(8, 4);
    fields.writeUInt32LE(crc32(content), 10);
    fields.writeUInt32LE(data.length, 14);
    fields.writeUInt32LE(Buffer.byteLength(content), 18);
    fields.writeUInt16LE(name.length, 22);
    const more = Buffer.alloc(14);
    more.writeUInt32LE(offset, 10);
    const local = Buffer.concat([Buffer.from('PK\u0003\u0004'), fields, Buffer.from(name), data]);
    locals.push(local);
    centrals.push(Buffer.from('PK\u0001\u0002\u0014\u0000'), fields, more, Buffer.from(name));
    offset += local.length;
  }
  const central = Buffer.concat(centrals);
  const end = Buffer.alloc(22);
  end.write('PK\u0005\u0006', 'latin1');
  end.writeUInt16LE(members.length, 8);
  end.writeUInt16LE(members.length, 10);
  end.writeUInt32LE(central.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...locals, central, end]);
}
