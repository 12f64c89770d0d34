import Table from 'cli-table3';

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

/** Rows and columns of text; columns of numbers are aligned to the right. A head may have two lines. */
export function table(head: string[], rows: string[][]): string {
  const isTall = head.some((title) => title.includes('\n'));
  const grid = new Table({
    ...RULED,
    head: head.map((title) => (isTall && !title.includes('\n') ? `\n${title}` : title)),
    colAligns: head.map((_, column) => (rows.every((row) => NUMBER.test(row[column] ?? '')) ? 'right' : 'left')),
  });
  grid.push(...rows);
  return grid.toString().replace(/ +$/gm, '');
}
