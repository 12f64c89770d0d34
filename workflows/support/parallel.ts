import { CancellationScope } from '@temporalio/workflow';

/**
 * Runs `work` on every item, at most `width` at a time; results are in the items' order. The first error cancels
 * what is under way, and is thrown once all of that has ended.
 */
export async function inParallel<Item, Result>(
  items: Item[],
  width: number,
  work: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results = new Array<Result>(items.length);
  const waiting = items.entries();
  const scope = new CancellationScope();
  const errors: unknown[] = [];
  const lane = async () => {
    try {
      for (const [index, item] of waiting) results[index] = await work(item);
    } catch (error) {
      errors.push(error);
      scope.cancel();
    }
  };
  await scope.run(() => Promise.all(Array.from({ length: Math.min(width, items.length) }, lane)));
  if (errors.length > 0) throw errors[0];
  return results;
}

/** Cuts a list into pieces of `size`; the last may be shorter. */
export function piecesOf<Item>(items: Item[], size: number): Item[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, i) => items.slice(i * size, (i + 1) * size));
}
