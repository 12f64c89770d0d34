/**
 * Maps items with up to `limit` calls of `work` under way, and yields the results in the items' order. Nothing is
 * under way any more when it ends, also by an error or by leaving the loop.
 */
export async function* inOrder<Item, Result>(
  items: Iterable<Item> | AsyncIterable<Item>,
  limit: number,
  work: (item: Item) => Promise<Result>,
): AsyncGenerator<Result> {
  const underWay: Promise<Result>[] = [];
  try {
    for await (const item of items) {
      const result = work(item);
      // Whoever fails first is told of; the others behind it are not "unhandled".
      result.catch(() => undefined);
      underWay.push(result);
      if (underWay.length === limit) yield await underWay.shift()!;
    }
    while (underWay.length > 0) yield await underWay.shift()!;
  } finally {
    await Promise.allSettled(underWay);
  }
}
