import { userInfo } from 'node:os';
import { variables, type Variables } from '../environment.js';

/** Who gives a command: `PERDURE_USER`, else the account's name. */
export function person(env: Variables = variables()): string {
  return env.PERDURE_USER || userInfo().username;
}
