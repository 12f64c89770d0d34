/** Something that takes memory outside JavaScript's heap until it is freed. */
interface Entry<T> {
  value: T;
  bytes: number;
  free: () => void;
}

/** Keeps what was used last, within a budget of bytes; what is asked for is kept even where it alone exceeds it. */
export class MatrixCache<T> {
  private readonly entries = new Map<string, Entry<T>>();

  /** @param budget bytes */
  constructor(private readonly budget: number) {}

  get(key: string): T | undefined {
    const entry = this.entries.get(key);
    if (!entry) return undefined;
    // A Map iterates in order of insertion: the entry becomes the youngest.
    this.entries.delete(key);
    this.entries.set(key, entry);
    return entry.value;
  }

  /** Frees what was used longest ago until so many bytes fit in, or nothing is left. */
  makeRoom(bytes: number): void {
    let used = [...this.entries.values()].reduce((sum, entry) => sum + entry.bytes, bytes);
    for (const [oldest, entry] of this.entries) {
      if (used <= this.budget) break;
      this.entries.delete(oldest);
      entry.free();
      used -= entry.bytes;
    }
  }

  /** Makes room, then keeps the value. */
  set(key: string, value: T, bytes: number, free: () => void): T {
    this.makeRoom(bytes);
    this.entries.set(key, { value, bytes, free });
    return value;
  }
}
