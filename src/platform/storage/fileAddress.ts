import { fileURLToPath } from 'node:url';
import { PerdureError } from '../../errors.js';

/**
 * The path of an address that begins with `file://`.
 * @throws PerdureError `InputInvalid` where it is of another machine, or not percent-encoded as addresses are
 */
export function pathOfAddress(address: string): string {
  try {
    return fileURLToPath(address);
  } catch (cause) {
    throw new PerdureError(
      'InputInvalid',
      `${JSON.stringify(address)} is no address of a file on this machine; begin it with file:/// and write "%25" for "%" in it, or give the path.`,
      { cause },
    );
  }
}
