import protobuf from 'protobufjs';
import type { Layer } from './layers.js';

/** What an ONNX file of ours has beside the network, as JSON in its `metadata_props`. */
const FACTS = 'perdure';
const FLOAT = 1;
/** `AttributeProto.AttributeType.INT` */
const INT = 2;
/** The set of operators, and the format, which runtimes read from ONNX 1.8 on. */
const [OPSET, IR_VERSION] = [13, 7];
const [INPUT, OUTPUT] = ['features', 'predictions'];

/** The parts of onnx.proto (ONNX 1.8) that a network of dense layers needs. */
const { root } = protobuf.parse(
  `
  syntax = "proto3";
  message Model {
    int64 ir_version = 1;
    string producer_name = 2;
    Graph graph = 7;
    repeated OperatorSet opset_import = 8;
    repeated Property metadata_props = 14;
  }
  message OperatorSet { string domain = 1; int64 version = 2; }
  message Property { string key = 1; string value = 2; }
  message Graph {
    repeated Node node = 1;
    string name = 2;
    repeated Tensor initializer = 5;
    repeated Value input = 11;
    repeated Value output = 12;
  }
  message Node { repeated string input = 1; repeated string output = 2; string name = 3; string op_type = 4; repeated Attribute attribute = 5; }
  message Attribute { string name = 1; int64 i = 3; int32 type = 20; }
  message Tensor { repeated int64 dims = 1; int32 data_type = 2; string name = 8; bytes raw_data = 9; }
  message Value { string name = 1; Type type = 2; }
  message Type { TensorType tensor_type = 1; }
  message TensorType { int32 elem_type = 1; Shape shape = 2; }
  message Shape { repeated Dimension dim = 1; }
  message Dimension { oneof value { int64 dim_value = 1; string dim_param = 2; } }
`,
  { keepCase: true },
);
const Model = root.lookupType('Model');

interface Tensor {
  dims: number[];
  data_type: number;
  name: string;
  raw_data: Uint8Array;
}

/**
 * A network as an ONNX model: `features` (rows x columns, float32, a missing value NaN) to `predictions` (rows x numbers).
 * The same network gives the same bytes.
 */
export function toOnnx(
  layers: readonly Layer[],
  activation: 'Sigmoid' | 'Softmax' | 'Exp' | undefined,
  facts: unknown,
): Uint8Array {
  const initializer: Tensor[] = [tensor('zero', [], new Float32Array(1))];
  const nodes: Record<string, unknown>[] = [];
  const add = (op_type: string, input: string[], output: string, attribute: unknown[] = []) => {
    nodes.push({ op_type, name: output, input, output: [output], attribute });
    return output;
  };
  const isMissing = add('IsNaN', [INPUT], 'missing');
  let reached = add('Where', [isMissing, 'zero', INPUT], 'inputs');
  layers.forEach(({ inputs, outputs, weights, bias }, at) => {
    const isLast = at === layers.length - 1;
    initializer.push(tensor(`weights_${at}`, [inputs, outputs], weights), tensor(`bias_${at}`, [outputs], bias));
    const plain = isLast && activation === undefined ? OUTPUT : `dense_${at}`;
    reached = add('Gemm', [reached, `weights_${at}`, `bias_${at}`], plain);
    if (!isLast) reached = add('Relu', [reached], `hidden_${at}`);
  });
  if (activation !== undefined)
    add(activation, [reached], OUTPUT, activation === 'Softmax' ? [{ name: 'axis', i: 1, type: INT }] : []);
  const graph = {
    name: 'mlp',
    node: nodes,
    initializer,
    input: [value(INPUT, layers[0]!.inputs)],
    output: [value(OUTPUT, layers.at(-1)!.outputs)],
  };
  const model = {
    ir_version: IR_VERSION,
    producer_name: 'perdure',
    graph,
    opset_import: [{ domain: '', version: OPSET }],
    metadata_props: [{ key: FACTS, value: JSON.stringify(facts) }],
  };
  return Model.encode(Model.create(model)).finish();
}

/** The network of {@link toOnnx}, and its facts. Throws an Error where the bytes are cut off or of another's making. */
export function fromOnnx(bytes: Uint8Array): { layers: Layer[]; facts: unknown } {
  const { graph, metadata_props: properties } = Model.toObject(Model.decode(bytes), {
    longs: Number,
    arrays: true,
  }) as {
    graph?: { initializer: Tensor[] };
    metadata_props: { key: string; value: string }[];
  };
  const facts = properties.find(({ key }) => key === FACTS)?.value;
  if (!graph || facts === undefined) throw new Error('it has no network of Perdure');
  const named = new Map(graph.initializer.map((found) => [found.name, found]));
  const layers: Layer[] = [];
  for (let at = 0; named.has(`weights_${at}`); at++) {
    const [weights, bias] = [named.get(`weights_${at}`)!, named.get(`bias_${at}`)];
    const [inputs = 0, outputs = 0] = weights.dims;
    const layer = { inputs, outputs, weights: floats(weights), bias: bias ? floats(bias) : new Float32Array(0) };
    if (layer.weights.length !== inputs * outputs || layer.bias.length !== outputs)
      throw new Error(`its layer ${at + 1} is not whole`);
    layers.push(layer);
  }
  if (layers.length === 0) throw new Error('it has no layers');
  return { layers, facts: JSON.parse(facts) as unknown };
}

function tensor(name: string, dims: number[], values: Float32Array): Tensor {
  return {
    name,
    dims,
    data_type: FLOAT,
    raw_data: new Uint8Array(values.buffer, values.byteOffset, values.byteLength),
  };
}

/** A copy, as the file's bytes may lie at any address. */
function floats({ raw_data }: Tensor): Float32Array {
  return new Float32Array(Uint8Array.from(raw_data).buffer);
}

function value(name: string, columns: number): unknown {
  const shape = { dim: [{ dim_param: 'rows' }, { dim_value: columns }] };
  return { name, type: { tensor_type: { elem_type: FLOAT, shape } } };
}
