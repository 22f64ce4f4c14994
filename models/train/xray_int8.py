"""The X-ray network in int8: how its ranges are taken, and what that costs."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

import quantize
import xray_net

CORRECTED = 600  # training pictures that the head is shifted by
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
    chosen = np.concatenate([spread(pixels, count), spread(strangers, others)])[:, None]
    return quantize.quantize(model, chosen, HEAD, method, **options)


def spread(rows, count):
    return rows[np.linspace(0, len(rows) - 1, count).round().astype(int)]


def corrected(model, floats, pixels):
    """Shifts the head so that scores of `pixels` are those of the float network on average:
    rounding of weights moves all of them alike."""
    shift = (floats - outputs(model, pixels)[0]).mean(0)
    bias = next(t for t in model.graph.initializer if t.name == "head.bias")
    bias.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(bias) + shift.astype(np.float32), bias.name))
    return model


def outputs(model, pixels, names=None):
    """Outputs for u8 pictures (n x 32 x 32), as the appliance computes them."""
    run = quantize.session(model, exact=True)
    rows = [run.run(names, {"image": picture[None, None]}) for picture in pixels]
    return [np.concatenate(column) for column in zip(*rows)]


def study(model, floats, data, pixels):
    """The int8 network of each way, and the error of its log-odds on held-out `pixels`, before and
    after the head's correction on training pictures; `floats` gives the float network's scores."""
    models, errors = {}, {}
    known, wanted = spread(data.pixels["train"], CORRECTED), floats(pixels)[:, 0]
    for way in WAYS:
        models[way] = quantized(model, way, data.pixels["train"], data.strangers)
        before = outputs(models[way], pixels)[0][:, 0]
        corrected(models[way], floats(known), known)
        after = outputs(models[way], pixels)[0][:, 0]
        mean = lambda odds: round(float(np.abs(odds - wanted).mean()), 4)
        errors[way] = {
            "mean_error_uncorrected": mean(before), "mean_error": mean(after),
            "largest_error": round(float(np.abs(after - wanted).max()), 4),
            "same_side": round(float(((after > 0) == (wanted > 0)).mean()), 4),
        }
    return models, errors


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
