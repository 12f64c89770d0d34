import { type MovedAlias, type ModelSelector, type VersionRef, versionName } from '../contracts/index.js';
import { PerdureError } from '../errors.js';
import type { ObjectStore } from '../platform/storage/objectStore.js';
import { ALIASES, CHALLENGER } from './aliases.js';
import {
  aliasKey,
  isSameVersion,
  moveOf,
  movePointer,
  readPointer,
  versionBefore,
  type Move,
  type Mover,
  type Pointer,
} from './pointers.js';
import { resolveModel } from './resolve.js';
import { checkVersion } from './versions.js';

export interface AliasMove {
  alias: string;
  /** A rollback takes the versions in between out of the line of those to go back to. */
  move: 'promote' | 'rollback';
  /**
   * Where to: a version, an algorithm's latest, or what another alias means.
   * @default the challenger for a promotion, the version before the present one for a rollback
   */
  model?: ModelSelector;
  by: Mover;
  reason: string;
}

/**
 * Moves an alias. Of two at once one wins, and the other is told; whoever resolves the alias next gets its version.
 *
 * @param algorithms names that the pipeline knows
 * @throws PerdureError `NotFound` for a name that nothing answers to, or where there is nothing to go back to;
 * `PointerMoved` where another was faster; `InputInvalid` where the alias means the version already; `ObjectCorrupt` where a
 * file of the version is gone or damaged
 */
export async function moveAlias(
  registry: ObjectStore,
  algorithms: string[],
  { alias, move, model, by, reason }: AliasMove,
): Promise<MovedAlias> {
  checkAlias(alias);
  const pointer = await readPointer(registry, aliasKey(alias));
  const before = moveOf(pointer, by.runId);
  if (before) return moved(alias, before);
  const rollback = move === 'rollback';
  const to = await resolveModel(
    registry,
    algorithms,
    model ?? (rollback ? goBackFrom(alias, pointer) : { alias: CHALLENGER }),
  );
  if (to.status === 'skipped') throw new PerdureError('NotFound', to.reason);
  checkIsNew(alias, to.model, pointer);
  await checkVersion(registry, to.model);
  return moved(
    alias,
    await movePointer(registry, aliasKey(alias), to.model, by, reason, { from: pointer ?? null, rollback }),
  );
}

function goBackFrom(alias: string, pointer: Pointer | undefined): VersionRef {
  if (!pointer) throw new PerdureError('NotFound', `There is no ${alias} to roll back; promote a version first.`);
  const back = versionBefore(pointer);
  if (!back)
    throw new PerdureError('NotFound', `There is no version before ${versionName(pointer)} to go back to; name one.`);
  return back;
}

/** Insists that an alias is one of those that there are. Throws `NotFound`. */
export function checkAlias(alias: string): void {
  if ((ALIASES as readonly string[]).includes(alias)) return;
  throw new PerdureError('NotFound', `There is no alias "${alias}"; there are ${ALIASES.join(', ')}.`);
}

function checkIsNew(alias: string, to: VersionRef, now: VersionRef | undefined): void {
  if (!isSameVersion(to, now)) return;
  throw new PerdureError('InputInvalid', `${versionName(to)} is ${alias} already; name another version.`);
}

function moved(alias: string, { algorithm, version, previous, at, reason }: Move): MovedAlias {
  return { alias, model: { algorithm, version }, previous, at, reason };
}
