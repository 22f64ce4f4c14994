"""Rounds the weights layer by layer so that each layer's output changes least.

Most of what int8 costs a network of this kind is in the rounding of weights: behind ReLU6 the
inputs of a layer share a large mean, and errors of many weights add up. So each weight is rounded
in turn and the weights after it take up the error, by the correlations of the layer's inputs
(Frantar et al. 2022, GPTQ); then the bias takes up the mean error that is left. The inputs are
those that the rounded layers before give. No label plays a part.
"""

import copy

import torch
import torch.nn.functional as F

import segment

DAMPING = 0.01
# Samples of inputs that a layer's correlations are taken from.
MOST_ROWS = 8_000


def compensated(weight, gram, peak):
    """`weight` (b x rows x n) on the grid of `peak` / 127 (b x rows x 1), by `gram` (b x n x n)."""
    n = weight.shape[2]
    step, largest = peak / 127, weight.abs() >= peak * (1 - 1e-6)
    mean = gram.diagonal(dim1=1, dim2=2).mean(1)[:, None, None].clamp(min=1e-9)
    gram = gram + DAMPING * mean * torch.eye(n, dtype=gram.dtype)
    inverse = torch.linalg.cholesky(torch.cholesky_inverse(torch.linalg.cholesky(gram)), upper=True)
    rest, out = weight.clone(), torch.zeros_like(weight)
    for j in range(n):
        column = rest[:, :, j]
        rounded = (column / step[:, :, 0]).round().clamp(-127, 127)
        # The largest weight keeps its place: it sets the scale.
        rounded = torch.where(largest[:, :, j], 127 * weight[:, :, j].sign(), rounded)
        out[:, :, j] = rounded * step[:, :, 0]
        error = (column - out[:, :, j]) / inverse[:, j, j, None]
        rest[:, :, j + 1 :] -= error[:, :, None] * inverse[:, None, j, j + 1 :]
    return out


class _Rounding(segment.Torch):
    """Runs a batch whose first half goes through the float network, the second through the
    rounded layers, and rounds each layer when it comes to it."""

    def conv(self, name, layer, x):
        half = len(x) // 2
        wanted = super().conv(name, _plain(layer), x[:half])
        folded = layer.folded().double()
        windows = self._windows(layer, x[half:])
        peak = folded.abs().amax((1, 2, 3))[:, None]
        if layer.groups > 1:
            gram = torch.einsum("kcr,lcr->ckl", windows, windows)
            weight, peak = folded.reshape(len(folded), 1, -1), peak[:, :, None]
        else:
            flat = windows.permute(1, 0, 2).reshape(-1, windows.shape[2])
            gram = (flat @ flat.T)[None]
            weight, peak = folded.reshape(1, len(folded), -1), peak[None]
        rounded = compensated(weight, gram / windows.shape[2], peak.clamp(min=1e-9))
        layer.weight.copy_(rounded.reshape(folded.shape))
        layer.gain.fill_(1.0)
        given = super().conv(name, _plain(layer), x[half:])
        layer.bias.add_((wanted - given).mean((0, 2, 3)))
        given = given + (wanted - given).mean((0, 2, 3))[None, :, None, None]
        both = torch.cat([wanted, given])
        return F.relu6(both) if layer.relu6 else both

    def _windows(self, layer, x):
        """Inputs under the kernel: kernel places x channels x samples, in double."""
        kernel = layer.weight.shape[-1]
        top, bottom = layer.padding(x.shape[2])
        left, right = layer.padding(x.shape[3])
        padded = F.pad(x, (left, right, top, bottom))
        height, width = -(-x.shape[2] // layer.stride), -(-x.shape[3] // layer.stride)
        every = max(1, len(x) * height * width // MOST_ROWS)
        parts = []
        for i in range(kernel):
            for j in range(kernel):
                part = padded[:, :, i :: layer.stride, j :: layer.stride][:, :, :height, :width]
                parts.append(part.transpose(0, 1).flatten(1)[:, ::every])
        return torch.stack(parts).double()


class _plain:
    """A layer without its activation."""

    def __init__(self, layer):
        self.folded, self.bias, self.stride = layer.folded, layer.bias, layer.stride
        self.padding, self.groups = layer.padding, layer.groups
        self.relu6, self.fresh = False, False


@torch.no_grad()
def rounded(network, pictures):
    """A copy of `network` with its weights on the grids of their channels; `pictures` as the
    network takes them."""
    out = copy.deepcopy(network)
    both = torch.cat([pictures, pictures]).contiguous(memory_format=torch.channels_last)
    out.run(_Rounding(), both)
    return out
