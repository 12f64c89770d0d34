import type { Features } from './binding.js';
import type { Tree, TreeEnsemble } from './trees.js';

/** A tree with what its contributions need besides. */
interface ExplainedTree extends Tree {
  /** Share of the parent's training rows per node; 1 of the root. */
  share: Float64Array;
  /** Splits above the deepest leaf. */
  depth: number;
  /** The most features that the splits above one leaf are by. */
  pathFeatures: number;
}

/** Trees whose predictions can be explained. */
export interface ExplainedTrees {
  trees: ExplainedTree[];
  /** The most features that the splits above one leaf of all are by. */
  pathFeatures: number;
  /** What they say of no row, on the average of their training rows: a number per output. */
  bases: Float64Array;
}

export function explainedTrees(ensemble: TreeEnsemble): ExplainedTrees {
  const trees = ensemble.trees.map((tree) => ({ ...tree, share: sharesOf(tree), ...longestPaths(tree) }));
  const bases = ensemble.bases.slice();
  for (const tree of trees)
    for (let label = 0; label < tree.labels; label++) bases[tree.first + label]! += meanOfLeaves(tree, label);
  return { trees, pathFeatures: trees.reduce((most, tree) => Math.max(most, tree.pathFeatures), 0), bases };
}

function sharesOf({ left, right, rows }: Tree): Float64Array {
  const share = new Float64Array(left.length).fill(1);
  left.forEach((child, node) => {
    if (child === -1) return;
    share[child] = rows[child]! / rows[node]!;
    share[right[node]!] = rows[right[node]!]! / rows[node]!;
  });
  return share;
}

/** The mean of the leaves of a label, by their training rows. */
function meanOfLeaves({ left, right, share, values, labels }: ExplainedTree, label: number): number {
  const visit = (node: number): number => {
    if (left[node] === -1) return values[node * labels + label]!;
    const [one, other] = [left[node]!, right[node]!];
    return share[one]! * visit(one) + share[other]! * visit(other);
  };
  return visit(0);
}

function longestPaths({ left, right, feature }: Tree): Pick<ExplainedTree, 'depth' | 'pathFeatures'> {
  const above = new Map<number, number>();
  const longest = { depth: 0, pathFeatures: 0 };
  const visit = (node: number, depth: number): void => {
    if (left[node] === -1) {
      longest.depth = Math.max(longest.depth, depth);
      longest.pathFeatures = Math.max(longest.pathFeatures, above.size);
      return;
    }
    const by = feature[node]!;
    const times = above.get(by) ?? 0;
    above.set(by, times + 1);
    visit(left[node]!, depth + 1);
    visit(right[node]!, depth + 1);
    if (times === 0) above.delete(by);
    else above.set(by, times);
  };
  visit(0, 0);
  return longest;
}

/** Enough for every digit: of trees of 55 levels and up to 46 features per path, contributions are the same to 1e-13 with 23 points. */
const MOST_POINTS = 8;

/** Points between 0 and 1 and their weights: the integral of a polynomial is the weighted sum of its values there. */
interface Points {
  at: Float64Array;
  weights: Float64Array;
}

/**
 * Gauss-Legendre quadrature on [0, 1]: exact for polynomials of a degree below twice the number of points. The roots of the
 * Legendre polynomial by Newton's method; Press et al., "Numerical Recipes" (2007), section 4.6.
 */
function gaussLegendre(count: number): Points {
  const at = new Float64Array(count);
  const weights = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    let x = Math.cos((Math.PI * (i + 0.75)) / (count + 0.5));
    let slope = 1;
    for (let step = 0, moved = 1; step < 100 && Math.abs(moved) > 1e-15; step++) {
      let before = 0;
      let now = 1;
      for (let degree = 1; degree <= count; degree++) {
        const next = ((2 * degree - 1) * x * now - (degree - 1) * before) / degree;
        before = now;
        now = next;
      }
      slope = (count * (x * now - before)) / (x * x - 1);
      moved = now / slope;
      x -= moved;
    }
    at[i] = (1 + x) / 2;
    weights[i] = 1 / ((1 - x * x) * slope * slope);
  }
  return { at, weights };
}

/**
 * SHAP values of trees as TreeSHAP defines them where features depend on one another: one that is not known goes both ways,
 * by the shares of the training rows. Lundberg et al., "From Local Explanations to Global Understanding" (2020).
 *
 * Of a leaf whose path splits by features j, with o(j) = 1 where the row takes that way at every split by j and else 0, and
 * z(j) the product of the shares at them, the Shapley value of i is the leaf's value x (o(i) - z(i)) x the integral from 0 to
 * 1 of the product over j other than i of t o(j) + (1 - t) z(j): Owen, "Multilinear Extensions of Games" (1972). That is a
 * polynomial of t, whose integral few points give. At each, products are kept along the path and sums of
 * leaves on the way back, as in Yu et al., "Linear TreeShap" (2022): the time grows with the number of nodes, not with the
 * square of the depth as well, and every factor is positive, so that nothing is lost at any depth.
 *
 * @returns of each row and output a number per feature, and last the output's base
 */
export function treeContributions({ trees, bases }: ExplainedTrees, { values, rows, columns }: Features): Float64Array {
  const width = columns + 1;
  const ofRow = bases.length * width;
  const contributions = new Float64Array(rows * ofRow);
  for (let row = 0; row < rows; row++)
    bases.forEach((base, output) => (contributions[row * ofRow + output * width + columns] = base));
  for (const tree of trees) {
    const add = contributionsOfTree(tree, columns);
    const start = tree.first * width;
    for (let row = 0; row < rows; row++)
      add(
        values.subarray(row * columns, (row + 1) * columns),
        contributions.subarray(row * ofRow + start, (row + 1) * ofRow),
      );
  }
  return contributions;
}

/** A function that adds the contributions of one tree to those of a row, which begin with the tree's first label. */
function contributionsOfTree(
  {
    left,
    right,
    feature,
    threshold,
    missingLeft,
    categories,
    share,
    values,
    labels,
    depth,
    pathFeatures,
  }: ExplainedTree,
  columns: number,
): (row: Float32Array, contributions: Float64Array) => void {
  const { at, weights } = gaussLegendre(Math.min(MOST_POINTS, Math.max(1, Math.ceil(pathFeatures / 2))));
  const count = at.length;
  const levels = depth + 1;
  /** Of each feature the level below the last split by it; 0, the root's, where there is none. */
  const levelOf = new Int32Array(columns);
  // Of each level what is known of the feature that was split by above it: o and z of the formula.
  const taken = new Float64Array(levels).fill(1, 0, 1);
  const shares = new Float64Array(levels).fill(1, 0, 1);
  // And a number per point: the product of the path, and the inverse of the factor of that feature.
  const products = new Float64Array(levels * count).fill(1, 0, count);
  const inverses = new Float64Array(levels * count).fill(1, 0, count);
  /** Of each level, per label and point: the leaves below, each times the product of its path. */
  const sums = new Float64Array(levels * count * labels);

  return (row, contributions) => {
    const goesLeft = (node: number): boolean => {
      const value = row[feature[node]!]!;
      if (Number.isNaN(value)) return missingLeft[node] === 1;
      const right = categories.get(node);
      return right ? !right.has(value) : value < threshold[node]!;
    };

    const visit = (node: number, level: number): void => {
      const sum = level * count * labels;
      if (left[node] === -1) {
        for (let label = 0; label < labels; label++)
          for (let point = 0; point < count; point++)
            sums[sum + label * count + point] = values[node * labels + label]! * products[level * count + point]!;
        return;
      }
      sums.fill(0, sum, sum + count * labels);
      const goes = goesLeft(node);
      descend(left[node]!, level, feature[node]!, goes);
      descend(right[node]!, level, feature[node]!, !goes);
    };

    const descend = (child: number, level: number, by: number, goes: boolean): void => {
      const last = levelOf[by]!;
      const tookBefore = taken[last]!;
      const shareBefore = shares[last]!;
      const took = goes ? tookBefore : 0;
      const part = shareBefore * share[child]!;
      const below = level + 1;
      const ofLast = last * count;
      const ofLevel = level * count;
      const ofBelow = below * count;
      for (let point = 0; point < count; point++) {
        const factor = part + at[point]! * (took - part);
        products[ofBelow + point] = products[ofLevel + point]! * factor * inverses[ofLast + point]!;
        inverses[ofBelow + point] = 1 / factor;
      }
      taken[below] = took;
      shares[below] = part;
      levelOf[by] = below;
      visit(child, below);
      levelOf[by] = last;

      // What the split adds: the feature as it is known below, without what the splits above say of it.
      const known = took - part;
      const knownBefore = tookBefore - shareBefore;
      for (let label = 0; label < labels; label++) {
        const sum = (level * labels + label) * count;
        const sumBelow = (below * labels + label) * count;
        let integral = 0;
        for (let point = 0; point < count; point++) {
          const change = known * inverses[ofBelow + point]! - knownBefore * inverses[ofLast + point]!;
          integral += weights[point]! * sums[sumBelow + point]! * change;
          sums[sum + point]! += sums[sumBelow + point]!;
        }
        contributions[label * (columns + 1) + by]! += integral;
      }
    };

    visit(0, 0);
  };
}
