import { resolve } from 'node:path';
import { InvalidArgumentError, Option, type Command } from 'commander';
import { storeRoot } from '../stages/createContext.js';

/** Options that every command which reads or writes the store has. */
export interface CommonOptions {
  json?: boolean;
  store?: string;
}

export function withCommonOptions(command: Command): Command {
  return command
    .addOption(storeOption())
    .addOption(jsonOption());
}

export function storeOption(): Option {
  return new Option('--store <folder>', 'folder of the object store (default: $PERDURE_STORE, else .perdure/store)');
}

export function jsonOption(): Option {
  return new Option('--json', 'print one JSON object on stdout, and nothing else there');
}

export function asOfOption(): Option {
  return new Option('--as-of <date>', 'the day or instant that the run stands at; later rows don\'t exist yet (default: now)').argParser(parseAsOf);
}

export function algorithmOption(): Option {
  return new Option('--algorithm <name>', 'train this algorithm only; give it again for more')
    .env('ALGORITHM')
    .argParser((name: string, earlier: string[] = []) => (name === '' ? earlier : [...earlier, name]));
}

/** The store's root folder that a command works on. */
export function chosenStore({ store }: CommonOptions): string {
  return store ? resolve(store) : storeRoot();
}

const ISO_DATE = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2}))?$/;

function parseAsOf(value: string): string {
  if (!ISO_DATE.test(value) || Number.isNaN(Date.parse(value))) {
    throw new InvalidArgumentError('Give a date such as 2008-12-31, or an instant such as 2008-12-31T12:00:00Z.');
  }
  return value;
}
