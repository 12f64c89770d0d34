import { z } from 'zod';
import type { VersionRef } from '../contracts/index.js';
import { versionRef } from '../contracts/schemas.js';
import { PerdureError } from '../errors.js';
import { checkName } from '../names.js';
import { document, type DocumentOf, type OnDamage } from '../platform/storage/documents.js';
import type { ObjectStore } from '../platform/storage/objectStore.js';

/** Who moves a pointer. */
const mover = z.strictObject({
  /** The workflow, or the command. */
  workflowId: z.string(),
  /** One per move: a mover that asks again under the same id gets its own move back. */
  runId: z.string(),
  /** The person behind it, where one is known. */
  person: z.string().optional(),
});
export type Mover = z.infer<typeof mover>;

/** Who moved a pointer to what, when and why. */
const move = z.strictObject({
  algorithm: z.string(),
  version: z.string(),
  /** ISO 8601 instant of the move. */
  at: z.string(),
  by: mover,
  reason: z.string(),
  previous: versionRef.nullable(),
  /** Whether it went back, which takes the versions in between out of the line of those to go back to. */
  rollback: z.literal(true).optional(),
});
export type Move = z.infer<typeof move>;

/** A named place of the registry that says which version is meant: `latest` of an algorithm, or an alias. */
const pointer = document({
  name: 'pointer to a version',
  schema: move.extend({
    /** Moves before the present one, newest first. */
    history: z.array(move),
  }),
});
export type Pointer = DocumentOf<typeof pointer>;

export interface MoveOptions {
  /**
   * What the mover has seen the pointer at, `null` for nowhere: where another has moved it since, the move is refused.
   * Without it the pointer moves from wherever it is.
   */
  from?: VersionRef | null;
  rollback?: boolean;
  /** Whether a damaged pointer is written anew, without its history. */
  overDamage?: boolean;
}

/** Moves kept in a pointer: enough to roll back by hand, few enough to read at once. */
const HISTORY = 50;

export function latestKey(algorithm: string): string {
  return `model_registry/${checkName('an algorithm', algorithm)}/latest.json`;
}

/** Of the keys of all aliases. */
const ALIASES_FOLDER = 'model_registry/aliases/';

export function aliasKey(alias: string): string {
  return `${ALIASES_FOLDER}${checkName('an alias', alias)}.json`;
}

/** Names of the aliases that there are. */
export async function listAliases(registry: ObjectStore): Promise<string[]> {
  const names: string[] = [];
  for await (const { key } of registry.list(ALIASES_FOLDER))
    names.push(key.slice(ALIASES_FOLDER.length, -'.json'.length));
  return names;
}

/** What is done about a damaged alias: nothing else remembers what people and trainings made of it. */
const REPAIR = 'restore it, or delete it and promote a version';

/** The pointer at a key; `undefined` where it was never set. */
export async function readPointer(
  registry: ObjectStore,
  key: string,
  onDamage: OnDamage<Pointer> = REPAIR,
): Promise<Pointer | undefined> {
  return pointer.read(registry, key, onDamage);
}

/**
 * Moves a pointer by compare-and-swap. A run moves a pointer once: asked again, it gets its own move back, even where
 * another run has moved the pointer on since.
 *
 * @throws PerdureError `PointerMoved` where the pointer isn't at `from` any more
 */
export async function movePointer(
  registry: ObjectStore,
  key: string,
  to: VersionRef,
  by: Mover,
  reason: string,
  { from, rollback = false, overDamage = false }: MoveOptions = {},
): Promise<Move> {
  const { workflowId, runId, person } = by;
  const moved = await pointer.update(
    registry,
    key,
    (current) => {
      if (moveOf(current, runId)) return undefined;
      if (from !== undefined && !isSameVersion(from, current)) throw movedMeanwhile(registry, key, current);
      return {
        algorithm: to.algorithm,
        version: to.version,
        at: new Date().toISOString(),
        by: { workflowId, runId, ...(person && { person }) },
        reason,
        previous: current ? { algorithm: current.algorithm, version: current.version } : null,
        ...(rollback && { rollback }),
        history: movesOf(current).slice(0, HISTORY),
      };
    },
    overDamage ? () => undefined : REPAIR,
  );
  return moveOf(moved, runId)!;
}

/** A pointer's moves, newest first. */
export function movesOf(pointer: Pointer | undefined): Move[] {
  if (!pointer) return [];
  const { history, ...present } = pointer;
  return [present, ...history];
}

/** The move that a run made, if it did. */
export function moveOf(pointer: Pointer | undefined, runId: string): Move | undefined {
  return movesOf(pointer).find(({ by }) => by.runId === runId);
}

/**
 * The version to go back to: the one before the present, leaving out those that were rolled back from. `undefined`
 * where there is none.
 */
export function versionBefore(pointer: Pointer): VersionRef | undefined {
  const line: VersionRef[] = [];
  for (const move of movesOf(pointer).reverse()) {
    if (move.rollback) {
      // Back to one that never stood in the line, only the version that it takes the place of leaves it.
      const known = line.findLastIndex((earlier) => isSameVersion(earlier, move));
      line.length = known >= 0 ? known : Math.max(0, line.length - 1);
    }
    // A version that was moved to twice in a row has itself before it, which is no way back.
    if (!isSameVersion(line.at(-1), move)) line.push({ algorithm: move.algorithm, version: move.version });
  }
  return line.at(-2);
}

/** Whether both are the same version, or both none. */
export function isSameVersion(one: VersionRef | null | undefined, other: VersionRef | null | undefined): boolean {
  return one?.algorithm === other?.algorithm && one?.version === other?.version;
}

function movedMeanwhile(registry: ObjectStore, key: string, current: Pointer | undefined): PerdureError {
  const now = current
    ? `${current.by.person ?? current.by.workflowId} moved it to ${current.algorithm} ${current.version} at ${current.at} (${current.reason})`
    : 'it is gone';
  return new PerdureError(
    'PointerMoved',
    `${registry.uri(key)} was moved by another meanwhile: ${now}; look at it and ask again if you still want to.`,
  );
}
