import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { variables, type Variables } from '../../environment.js';
import { PerdureError } from '../../errors.js';
import { cacheFolder } from '../../platform/files/cacheFolder.js';
import type { NativeLibraryName } from '../estimators/estimator.js';

/** A native library of a Python package, which set-up unpacks into the cache. */
export interface LibraryFile {
  name: NativeLibraryName;
  /** The package: its folder has `lib` with the library. */
  package: string;
  /** It is part of a model: 3.2 and 3.4 of XGBoost differ by up to .37 in a probability at equal parameters. */
  version: string;
  /** The environment variable that names a library of one's own. */
  variable: string;
}

export const LIBRARY_FILES: Record<NativeLibraryName, LibraryFile> = {
  libxgboost: { name: 'libxgboost', package: 'xgboost', version: '3.2.0', variable: 'PERDURE_XGBOOST_LIB' },
  lib_lightgbm: { name: 'lib_lightgbm', package: 'lightgbm', version: '4.7.0', variable: 'PERDURE_LIGHTGBM_LIB' },
};

/** The folder in which set-up unpacks a library's package. */
export function libraryFolder({ package: name, version }: LibraryFile, env: Variables = variables()): string {
  return join(cacheFolder(env), 'engines', `${name}-${version}`);
}

/**
 * Path of a library: what its environment variable names, else what set-up unpacked into the cache.
 * @throws PerdureError `EngineMissing` where it isn't there
 */
export function libraryPath(library: NativeLibraryName, env: Variables = variables()): string {
  const file = LIBRARY_FILES[library];
  const named = env[file.variable] || undefined;
  const path =
    named ??
    join(libraryFolder(file, env), file.package, 'lib', `${library}.${process.platform === 'darwin' ? 'dylib' : 'so'}`);
  if (!existsSync(path)) {
    if (named)
      throw new PerdureError(
        'EngineMissing',
        `${file.variable} names ${path}, which is not there; name another or unset it.`,
      );
    throw new PerdureError('EngineMissing', `${library} ${file.version} is not at ${path}; run \`perdure setup\`.`);
  }
  return path;
}
