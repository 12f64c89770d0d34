import type { MovedAlias, ModelSelector, VersionRef } from '../contracts/index.js';
import { PerdureError } from '../errors.js';
import type { ObjectStore } from '../storage/objectStore.js';
import { aliasKey, isSameVersion, moveOf, movePointer, readPointer, versionBefore, type Move, type Mover } from './pointers.js';
import { CHALLENGER, CHAMPION, PRODUCTION, resolveModel } from './resolve.js';

/** The aliases that people may move; `latest` is moved by registration alone. */
export const ALIASES = [CHAMPION, CHALLENGER, PRODUCTION] as const;

export interface Promotion {
  alias: string;
  /** What the alias is to mean: a version, an algorithm's latest, or what another alias means. */
  model: ModelSelector;
  by: Mover;
  reason: string;
}

/**
 * Moves an alias to a version. Of two at once one wins, and the other is told.
 *
 * @param algorithms names that the pipeline knows
 * @throws PerdureError `NotFound` for a name that nothing answers to, `PointerMoved` where another was faster,
 * `InputInvalid` where the alias means the version already
 */
export async function promote(registry: ObjectStore, algorithms: string[], { alias, model, by, reason }: Promotion): Promise<MovedAlias> {
  checkAlias(alias);
  const pointer = await readPointer(registry, aliasKey(alias));
  const before = moveOf(pointer, by.runId);
  if (before) return moved(alias, before);
  const to = await resolveModel(registry, algorithms, model);
  if (to.status === 'skipped') throw new PerdureError('NotFound', to.reason);
  checkIsNew(alias, to.model, pointer);
  return moved(alias, await movePointer(registry, aliasKey(alias), to.model, by, reason, { from: pointer ?? null }));
}

export interface Rollback {
  alias: string;
  /** @default the version before the present one */
  version?: VersionRef;
  by: Mover;
  reason: string;
}

/**
 * Takes an alias back to the version before, or to a named one. Whoever resolves the alias next gets that version.
 *
 * @throws PerdureError as {@link promote}; `NotFound` also where there is nothing to go back to
 */
export async function rollBack(registry: ObjectStore, algorithms: string[], { alias, version, by, reason }: Rollback): Promise<MovedAlias> {
  checkAlias(alias);
  const pointer = await readPointer(registry, aliasKey(alias));
  if (!pointer) throw new PerdureError('NotFound', `There is no ${alias} to roll back; nothing was ever promoted to it.`);
  const before = moveOf(pointer, by.runId);
  if (before) return moved(alias, before);
  const back = version ?? versionBefore(pointer);
  if (!back) throw new PerdureError('NotFound', `There is no version before ${named(pointer)} to go back to; name one.`);
  const to = await resolveModel(registry, algorithms, back);
  if (to.status === 'skipped') throw new PerdureError('NotFound', to.reason);
  checkIsNew(alias, to.model, pointer);
  return moved(alias, await movePointer(registry, aliasKey(alias), to.model, by, reason, { from: pointer, rollback: true }));
}

function checkAlias(alias: string): void {
  if ((ALIASES as readonly string[]).includes(alias)) return;
  throw new PerdureError('NotFound', `There is no alias "${alias}" to move; there are ${ALIASES.join(', ')}.`);
}

function checkIsNew(alias: string, to: VersionRef, now: VersionRef | undefined): void {
  if (!isSameVersion(to, now)) return;
  throw new PerdureError('InputInvalid', `${named(to)} is ${alias} already; name another version.`);
}

function moved(alias: string, { algorithm, version, previous, at, reason }: Move): MovedAlias {
  return { alias, model: { algorithm, version }, previous, at, reason };
}

function named({ algorithm, version }: VersionRef): string {
  return `${algorithm} ${version}`;
}
