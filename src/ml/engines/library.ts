import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { variables, type Variables } from '../../environment.js';
import { PerdureError } from '../../errors.js';
import { cacheFolder } from '../../platform/setup/cache.js';

/** The version is part of a model: 3.2 and 3.4 differ by up to .37 in a probability at equal parameters. */
export const XGBOOST_VERSION = '3.2.0';

/**
 * Path of libxgboost: `PERDURE_XGBOOST_LIB`, else what set-up unpacked into the cache.
 * @throws PerdureError `EngineMissing` where it isn't there
 */
export function xgboostLibrary(env: Variables = variables()): string {
  const file = process.platform === 'darwin' ? 'libxgboost.dylib' : 'libxgboost.so';
  const named = env.PERDURE_XGBOOST_LIB || undefined;
  const path = named ?? join(cacheFolder(env), 'engines', `xgboost-${XGBOOST_VERSION}`, 'xgboost', 'lib', file);
  if (!existsSync(path)) {
    if (named) throw new PerdureError('EngineMissing', `PERDURE_XGBOOST_LIB names ${path}, which is not there; name another or unset it.`);
    throw new PerdureError('EngineMissing', `libxgboost ${XGBOOST_VERSION} is not at ${path}; run \`perdure setup\`.`);
  }
  return path;
}
