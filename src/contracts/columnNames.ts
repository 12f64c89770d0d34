/** A column's name as DuckDB compares it: without regard to the case of the letters A to Z. */
export function sameName(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}
