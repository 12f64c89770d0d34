/** An object or a list that a text of JSON is within. */
interface Within {
  /** Names so far; `undefined` in a list. */
  names: Set<string> | undefined;
  /** The name, or the number in a list, of what comes next or is being read. */
  current: string | number;
  isNameNext: boolean;
}

/**
 * The paths of names that an object of a JSON text has more than once: `JSON.parse` keeps the last of them, and drops the
 * others without a word.
 *
 * @param json that has been parsed, so that it is whole
 */
export function repeatedNames(json: string): string[][] {
  const found: string[][] = [];
  const open: Within[] = [];
  for (const [token] of json.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\],:]/g)) {
    const inner = open.at(-1);
    if (token === '{') open.push({ names: new Set(), current: 0, isNameNext: true });
    else if (token === '[') open.push({ names: undefined, current: 0, isNameNext: false });
    else if (token === '}' || token === ']') open.pop();
    else if (token === ':') inner!.isNameNext = false;
    else if (token === ',') {
      if (inner!.names) inner!.isNameNext = true;
      else inner!.current = Number(inner!.current) + 1;
    } else if (inner?.names && inner.isNameNext) {
      inner.current = JSON.parse(token) as string;
      if (inner.names.has(inner.current)) found.push(open.map(({ current }) => String(current)));
      inner.names.add(inner.current);
    }
  }
  return found;
}
