"""Gives the peers that do not read our ONNX file the forms that they do read.

    python converted.py FOLDER [BUNDLE.onnx...]

For every NAME.qdq.onnx in FOLDER, as networks.py wrote it, and every bundle's network: NAME.tflite,
NAME.f32.ncnn.param and NAME.int8.ncnn.param. A bundle has no float network; NAME.f32.onnx is then
what its integers stand for.
"""

import pathlib
import sys

import numpy as np
import onnx
from onnx import numpy_helper

import to_litert
import to_ncnn


def floating(model):
    """The float network that a quantized one stands for: no pairs, and an activation's limits where
    its zero point is its least value."""
    graph = model.graph
    constants = {t.name: numpy_helper.to_array(t) for t in graph.initializer}
    nodes, same, weights = [], {}, {}

    def real(values, node):
        scale, zero = (constants[name].astype(np.float32) for name in node.input[1:3])
        shape = [-1] + [1] * (values.ndim - 1) if scale.ndim else []
        return (values.astype(np.float32) - zero.reshape(shape)) * scale.reshape(shape)

    for node in graph.node:
        if node.op_type == "DequantizeLinear" and node.input[0] in constants:
            weights[node.output[0]] = real(constants[node.input[0]], node)
        elif node.op_type.endswith("Linear"):
            name = same.get(node.input[0], node.input[0])
            zero = constants[node.input[2]]
            maker = nodes[-1].op_type if nodes and nodes[-1].output[0] == name else ""
            least, most = np.iinfo(zero.dtype).min, np.iinfo(zero.dtype).max
            if node.op_type == "QuantizeLinear" and maker == "Conv" and zero == least:
                most = real(np.array(most), node)
                limits = [f"{name}.least", f"{name}.most"]
                weights |= {limits[0]: np.float32(0), limits[1]: np.float32(most)}
                clip = onnx.helper.make_node("Clip", [name, *limits], [f"{name}.clip"])
                nodes.append(clip)
                name = clip.output[0]
            same[node.output[0]] = name
        else:
            kept = onnx.NodeProto()
            kept.CopyFrom(node)
            kept.input[:] = [same.get(name, name) for name in node.input]
            nodes.append(kept)
    for output in graph.output:
        if output.name in same:
            nodes.append(onnx.helper.make_node("Identity", [same[output.name]], [output.name]))
    source = graph.input[0]
    shape = [d.dim_value for d in source.type.tensor_type.shape.dim]
    used = {name for node in nodes for name in node.input}
    weights |= {name: v for name, v in constants.items() if name in used}
    result = onnx.helper.make_graph(
        nodes,
        graph.name,
        [onnx.helper.make_tensor_value_info(source.name, onnx.TensorProto.FLOAT, shape)],
        graph.output,
        [numpy_helper.from_array(np.asarray(v), name) for name, v in weights.items()],
    )
    result = onnx.helper.make_model(result, opset_imports=model.opset_import)
    result.ir_version = model.ir_version
    onnx.checker.check_model(result, full_check=True)
    return result


def main():
    folder = pathlib.Path(sys.argv[1])
    bundles = [pathlib.Path(bundle) for bundle in sys.argv[2:]]
    for network in sorted(folder.glob("*.qdq.onnx")) + bundles:
        name = network.name.removesuffix(".qdq.onnx").removesuffix(".onnx")
        float_file = folder / f"{name}.f32.onnx"
        if network in bundles:
            onnx.save(floating(onnx.load(network)), float_file)
        try:
            to_litert.write(network, folder / f"{name}.tflite")
        except ValueError as error:
            print(f"{name}: no form for LiteRT: {error}", file=sys.stderr)
        to_ncnn.write(float_file, folder)
        print(name, flush=True)


if __name__ == "__main__":
    main()
