"""Equalizes the channels of maps, so that 8 bits serve all of them.

A bottleneck's map is linear: its channels can be divided by any factor where they are made and
multiplied by it where they are used, and the network computes the same. A map behind ReLU6 can only
be stretched, up to 6: the same again as long as no value exceeds what was seen, and beyond it is
cut off there, as quantization would do too. It is stretched only where the next layer has weights
of its own for each channel, or weights in float: elsewhere these would lose what the map gains.
"""

import torch

import segment

# Blocks whose maps are added to each other and so share their channels' factors.
GROUPS = [(0,), (1, 2), (3, 4), (5, 6, 7), (8, 9, 10), (11, 12, 13, 14)]
LATERALS = {0: "p2_lateral", 2: "p4_lateral", 4: "p8_lateral", 10: "p16_lateral", 14: "p32_lateral"}
# A channel behind ReLU6 is stretched to this, and at most so many times.
STRETCHED, MOST = 5.5, 16.0


class _Largest(segment.Torch):
    """Notes the largest magnitude of each channel."""

    def __init__(self):
        super().__init__()
        self.seen = {}

    def conv(self, name, layer, x):
        y = super().conv(name, layer, x)
        self._note(name, y)
        return y

    def add(self, name, a, b):
        y = super().add(name, a, b)
        self._note(name.replace("_add", "_project"), y)
        return y

    def _note(self, name, y):
        peak = y.abs().amax((0, 2, 3))
        self.seen[name] = torch.maximum(self.seen.get(name, peak), peak)


def _scale(layer, factor):
    layer.gain.mul_(factor)
    layer.bias.mul_(factor)


@torch.no_grad()
def equalize(network, pictures):
    """Changes `network` in place; `pictures` as the network takes them."""
    largest = _Largest()
    for start in range(0, len(pictures), 32):
        network.run(largest, pictures[start : start + 32])
    layers, seen = network.layers, largest.seen
    stretch = lambda name: (STRETCHED / seen[name].clamp(min=1e-3)).clamp(1.0, MOST)
    pairs = [("stem", "b0_depthwise")]
    pairs += [(f"b{i}_expand", f"b{i}_depthwise") for i in range(1, segment.LAST_BLOCK + 1)]
    for name, user in pairs:
        factor = stretch(name)
        _scale(layers[name], factor)
        layers[user].weight.div_(factor[:, None, None, None])
    factor = stretch("evidence")
    _scale(layers["evidence"], factor)
    network.head.weight.div_(torch.cat([factor, factor])[None])
    for group in GROUPS:
        peak = torch.stack([seen[f"b{b}_project"] for b in group]).amax(0).clamp(min=1e-3)
        factor = peak / peak.mean()
        for block in group:
            _scale(layers[f"b{block}_project"], 1 / factor)
            for user in (f"b{block + 1}_expand", LATERALS.get(block)):
                if user in layers:
                    layers[user].weight.mul_(factor[None, :, None, None])
            if block == segment.LAST_BLOCK:
                layers["evidence"].weight[:, : len(factor)].mul_(factor[None, :, None, None])
