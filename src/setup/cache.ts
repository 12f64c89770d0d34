import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

/**
 * Where tools and engines are kept between checkouts: `PERDURE_CACHE`, else `$XDG_CACHE_HOME/perdure`, else
 * `~/.cache/perdure`.
 */
export function cacheFolder(env: NodeJS.ProcessEnv = process.env): string {
  if (env.PERDURE_CACHE) return resolve(env.PERDURE_CACHE);
  return join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'perdure');
}
