import { variables } from '../../environment.js';
import { PerdureError } from '../../errors.js';
import { isExecutable } from '../programs/command.js';
import type { FoundTool } from './tool.js';

/** A look at an executable: its version, or what is wrong with it as the end of "names X, which ...". */
export type Examination = { version: string } | { fault: string };

/**
 * A tool of a person's own, whose path an environment variable names; `undefined` where it names none.
 *
 * @param examine by default any executable will do
 * @throws PerdureError `SetupFailed` for one that can't be used
 */
export async function findNamed(
  variable: string,
  examine = (path: string) => anyExecutable(path, variable),
): Promise<FoundTool | undefined> {
  const path = variables()[variable];
  if (!path) return undefined;
  const found = await examine(path);
  if ('version' in found) return { path, version: found.version };
  throw new PerdureError('SetupFailed', `${variable} names ${path}, which ${found.fault}; name another or unset it.`);
}

async function anyExecutable(path: string, variable: string): Promise<Examination> {
  return (await isExecutable(path)) ? { version: `named by ${variable}` } : { fault: 'is not an executable' };
}
