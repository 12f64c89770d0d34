import { InvalidArgumentError, Option } from 'commander';
import { isMoment } from '../contracts/index.js';
import { formatSize, parseSize, type WorkerSize } from '../platform/resources/workerSize.js';

export interface StoreOption {
  store?: string;
}

export interface JsonOption {
  json?: boolean;
}

/** Options of the commands that answer from the store. */
export type CommonOptions = StoreOption & JsonOption;

export interface StatusOptions extends CommonOptions {
  cost?: boolean;
}

/** Options of the commands that start a workflow. */
export interface RunOptions extends CommonOptions {
  csv?: string;
  asOf?: string;
  reason?: string;
  algorithm?: string[];
  replace?: boolean;
  from?: string;
  to?: string;
  again?: boolean;
  local?: boolean;
}

export interface UpOptions extends StoreOption {
  processingSize?: WorkerSize;
  trainingSize?: WorkerSize;
  port?: number;
  uiPort?: number;
}

/** A port of the server that the command starts. */
export function portOption(flag: string, what: string, customary: number): Option {
  return new Option(
    `${flag} <number>`,
    `port of ${what} (default: that of last time in this folder, else ${customary} or a free one)`,
  ).argParser((text: string) => {
    const port = Number(text);
    if (!/^\d+$/.test(text) || port < 1 || port > 65_535) throw new InvalidArgumentError('Give a port, 1 to 65535.');
    return port;
  });
}

/** The size of a worker that the command starts. */
export function sizeOption(flag: string, worker: string, standard: WorkerSize): Option {
  return new Option(
    `${flag} <size>`,
    `vCPUs and GiB of the ${worker} worker (default: ${formatSize(standard)})`,
  ).argParser((text: string) => parseSize(text, flag));
}

export function storeOption(): Option {
  return new Option(
    '--store <folder>',
    'folder of the object store, or "s3://" (default: $PERDURE_STORE, else .perdure/store)',
  );
}

export function jsonOption(): Option {
  return new Option('--json', 'print one JSON object on stdout, and nothing else there');
}

export function csvOption(): Option {
  return new Option(
    '--csv <file>',
    "the raw data, a file or an object's address (default: what was read last, or generated data the first time)",
  );
}

export function replaceOption(): Option {
  return new Option('--replace', 'let the raw data take away rows that were read before and that it does not have');
}

export function asOfOption(): Option {
  return new Option(
    '--as-of <date>',
    "the day or instant that the run stands at; later rows don't exist yet (default: now)",
  ).argParser(parseInstant);
}

export function algorithmOption(): Option {
  return new Option('--algorithm <name>', 'train this algorithm only; give it again for more')
    .env('ALGORITHM')
    .argParser((name: string, earlier: string[] = []) => (name === '' ? earlier : [...earlier, name]));
}

export function dayOption(flags: string, description: string): Option {
  return new Option(flags, description).argParser((value: string) => {
    if (value.length !== 10 || !isMoment(value)) throw new InvalidArgumentError('Give a day such as 2008-12-31.');
    return value;
  });
}

/** Checks a date or an instant with its offset. Throws what commander shows. */
export function parseInstant(value: string): string {
  if (!isMoment(value)) {
    throw new InvalidArgumentError('Give a date such as 2008-12-31, or an instant such as 2008-12-31T12:00:00Z.');
  }
  return value;
}
