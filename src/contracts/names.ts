/** A name that may stand in paths, keys, SQL and the ids of workflows: of a pipeline, an algorithm, an alias, a version. */
export const NAME = /^[A-Za-z][A-Za-z0-9_-]{0,99}$/;

/** {@link NAME} in words. */
export const NAME_IN_WORDS = 'a name of at most 100 letters, digits, "_" and "-" that begins with a letter';

/** A day (`2008-12-31`), or an instant with its offset (`2008-12-31T12:00:00Z`); whether there is such a day is left open. */
const MOMENT = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2}))?$/;

/** Whether a text is an ISO 8601 day or instant that exists; the 30th of February is none, which `Date` takes for March. */
export function isMoment(text: string): boolean {
  const day = Date.parse(`${text.slice(0, 10)}T00:00:00Z`);
  return (
    MOMENT.test(text) &&
    !Number.isNaN(Date.parse(text)) &&
    !Number.isNaN(day) &&
    new Date(day).toISOString().startsWith(text.slice(0, 10))
  );
}

/** A column's name as DuckDB compares it: without regard to the case of the letters A to Z. */
export function sameName(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}
