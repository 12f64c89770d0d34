import { decode as decodeUbjson } from '@shelacek/ubjson';

/** A tree as the library saves it, a number per node and array: what of it is read. */
interface TreeDocument {
  /** -1 of a leaf. */
  left_children: ArrayLike<number>;
  /** Of a leaf of several labels its number among the leaves. */
  right_children: ArrayLike<number>;
  split_indices: ArrayLike<number>;
  /** Of a node with children where it splits; of a leaf of one label its value. */
  split_conditions: Float32Array;
  default_left: Uint8Array;
  sum_hessian: Float32Array;
  /** A number per label of each leaf, of trees of several labels. */
  leaf_weights?: ArrayLike<number>;
  /** Nodes that split by categories; of each how many go to the right, and these one node after the other. */
  categories_nodes: ArrayLike<number>;
  categories_sizes: ArrayLike<number>;
  categories: ArrayLike<number>;
}

interface ModelDocument {
  learner: {
    learner_model_param: { base_score: string; num_class: string; num_target: string };
    objective: { name: string };
    gradient_booster: {
      model: {
        /** The class that each tree is of. */
        tree_info: ArrayLike<number>;
        trees: TreeDocument[];
      };
    };
  };
}

export interface Tree {
  /** Per node; -1 of a leaf. */
  left: Int32Array;
  right: Int32Array;
  feature: Int32Array;
  threshold: Float32Array;
  missingLeft: Uint8Array;
  /** Categories that go to the right, of nodes that split by them. */
  categories: Map<number, Set<number>>;
  /** Sum of the training rows' hessians per node: their number, where the loss is squared. */
  rows: Float32Array;
  /** Per node and label of a leaf; 0 of nodes with children. */
  values: Float32Array;
  /** Labels that each leaf has a number for, and the first of them. */
  labels: number;
  first: number;
}

/** Trees that are added up. */
export interface TreeEnsemble {
  trees: Tree[];
  /** What the leaves are added to, before the link function of the objective: a number per output. */
  bases: Float64Array;
  /** Whether what is added up is what is predicted. */
  identity: boolean;
}

/** Numbers are added before the link function of the objective, and `base_score` of these is what comes after it. */
const LINKS: Record<string, (mean: number) => number> = {
  'binary:logistic': (mean) => Math.log(mean / (1 - mean)),
  'count:poisson': Math.log,
};
const IDENTITY = new Set(['reg:squarederror', 'reg:absoluteerror']);

/**
 * Takes about the bytes of the model again.
 * @param ubj a model of trees, as the library saves it: all of a buffer
 */
export function readTrees(ubj: Uint8Array<ArrayBuffer>): TreeEnsemble {
  const { learner } = decodeUbjson(ubj.buffer, {
    useTypedArrays: true,
    int64Handling: ({ view }, offset) => Number(view.getBigInt64(offset)),
  }) as ModelDocument;
  const { base_score, num_class, num_target } = learner.learner_model_param;
  const { trees, tree_info: classes } = learner.gradient_booster.model;
  const labels = Number(num_target);
  const link = LINKS[learner.objective.name] ?? ((mean) => mean);
  const scores = [JSON.parse(base_score) as number | number[]].flat();
  return {
    trees: trees.map((document, i) => readTree(document, labels, classes[i]!)),
    bases: Float64Array.from({ length: Math.max(1, labels, Number(num_class)) }, (_, output) =>
      link(scores[output] ?? scores[0]!),
    ),
    identity: IDENTITY.has(learner.objective.name),
  };
}

function readTree(document: TreeDocument, labels: number, first: number): Tree {
  const { left_children: left, right_children: right, split_conditions: conditions } = document;
  const values = new Float32Array(left.length * labels);
  for (let node = 0; node < left.length; node++) {
    if (left[node] !== -1) continue;
    for (let label = 0; label < labels; label++)
      values[node * labels + label] =
        labels === 1 ? conditions[node]! : document.leaf_weights![right[node]! * labels + label]!;
  }
  let start = 0;
  const categories = new Map(
    Array.from(document.categories_nodes, (node, i) => {
      const end = start + document.categories_sizes[i]!;
      const own = new Set<number>();
      for (; start < end; start++) own.add(document.categories[start]!);
      return [node, own];
    }),
  );
  return {
    left: integers(left),
    right: integers(right),
    feature: integers(document.split_indices),
    threshold: conditions,
    missingLeft: document.default_left,
    categories,
    rows: document.sum_hessian,
    values,
    labels,
    first,
  };
}

/** Of 64 bits each where the library counts beyond 32, which are no typed array. */
function integers(numbers: ArrayLike<number>): Int32Array {
  return numbers instanceof Int32Array ? numbers : Int32Array.from(numbers);
}
