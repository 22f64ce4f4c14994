"""What the lung bundle's choices are worth: augmentations, a nested search, quantization.

    python lung_studies.py --data DIR --others DIR ablation|search|quantization

Each writes models/results/lung-STUDY.json. All figures are of held-out clips, grouped by patient;
those of the site split are shown beside, and nothing is chosen by them.
"""

import itertools
import json
import os
import subprocess
import sys

import numpy as np
import onnx
from sklearn.metrics import roc_auc_score
from tqdm import tqdm

import augment
import backbone
import calibrate
import folds
import head
import lung
import quantize
import tensors

AUGMENT_WEIGHT = 0.5  # of an augmented clip beside its original
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
                rows += phantoms.weighing(weight * train.sum(), balanced=True)
            if paint:
                twins = train[data.painted_of]
                rows += head.Rows(features.painted[twins], np.ones(twins.sum(), bool), paint)
            if of is not None:
                kept = train[of]
                rows += head.Rows(extra[kept], data.sick[of[kept]], AUGMENT_WEIGHT)
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
    for name, change in tqdm(augment.ALL.items(), "augmentations", disable=None):
        extra = []
        for i, clip in enumerate(data.clips):
            frames = clip[np.linspace(0, len(clip) - 1, 6).round().astype(int), 0]
            changed = change(frames, np.random.default_rng([i, len(extra)]))
            extra.append(quantize.outputs(run, changed[:, None])[0].mean(0))
        table[f"with {name}"] = measured(np.stack(extra), of)

    def shipped(train):
        twins = train[data.painted_of]
        return head.verdict(
            head.Rows(features.real[train], data.sick[train], 1), phantoms,
            head.Rows(features.painted[twins], np.ones(twins.sum(), bool), 1), features.parts,
            features.scales)

    table["shipped: mean over all settings"] = auc_of(data, shipped, features.real)
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
        rows += extra.weighing(SETTING[1] * train.sum(), balanced=True)
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
    row = next(line for line in text.splitlines() if line.startswith("inference"))
    value, unit = row.split()[1:3]
    return round(float(value) * {"µs": 1, "ms": 1000}[unit])


def quantization(data, features, model, work):
    """Float against int8, ranges by several sets and methods, error layer by layer."""
    _, path, _ = lung.network(data, work)
    whole = onnx.load(path)
    test = np.concatenate([clip[:: max(len(clip) // 4, 1)][:4] for clip in data.clips])
    owner = np.concatenate([[i] * len(clip[:: max(len(clip) // 4, 1)][:4])
                            for i, clip in enumerate(data.clips)])
    mean = lambda x: np.stack([x[owner == i].mean(0) for i in range(len(data.rows))])
    reals = quantize.session(whole)
    truth = mean(np.concatenate(
        [reals.run(["features"], {"image": quantize.reals(p[None])})[0] for p in test]))
    everyone = np.ones(len(data.rows), bool)
    fold = np.array([int(row["fold"]) for row in data.rows])

    def verdicts(x):
        """Held-out scores and verdicts of clips by heads fitted on these very features."""
        scores, said = np.zeros(len(x)), np.zeros(len(x), int)
        shrinkage, weight = SETTING
        for k in range(5):
            train = fold != k
            rows = head.Rows(x[train], data.sick[train], 1)
            direction, offset = head.two_classes(rows.features, rows.labels, rows.weights, shrinkage)
            own = x[train] @ direction + offset
            slope, intercept = calibrate.platt(own, data.sick[train])
            p = calibrate.probability(x[~train] @ direction + offset, slope, intercept)
            scores[~train], said[~train] = p, (p >= 0.55).astype(int) - (p <= 0.45)
        return scores, said

    float_scores, float_said = verdicts(truth)
    table = {"float": {"auc": round(roc_auc_score(data.sick, float_scores), 4)}}
    phantom = np.stack([clip[-1, 0] for clip in data.phantoms[::4]])
    sets = {
        "phantoms": phantom, "pictures of anything": data.strangers[::6],
        "both (shipped)": lung.calibration_set(data),
    }
    for (name, pixels), method in itertools.product(sets.items(), ("MinMax", "Percentile")):
        net = quantize.quantize(whole, pixels[:, None], exclude=(), method=method)
        run = quantize.session(net, exact=True)
        x = mean(quantize.outputs(run, test)[0])
        scores, said = verdicts(x)
        table[f"{name}, {method}"] = {
            "auc": round(roc_auc_score(data.sick, scores), 4),
            "same verdict": round(float((said == float_said).mean()), 4),
            "feature error": round(float((x - truth).std()), 4),
        }
    return table | {"layers": layer_errors(whole, model, test[::8])}


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
