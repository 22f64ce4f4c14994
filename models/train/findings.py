"""Layers that see where a finding is, learned from phantoms alone.

A phantom knows where it planted a B-line, a consolidation or an effusion. Four small layers join
the backbone's maps after block 4 (fine) and after its last block (wide) into one of 32 channels;
their sum with one weight each is the network's map: log-odds that a cell shows a finding. Since no
patient is needed, one set of layers serves every fold, and no fold can leak into another's.
"""

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn
from tqdm import tqdm

import augment
import quantize

FINE, WIDTH = "b4.add", 32
EPOCHS, BATCH, RATE, DECAY = 15, 32, 3e-3, 1e-3
PHOTOMETRIC = ("gain", "tgc", "speckle", "blur", "jpeg")  # those that move nothing


class Layers(nn.Module):
    def __init__(self, fine, wide):
        super().__init__()
        self.fine, self.wide = nn.Conv2d(fine, WIDTH, 1), nn.Conv2d(wide, WIDTH, 1)
        self.joined = nn.Conv2d(WIDTH, WIDTH, 3, padding=1)
        self.map = nn.Conv2d(WIDTH, 1, 1)
        nn.init.constant_(self.map.bias, -2)

    def forward(self, fine, wide):
        wide = nn.functional.interpolate(self.wide(wide), scale_factor=2, mode="nearest")
        joined = self.joined((self.fine(fine) + wide).clamp(0, 6)).clamp(0, 6)
        return self.map(joined)[:, 0]


def cells(pictures, count):
    """Mean of u8 pictures (n x S x S) over `count` x `count` cells, 0 to 1."""
    n, side = len(pictures), pictures.shape[1] // count
    return (pictures.reshape(n, count, side, count, side).mean((2, 4)) / 255).astype(np.float32)


def _maps(model, wide, pictures):
    """The backbone's two maps of each picture, in half precision."""
    open_ended = onnx.ModelProto()
    open_ended.CopyFrom(model)
    del open_ended.graph.output[:]
    for name in (FINE, wide):
        open_ended.graph.output.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, None))
    run = quantize.session(open_ended)
    both = [
        run.run(None, {"image": quantize.reals(picture)[None, None]})
        for picture in tqdm(pictures, "findings: maps", disable=None)
    ]
    return [np.concatenate(maps).astype(np.float16) for maps in zip(*both)]


def train(model, wide, clips, truth, seed):
    """Layers trained on phantoms: `clips` (u8, n x frames x S x S) with their `truth`; returns
    (layers, mean loss of each epoch)."""
    rng = np.random.default_rng(seed)
    torch.manual_seed(seed)
    changed = clips.copy()
    for i, clip in enumerate(clips):
        for name in PHOTOMETRIC:
            if rng.random() < 0.5:
                changed[i] = clip = augment.ALL[name](clip, rng)
    flat = lambda x: x.reshape(-1, *x.shape[2:])
    views = [_maps(model, wide, flat(x)) for x in (clips, changed)]
    count = views[0][0].shape[2]
    wanted = torch.from_numpy(cells(flat(truth), count))
    inside = torch.from_numpy(cells((flat(clips) > 0).astype(np.uint8) * 255, count))
    layers = Layers(views[0][0].shape[1], views[0][1].shape[1])
    steps = len(wanted) // BATCH
    optimizer = torch.optim.AdamW(layers.parameters(), lr=RATE, weight_decay=DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=EPOCHS * steps)
    losses = []
    for _ in tqdm(range(EPOCHS), "findings: epochs", disable=None):
        total = 0.0
        for rows in np.array_split(rng.permutation(len(wanted))[: steps * BATCH], steps):
            view = views[rng.integers(2)]
            batch = [torch.from_numpy(v[rows].astype(np.float32)) for v in view]
            batch += [wanted[rows], inside[rows]]
            if rng.random() < 0.5:
                batch = [b.flip(-1) for b in batch]
            fine, wide_map, goal, lit = batch
            loss = nn.functional.binary_cross_entropy_with_logits(
                layers(fine, wide_map), goal, reduction="none")
            loss = (loss * lit).sum() / lit.sum()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            total += float(loss.detach())
        losses.append(total / steps)
    return layers.eval(), losses


class Assembly:
    """Adds layers to a backbone's ONNX graph."""

    def __init__(self, model):
        self.model = onnx.ModelProto()
        self.model.CopyFrom(model)
        self.graph = self.model.graph
        del self.graph.output[:]
        for node in [n for n in self.graph.node if n.name in ("pool", "flatten")]:
            self.graph.node.remove(node)

    def constant(self, name, value):
        self.graph.initializer.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def node(self, kind, inputs, name, **attributes):
        self.graph.node.append(helper.make_node(kind, inputs, [name], name=name, **attributes))
        return name

    def conv(self, name, start, weight, bias, **attributes):
        inputs = [start, self.constant(f"{name}.weight", weight.astype(np.float32)),
                  self.constant(f"{name}.bias", bias.astype(np.float32))]
        return self.node("Conv", inputs, name, kernel_shape=weight.shape[2:], **attributes)

    def torch_conv(self, name, start, layer, **attributes):
        weight, bias = layer.weight.detach().numpy(), layer.bias.detach().numpy()
        return self.conv(name, start, weight, bias, **attributes)

    def output(self, name, shape):
        self.graph.output.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))

    def done(self):
        onnx.checker.check_model(self.model)
        return self.model


def assemble(model, wide, layers, size, pixels):
    """The whole frame network in float: outputs `features` [1, K] and `map` [1, 1, h, w].

    Pooling is a depthwise convolution as large as the map that also brings each channel to mean 0
    and deviation 1 over `pixels`: so eight bits of the pooled features are well used.
    """
    add = Assembly(model)
    fine = add.torch_conv("find.fine", FINE, layers.fine)
    small = add.torch_conv("find.wide", wide, layers.wide)
    scales = add.constant("find.scales", np.array([1, 1, 2, 2], np.float32))
    large = add.node("Resize", [small, "", scales], "find.enlarged", mode="nearest",
                     coordinate_transformation_mode="asymmetric", nearest_mode="floor")
    joined = add.node("Add", [fine, large], "find.sum")
    joined = add.node("Clip", [joined, "zero", "six"], "find.sum.relu6")
    joined = add.torch_conv("find.joined", joined, layers.joined, pads=[1, 1, 1, 1])
    joined = add.node("Clip", [joined, "zero", "six"], "find.features")
    add.torch_conv("map", joined, layers.map)
    for name in (wide, joined):
        add.output(name, None)
    run = quantize.session(add.model)
    seen = [run.run(None, {"image": quantize.reals(p)[None, None]}) for p in pixels]
    del add.graph.output[:]
    pooled, channels = [], 0
    for name, maps in zip((wide, joined), zip(*seen)):
        maps = np.concatenate(maps)
        _, count, side, _ = maps.shape
        means = maps.mean((2, 3))
        centre, spread = means.mean(0), means.std(0) + 1e-3
        weight = np.broadcast_to((1 / spread / side**2)[:, None, None, None], (count, 1, side, side))
        pooled.append(add.conv(f"{name}.pool", name, weight, -centre / spread, group=count))
        channels += count
    both = add.node("Concat", pooled, "pooled", axis=1)
    add.node("Flatten", [both], "features")
    add.output("features", [1, channels])
    add.output("map", [1, 1, size // 8, size // 8])
    return add.done(), channels


def spread(model):
    """Deviation that each feature had before `assemble` brought it to 1."""
    weights = [
        numpy_helper.to_array(t) for t in model.graph.initializer if t.name.endswith(".pool.weight")
    ]
    return np.concatenate([1 / w.reshape(len(w), -1).sum(1) for w in weights])
