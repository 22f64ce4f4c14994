"""Static int8 quantization of the still network, and the study of it.

Everything is quantized, pools and products included, but the head, which adds up in float what
the last bytes stand for. Channels are equalized and weights rounded layer by layer beforehand.
"""

import copy
import hashlib
import os

import numpy as np
import onnx
import torch
from onnx import helper, numpy_helper
from tqdm import tqdm

import equalize
import fit_still
import quantize
import rounding
import segment
from augment_still import augment
from quantize import session

CALIBRATION, AUGMENTED = 192, 64  # pictures whose ranges are taken, and how many of them augmented
METHODS = {"min-max": ("MinMax", {}), "percentile 99.99": ("Percentile", {"CalibPercentile": 99.99})}
METHOD = "min-max"


def prepared(network, pixels, equalized=True, rounded=True):
    """A copy of the float network that loses little when its weights and maps get 8 bits."""
    network = copy.deepcopy(network)
    x = fit_still.centred(torch.from_numpy(pixels).float())
    if equalized:
        equalize.equalize(network, x)
    # Half of the pictures: each layer's inputs are held for all of them at once.
    return rounding.rounded(network, x[::2]) if rounded else network


def calibration_pixels(data, rows, seed, count=CALIBRATION):
    """Training pictures, some of them augmented, and a few phantoms; u8, n x 1 x h x w."""
    random = np.random.default_rng(seed)
    chosen = random.choice(rows, count, replace=False)
    x = torch.from_numpy(data.pictures[0][chosen])[:, None]
    part = x[:AUGMENTED].float() / 255
    moved, _ = augment(part, torch.zeros_like(part), torch.Generator().manual_seed(seed))
    moved = (moved * 255).round().to(torch.uint8)
    phantoms = torch.from_numpy(data.phantoms[:: len(data.phantoms) // 6])[:, None]
    return torch.cat([moved, x[AUGMENTED:], phantoms]).numpy()


def quantized(model, pixels, method=METHOD):
    """The int8 network, with ranges of the maps seen on `pixels`."""
    how, options = METHODS[method]
    return quantize.quantize(model, pixels, ("features", "head"), how, **options)


def kept(network, pixels, work):
    """The int8 network of a float one; kept in `work`."""
    size = pixels.shape[3], pixels.shape[2]
    model, _ = segment.export(network, size)
    key = hashlib.sha256(model.SerializeToString() + pixels.tobytes()).hexdigest()[:16]
    path = os.path.join(work, f"int8-{key}.onnx")
    if not os.path.exists(path):
        onnx.save(quantized(segment.export(prepared(network, pixels), size)[0], pixels), path)
    return onnx.load(path)


def with_familiarity(model, column):
    """The shipped network: the scores get the familiarity column, the features no output."""
    out = onnx.ModelProto()
    out.CopyFrom(model)
    for tensor in out.graph.initializer:
        if tensor.name == "head.weight":
            weight = np.concatenate([numpy_helper.to_array(tensor), column[0][:, None]], 1).astype(np.float32)
            tensor.CopyFrom(numpy_helper.from_array(weight, "head.weight"))
        elif tensor.name == "head.bias":
            bias = np.append(numpy_helper.to_array(tensor), column[1]).astype(np.float32)
            tensor.CopyFrom(numpy_helper.from_array(bias, "head.bias"))
    shapes = [o for o in out.graph.output if o.name != "features"]
    shapes[0].type.tensor_type.shape.dim[1].dim_value += 1
    kept = [onnx.ValueInfoProto.FromString(o.SerializeToString()) for o in shapes]
    del out.graph.output[:]
    out.graph.output.extend(kept)
    onnx.checker.check_model(out)
    return out


def outputs(model, pictures, progress, int8):
    """Every output of the network for pictures (n, h, w; u8)."""
    run = session(model, exact=True)
    names = [o.name for o in run.get_outputs()]
    lists = []
    for picture in tqdm(pictures, progress, disable=None, leave=False):
        x = picture[None, None]
        if not int8:
            x = quantize.reals(x)
        lists.append(run.run(None, {"image": x}))
    return {name: np.concatenate([one[i] for one in lists]) for i, name in enumerate(names)}


def _inside(model, names):
    """The network with inner tensors as outputs."""
    out = onnx.ModelProto()
    out.CopyFrom(model)
    del out.graph.output[:]
    for name in names:
        out.graph.output.append(helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None))
    return out


def layer_errors(floating, int8, pictures):
    """Signal to quantization noise of each layer's output, in decibels, on `pictures`."""
    made = {output for node in int8.graph.node for output in node.output}
    layers = []
    for node in floating.graph.node:
        name = node.output[0]
        if f"{name}_DequantizeLinear_Output" in made:
            layers.append((name, f"{name}_DequantizeLinear_Output"))
    a = outputs(_inside(floating, [n for n, _ in layers]), pictures, "layers, float", False)
    b = outputs(_inside(int8, [n for _, n in layers]), pictures, "layers, int8", True)
    decibel = lambda x, y: 10 * np.log10(np.mean(x**2) / max(np.mean((x - y) ** 2), 1e-12))
    return {name: round(float(decibel(a[name], b[other])), 1) for name, other in layers}


def study(data, one, seed, most=96):
    """Ways to quantize compared on training pictures that set no ranges: no label and no held-out
    picture is looked at. And the error of each layer with the one that ships."""
    used = set(np.random.default_rng(seed).choice(one.rows, CALIBRATION, replace=False).tolist())
    rest = np.array([i for i in one.rows if i not in used])[::3][:most]
    test, size = data.pictures[0][rest], (data.pictures.shape[3], data.pictures.shape[2])
    reference = outputs(one.float_model, test, "float", False)
    pixels = calibration_pixels(data, one.rows, seed)
    ways = [
        ("as trained", False, False, "min-max", CALIBRATION),
        ("as trained", False, False, "percentile 99.99", 64),
        ("channels equalized", True, False, "min-max", CALIBRATION),
        ("weights rounded layer by layer", False, True, "min-max", CALIBRATION),
        ("both (shipped)", True, True, "min-max", CALIBRATION),
        ("both", True, True, "min-max", 64),
    ]
    table = []
    for what, equalized, rounded, method, count in ways:
        some = pixels if count == CALIBRATION else pixels[::3]
        network = prepared(one.network, pixels, equalized, rounded)
        floating = segment.export(network, size)[0]
        model = quantized(floating, some, method)
        given = outputs(model, test, f"{what}, {method}", True)
        error = given["scores"] - reference["scores"]
        table.append({
            "network": what, "ranges": method, "pictures": len(some),
            "mean absolute error of a score": float(np.abs(error).mean()),
            "largest": float(np.abs(error).max()),
            "mean error by class": [round(float(e), 4) for e in error.mean(0)],
            "same class": float(
                (given["scores"].argmax(1) == reference["scores"].argmax(1)).mean()
            ),
            "mask pixels that change side": float(
                ((given["mask"] > 0) != (reference["mask"] > 0)).mean()
            ),
        })
        if what.endswith("(shipped)"):
            layers = layer_errors(floating, model, test[:24])
    return {
        "fold": one.name, "test": f"{len(test)} training pictures that set no ranges",
        "deviation of the scores": [round(float(d), 3) for d in reference["scores"].std(0)],
        "ways": table, "signal to noise of layers, dB (maps alone, weights as rounded)": layers,
    }
