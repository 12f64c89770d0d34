import type { Features } from './binding.js';
import type { Tree, TreeEnsemble } from './trees.js';

/** Rows that go through a tree before the next tree is taken: their numbers and the tree fit into a core's cache together. */
const BLOCK = 1024;
/** Words of a node: what is below it on the left and on the right, its feature, and where it splits. */
const WORDS = 4;

/** Trees as numbers that lie side by side, a node in one line of the cache. */
export interface PackedTrees {
  trees: PackedTree[];
  bases: Float64Array;
}

interface PackedTree extends Pick<Tree, 'values' | 'labels' | 'first'> {
  nodes: Int32Array;
  /** The same memory. */
  thresholds: Float32Array;
}

/**
 * Trees whose predictions {@link treePredictions} says.
 *
 * @returns `undefined` of trees that split by categories, or whose sums aren't the predictions yet
 */
export function packedTrees({ trees, bases, identity }: TreeEnsemble): PackedTrees | undefined {
  if (!identity || trees.some(({ categories }) => categories.size > 0)) return undefined;
  return { trees: trees.map(packed), bases };
}

function packed({ left, right, feature, threshold, missingLeft, values, labels, first }: Tree): PackedTree {
  const nodes = new Int32Array(left.length * WORDS);
  const thresholds = new Float32Array(nodes.buffer);
  left.forEach((child, node) => {
    const at = node * WORDS;
    nodes[at] = child;
    nodes[at + 1] = right[node]!;
    nodes[at + 2] = feature[node]! * 2 + missingLeft[node]!;
    thresholds[at + 3] = threshold[node]!;
  });
  return { nodes, thresholds, values, labels, first };
}

/**
 * What the library says of the rows, to the bit: single precision, the leaves added in the order of the trees. It takes 64
 * rows through all trees before the next 64. Trees that don't fit into a core's cache are read from memory so
 * many times: 100 trees of 26 to 28 MB took 2.5 to 3.7 s of a CPU for 60,000 rows x 91 columns, and here 1.2 to 2.2 s. Two
 * threads of the library are as quick while nothing else needs the second core.
 *
 * @returns row-major, a number per output
 */
export function treePredictions({ trees, bases }: PackedTrees, { values, rows, columns }: Features): Float32Array {
  const outputs = bases.length;
  const sums = new Float32Array(rows * outputs);
  sums.forEach((_, at) => (sums[at] = bases[at % outputs]!));
  for (let start = 0; start < rows; start += BLOCK) {
    const end = Math.min(rows, start + BLOCK);
    for (const tree of trees) addTree(tree, sums, outputs, values, columns, start, end);
  }
  return sums;
}

function addTree(
  { nodes, thresholds, values: leaves, labels, first }: PackedTree,
  sums: Float32Array,
  outputs: number,
  values: Float32Array,
  columns: number,
  start: number,
  end: number,
): void {
  for (let row = start; row < end; row++) {
    let node = 0;
    for (let left = nodes[0]!; left !== -1; left = nodes[node * WORDS]!) {
      const at = node * WORDS;
      const by = nodes[at + 2]!;
      const value = values[row * columns + (by >> 1)]!;
      const goesLeft = value < thresholds[at + 3]! || ((by & 1) === 1 && Number.isNaN(value));
      node = goesLeft ? left : nodes[at + 1]!;
    }
    for (let label = 0; label < labels; label++) sums[row * outputs + first + label]! += leaves[node * labels + label]!;
  }
}
