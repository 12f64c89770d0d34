import Table from 'cli-table3';
import { terminalWidth } from './terminal.js';

/** A rule below the head and no other lines or colours: narrow, and the same in a file. */
const RULED = {
  chars: {
    ...{ top: '', 'top-mid': '', 'top-left': '', 'top-right': '' },
    ...{ bottom: '', 'bottom-mid': '', 'bottom-left': '', 'bottom-right': '' },
    ...{ left: '', 'left-mid': '', right: '', 'right-mid': '' },
    ...{ mid: '─', 'mid-mid': '  ', middle: '  ' },
  },
  style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0, compact: true },
};

const NUMBER = /^[-\d.,%]*$/;
const GAP = 2;
/** Dates, durations and the like are shorter and stay on one line; a longer cell is text, which wraps between words, as lists do. */
const LONGEST_UNWRAPPED = 24;

export interface TableLayout {
  /** Indexes of columns that may be left out where there is no room, the first to go first. */
  spare?: number[];
  /**
   * Characters of a line.
   * @default the terminal's, unlimited in a file
   */
  width?: number;
}

/**
 * Rows and columns of text; columns of numbers are aligned to the right. A head may have two lines. Where the terminal is
 * too narrow, long texts wrap between words, then spare columns are left out, then each row becomes a block of lines.
 * Numbers, names and ids are never broken.
 */
export function table(
  head: string[],
  rows: string[][],
  { spare = [], width = terminalWidth() }: TableLayout = {},
): string {
  const shown = head.map((_, column) => column);
  const left: string[] = [];
  for (const column of [undefined, ...spare]) {
    if (column !== undefined) {
      shown.splice(shown.indexOf(column), 1);
      left.push(oneLine(head[column]!));
    }
    const pick = (cells: string[]) => shown.map((index) => cells[index] ?? '');
    const widths = fittedWidths([pick(head), ...rows.map(pick)], width);
    if (!widths) continue;
    const note =
      left.length > 0
        ? `\n${wrapped(`Left out at this width: ${left.join(', ')}; --json has all.`, width).join('\n')}`
        : '';
    return grid(pick(head), rows.map(pick), widths) + note;
  }
  return blocks(head, rows, width);
}

function grid(head: string[], rows: string[][], colWidths: number[]): string {
  const isTall = head.some((title) => title.includes('\n'));
  const drawn = new Table({
    ...RULED,
    head: head.map((title) => (isTall && !title.includes('\n') ? `\n${title}` : title)),
    colAligns: head.map((_, column) => (rows.every((row) => NUMBER.test(row[column] ?? '')) ? 'right' : 'left')),
    colWidths,
    wordWrap: true,
  });
  drawn.push(...rows);
  return drawn.toString().replace(/ +$/gm, '');
}

/** Widths at which the columns take no more than `width` together; `undefined` where there are none. */
function fittedWidths(lines: string[][], width: number): number[] | undefined {
  const columns = lines[0]!.map((_, column) => lines.map((cells) => cells[column]!));
  const widths = columns.map((cells) => longest(cells.flatMap((cell) => cell.split('\n'))));
  const wraps = columns.map(
    (cells, column) => widths[column]! > LONGEST_UNWRAPPED || cells.some((cell) => cell.includes(', ')),
  );
  const least = columns.map((cells, column) =>
    wraps[column] ? longest(cells.flatMap((cell) => cell.split(/\s+/))) : widths[column]!,
  );
  const room = width - GAP * (columns.length - 1);
  if (sum(least) > room) return undefined;
  while (sum(widths) > room) {
    // The widest of those that can give way does.
    const widest = widths.reduce(
      (best, own, column) => (own > least[column]! && (best === -1 || own > widths[best]!) ? column : best),
      -1,
    );
    widths[widest]! -= 1;
  }
  return widths;
}

/** Each row as lines of title and cell. */
function blocks(head: string[], rows: string[][], width: number): string {
  const titles = head.map(oneLine);
  const margin = longest(titles) + GAP;
  const block = (row: string[]) =>
    row.flatMap((cell, column) => {
      const [first = '', ...more] = wrapped(cell, width - margin);
      return [
        `${titles[column]!.padEnd(margin)}${first}`.trimEnd(),
        ...more.map((line) => `${' '.repeat(margin)}${line}`),
      ];
    });
  return rows.map((row) => block(row).join('\n')).join('\n\n');
}

/** Lines of a name and what there is to say of it, which goes on below itself where the terminal is too narrow. */
export function facts(of: [name: string, text: string][], width = terminalWidth()): string {
  const margin = longest(of.map(([name]) => name)) + 3;
  return of
    .flatMap(([name, text]) => {
      const [first = '', ...more] = wrapped(text, width - margin);
      return [`  ${name.padEnd(margin - 2)}${first}`, ...more.map((line) => `${' '.repeat(margin)}${line}`)];
    })
    .join('\n');
}

/** Text in lines of at most `width` characters, broken between words. */
function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(/\s+/)) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}

function oneLine(title: string): string {
  return title.replace('\n', ' ').trim();
}

function longest(texts: string[]): number {
  return Math.max(0, ...texts.map((text) => text.length));
}

function sum(values: number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
