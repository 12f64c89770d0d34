import { randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline as streamPipeline } from 'node:stream/promises';
import type { ReadableStream } from 'node:stream/web';
import yauzl from 'yauzl';
import type { Pipeline } from '../config/load.js';
import type { Progress } from '../contracts/index.js';
import { PerdureError, messageOf, systemCode } from '../errors.js';
import { sha256File } from '../platform/storage/checksum.js';
import { diskError } from '../platform/files/diskError.js';

export interface DownloadOptions {
  signal?: AbortSignal;
  report?: (progress: Progress) => void;
}

/**
 * Fetches a pipeline's source from its public home into the file `target`, which appears whole and verified or not
 * at all. A target that holds the right bytes already is left alone.
 *
 * @throws PerdureError `ConfigInvalid` for a pipeline without a public home; `SetupFailed` where the fetch fails or
 *   brings other bytes; `StoreFull`, `StoreUnavailable`
 */
export async function downloadSource(
  pipeline: Pipeline,
  target: string,
  options: DownloadOptions = {},
): Promise<{ downloaded: boolean }> {
  const { name, source } = pipeline.definition;
  if (!source.download) {
    throw new PerdureError(
      'ConfigInvalid',
      `The pipeline ${name} names no public home of its data (source.download); name a CSV file instead.`,
    );
  }
  const { url, member, sha256 } = source.download;
  if ((await checksumIfThere(target)) === sha256) return { downloaded: false };

  const folder = join(dirname(target), `.download-${randomUUID()}`);
  try {
    await mkdir(folder, { recursive: true });
    const fetched = join(folder, 'fetched');
    await fetchTo(url, fetched, options);
    const file = member === undefined ? fetched : await unzip(url, fetched, member, join(folder, 'member'));
    const checksum = await sha256File(file);
    if (checksum !== sha256) {
      throw new PerdureError(
        'SetupFailed',
        `${member ?? 'The file'} from ${url} has SHA-256 ${checksum}, where ${sha256} is expected; the data was changed or the download garbled, so fetch it by hand and look.`,
      );
    }
    await rename(file, target);
  } catch (error) {
    options.signal?.throwIfAborted();
    throw error instanceof PerdureError ? error : diskError(error, target);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return { downloaded: true };
}

async function fetchTo(url: string, path: string, { signal, report }: DownloadOptions): Promise<void> {
  try {
    const response = await fetch(url, { signal: signal ?? null });
    if (!response.ok || !response.body) {
      await response.body?.cancel();
      throw new PerdureError('SetupFailed', `${url} answers ${response.status} ${response.statusText}; ${BY_HAND}.`);
    }
    const total = Number(response.headers.get('content-length') ?? 0);
    let done = 0;
    await streamPipeline(
      // Node.js's own type and that of browsers, which the pages' components bring in, differ.
      Readable.fromWeb(response.body as ReadableStream),
      async function* (chunks: AsyncIterable<Uint8Array>) {
        for await (const chunk of chunks) {
          done += chunk.length;
          report?.({ what: 'bytes', done, total: Math.max(total, done) });
          yield chunk;
        }
      },
      createWriteStream(path),
    );
  } catch (error) {
    if (error instanceof PerdureError || isFileError(error)) throw error;
    const why = error instanceof Error && error.cause ? messageOf(error.cause) : messageOf(error);
    throw new PerdureError('SetupFailed', `${url} can't be fetched (${why}); ${BY_HAND}.`, { cause: error });
  }
}

async function unzip(url: string, archive: string, member: string, path: string): Promise<string> {
  try {
    const zip = await yauzl.openPromise(archive);
    for await (const entry of zip.eachEntry()) {
      if (entry.fileName !== member && !entry.fileName.endsWith(`/${member}`)) continue;
      await streamPipeline(await zip.openReadStreamPromise(entry), createWriteStream(path));
      return path;
    }
    throw new Error(`it has no member ${member}`);
  } catch (error) {
    if (isFileError(error)) throw error;
    throw new PerdureError(
      'SetupFailed',
      `The archive from ${url} can't be unpacked (${messageOf(error)}); ${BY_HAND}.`,
      { cause: error },
    );
  }
}

const BY_HAND = 'try again later, or fetch the file by hand and name it with --csv';

/** Whether a local file is at fault, rather than the network or the archive. */
function isFileError(error: unknown): boolean {
  const { syscall } = error as NodeJS.ErrnoException;
  return syscall === 'open' || syscall === 'write';
}

async function checksumIfThere(path: string): Promise<string | undefined> {
  return sha256File(path).catch((error: unknown) => {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw diskError(error, path);
  });
}
