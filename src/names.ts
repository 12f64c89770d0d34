import { NAME, NAME_IN_WORDS } from './contracts/index.js';
import { PerdureError } from './errors.js';

/**
 * Holds a name that is about to become part of a key or a path to what is harmless there, and returns it.
 *
 * @param what whose name it is, e.g. `an alias`
 * @throws PerdureError `InputInvalid`
 */
export function checkName(what: string, name: string): string {
  if (NAME.test(name)) return name;
  throw new PerdureError('InputInvalid', `${JSON.stringify(name)} can't name ${what}; give ${NAME_IN_WORDS}.`);
}
