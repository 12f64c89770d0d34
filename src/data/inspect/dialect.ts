/** How a CSV separates and quotes its values. */
export interface Dialect {
  delimiter: string;
  quote: string;
  newLine: '\n' | '\r\n';
}

const DELIMITERS = [',', ';', '\t', '|'] as const;

/**
 * The dialect of a text's first records, and the fields of the first one: the delimiter under which most records have
 * as many fields as the first, and then the one with most of them. A file of a single column has a comma.
 *
 * @param start the beginning of the file
 * @param whole whether that is all of the file; otherwise the last record is left out, as it may be cut
 */
export function dialectOf(start: string, whole: boolean): { dialect: Dialect; header: string[] } {
  const candidates = quotesOf(start).flatMap((quote) =>
    DELIMITERS.map((delimiter) => ({ delimiter, quote, ...counted(start, whole, delimiter, quote) })),
  );
  const [best] = candidates.toSorted((a, b) => b.score - a.score || b.header.length - a.header.length);
  const { delimiter, quote, header } = best!;
  return { dialect: { delimiter, quote, newLine: /^[^\n]*\r\n/.test(start) ? '\r\n' : '\n' }, header };
}

/** An apostrophe quotes only where no double quote does: it stands in many words. */
function quotesOf(start: string): string[] {
  const apostrophes = /(^|[,;\t|\n])'[^'\n]*'([,;\t|\r\n])/.test(start) && !/(^|[,;\t|\n])"/.test(start);
  return apostrophes ? [`'`, '"'] : ['"'];
}

/** Records beyond these tell nothing new about the dialect. */
const RECORDS = 1_000;

function counted(text: string, whole: boolean, delimiter: string, quote: string): { header: string[]; score: number } {
  let header: string[] | undefined;
  let records = 0;
  let alike = 0;
  let fields: string[] = [];
  let begin = 0;
  let quoted = false;
  const endRecord = (end: number) => {
    fields.push(unquote(text.slice(begin, end).replace(/\r$/, ''), quote));
    if (header === undefined) header = fields;
    else {
      records++;
      if (fields.length === header.length) alike++;
    }
    fields = [];
  };
  for (let at = 0; at < text.length && records < RECORDS; at++) {
    const character = text[at]!;
    if (quoted) {
      if (character !== quote) continue;
      if (text[at + 1] === quote) at++;
      else quoted = false;
      continue;
    }
    // Only at its beginning does a quote open a value: within one it is a character like others.
    if (character === quote && at === begin) {
      quoted = true;
      continue;
    }
    if (character === delimiter) {
      fields.push(unquote(text.slice(begin, at), quote));
      begin = at + 1;
    } else if (character === '\n') {
      endRecord(at);
      begin = at + 1;
    }
  }
  if (whole || header === undefined) endRecord(text.length);
  const names = header ?? [];
  // One column fits every text, so it is the choice only where no delimiter divides the header.
  return { header: names, score: names.length < 2 ? -1 : records === 0 ? 1 : alike / records };
}

function unquote(field: string, quote: string): string {
  const inner = field.length > 1 && field.startsWith(quote) && field.endsWith(quote) ? field.slice(1, -1) : undefined;
  return inner === undefined ? field : inner.replaceAll(quote + quote, quote);
}
