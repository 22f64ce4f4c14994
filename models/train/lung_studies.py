"""What the lung bundle's choices are worth: augmentations, a nested search, quantization.

    python lung_studies.py --data DIR --others DIR ablation|search|quantization

Each writes models/results/lung-STUDY.json. All figures are of held-out clips, grouped by patient;
those of the site split are shown beside, and nothing is chosen by them.
"""

import functools
import itertools
import json
import os
import re
import subprocess
import sys

import numpy as np
import onnx
import onnx.numpy_helper
from sklearn.metrics import roc_auc_score
from tqdm import tqdm

import augment
import backbone
import calibrate
import findings
import folds
import head
import lung
import prepare_int8
import quantize
import tensors

SIZES, BLOCKS, SHRINKAGES = (96, 128, 160), (7, 10), (0.03, 0.1)  # twelve configurations
INNER = 3
BUDGET = 150e6  # MAC a frame
SETTING = (0.05, 0.1)  # shrinkage and phantom weight where one setting stands for all


def auc_of(data, fit, features):
    """Held-out AUC over the folds of the first shuffle, and of both directions between sites.

    `fit(train)` gives a head; `features` are what it is applied to.
    """
    fold = np.array([int(row["fold"]) for row in data.rows])
    site = np.array([row["site"] == "northumbria" for row in data.rows])
    scores = np.zeros(len(fold))
    for k in range(5):
        direction, offset = fit(fold != k)
        scores[fold == k] = features[fold == k] @ direction + offset
    across = {}
    for name, test in (("others to Northumbria", site), ("Northumbria to others", ~site)):
        direction, offset = fit(~test)
        across[name] = round(roc_auc_score(data.sick[test], features[test] @ direction), 3)
    return {"grouped": round(roc_auc_score(data.sick, scores), 3), **across}


def ablation(data, features, model, work):
    run = quantize.session(model, exact=True)
    empty = head.Rows(features.real[:0], data.sick[:0], 1)
    phantoms = head.Rows(features.phantom, data.phantom_sick, 1)

    def measured(extra=empty, of=None, phantom=True, paint=0.0, parts=features.parts[-1]):
        shrinkage, weight = SETTING

        def fit(train):
            rows = head.Rows(features.real[train], data.sick[train], 1)
            if phantom:
                rows += phantoms.weighing(weight * train.sum())
            if paint:
                twins = train[data.painted_of]
                rows += head.Rows(features.painted[twins], np.ones(twins.sum(), bool), paint)
            if of is not None:
                kept = train[of]
                rows += head.Rows(extra[kept], data.sick[of[kept]], lung.VARIED_WEIGHT)
            direction, offset = head.two_classes(
                rows.features[:, parts], rows.labels, rows.weights, shrinkage)
            whole = np.zeros(features.real.shape[1])
            whole[parts] = direction
            return whole, offset

        return auc_of(data, fit, features.real)

    table = {"phantoms, nothing else": measured()}
    table["without phantoms"] = measured(phantom=False)
    table["without the finding layers"] = measured(parts=features.parts[0])
    table["counterfactuals, weight 0.03"] = measured(paint=0.03)
    table["counterfactuals, weight 0.1"] = measured(paint=0.1)
    of = np.arange(len(data.rows))
    for name in tqdm(augment.ALL, "augmentations", disable=None):
        extra = [quantize.outputs(run, clip)[0].mean(0) for clip in lung.varied(data, name)]
        table[f"with {name}"] = measured(np.stack(extra), of)

    def averaged(varied, train):
        real = head.Rows(features.real[train], data.sick[train], 1)
        for other in varied:
            real += head.Rows(other[train], data.sick[train], lung.VARIED_WEIGHT)
        twins = train[data.painted_of]
        painted = head.Rows(features.painted[twins], np.ones(twins.sum(), bool), 1)
        return head.verdict(real, phantoms, painted, features.parts, features.scales)

    for name, varied in (("mean over all settings", []),
                         ("the same with gain and TGC: shipped", features.varied)):
        fit = functools.partial(averaged, varied)
        table[name] = auc_of(data, fit, features.real)
    return table


def search(data, arguments):
    """Nested search: inner folds pick, outer folds judge the pick."""
    paths = [os.path.join(arguments.data, "videos", row["file"]) for row in data.rows]
    scenes = [f"phantom:lung-{scene}?seed={s}&fps=6" for scene in lung.SCENES
              for s in lung.PHANTOM_SEEDS[:40]]
    sick_phantom = np.array(["lung-normal" not in scene for scene in scenes])
    measured, features, phantoms = {}, {}, {}
    for size in SIZES:
        at = lambda name: os.path.join(arguments.work, f"search-{name}-{size}")
        clips = tensors.read(arguments.sonolamp, paths, at("clips"), size, most=8)
        drawn = tensors.read(arguments.sonolamp, scenes, at("phantoms"), size, most=2, seconds=2)
        for block in BLOCKS:
            model, _, macs = backbone.truncated(block, size)
            pixels = np.concatenate([clip[-1:] for clip in drawn])
            model = quantize.quantize(model, pixels, exclude=())
            path = os.path.join(arguments.work, f"search-{size}-{block}.onnx")
            onnx.save(model, path)
            run = quantize.session(model, exact=True)
            mean = lambda every: np.stack([
                quantize.outputs(run, clip)[0].mean(0)
                for clip in tqdm(every, f"search: {size} b{block}", disable=None)])
            features[size, block], phantoms[size, block] = mean(clips), mean(drawn)
            measured[size, block] = {"mac": int(macs), "int8_us": latency(arguments.sonolamp, path)}

    def fit(key, train):
        size, block, shrinkage = key
        rows = head.Rows(features[size, block][train], data.sick[train], 1)
        extra = head.Rows(phantoms[size, block], sick_phantom, 1)
        rows += extra.weighing(SETTING[1] * train.sum())
        return head.two_classes(rows.features, rows.labels, rows.weights, shrinkage)

    def held_out(key, within, fold):
        x, scores = features[key[:2]], np.full(len(within), np.nan)
        for k in np.unique(fold[within]):
            out = within & (fold == k)
            direction, offset = fit(key, within & (fold != k))
            scores[out] = x[out] @ direction + offset
        return scores

    keys = list(itertools.product(SIZES, BLOCKS, SHRINKAGES))
    outer = np.array([int(row["fold"]) for row in data.rows])
    whole = np.ones(len(outer), bool)
    table = []
    for key in keys:
        scores = held_out(key, whole, outer)
        table.append({"size": key[0], "last_block": key[1], "shrinkage": key[2],
                      **measured[key[:2]], "auc": round(roc_auc_score(data.sick, scores), 3)})
    for row in table:
        row["pareto"] = not any(
            o["auc"] >= row["auc"] and o["mac"] < row["mac"] or
            o["auc"] > row["auc"] and o["mac"] <= row["mac"] for o in table)
    picks, nested = [], np.zeros(len(outer))
    for k in range(5):
        train = outer != k
        inner = np.full(len(outer), -1)
        inner[train] = folds.grouped(data.sick[train], data.patient[train], lung.SEED, INNER)
        affordable = [key for key in keys if measured[key[:2]]["mac"] <= BUDGET]
        best = max(affordable, key=lambda key: roc_auc_score(
            data.sick[train], held_out(key, train, inner)[train]))
        picks.append(dict(zip(("size", "last_block", "shrinkage"), best)))
        direction, offset = fit(best, train)
        nested[~train] = features[best[:2]][~train] @ direction + offset
    return {"configurations": table, "picked in each outer fold": picks,
            "nested auc": round(roc_auc_score(data.sick, nested), 3)}


def latency(sonolamp, path):
    """Microseconds of one inference in int8, as `sonolamp bench` measures it."""
    command = [sonolamp, "bench", "--onnx", path, "--seconds", "1"]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return int(re.search(r"p50 (\d+) us", text).group(1))


def quantization(data, features, model, work):
    """Float against int8 in several ways, and the error layer by layer. *Same verdict* is that of
    a bundle and of the same bundle with its network in float; with *heads made anew* every network
    gets heads, calibration and thresholds from its own features."""
    _, path, _ = lung.network(data, work)
    whole, pixels = onnx.load(path), lung.calibration_set(data)
    fold = np.array([int(row["fold"]) for row in data.rows])
    spread = findings.spread(whole)
    seen = lambda net, name: lung.Features(data, net, spread, os.path.join(work, f"study-{name}.npz"))
    trained = lambda x: [lung.Trained(data, x, fold != k) for k in range(5)]

    def verdicts(heads, x):
        scores, said = np.zeros(len(fold)), np.zeros(len(fold), int)
        for k, one in enumerate(heads):
            out = fold == k
            raw = x.real[out] @ one.weights[:, 0] + one.offsets[0]
            scores[out] = p = calibrate.probability(raw, one.slope, one.intercept)
            said[out] = (p >= one.refer).astype(int) - (p <= one.clear)
        return scores, said

    truth = seen(taking_bytes(whole), "float")
    scores, own_float = verdicts(trained(truth), truth)
    table = {"float": {"auc": round(roc_auc_score(data.sick, scores), 4)}}
    equal, some = prepare_int8.equalized(whole, pixels), pixels[::2]
    prepared = prepare_int8.rounded(equal, some)
    percentile = findings.quantized(prepared, pixels, method="Percentile")
    ways = {
        "as trained, min-max": findings.quantized(whole, pixels),
        "equalized": findings.quantized(equal, pixels),
        "rounded in turn": findings.quantized(prepare_int8.rounded(whole, some), pixels),
        "both": findings.quantized(prepared, pixels),
        "both, percentile": percentile,
        "both, percentile, biases (shipped)": prepare_int8.unbiased(percentile, prepared, some),
    }
    for name, net in ways.items():
        x = seen(net, name.split(" (")[0])
        heads = trained(x)
        scores, said = verdicts(heads, x)
        in_float = verdicts(heads, truth)[1]
        table[name] = {
            "auc": round(roc_auc_score(data.sick, scores), 4),
            "same verdict": round(float((said == in_float).mean()), 4),
            "opposite verdict": int((said * in_float < 0).sum()),
            "same verdict, heads made anew": round(float((said == own_float).mean()), 4),
            "feature error, in deviations": round(float((x.real - truth.real).std()), 4),
        }
    frames = np.concatenate([clip[:1] for clip in data.clips[::2]])
    return table | {"layers": layer_errors(prepared, model, frames)}


def taking_bytes(model):
    """The float network with an input of u8 pixels."""
    net = onnx.ModelProto()
    net.CopyFrom(model)
    graph = net.graph
    for node in graph.node:
        node.input[:] = ["reals" if name == "image" else name for name in node.input]
    graph.input[0].type.tensor_type.elem_type = onnx.TensorProto.UINT8
    for name, value in (("middle", quantize.ZERO_POINT), ("unit", quantize.SCALE)):
        graph.initializer.append(onnx.numpy_helper.from_array(np.float32(value), name))
    steps = [("Cast", ["image"], "cast"), ("Sub", ["cast", "middle"], "shifted"),
             ("Mul", ["shifted", "unit"], "reals")]
    for at, (kind, inputs, output) in enumerate(steps):
        more = {"to": onnx.TensorProto.FLOAT} if kind == "Cast" else {}
        graph.node.insert(at, onnx.helper.make_node(kind, inputs, [output], **more))
    return net


def layer_errors(whole, model, pixels):
    """Signal to noise of each layer in decibel: int8 against float, on clips."""
    shared = [n.output[0] for n in whole.graph.node if n.op_type in ("Conv", "Add", "Clip")]
    real, int8 = onnx.ModelProto(), onnx.ModelProto()
    real.CopyFrom(whole)
    int8.CopyFrom(model)
    dequantized = {}
    for node in model.graph.node:
        if node.op_type == "DequantizeLinear":
            dequantized[node.input[0].removesuffix("_QuantizeLinear_Output")
                        .removesuffix("_quantized")] = node.output[0]
    names = [n for n in shared if n in dequantized]
    for graph, wanted in ((real.graph, names), (int8.graph, [dequantized[n] for n in names])):
        del graph.output[:]
        for name in wanted:
            graph.output.append(onnx.helper.make_tensor_value_info(
                name, onnx.TensorProto.FLOAT, None))
    a, b = quantize.session(real), quantize.session(int8)
    signal, noise = np.zeros(len(names)), np.zeros(len(names))
    for picture in pixels:
        x = a.run(None, {"image": quantize.reals(picture[None])})
        y = b.run(None, {"image": picture[None]})
        signal += [float((u**2).sum()) for u in x]
        noise += [float(((u - v) ** 2).sum()) for u, v in zip(x, y)]
    return {n: round(float(10 * np.log10(s / max(e, 1e-12))), 1)
            for n, s, e in zip(names, signal, noise)}


def main():
    studies = {"ablation", "search", "quantization"}
    study = sys.argv.pop() if sys.argv[-1] in studies else sys.exit(__doc__)
    arguments = lung.arguments_of(__doc__.split("\n")[0])
    data, model, features, _ = lung.prepare(arguments)
    if study == "search":
        result = search(data, arguments)
    else:
        result = globals()[study](data, features, model, arguments.work)
    here = os.path.dirname(os.path.abspath(__file__))
    path = os.path.join(here, "../results", f"lung-{study}.json")
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as file:
        json.dump(result, file, indent=1)
        file.write("\n")
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
