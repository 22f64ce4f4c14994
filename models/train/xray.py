"""Trains and packs the X-ray bundle: chest X-rays of 28x28 pixels, normal or pneumonia. Education only.

    python xray.py --data pneumoniamnist_28.npz

The file holds MedMNIST's arrays (train_images, train_labels, val_images, ...). Five teachers, each
without one fold of the training part, teach one network of the same shape; varied pictures of the
validation part set temperature, thresholds and the int8 ranges' method. The test part is read, but
only --test looks at its labels. Networks are cached in --work, so a second run is quick.
"""

import argparse
import csv
import hashlib
import json
import os
import subprocess

import matplotlib
import numpy as np
import threadpoolctl
import torch
from sklearn.metrics import roc_auc_score, roc_curve

import pack
import xray_data
import xray_int8
import xray_net
import xray_verdict

matplotlib.use("Agg")
from matplotlib import pyplot  # noqa: E402

VERSION, SEED = "0.1.0", 1
TEACHER_STEPS, STUDENT_STEPS = 600, 1200
VARIATIONS = 8  # of each validation picture
KNOWN = {"normal": "phantom:lung-normal?seed=1", "blines": "phantom:lung-blines?seed=1"}


def trained(data, rows, seed, steps, name, teachers=()):
    """A network trained on some rows of the training part; cached."""
    key = hashlib.sha256(repr((seed, steps, len(teachers))).encode())
    with open(xray_net.__file__, "rb") as file:
        key.update(file.read())
    pixels, positive = data.pixels["train"][rows], data.positive["train"][rows]
    for values in (pixels, positive, data.strangers):
        key.update(values.tobytes())
    path = os.path.join(data.work, f"net-{key.hexdigest()[:16]}.pt")
    net = xray_net.Net()
    if not os.path.exists(path):
        done, losses = xray_net.train(pixels, positive, data.strangers, seed, steps, name, teachers=teachers)
        torch.save({"net": done.state_dict(), "losses": losses}, path)
    stored = torch.load(path)
    net.load_state_dict(stored["net"])
    return net.eval(), stored["losses"]


def cross_fitted(data):
    """The teachers, and for each training picture the log-odds of the one that has not seen it."""
    teachers, curves, odds = [], {}, np.zeros(len(data.fold))
    for k in range(xray_data.FOLDS):
        rest, name = data.fold == k, f"teacher {k}"
        net, curves[name] = trained(data, ~rest, SEED + k, TEACHER_STEPS, name)
        teachers.append(net)
        odds[rest] = xray_net.outputs(net, data.pixels["train"][rest])[0][:, 0]
    print(f"teachers, out of fold: AUC {roc_auc_score(data.positive['train'], odds):.4f}", flush=True)
    return teachers, curves, odds


def varied_validation(data):
    """Validation pictures as the test's unknown look may change them, u8, and their labels."""
    random = torch.Generator().manual_seed(SEED)
    x = xray_net.as_input(np.concatenate([data.pixels["val"]] * VARIATIONS))
    return xray_net.as_pixels(xray_net.varied(x, random)), np.tile(data.positive["val"], VARIATIONS)


def manifest(rules, stated):
    words = {"normal": ["0"], "pneumonia": ["1", "refer"]}
    return {
        "": {
            "name": "xray",
            "version": VERSION,
            "task": "chest X-ray in 28 x 28 pixels: normal or pneumonia",
            "intended_use": "Education and tests of the appliance. Not for clinical use: the data "
            "set says so, and so few pixels show no anatomy.",
            "evidence": "still",
        },
        "input": pack.input_section(xray_net.SIZE, "whole", preprocess=2),
        "output": {"activation": "sigmoid"},
        **{f"class {name}": {"name": name, "refer": name == "pneumonia", "aliases": words[name]}
           for name in xray_data.CLASSES},
        "familiarity": {"least": rules["least"]},
        "map": {"output": "map", "full": 4.0},
        "decision": {
            "refer": rules["refer"], "clear": rules["clear"], "hysteresis": 0.0,
            "min_evidence_s": 0.0, "window_s": 4.0,
        },
        "calibration": {
            "method": "temperature on varied validation pictures, classes weighing the same",
            "slope": rules["slope"], "intercept": 0.0,
        },
        "stated": {
            "coverage": stated["coverage"], "sensitivity": stated["graded_sensitivity"],
            "specificity": stated["graded_specificity"],
            "method": "split conformal by class on varied validation pictures, the wider side for "
            f"both; alpha {xray_verdict.ALPHA}",
        },
        "provenance": {
            "made_by": "models/train/xray.py",
            "training_data": "PneumoniaMNIST 28x28 (Yang et al. 2023; Kermany et al. 2018), "
            "training part, thresholds from the validation part; generated strangers for familiarity",
            "training_set": "training-set.csv",
        },
        "licence": {
            "terms": "CC BY 4.0",
            "notice": "Trained on PneumoniaMNIST, CC BY 4.0: cite Yang et al., Sci Data 2023, 10:41 "
            "and Kermany et al., Cell 2018, 172(5):1122. Not for clinical use.",
        },
    }


def write_bundle(data, model, rules, stated, folder):
    pictures = xray_data.read_frames(data.sonolamp, list(KNOWN.values()), os.path.join(data.work, "known"))
    known = {name: (p, s) for name, p, s in zip(KNOWN, pictures, xray_int8.outputs(model, pictures)[0])}
    training_set = [(digest, f"{part} {i:04}") for part in ("train", "val")
                    for i, digest in enumerate(data.digests[part])]
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "xray-card.md")) as file:
        card = file.read()
    pack.write(folder, manifest(rules, stated), model, card, training_set, known)


def plot(curves, scores, positive, rules, path):
    figure, (left, middle, right) = pyplot.subplots(1, 3, figsize=(13, 4))
    for name, losses in curves.items():
        left.plot(np.convolve(losses, np.ones(25) / 25, "valid"), label=name)
    left.set(xlabel="step", ylabel="loss, mean of 25")
    left.legend()
    middle.plot(*roc_curve(positive, scores[:, 0])[:2])
    middle.set(xlabel="1 - specificity", ylabel="sensitivity", title="varied validation")
    p = xray_verdict.probability(scores[:, 0], rules["slope"])
    place = np.minimum((p * 10).astype(int), 9)
    weight = np.where(positive, 0.5 / positive.mean(), 0.5 / (~positive).mean())
    bins = np.unique(place)
    mean = lambda values, b: np.average(values[place == b], weights=weight[place == b])
    right.plot([0, 1], [0, 1], ":")
    right.plot([mean(p, b) for b in bins], [mean(positive, b) for b in bins], "o-")
    right.set(xlabel="probability", ylabel="share of pneumonia", title="the same, classes equal")
    figure.tight_layout()
    figure.savefig(path)


def judged(data, table, folder, name, options=()):
    """What `sonolamp evaluate` finds."""
    path = os.path.join(data.work, f"{name}.json")
    command = [data.sonolamp, "evaluate", table, "--bundle", folder, "--json", path, "--jobs", "1"]
    subprocess.run([*command, *options], check=True)
    with open(path) as file:
        return json.load(file)


def without_x_rays(data, table):
    """The table of strangers less those that are X-rays; its files by absolute path."""
    path = os.path.join(data.work, "strangers-test.csv")
    with open(table) as file:
        rows = [r for r in csv.DictReader(file) if "x-ray" not in r["group"]]
    with open(path, "w", newline="") as file:
        out = csv.DictWriter(file, rows[0].keys(), lineterminator="\n")
        out.writeheader()
        folder = os.path.dirname(os.path.abspath(table))
        out.writerows({**r, "file": os.path.join(folder, r["file"])} for r in rows)
    return path


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", required=True, help="PneumoniaMNIST, 28x28, as .npz")
    parser.add_argument("--sonolamp", default=os.path.join(here, "../../target/release/sonolamp"))
    parser.add_argument("--work", default=os.path.join(here, "work/xray"), help="cache")
    parser.add_argument("--out", default=os.path.join(here, "../xray"), help="bundle to write")
    parser.add_argument("--results", default=os.path.join(here, "../results"), help="figures")
    parser.add_argument("--test", action="store_true", help="also judge the test part")
    parser.add_argument("--strangers", help="table that `strangers.py --mode test` wrote")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    threadpoolctl.threadpool_limits(1)
    torch.use_deterministic_algorithms(True)
    for folder in (arguments.work, arguments.results):
        os.makedirs(folder, exist_ok=True)
    data = xray_data.Data(np.load(arguments.data), arguments.sonolamp, arguments.work, SEED)
    teachers, curves, odds = cross_fitted(data)
    everything = np.ones(len(data.fold), bool)
    student, curves["student"] = trained(
        data, everything, SEED + xray_data.FOLDS, STUDENT_STEPS, "student", teachers)
    floating = xray_net.to_onnx(student)
    pixels, positive = varied_validation(data)
    floats = lambda pictures: xray_net.outputs(student, pictures)[0]
    models, errors = xray_int8.study(floating, floats, data, pixels[::VARIATIONS])
    way = min(errors, key=lambda name: errors[name]["mean_error"])
    model = models[way]
    scores = {"float": floats(pixels), "int8": xray_int8.outputs(model, pixels)[0]}
    rules = xray_verdict.settle(scores["int8"], positive)
    results = {"macs": xray_net.macs(), "rules": rules, "teachers_out_of_fold_auc": round(
        float(roc_auc_score(data.positive["train"], odds)), 4)}
    results["varied_validation"] = {k: xray_verdict.figures(s, positive, rules) for k, s in scores.items()}
    results["varied_validation"]["int8_against_float"] = xray_verdict.agreement(*scores.values(), rules)
    results["quantization"] = {
        "chosen": way,
        "ways": errors,
        "signal_to_error_db": xray_int8.layer_errors(floating, model, pixels[:64]),
    }
    write_bundle(data, model, rules, results["varied_validation"]["int8"], arguments.out)
    plot(curves, scores["int8"], positive, rules, os.path.join(arguments.work, "curves.png"))
    tests = ["val"] + (["test"] if arguments.test else [])
    for part in tests:
        given = {"float": floats(data.pixels[part]),
                 "int8": xray_int8.outputs(model, data.pixels[part])[0]}
        results[part] = {k: xray_verdict.figures(s, data.positive[part], rules) for k, s in given.items()}
        results[part]["int8_against_float"] = xray_verdict.agreement(*given.values(), rules)
        table = os.path.join(arguments.work, f"{part}.csv")
        results[part]["sonolamp"] = judged(data, table, arguments.out, part)["metrics"]
    if arguments.strangers:
        table = without_x_rays(data, arguments.strangers)
        options = ["--expect", "ungradable", "--by", "kind"]
        found = judged(data, table, arguments.out, "strangers-test", options)
        results["strangers"] = {"metrics": found["metrics"], "strata": found["strata"]}
    with open(os.path.join(arguments.results, "xray.json"), "w") as file:
        json.dump(results, file, indent=1)
        file.write("\n")


if __name__ == "__main__":
    main()
