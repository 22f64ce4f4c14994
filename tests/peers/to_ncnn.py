"""Writes a float ONNX network in ncnn's form, in float and in int8.

    python to_ncnn.py NETWORK.f32.onnx FOLDER

pnnx makes NAME.f32.ncnn.param and .bin. ncnn takes no QuantizeLinear, and its wheel does not hold
ncnn2table and ncnn2int8, so what those do is done here: weights in symmetric int8 a channel, one
scale for what a layer reads, from the largest value on eight made-up pictures, and no way back to
float between one convolution and the next (docs/how-to-use-and-FAQ/quantized-int8-inference.md).
"""

import importlib.util
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import onnx

CONVOLUTIONS = {"Convolution", "ConvolutionDepthWise"}
LAYERS = CONVOLUTIONS | {"InnerProduct"}


def loaded(path):
    import ncnn

    net = ncnn.Net()
    net.opt.num_threads = 1
    net.opt.use_vulkan_compute = False
    assert net.load_param(str(path)) == 0
    assert net.load_model(str(path).replace(".param", ".bin")) == 0
    return net


def input_shape(path):
    """ncnn's form does not hold it, so it stands in a file beside it."""
    text = pathlib.Path(path).with_suffix(".shape").read_text()
    return [int(side) for side in text.split()]


def plain_resizes(model):
    """pnnx knows Resize with the very attributes that PyTorch's exporter writes."""
    for node in model.graph.node:
        if node.op_type == "Resize":
            kept = [a for a in node.attribute if a.name in ("coordinate_transformation_mode", "mode")]
            more = {"cubic_coeff_a": -0.75, "nearest_mode": "floor"}
            kept += [onnx.helper.make_attribute(name, value) for name, value in more.items()]
            del node.attribute[:]
            node.attribute.extend(sorted(kept, key=lambda a: a.name))
    return model


def converted(network, shape, param):
    """Runs pnnx, which is a program inside its package."""
    package = importlib.util.find_spec("pnnx").submodule_search_locations[0]
    sides = ",".join(map(str, shape))
    with tempfile.TemporaryDirectory() as folder:
        copy = pathlib.Path(folder) / "x.onnx"
        onnx.save(plain_resizes(onnx.load(network)), copy)
        command = [f"{package}/pnnx", str(copy), f"inputshape=[{sides}]f32", "fp16=0"]
        command += [f"ncnnparam={param}", f"ncnnbin={param.with_suffix('.bin')}"]
        subprocess.run(command, cwd=folder, check=True, capture_output=True)
    param.with_suffix(".shape").write_text(sides.replace(",", " "))


class Layer:
    def __init__(self, line):
        self.type, self.name, inputs, outputs, *rest = line.split()
        inputs, outputs = int(inputs), int(outputs)
        self.inputs, self.outputs = rest[:inputs], rest[inputs : inputs + outputs]
        self.settings = dict(pair.split("=", 1) for pair in rest[inputs + outputs :])

    def number(self, key):
        return int(self.settings.get(str(key), 0))

    def line(self):
        blobs = [str(len(self.inputs)), str(len(self.outputs)), *self.inputs, *self.outputs]
        settings = [f"{key}={value}" for key, value in self.settings.items()]
        return " ".join([self.type, self.name, *blobs, *settings])


def weights(layers, data):
    """Weights and biases of each layer that has some, as pnnx wrote them."""
    at, found = 0, {}
    for layer in layers:
        if layer.type not in LAYERS:
            continue
        size = layer.number(2 if layer.type == "InnerProduct" else 6)
        bias = layer.number(1 if layer.type == "InnerProduct" else 5) * layer.number(0)
        assert data[at : at + 4] == bytes(4), f"{layer.name}: weights not in float"
        values = np.frombuffer(data, np.float32, size + bias, at + 4)
        found[layer.name] = values[:size].reshape(layer.number(0), -1), values[size:]
        at += 4 + 4 * len(values)
    assert at == len(data)
    return found


def largest(net, layers, shape):
    """The largest absolute value that each layer reads, over the pictures of networks.py."""
    import ncnn

    from networks import Pictures

    most = {}
    for feed in iter(Pictures(shape).get_next, None):
        extractor = net.create_extractor()
        extractor.input("in0", ncnn.Mat(feed["x"][0]).clone())
        for layer in layers:
            if layer.type in LAYERS:
                _, blob = extractor.extract(layer.inputs[0])
                top = float(np.abs(np.array(blob)).max())
                most[layer.name] = max(most.get(layer.name, 1e-6), top)
    return most


def read_by(layer, readers):
    """The layers that read what `layer` makes, through Split."""
    after = [reader for blob in layer.outputs for reader in readers.get(blob, [])]
    through = [read_by(reader, readers) for reader in after if reader.type == "Split"]
    return sum(through, [reader for reader in after if reader.type != "Split"])


def quantized(real, target):
    """What ncnn2table and ncnn2int8 do."""
    head, counts, *lines = real.read_text().splitlines()
    layers = [Layer(line) for line in lines]
    values = weights(layers, real.with_suffix(".bin").read_bytes())
    shape = input_shape(real)
    most = largest(loaded(real), layers, shape)
    scales = {name: np.float32(127 / top) for name, top in most.items()}
    readers = {}
    for layer in layers:
        for blob in layer.inputs:
            readers.setdefault(blob, []).append(layer)
    data = b""
    for layer in layers:
        if layer.type not in LAYERS:
            continue
        real_weights, bias = values[layer.name]
        each = 127 / np.maximum(np.abs(real_weights).max(axis=1), 1e-6).astype(np.float32)
        bytes_ = np.rint(real_weights * each[:, None]).astype(np.int8).tobytes()
        # The tag that ncnn knows int8 weights by; they fill whole words.
        data += (0x000D4B38).to_bytes(4, "little") + bytes_ + bytes(-len(bytes_) % 4)
        data += bias.tobytes() + each.tobytes() + scales[layer.name].tobytes()
        term = 1 if layer.type == "ConvolutionDepthWise" else 2
        after = read_by(layer, readers)
        # Where only convolutions read it, its output stays in int8.
        if layer.type in CONVOLUTIONS and after and {r.type for r in after} <= CONVOLUTIONS:
            term += 100
            data += scales[after[0].name].tobytes()
        layer.settings["8"] = str(term)
    target.write_text("\n".join([head, counts, *(layer.line() for layer in layers), ""]))
    target.with_suffix(".bin").write_bytes(data)
    target.with_suffix(".shape").write_text(" ".join(map(str, shape)))


def write(network, folder):
    """Both forms of NAME.f32.onnx, in `folder`."""
    name = network.name.removesuffix(".f32.onnx")
    source = onnx.load(network).graph.input[0]
    shape = [d.dim_value for d in source.type.tensor_type.shape.dim]
    real = folder.resolve() / f"{name}.f32.ncnn.param"
    converted(network, shape, real)
    quantized(real, folder.resolve() / f"{name}.int8.ncnn.param")


if __name__ == "__main__":
    write(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]))
