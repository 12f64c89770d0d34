import { variables } from '../environment.js';
import { jsonFields } from './json.js';

/** A line for people, on stderr: stdout is for results alone. */
export function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** A result, on stdout. */
export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** A result as one JSON object, whose fields are in snake_case. */
export function printJson(value: unknown): void {
  print(JSON.stringify(jsonFields(value), null, 2));
}

/** Characters of a line of a stream: the terminal's, else what `COLUMNS` says; unlimited in a file. */
export function terminalWidth(stream: Partial<NodeJS.WriteStream> = process.stdout): number {
  return stream.columns || Number(variables().COLUMNS) || Infinity;
}

export { count, countOf } from '../contracts/index.js';

/** `0.4 s`, `12 s`, `2 min 5 s`, `3 h 20 min` */
export function duration(ms: number): string {
  if (ms < 9_950) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${seconds % 60} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
