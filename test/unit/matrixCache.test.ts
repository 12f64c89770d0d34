import { expect, test } from 'vitest';
import { MatrixCache } from '../../src/ml/engines/matrixCache.js';

test('what was used longest ago is freed when the budget is spent', () => {
  const freed: string[] = [];
  const cache = new MatrixCache<string>(100);
  const keep = (key: string, bytes: number) => cache.set(key, key, bytes, () => freed.push(key));
  keep('a', 40);
  keep('b', 40);
  expect(cache.get('a')).toBe('a');
  keep('c', 40);
  expect(freed).toEqual(['b']);
  expect(cache.get('b')).toBeUndefined();
  keep('larger than the budget', 500);
  expect(freed).toEqual(['b', 'a', 'c']);
  expect(cache.get('larger than the budget')).toBe('larger than the budget');
});
