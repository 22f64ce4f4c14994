"""The X-ray network in int8: how its ranges are taken, and what that costs."""

import logging

import numpy as np
import onnx
from onnx import TensorProto, helper

import quantize
import xray_net

HEAD = ["scores"]  # its sums stay in float, as a last operator may
# (method, pictures of the training part, strangers, ONNX Runtime's options)
WAYS = {
    "min-max, 256 + 64": ("MinMax", 256, 64, {}),
    "min-max, 256": ("MinMax", 256, 0, {}),
    "min-max, 64": ("MinMax", 64, 0, {}),
    "percentile 99.99, 256 + 64": ("Percentile", 256, 64, {"CalibPercentile": 99.99}),
    "entropy, 256": ("Entropy", 256, 0, {}),
}


def quantized(model, way, pixels, strangers):
    method, count, others, options = WAYS[way]
    spread = lambda rows, n: rows[np.linspace(0, len(rows) - 1, n).round().astype(int)] if n else rows[:0]
    chosen = np.concatenate([spread(pixels, count), spread(strangers, others)])[:, None]
    logging.getLogger().setLevel(logging.ERROR)
    return quantize.quantize(model, chosen, HEAD, method, **options)


def outputs(model, pixels, names=None):
    """Outputs for u8 pictures (n x 32 x 32), as the appliance computes them."""
    run = quantize.session(model, exact=True)
    rows = [run.run(names, {"image": picture[None, None]}) for picture in pixels]
    return [np.concatenate(column) for column in zip(*rows)]


def study(model, floats, data, pixels):
    """Error of the log-odds for each way, on held-out `pixels` with the float network's scores."""
    rows = {}
    for way in WAYS:
        odds = outputs(quantized(model, way, data.pixels["train"], data.strangers), pixels)[0][:, 0]
        error = np.abs(odds - floats)
        rows[way] = {
            "mean_error": round(float(error.mean()), 4), "largest_error": round(float(error.max()), 4),
            "same_side": round(float(((odds > 0) == (floats > 0)).mean()), 4),
        }
    return rows


def layer_errors(floating, int8, pixels):
    """Signal over quantization error of each layer, in decibels."""
    made = {name for node in int8.graph.node for name in node.output}
    layers = [n.output[0] for n in floating.graph.node if f"{n.output[0]}_DequantizeLinear_Output" in made]

    def seen(model, names, convert):
        inner = onnx.ModelProto()
        inner.CopyFrom(model)
        shown = {o.name for o in inner.graph.output}
        inner.graph.output.extend(
            helper.make_tensor_value_info(n, TensorProto.FLOAT, None) for n in names if n not in shown)
        run = quantize.session(inner)
        return [np.concatenate(c) for c in zip(*(run.run(names, {"image": convert(p)}) for p in pixels))]

    a = seen(floating, layers, lambda p: xray_net.as_input(p[None]).numpy())
    b = seen(int8, [f"{n}_DequantizeLinear_Output" for n in layers], lambda p: p[None, None])
    return {n: round(float(10 * np.log10((x**2).mean() / max(((x - y) ** 2).mean(), 1e-12))), 1)
            for n, x, y in zip(layers, a, b)}
