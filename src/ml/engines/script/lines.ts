import { StringDecoder } from 'node:string_decoder';

/** Characters of a line that are kept; a program may write without end. */
const LONGEST = 4000;
const SHOWN = 300;

/** Makes lines of what a program writes, however it comes; empty ones are left out. */
export class Lines {
  /** The last line that speaks of an error, else the last one, shortened. */
  complaint: string | undefined;
  private isError = false;
  private readonly decoder = new StringDecoder('utf8');
  private begun = '';

  constructor(private readonly onLine: (line: string) => void) {}

  take(chunk: Buffer): void {
    const parts = this.decoder.write(chunk).split(/\r?\n|\r/);
    parts.forEach((part, i) => {
      this.begun = (this.begun + part.slice(0, LONGEST)).slice(0, LONGEST);
      if (i < parts.length - 1) this.finish();
    });
  }

  /** What was begun and has no end is a line as well. */
  end(): void {
    this.finish();
  }

  private finish(): void {
    const line = this.begun.replace(/[\u0000-\u001f\u007f]/g, ' ').trim();
    this.begun = '';
    if (line === '') return;
    const isError = /error|exception/i.test(line);
    if (isError || !this.isError) this.complaint = line.slice(0, SHOWN);
    this.isError ||= isError;
    this.onLine(line);
  }
}
