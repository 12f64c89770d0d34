const WORDS = 624;
const SHIFT = 397;
const TWO_TO_32 = 2 ** 32;

/**
 * The Mersenne Twister as `numpy.random.RandomState(seed)` runs it, so that samples drawn here are scikit-learn's.
 * Matsumoto & Nishimura, "Mersenne Twister", ACM TOMACS 8 (1998); seeding is `init_genrand` of their 2002 code.
 */
export class Mt19937 {
  /** Signed, as numbers of 32 bits are quicker than those above 2^31. */
  private readonly state = new Int32Array(WORDS);
  private next = WORDS;

  /** @param seed 0 to 2^32 - 1 */
  constructor(seed: number) {
    this.state[0] = seed;
    for (let i = 1; i < WORDS; i++) {
      const previous = this.state[i - 1]!;
      this.state[i] = Math.imul(1_812_433_253, previous ^ (previous >>> 30)) + i;
    }
  }

  /** A whole number of [0, 2^32). */
  uint32(): number {
    if (this.next === WORDS) this.refill();
    let y = this.state[this.next++]!;
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    y ^= y >>> 18;
    return y >>> 0;
  }

  /**
   * A whole number of [0, max], by masking and rejecting: numpy's legacy `randint(max + 1)`. Draws nothing when `max` is 0.
   * @param max up to 2^53 - 1
   */
  integer(max: number): number {
    if (max === 0) return 0;
    if (max >= TWO_TO_32) return this.wideInteger(max);
    const mask = 0xffffffff >>> Math.clz32(max);
    for (;;) {
      const value = (this.uint32() & mask) >>> 0;
      if (value <= max) return value;
    }
  }

  /** A number of [0, 1) in steps of 2^-53: numpy's `random_sample`. */
  double(): number {
    const high = this.uint32() >>> 5;
    return (high * 2 ** 26 + (this.uint32() >>> 6)) / 2 ** 53;
  }

  /** Shuffles in place, as `RandomState.shuffle` does. */
  shuffle<T extends { [index: number]: number; readonly length: number }>(values: T): T {
    for (let i = values.length - 1; i > 0; i--) {
      const j = this.integer(i);
      const value = values[i]!;
      values[i] = values[j]!;
      values[j] = value;
    }
    return values;
  }

  /** The same of 64 bits, of which the high half is drawn first. */
  private wideInteger(max: number): number {
    const mask = 0xffffffff >>> Math.clz32(Math.floor(max / TWO_TO_32));
    for (;;) {
      const high = (this.uint32() & mask) >>> 0;
      const value = high * TWO_TO_32 + this.uint32();
      if (value <= max) return value;
    }
  }

  private refill(): void {
    for (let i = 0; i < WORDS - SHIFT; i++) this.turn(i, i + 1, i + SHIFT);
    for (let i = WORDS - SHIFT; i < WORDS - 1; i++) this.turn(i, i + 1, i + SHIFT - WORDS);
    this.turn(WORDS - 1, 0, SHIFT - 1);
    this.next = 0;
  }

  private turn(at: number, following: number, far: number): void {
    const { state } = this;
    const y = (state[at]! & 0x80000000) | (state[following]! & 0x7fffffff);
    state[at] = state[far]! ^ (y >>> 1) ^ (-(y & 1) & 0x9908b0df);
  }
}
