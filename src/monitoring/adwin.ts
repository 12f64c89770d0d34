/** Buckets of one size before two of them become one of the next size. */
const MOST_BUCKETS = 5;
/** Least values on each side of a cut. */
const LEAST_VALUES = 5;
/** Values between two looks for a change, and the least that there must be. */
const LOOK_EVERY = 32;
const LEAST_WINDOW = 10;

/** Values that follow one another: how many, their sum, and the sum of the squares of their deviations from their mean. */
interface Summary {
  n: number;
  sum: number;
  squares: number;
}

/**
 * ADWIN, a detector of changes in the mean of a stream (Bifet and Gavaldà 2007, SIAM Data Mining): a window that grows
 * while the mean stays, and loses its oldest values as soon as two parts of it differ by more than chance explains. The
 * window is kept as an exponential histogram, so memory is logarithmic in its length. Parameters and the order of the
 * comparisons are those of river's `ADWIN`, so both find the same changes.
 */
export class Adwin {
  /** Buckets of 2^i values in row i, oldest first. */
  private rows: Summary[][] = [[]];
  private window: Summary = { n: 0, sum: 0, squares: 0 };
  private seen = 0;
  private hasChanged = false;

  /** @param delta the smaller, the surer a change has to be. @default .002, river's */
  constructor(private readonly delta = 0.002) {}

  /** Mean of the values that the window holds: right after a change, of the part that it kept. */
  get mean(): number {
    return this.window.sum / this.window.n;
  }

  /** Values in the window. */
  get length(): number {
    return this.window.n;
  }

  /**
   * Takes one more value; after a change the window begins anew with it.
   * @returns whether the mean has changed
   */
  update(value: number): boolean {
    if (this.hasChanged) {
      this.rows = [[]];
      this.window = { n: 0, sum: 0, squares: 0 };
      this.seen = 0;
      this.hasChanged = false;
    }
    this.rows[0]!.push({ n: 1, sum: value, squares: 0 });
    this.window = merged(this.window, { n: 1, sum: value, squares: 0 });
    this.compress();
    if (++this.seen % LOOK_EVERY !== 0 || this.window.n <= LEAST_WINDOW) return false;
    while (this.hasCut()) {
      this.hasChanged = true;
      this.dropOldest();
    }
    return this.hasChanged;
  }

  private compress(): void {
    for (let i = 0; this.rows[i]!.length > MOST_BUCKETS; i++) {
      const [first, second] = this.rows[i]!.splice(0, 2);
      this.rows[i + 1] ??= [];
      this.rows[i + 1]!.push(merged(first!, second!));
    }
  }

  /** Whether the window may be cut between two buckets into an older part and a newer one whose means differ. */
  private hasCut(): boolean {
    let older: Summary = { n: 0, sum: 0, squares: 0 };
    for (const row of this.rows.toReversed()) {
      for (const bucket of row) {
        older = { n: older.n + bucket.n, sum: older.sum + bucket.sum, squares: 0 };
        const newer = { n: this.window.n - older.n, sum: this.window.sum - older.sum };
        if (older.n >= LEAST_VALUES && newer.n >= LEAST_VALUES && this.differ(older, newer)) return true;
      }
    }
    return false;
  }

  private differ(older: Pick<Summary, 'n' | 'sum'>, newer: Pick<Summary, 'n' | 'sum'>): boolean {
    const certainty = Math.log((2 * Math.log(this.window.n)) / this.delta);
    const reciprocal = 1 / (older.n - LEAST_VALUES + 1) + 1 / (newer.n - LEAST_VALUES + 1);
    const variance = this.window.squares / this.window.n;
    const limit = Math.sqrt(2 * reciprocal * variance * certainty) + (2 / 3) * certainty * reciprocal;
    return Math.abs(older.sum / older.n - newer.sum / newer.n) > limit;
  }

  private dropOldest(): void {
    const oldest = this.rows.at(-1)!.shift()!;
    const n = this.window.n - oldest.n;
    const sum = this.window.sum - oldest.sum;
    const between = (oldest.n * n * (oldest.sum / oldest.n - sum / n) ** 2) / (oldest.n + n);
    this.window = { n, sum, squares: this.window.squares - oldest.squares - between };
    // Never the last row: a cut leaves the newer part.
    if (this.rows.at(-1)!.length === 0) this.rows.pop();
  }
}

function merged(a: Summary, b: Summary): Summary {
  if (a.n === 0) return b;
  const between = (a.n * b.n * (a.sum / a.n - b.sum / b.n) ** 2) / (a.n + b.n);
  return { n: a.n + b.n, sum: a.sum + b.sum, squares: a.squares + b.squares + between };
}
