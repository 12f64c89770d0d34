import { execFile } from 'node:child_process';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { packageFolder } from '../package.js';
import { variables, type Variables } from '../environment.js';

/**
 * The git commit of Perdure's own code: of its checkout, else what `PERDURE_COMMIT` says (an image has no checkout),
 * else `null`.
 */
export async function codeCommit(env: Variables = variables()): Promise<string | null> {
  const folder = packageFolder();
  try {
    // The ceiling keeps git from answering for a repository that Perdure is merely installed in.
    const { stdout } = await promisify(execFile)('git', ['rev-parse', 'HEAD'], {
      cwd: folder,
      env: { ...env, GIT_CEILING_DIRECTORIES: dirname(folder) },
    });
    return stdout.trim();
  } catch {
    return env.PERDURE_COMMIT ?? null;
  }
}
