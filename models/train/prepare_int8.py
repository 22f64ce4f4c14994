"""Prepares an ONNX network for int8, so that it loses little: no label plays a part.

`equalized` gives the channels of linear maps like ranges; the network computes the same. `rounded`
puts weights on their int8 grids one after the other, and the weights after each take up its error
by the correlations of the layer's inputs (Frantar et al. 2022, GPTQ); the bias takes up the mean
error that is left. `unbiased` does the same for the biases of the int8 network, whose maps are rounded
too. For graphs of convolutions, sums, ReLU6 and nearest-neighbour enlargement.
"""

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from tqdm import tqdm

import quantize
import rounding

MOST_ROWS = 8_000  # samples of inputs that a layer's correlations are taken from
# A channel behind ReLU6 is stretched to this, and at most so many times.
STRETCHED, MOST = 5.5, 16.0


class _Network:
    def __init__(self, model):
        self.model = onnx.ModelProto()
        self.model.CopyFrom(model)
        self.nodes = self.model.graph.node
        self.tensors = {t.name: t for t in self.model.graph.initializer}
        self.makers = {node.output[0]: node for node in self.nodes}

    def get(self, name):
        return numpy_helper.to_array(self.tensors[name]).astype(np.float64)

    def put(self, name, value):
        self.tensors[name].CopyFrom(numpy_helper.from_array(value.astype(np.float32), name))

    def users(self, name):
        return [node for node in self.nodes if name in node.input]

    def seen(self, names, pixels, int8=False):
        """The maps `names` of each picture (u8, n x S x S)."""
        model = onnx.ModelProto()
        model.CopyFrom(self.model)
        del model.graph.output[:]
        for name in names:
            model.graph.output.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, None))
        run = quantize.session(model)
        for picture in pixels:
            picture = picture[None, None]
            yield run.run(None, {"image": picture if int8 else quantize.reals(picture)})

    def divide(self, conv, factor):
        """The output's channels of `conv` by `factor`."""
        self.put(conv.input[1], self.get(conv.input[1]) / factor[:, None, None, None])
        self.put(conv.input[2], self.get(conv.input[2]) / factor)

    def multiply(self, conv, factor):
        """What `conv` takes of its input's channels by `factor`."""
        weight = self.get(conv.input[1])
        across = factor[:, None, None, None] if groups(conv) > 1 else factor[None, :, None, None]
        self.put(conv.input[1], weight * across)


def groups(conv):
    return next((a.i for a in conv.attribute if a.name == "group"), 1)


def attribute(conv, name, otherwise):
    return next((list(a.ints) for a in conv.attribute if a.name == name), otherwise)


def equalized(model, pixels):
    """`model` with channels of like range (`pixels`: u8, n x S x S)."""
    net = _Network(model)
    linear = _linear_groups(net)
    behind = [
        (net.makers[clip.input[0]], clip.output[0], net.users(clip.output[0]))
        for clip in net.nodes if clip.op_type == "Clip" and net.makers[clip.input[0]].op_type == "Conv"
    ]
    # Only where the next layer has weights of its own for each channel.
    behind = [row for row in behind if all(groups(user) > 1 for user in row[2])]
    names = [name for group in linear for name in group] + [name for _, name, _ in behind]
    largest = dict.fromkeys(names, 1e-3)
    for maps in net.seen(names, pixels):
        for name, seen in zip(names, maps):
            largest[name] = np.maximum(largest[name], np.abs(seen).max((0, 2, 3)))
    for group in linear:
        peak = np.max([largest[name] for name in group], 0)
        factor = peak / peak.mean()
        for name in group:
            if net.makers[name].op_type == "Conv":
                net.divide(net.makers[name], factor)
            for user in net.users(name):
                if user.op_type == "Conv":
                    net.multiply(user, factor)
    for maker, name, users in behind:
        factor = 1 / np.clip(STRETCHED / largest[name], 1, MOST)
        net.divide(maker, factor)
        for user in users:
            net.multiply(user, factor)
    return net.model


def _linear_groups(net):
    """Lists of maps without activation that share their channels' factors, being summed."""
    group = {}
    for node in net.nodes:
        name = node.output[0]
        if node.op_type == "Conv":
            group[name] = [name]
        elif node.op_type == "Add" and all(i in group for i in node.input):
            first, second = (group[i] for i in node.input)
            joined = first + ([] if first is second else second) + [name]
            for one in joined:
                group[one] = joined
    distinct = list({id(g): g for g in group.values()}.values())
    scalable = lambda user, one: user.op_type == "Conv" or user.output[0] in one
    return [
        one for one in distinct
        if all(users and all(scalable(u, one) for u in users) for users in map(net.users, one))
    ]


def rounded(model, pixels):
    """`model` with the weights of every convolution on the grids of their output channels."""
    reference, net = _Network(model), _Network(model)
    for conv in tqdm([n for n in net.nodes if n.op_type == "Conv"], "rounding", disable=None):
        wanted = np.concatenate([maps[0] for maps in reference.seen([conv.output[0]], pixels)])
        given = quantize.reals(pixels[:, None])
        if conv.input[0] != "image":
            given = np.concatenate([maps[0] for maps in net.seen([conv.input[0]], pixels)])
        weight = torch.from_numpy(net.get(conv.input[1]))
        windows = _windows(conv, weight.shape[-1], torch.from_numpy(given))
        peak = weight.abs().amax((1, 2, 3))[:, None].clamp(min=1e-9)
        if groups(conv) > 1:
            gram = torch.einsum("kcr,lcr->ckl", windows, windows)
            flat, peak = weight.reshape(len(weight), 1, -1), peak[:, :, None]
        else:
            rows = windows.permute(1, 0, 2).reshape(-1, windows.shape[2])
            gram, flat, peak = (rows @ rows.T)[None], weight.reshape(1, len(weight), -1), peak[None]
        grid = rounding.compensated(flat, gram / windows.shape[2], peak)
        net.put(conv.input[1], grid.reshape(weight.shape).numpy())
        now = np.concatenate([maps[0] for maps in net.seen([conv.output[0]], pixels)])
        net.put(conv.input[2], net.get(conv.input[2]) + (wanted - now).mean((0, 2, 3)))
    return net.model


def _windows(conv, kernel, maps):
    """Inputs under the kernel: kernel places x channels x samples, in double."""
    stride = attribute(conv, "strides", [1, 1])[0]
    top, left, bottom, right = attribute(conv, "pads", [0, 0, 0, 0])
    padded = torch.nn.functional.pad(maps, (left, right, top, bottom))
    side = (padded.shape[2] - kernel) // stride + 1
    every = max(1, len(maps) * side * side // MOST_ROWS)
    parts = [
        padded[:, :, i::stride, j::stride][:, :, :side, :side].transpose(0, 1).flatten(1)[:, ::every]
        for i in range(kernel) for j in range(kernel)
    ]
    return torch.stack(parts).double()


def unbiased(int8, model, pixels):
    """`int8`, made of `model`, with each layer's bias raised by what its output lacks on average."""
    net, reference = _Network(int8), _Network(model)
    convs = [node for node in net.nodes if node.op_type == "Conv"]
    own = {node.name: node.output[0] for node in reference.nodes}
    wanted = np.mean([
        np.array([maps.mean((0, 2, 3)) for maps in one], object)
        for one in reference.seen([own[conv.name] for conv in convs], pixels)
    ], 0)
    for conv, mean in zip(tqdm(convs, "biases", disable=None), wanted):
        seen = net.seen([conv.output[0]], pixels, int8=True)
        given = np.mean([maps[0].mean((0, 2, 3)) for maps in seen], 0)
        bias, scale = net.makers[conv.input[2]].input[:2]
        steps = np.round((mean - given) / np.maximum(net.get(scale), 1e-30))
        raised = numpy_helper.to_array(net.tensors[bias]).astype(np.int64) + steps.astype(np.int64)
        raised = raised.clip(-(2**31), 2**31 - 1).astype(np.int32)
        net.tensors[bias].CopyFrom(numpy_helper.from_array(raised, bias))
    return net.model
