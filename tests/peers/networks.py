"""Makes the networks that the int8 engine is compared on: random weights, shapes of the field.

    python networks.py FOLDER

writes NAME.f32.onnx, NAME.qdq.onnx (QuantizeLinear/DequantizeLinear pairs, u8 activations, s8
weights per channel) and NAME.qlinear.onnx (QLinear operators) for each network, quantized by ONNX
Runtime's static quantizer on smooth random pictures.
"""

import pathlib
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static


class Network:
    """A chain of layers; residual branches start at a remembered point."""

    def __init__(self, name, channels, size):
        self.name, self.shape, self.output = name, [1, channels, size, size], [1, 1]
        self.random = np.random.default_rng(sum(map(ord, name)))
        self.nodes, self.weights = [], []
        self.end, self.channels, self.size = "x", channels, size

    def node(self, operator, inputs, **attributes):
        output = f"{operator.lower()}{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, inputs, [output], name=output, **attributes))
        self.end = output
        return output

    def constant(self, values):
        name = f"w{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(np.asarray(values, np.float32), name))
        return name

    def conv(self, channels, kernel=3, stride=1, group=1, relu=None):
        fan_in = self.channels // group * kernel * kernel
        weights = self.random.normal(
            0, np.sqrt(2 / fan_in), (channels, self.channels // group, kernel, kernel)
        )
        bias = self.random.normal(0, 0.05, channels)
        self.node(
            "Conv",
            [self.end, self.constant(weights), self.constant(bias)],
            kernel_shape=[kernel] * 2,
            strides=[stride] * 2,
            pads=[kernel // 2] * 4,
            group=group,
        )
        self.channels, self.size = channels, -(-self.size // stride)
        if relu == 6:
            self.node("Clip", [self.end, self.constant(0.0), self.constant(6.0)])
        elif relu:
            self.node("Relu", [self.end])

    def depthwise(self, stride=1, relu=6):
        self.conv(self.channels, 3, stride, self.channels, relu)

    def pool(self):
        self.node("MaxPool", [self.end], kernel_shape=[2, 2], strides=[2, 2])
        self.size //= 2

    def add(self, start):
        self.node("Add", [self.end, start])

    def dense(self, outputs, relu=False):
        inputs = self.channels * self.size**2
        weights = self.random.normal(0, np.sqrt(2 / inputs), (outputs, inputs))
        bias = self.random.normal(0, 0.05, outputs)
        self.node("Gemm", [self.end, self.constant(weights), self.constant(bias)], transB=1)
        if relu:
            self.node("Relu", [self.end])
        self.channels, self.size = outputs, 1

    def hard_swish(self):
        self.node("HardSwish", [self.end])

    def squeeze(self):
        """Squeeze and excitation."""
        start, channels, size = self.end, self.channels, self.size
        self.node("GlobalAveragePool", [start])
        self.conv(channels // 4, 1, relu=True)
        self.conv(channels, 1)
        gate = self.node("HardSigmoid", [self.end], alpha=1 / 6, beta=0.5)
        self.node("Mul", [start, gate])
        self.size = size

    def enlarge(self):
        scales = self.constant([1, 1, 2, 2])
        attributes = {"mode": "linear", "coordinate_transformation_mode": "half_pixel"}
        self.node("Resize", [self.end, "", scales], **attributes)
        self.size *= 2

    def join(self, other, channels):
        self.node("Concat", [self.end, other], axis=1)
        self.channels += channels

    def head(self):
        self.node("GlobalAveragePool", [self.end])
        self.size = 1
        self.node("Flatten", [self.end])
        self.dense(1)

    def model(self):
        self.nodes[-1].output[0] = "y"
        graph = helper.make_graph(
            self.nodes,
            self.name,
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, self.shape)],
            [helper.make_tensor_value_info("y", TensorProto.FLOAT, self.output)],
            self.weights,
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
        model.ir_version = 8
        onnx.checker.check_model(model)
        return model


def seed(name, channels, size, widths, hidden):
    network = Network(name, channels, size)
    for width in widths:
        network.conv(width, relu=True)
        network.pool()
    network.node("Flatten", [network.end])
    network.dense(hidden, relu=True)
    network.dense(1)
    return network


def plain(name, size, residual):
    network = Network(name, 1, size)
    network.conv(16, stride=2, relu=True)
    for width, stride in [(16, 1), (32, 2), (32, 1), (64, 2), (64, 1), (128, 2), (128, 1)]:
        start = network.end
        if residual and stride == 1:
            network.conv(width)
            network.add(start)
            network.node("Relu", [network.end])
        else:
            network.conv(width, stride=stride, relu=True)
    network.head()
    return network


def mobilenet_v1(name, size, width):
    network = Network(name, 1, size)
    network.conv(int(32 * width), stride=2, relu=True)
    steps = [(64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2)]
    for channels, stride in steps + [(512, 1)] * 5 + [(1024, 2), (1024, 1)]:
        network.depthwise(stride, relu=True)
        network.conv(int(channels * width), 1, relu=True)
    network.head()
    return network


def mobilenet_v2(name, size, width):
    def rounded(channels):
        value = max(8, int(channels * width + 4) // 8 * 8)
        return value + 8 if value < 0.9 * channels * width else value

    network = Network(name, 1, size)
    network.conv(rounded(32), stride=2, relu=6)
    blocks = [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2)]
    for expand, channels, repeats, first in blocks + [(6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)]:
        for i in range(repeats):
            start, before, stride = network.end, network.channels, first if i == 0 else 1
            if expand > 1:
                network.conv(before * expand, 1, relu=6)
            network.depthwise(stride)
            network.conv(rounded(channels), 1)
            if stride == 1 and network.channels == before:
                network.add(start)
    network.conv(640, 1, relu=6)
    network.head()
    return network


def segmenter(name, size):
    """A small net of MobileNetV3's parts that outlines: inverted residuals, a gate, two steps up."""
    network = Network(name, 1, size)
    network.conv(16, stride=2)
    network.hard_swish()
    fine = network.end
    for channels, stride in [(24, 2), (24, 1), (40, 2), (40, 1)]:
        start, before = network.end, network.channels
        network.conv(before * 4, 1)
        network.hard_swish()
        network.conv(network.channels, 5, stride, network.channels)
        network.hard_swish()
        network.squeeze()
        network.conv(channels, 1)
        if stride == 1:
            network.add(start)
        elif channels == 40:
            middle, middle_channels = start, before
    network.enlarge()
    network.join(middle, middle_channels)
    network.conv(24, relu=True)
    network.enlarge()
    network.join(fine, 16)
    network.conv(16, relu=True)
    network.conv(1, 1)
    network.node("Sigmoid", [network.end])
    network.output = [1, 1, network.size, network.size]
    return network


def all_networks():
    return [
        seed("seed32", 1, 32, (32, 64, 128), 128),
        seed("seed64", 3, 64, (32, 64), 64),
        plain("plain128", 128, False),
        plain("plain224", 224, False),
        plain("residual224", 224, True),
        mobilenet_v1("mobilenet1-0.25", 128, 0.25),
        mobilenet_v2("mobilenet2-0.35", 224, 0.35),
        mobilenet_v2("mobilenet2-0.50", 224, 0.5),
        segmenter("segmenter128", 128),
    ]


class Pictures(CalibrationDataReader):
    """Smooth blobs with noise, from 0 to 1."""

    def __init__(self, shape):
        random = np.random.default_rng(1)
        side = max(shape[2:])
        coarse = max(2, side // 8)
        cell = np.ones((-(-side // coarse),) * 2)

        def picture():
            blobs = np.kron(random.random((*shape[:2], coarse, coarse)), cell)
            blobs = blobs[:, :, : shape[2], : shape[3]]
            return (0.7 * blobs + 0.3 * random.random(shape)).astype(np.float32)

        self.pictures = iter([{"x": picture()} for _ in range(8)])

    def get_next(self):
        return next(self.pictures, None)


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for network in all_networks():
        plain_file = folder / f"{network.name}.f32.onnx"
        onnx.save(network.model(), plain_file)
        for form, quant_format in (("qdq", QuantFormat.QDQ), ("qlinear", QuantFormat.QOperator)):
            if form == "qlinear" and "HardSwish" in {node.op_type for node in network.nodes}:
                continue  # It would leave reals between layers that nothing quantizes.
            quantize_static(
                plain_file,
                folder / f"{network.name}.{form}.onnx",
                Pictures(network.shape),
                quant_format=quant_format,
                activation_type=QuantType.QUInt8,
                weight_type=QuantType.QInt8,
                per_channel=True,
            )
        print(network.name)


if __name__ == "__main__":
    main()
