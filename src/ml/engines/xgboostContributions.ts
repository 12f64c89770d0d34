import { PerdureError } from '../../errors.js';
import type { Features } from './binding.js';

/** Text of a model that is taken apart: beyond it JavaScript has no string. */
const MOST_BYTES = 2 ** 28;

/** Lists of floats of a tree: the library takes a number without a point or an exponent for an integer. */
const FLOATS = new Set(['base_weights', 'split_conditions', 'loss_changes', 'sum_hessian']);

interface TreeDocument {
  tree_param: Record<string, string>;
  left_children: number[];
  /** Of a leaf its number among the leaves. */
  right_children: number[];
  /** Of a node with children where it splits; of a leaf of one label its value. */
  split_conditions: number[];
  base_weights: number[];
  /** A number per label of each leaf. */
  leaf_weights?: number[];
}

interface ForestDocument {
  learner: {
    learner_model_param: Record<string, string>;
    gradient_booster: { model: { trees: TreeDocument[] } };
  };
}

/**
 * Models of one label each that together say what trees with several labels a leaf say: the same splits, and of each leaf
 * the number of the label. The library has SHAP values of these alone.
 *
 * @param json the model, as the library saves it
 * @throws PerdureError `EngineFailed` for a model that is too large to be taken apart
 */
export function* classModels(json: Uint8Array, labels: number): Generator<Buffer, void> {
  if (json.length > MOST_BYTES)
    throw new PerdureError(
      'EngineFailed',
      `The model takes ${Math.round(json.length / 2 ** 20)} MB as text, too much to be taken apart by its classes; train it with fewer trees or a max_depth.`,
    );
  const document = JSON.parse(Buffer.from(json).toString('utf8')) as ForestDocument;
  const { learner } = document;
  const { trees } = learner.gradient_booster.model;
  const scores = JSON.parse(learner.learner_model_param.base_score!) as number[];
  for (let label = 0; label < labels; label++) {
    const param = {
      ...learner.learner_model_param,
      num_target: '1',
      base_score: `[${scores[label]!.toExponential()}]`,
    };
    const text = JSON.stringify({
      ...document,
      learner: {
        ...learner,
        learner_model_param: param,
        gradient_booster: {
          ...learner.gradient_booster,
          model: { ...learner.gradient_booster.model, trees: [] },
        },
      },
    });
    yield Buffer.from(
      text.replace(
        '"trees":[]',
        () => `"trees":[${trees.map((tree) => treeText(ofLabel(tree, label, labels))).join(',')}]`,
      ),
    );
  }
}

function ofLabel({ leaf_weights = [], ...tree }: TreeDocument, label: number, labels: number): TreeDocument {
  const isLeaf = (node: number) => tree.left_children[node] === -1;
  const values = tree.split_conditions.map((condition, node) =>
    isLeaf(node) ? leaf_weights[tree.right_children[node]! * labels + label]! : condition,
  );
  return {
    ...tree,
    tree_param: { ...tree.tree_param, size_leaf_vector: '1' },
    right_children: tree.right_children.map((child, node) => (isLeaf(node) ? -1 : child)),
    split_conditions: values,
    // What a node would say were it a leaf; only approximate contributions use it.
    base_weights: values.map((value, node) => (isLeaf(node) ? value : 0)),
  };
}

function treeText(tree: TreeDocument): string {
  const fields = Object.entries(tree).map(([name, value]) => {
    const text = FLOATS.has(name)
      ? `[${(value as number[]).map((number) => number.toExponential()).join(',')}]`
      : JSON.stringify(value);
    return `${JSON.stringify(name)}:${text}`;
  });
  return `{${fields.join(',')}}`;
}

/** Weights of a linear model: by feature, then by output. */
interface LinearWeights {
  weights: ArrayLike<number>;
  biases: ArrayLike<number>;
}

/**
 * SHAP values of a linear model with independent features: weight x (value - background), exactly; a missing value counts
 * as 0, as in the model. Lundberg & Lee, "A Unified Approach to Interpreting Model Predictions" (2017), Corollary 1.
 *
 * @param background a value per feature
 * @returns of each row and output a number per feature, and last what the model says of the background
 */
export function linearContributions(
  { values, rows, columns }: Features,
  { weights, biases }: LinearWeights,
  background: ArrayLike<number>,
): Float64Array {
  const outputs = biases.length;
  const width = columns + 1;
  // The file has numbers of single precision, as the shortest decimals that read back.
  const weightOf = (feature: number, output: number) => Math.fround(weights[feature * outputs + output]!);
  const contributions = new Float64Array(rows * outputs * width);
  for (let output = 0; output < outputs; output++) {
    let base = biases[output]!;
    for (let feature = 0; feature < columns; feature++) base += weightOf(feature, output) * background[feature]!;
    for (let row = 0; row < rows; row++) {
      const start = (row * outputs + output) * width;
      for (let feature = 0; feature < columns; feature++) {
        const value = values[row * columns + feature]!;
        const weight = weightOf(feature, output);
        contributions[start + feature] = Number.isNaN(value)
          ? 0 - weight * background[feature]!
          : weight * (value - background[feature]!);
      }
      contributions[start + columns] = base;
    }
  }
  return contributions;
}
