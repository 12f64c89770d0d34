import { userInfo } from 'node:os';

/** Who gives a command: `PERDURE_USER`, else the account's name. */
export function person(env: NodeJS.ProcessEnv = process.env): string {
  return env.PERDURE_USER || userInfo().username;
}
