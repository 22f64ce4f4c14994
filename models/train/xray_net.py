"""The X-ray network: three 3x3 convolutions with pooling, two dense layers; training and ONNX.

Its input is `(pixel - 127) / 128`, 1 x 32 x 32. It gives the log-odds of pneumonia at equal priors,
the log-odds that the picture is a chest X-ray at all, and a map of log-odds from the last features.
"""

import copy

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn
from torch.nn import functional as F
from tqdm import tqdm

from quantize import SCALE, ZERO_POINT

SIZE, WIDTHS, DENSE = 32, (16, 32, 64), 64
HALF, STRANGE = 64, 24  # pictures of a class and strangers in a batch
RATE, DECAY, DROPOUT = 3e-3, 5e-3, 0.2
AVERAGE = 0.995  # of the weights, a step
ASIDE = 0.3  # weight of the map's and of the familiarity's loss
OPSET = 17


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        channels = (1, *WIDTHS)
        self.convs = nn.ModuleList(
            nn.Conv2d(i, o, 3, padding=1, bias=False) for i, o in zip(channels, WIDTHS))
        self.norms = nn.ModuleList(nn.BatchNorm2d(o) for o in WIDTHS)
        self.dense = nn.Linear(WIDTHS[-1] * (SIZE // 8) ** 2, DENSE)
        self.head = nn.Linear(DENSE, 2)
        self.map = nn.Conv2d(WIDTHS[-1], 1, 1)

    def forward(self, x):
        for i, (conv, norm) in enumerate(zip(self.convs, self.norms)):
            x = F.relu(norm(conv(F.max_pool2d(x, 2) if i else x)))
        flat = F.dropout(F.max_pool2d(x, 2).flatten(1), DROPOUT, self.training)
        scores = self.head(F.dropout(F.relu(self.dense(flat)), DROPOUT, self.training))
        return scores, self.map(x)


def as_input(pixels):
    """u8 n x 32 x 32 to what the network takes."""
    return (torch.from_numpy(pixels).float()[:, None] - ZERO_POINT) * SCALE


def varied(x, random):
    """Another take of each picture: posture, exposure, sharpness, noise."""
    n = len(x)
    u = lambda low, high: low + (high - low) * torch.rand(n, generator=random)
    at = lambda values: values[:, None, None, None]
    angle, scale, aspect = u(-0.15, 0.15), torch.exp(u(-0.15, 0.15)), torch.exp(u(-0.08, 0.08))
    turn = torch.stack([
        torch.stack([scale * aspect * angle.cos(), -scale * angle.sin(), u(-0.12, 0.12)], 1),
        torch.stack([scale * angle.sin(), scale / aspect * angle.cos(), u(-0.12, 0.12)], 1),
    ], 1)
    grid = F.affine_grid(turn, x.shape, align_corners=False)
    x = F.grid_sample(x, grid, padding_mode="border", align_corners=False) / 2 + 0.5
    small = F.interpolate(x, size=int(torch.randint(14, 29, (1,), generator=random)), mode="bilinear")
    # Towards a blurred picture or away from it.
    x = x + at(u(-0.5, 1.0) * (u(0, 1) < 0.5)) * (F.interpolate(small, size=SIZE, mode="bilinear") - x)
    x = x.clamp(0, 1) ** at(torch.exp(u(-0.25, 0.25)))
    mean, slope = x.mean((2, 3), keepdim=True), torch.linspace(-1, 1, SIZE)
    x = (x - mean) * at(u(0.85, 1.15)) + mean + at(u(-0.05, 0.05))
    x = x + at(u(-0.06, 0.06)) * slope[:, None] + at(u(-0.06, 0.06)) * slope
    x = x + at(u(0, 0.03)) * torch.randn(x.shape, generator=random)
    return (x.clamp(0, 1) - 0.5) * 2


@torch.no_grad()
def average(mean, net, keep):
    for a, b in zip(mean.state_dict().values(), net.state_dict().values()):
        a.copy_(keep * a + (1 - keep) * b if a.is_floating_point() else b)


def train(pixels, positive, strangers, seed, steps, name, augment=True, teachers=()):
    """A network that learns from the labels or, with teachers, from their mean log-odds; and the
    loss of each step.

    `pixels`, `strangers`: u8 n x 32 x 32. Half of each batch is positive, whatever the numbers.
    """
    torch.manual_seed(seed)
    random = torch.Generator().manual_seed(seed)
    net = Net().to(memory_format=torch.channels_last)
    mean = copy.deepcopy(net)
    known, strange = as_input(pixels), as_input(strangers)
    sides = [torch.from_numpy(np.flatnonzero(positive == side)) for side in (False, True)]
    labels = torch.arange(2.0).repeat_interleave(HALF)
    is_known = torch.cat([torch.ones(2 * HALF), torch.zeros(STRANGE)])
    adam = torch.optim.AdamW(net.parameters(), lr=RATE, weight_decay=DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(adam, RATE, total_steps=steps, pct_start=0.2)
    draw = lambda rows, count: rows[torch.randint(len(rows), (count,), generator=random)]
    binary = F.binary_cross_entropy_with_logits
    losses = []
    net.train()
    for step in tqdm(range(steps), name, disable=None):
        rows = torch.cat([draw(side, HALF) for side in sides])
        x = torch.cat([known[rows], draw(strange, STRANGE)])
        x = varied(x, random) if augment else x
        target = labels
        if teachers:
            with torch.no_grad():
                odds = [teacher(x[: 2 * HALF])[0][:, 0] for teacher in teachers]
            target = torch.sigmoid(torch.stack(odds).mean(0))
        scores, place = net(x)
        loss = binary(scores[: 2 * HALF, 0], target)
        loss = loss + ASIDE * binary(place[: 2 * HALF].mean((1, 2, 3)), target)
        loss = loss + ASIDE * binary(scores[:, 1], is_known)
        losses.append(float(loss.detach()))
        adam.zero_grad()
        loss.backward()
        adam.step()
        schedule.step()
        keep = min(AVERAGE, (1 + step) / (10 + step))
        average(mean, net, keep)
    return mean.eval(), losses


def as_pixels(x):
    """What the network takes, back to u8 n x 32 x 32."""
    return (x[:, 0] / SCALE + ZERO_POINT).round().clamp(0, 255).to(torch.uint8).numpy()


@torch.no_grad()
def outputs(net, pixels):
    """Scores (n x 2) and maps (n x 8 x 8) of u8 pictures."""
    parts = [net(as_input(part)) for part in np.array_split(pixels, max(1, len(pixels) // 256))]
    return (torch.cat([s for s, _ in parts]).numpy(), torch.cat([m for _, m in parts])[:, 0].numpy())


def to_onnx(net):
    """Batch normalization folded into the convolutions; scores and map as outputs."""
    nodes, weights, last = [], [], "image"

    def constant(name, tensor):
        weights.append(numpy_helper.from_array(tensor.detach().numpy().astype(np.float32), name))
        return name

    def node(operator, inputs, name, **attributes):
        nodes.append(helper.make_node(operator, inputs, [name], name=name, **attributes))
        return name

    pool = {"kernel_shape": [2, 2], "strides": [2, 2]}
    for i, (conv, norm) in enumerate(zip(net.convs, net.norms)):
        scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
        if i:
            last = node("MaxPool", [last], f"pool{i}", **pool)
        inputs = [last, constant(f"conv{i}.weight", conv.weight * scale[:, None, None, None]),
                  constant(f"conv{i}.bias", norm.bias - norm.running_mean * scale)]
        node("Conv", inputs, f"conv{i}", kernel_shape=[3, 3], pads=[1, 1, 1, 1])
        last = node("Relu", [f"conv{i}"], f"relu{i}")
    inputs = [last, constant("map.weight", net.map.weight), constant("map.bias", net.map.bias)]
    node("Conv", inputs, "map", kernel_shape=[1, 1])
    last = node("Flatten", [node("MaxPool", [last], "pool3", **pool)], "flatten")
    inputs = [last, constant("dense.weight", net.dense.weight), constant("dense.bias", net.dense.bias)]
    last = node("Relu", [node("Gemm", inputs, "dense", transB=1)], "relu3")
    inputs = [last, constant("head.weight", net.head.weight), constant("head.bias", net.head.bias)]
    node("Gemm", inputs, "scores", transB=1)
    value = lambda name, shape: helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
    graph = helper.make_graph(
        nodes, "xray", [value("image", [1, 1, SIZE, SIZE])],
        [value("scores", [1, 2]), value("map", [1, 1, SIZE // 4, SIZE // 4])], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)])
    model.ir_version = 8
    onnx.checker.check_model(model)
    return model


def macs():
    """Multiply-adds a picture."""
    side, channels, total = SIZE, 1, 0
    for width in WIDTHS:
        total += side * side * 9 * channels * width
        side, channels = side // 2, width
    return total + (2 * side) ** 2 * channels + side * side * channels * DENSE + 2 * DENSE
