import type { Column } from '../../../platform/files/parquet.js';
import type { Features, Rows } from '../binding.js';

/** Rows that a script scores. */
export class ScriptRows implements Rows {
  constructor(readonly features: Features) {}

  get count(): number {
    return this.features.rows;
  }

  free(): void {
    // They are in JavaScript's memory.
  }
}

/** Columns of a matrix by their names; of some of its rows where they are given. */
export function columnsOf(
  { values, rows, columns }: Features,
  names: readonly string[],
  chosen?: Uint32Array,
): Record<string, Column> {
  const count = chosen?.length ?? rows;
  return Object.fromEntries(
    names.map((name, column) => {
      const own = new Float32Array(count);
      for (let i = 0; i < count; i++) own[i] = values[(chosen ? chosen[i]! : i) * columns + column]!;
      return [name, own];
    }),
  );
}
