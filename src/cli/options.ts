import { InvalidArgumentError, Option } from '@commander-js/extra-typings';
import { isMoment } from '../contracts/index.js';
import { formatResources, parseResources, type Resources } from '../platform/resources/resources.js';

/** What the commands that work on a store are given. */
export interface StoreOption {
  store?: string;
}

export interface JsonOption {
  json?: boolean;
}

export type CommonOptions = StoreOption & JsonOption;

/** A port of the server that the command starts. */
export function portOption<const Flag extends string>(flag: Flag, what: string, customary: number) {
  return new Option(
    `${flag} <number>` as const,
    `port of ${what} (default: that of last time in this folder, else ${customary} or a free one)`,
  ).argParser((text: string) => {
    const port = Number(text);
    if (!/^\d+$/.test(text) || port < 1 || port > 65_535) throw new InvalidArgumentError('Give a port, 1 to 65535.');
    return port;
  });
}

/** The size of a worker that the command starts. */
export function sizeOption<const Flag extends string>(flag: Flag, worker: string, standard: Resources) {
  return new Option(
    `${flag} <size>` as const,
    `vCPUs and GiB of the ${worker} worker (default: ${formatResources(standard)})`,
  ).argParser((text: string) => parseResources(text, flag));
}

export function storeOption() {
  return new Option(
    '--store <folder>',
    'folder of the object store, or "s3://" (default: $PERDURE_STORE, else .perdure/store)',
  );
}

export function jsonOption() {
  return new Option('--json', 'print one JSON object on stdout, and nothing else there');
}

export function csvOption() {
  return new Option(
    '--csv <file>',
    "the raw data, a file or an object's address (default: what was read last, or generated data the first time)",
  );
}

export function labelsOption() {
  return new Option(
    '--labels <file>',
    'the labels, where pipeline.json has them in a second file (default: what was read last)',
  );
}

export function replaceOption() {
  return new Option('--replace', 'let the raw data take away rows that were read before and that it does not have');
}

export function reasonOption() {
  return new Option('--reason <text>', 'why, for people who read the history');
}

export function asOfOption() {
  return new Option(
    '--as-of <date>',
    "the day or instant that the run stands at; later rows don't exist yet (default: now)",
  ).argParser(parseInstant);
}

export function algorithmOption() {
  return new Option('--algorithm <name>', 'train this algorithm only; give it again for more')
    .env('ALGORITHM')
    .argParser((name: string, earlier: string[] = []) => (name === '' ? earlier : [...earlier, name]));
}

export function againToTrain() {
  return new Option('--again', 'train also what would only make the newest version again');
}

export function dayOption<const Flags extends string>(flags: Flags, description: string) {
  return new Option(flags, description).argParser((value: string) => {
    if (value.length !== 10 || !isMoment(value)) throw new InvalidArgumentError('Give a day such as 2008-12-31.');
    return value;
  });
}

/** A day or an instant that must be given. */
export function instantOption<const Flags extends string>(flags: Flags, description: string) {
  return new Option(flags, description).argParser(parseInstant).makeOptionMandatory();
}

/** Checks a date or an instant with its offset. Throws what commander shows. */
function parseInstant(value: string): string {
  if (!isMoment(value)) {
    throw new InvalidArgumentError('Give a date such as 2008-12-31, or an instant such as 2008-12-31T12:00:00Z.');
  }
  return value;
}
