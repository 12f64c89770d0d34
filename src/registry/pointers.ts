import type { RunRef, VersionRef } from '../contracts/index.js';
import { readJson, updateJson } from '../storage/documents.js';
import type { ObjectStore } from '../storage/objectStore.js';

/** A named place of the registry that says which version is meant: `latest` of an algorithm, or an alias. */
export interface Pointer extends Move {
  /** Moves before the present one, newest first. */
  history: Move[];
}

/** Who moved a pointer to what, when and why. */
export interface Move extends VersionRef {
  /** ISO 8601 instant of the move. */
  at: string;
  /** The workflow run that moved it. */
  by: { workflowId: string; runId: string };
  reason: string;
  previous: VersionRef | null;
}

/** Moves kept in a pointer: enough to roll back by hand, few enough to read at once. */
const HISTORY = 50;

export function latestKey(algorithm: string): string {
  return `model_registry/${algorithm}/latest.json`;
}

export function aliasKey(alias: string): string {
  return `model_registry/aliases/${alias}.json`;
}

/** The pointer at a key; `undefined` where it was never set. */
export async function readPointer(registry: ObjectStore, key: string): Promise<Pointer | undefined> {
  return readJson<Pointer>(registry, key);
}

/**
 * Moves a pointer by compare-and-swap. A run moves a pointer once: asked again, it gets its own move back, even where
 * another run has moved the pointer on since.
 */
export async function movePointer(
  registry: ObjectStore,
  key: string,
  to: VersionRef,
  run: RunRef,
  reason: string,
): Promise<Move> {
  const pointer = await updateJson<Pointer>(registry, key, (current) => {
    if (movesOf(current).some((move) => move.by.runId === run.runId)) return undefined;
    return {
      algorithm: to.algorithm,
      version: to.version,
      at: new Date().toISOString(),
      by: { workflowId: run.workflowId, runId: run.runId },
      reason,
      previous: current ? { algorithm: current.algorithm, version: current.version } : null,
      history: movesOf(current).slice(0, HISTORY),
    };
  });
  return movesOf(pointer).find((move) => move.by.runId === run.runId)!;
}

function movesOf(pointer: Pointer | undefined): Move[] {
  if (!pointer) return [];
  const { history, ...present } = pointer;
  return [present, ...history];
}
