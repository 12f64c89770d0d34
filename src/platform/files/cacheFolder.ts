import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { variables, type Variables } from '../../environment.js';

/**
 * Where tools and engines are kept between checkouts: `PERDURE_CACHE`, else `$XDG_CACHE_HOME/perdure`, else
 * `~/.cache/perdure`.
 */
export function cacheFolder(env: Variables = variables()): string {
  if (env.PERDURE_CACHE) return resolve(env.PERDURE_CACHE);
  return join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'perdure');
}
