"""Trains, cross-validates, quantizes, calibrates and packs the breast bundle.

    python breast.py --data DIR --strangers DIR --organs DIR

DIR of --data holds `labels.csv` (file, label, group, mask); of --strangers what `strangers.py
--mode train` wrote; of --organs `folds.csv` and `videos/` of another organ. See README.md. Writes
`../breast` (trained on everything), `../breast/folds/K` (without fold K, for `sonolamp evaluate
--fold-bundles`) and figures in `../results`. Everything slow is kept in --work: a second run goes
on where the first stopped.
"""

import argparse
import csv
import json
import os

import numpy as np
import torch
from scipy.special import softmax

import calibrate
import familiarity
import fit_still
import pack
import quantize_still as quantizing
import segment
import still_data
import still_figures
import strangers_still

VERSION = "0.1.0"
CLASSES, REFER = ["normal", "benign", "malignant"], 2
SEED = 100
ALIASES = {
    "normal": ["healthy", "clear"],
    "benign": ["cyst", "fibroadenoma"],
    "malignant": ["refer", "cancer", "carcinoma"],
}
# Fixed beforehand: of the pictures to refer at most this share is cleared, of the others at most
# that share referred; what lies between the two thresholds is left to a person.
MISSED, FALSE_REFERRALS = 0.05, 0.10
TOLERANCE = 0.05  # of the known answers: engines round products and means differently
UNFAMILIAR = 0.01  # share of held-out breast pictures that may be called unfamiliar


class Trained:
    """One network: trained on `rows`, quantized, and what it says about every picture."""

    def __init__(self, data, rows, name, seed, work):
        self.rows, self.name = rows, name
        checkpoint = os.path.join(work, f"{name}.pt")
        self.network = fit_still.train(data, rows, len(CLASSES), REFER, seed, checkpoint, name)
        self.float_model, self.macs = segment.export(self.network, still_data.SIZE)
        pixels = quantizing.calibration_pixels(data, rows, seed)
        self.model = quantizing.kept(self.network, pixels, work)

    def says(self, pictures, what, progress):
        """Outputs of the int8 network, or of the float one, for pictures (n, h, w)."""
        model = self.model if what == "int8" else self.float_model
        return quantizing.outputs(model, pictures, f"{self.name}: {progress}", what == "int8")


def judge(data, trained, strangers):
    """Out-of-fold outputs in float and in int8, and the familiarity column of every network."""
    n, (width, height) = len(data.rows), still_data.SIZE
    held_out = {
        what: {
            "scores": np.zeros((n, len(CLASSES)), np.float32),
            "mask": np.zeros((n, height, width), np.float32),
            "map": np.zeros((n, height // 16, width // 16), np.float32),
        }
        for what in ("float", "int8")
    }
    held_out["familiarity"] = np.zeros(n, np.float32)
    columns = []
    for k, one in enumerate(trained):
        test = np.flatnonzero(data.fold == k)
        alien = one.says(strangers.pictures, "int8", "strangers")["features"]
        known = one.says(data.pictures[0], "int8", "pictures")
        marked = one.says(data.pictures[1][one.rows], "int8", "pictures with marks")
        phantoms = one.says(data.phantoms[::2], "int8", "phantoms")
        own = np.concatenate([known["features"][one.rows], marked["features"], phantoms["features"]])
        columns.append(familiarity.fit(own, alien))
        if k < still_data.FOLDS:
            held_out["familiarity"][test] = familiarity.score(known["features"][test], columns[k])
            floats = one.says(data.pictures[0][test], "float", "float")
            for key, all_rows in held_out["int8"].items():
                all_rows[test] = np.squeeze(known[key][test], 1) if key != "scores" else known[key][test]
                given = floats[key]
                held_out["float"][key][test] = np.squeeze(given, 1) if key != "scores" else given
    return held_out, columns


def bundle(data, one, column, held_out, others, without, card, folder):
    """`others`: the pictures whose held-out scores set temperature and thresholds."""
    scores, label = held_out["int8"]["scores"][others], data.label[others]
    slope = 1 / calibrate.temperature(scores, label)
    refer = softmax(scores * slope, 1)[:, REFER]
    clear_at, refer_at = calibrate.conformal(refer, label == REFER, MISSED, FALSE_REFERRALS)
    stated = calibrate.stated(refer, label == REFER, clear_at, refer_at)
    least = float(np.quantile(held_out["familiarity"][others], UNFAMILIAR))
    level = still_figures.mask_level(held_out["int8"]["mask"][others], data.masks[0][others])
    model = quantizing.with_familiarity(one.model, column)
    pictures = {scene: data.phantoms[i * len(still_data.PHANTOM_SEEDS)]
                for i, scene in enumerate(still_data.SCENES)}
    run = quantizing.session(model, exact=True)
    known = {name: (p, run.run(None, {"image": p[None, None]})[0][0]) for name, p in pictures.items()}
    training_set = [(data.digests[i], data.group[i]) for i in one.rows]
    about = manifest(slope, clear_at, refer_at, least, level, stated, without)
    pack.write(folder, about, model, card, training_set, known, TOLERANCE)
    return {
        "slope": slope, "clear": clear_at, "refer": refer_at,
        "least familiarity": least, "mask level": level, **stated,
    }


def manifest(slope, clear_at, refer_at, least, level, stated, without):
    share = "all folds" if without is None else f"all folds but {without}"
    classes = {
        f"class {name}": {"name": name, "refer": k == REFER, "aliases": ALIASES[name]}
        for k, name in enumerate(CLASSES)
    }
    width, height = still_data.SIZE
    return {
        "": {
            "name": "breast",
            "version": VERSION,
            "task": "breast ultrasound, one still: normal, benign or malignant, with the lesion's "
            "outline",
            "intended_use": "Research and training in breast ultrasound. Not a medical device; no "
            "use on patients without a clinician's own reading.",
            "evidence": "still",
        },
        "input": {**pack.input_section(width, "sector", preprocess=2), "height": height},
        "output": {"activation": "softmax"},
        **classes,
        "decision": {
            "refer": round(refer_at, 4), "clear": round(clear_at, 4), "hysteresis": 0.0,
            "min_evidence_s": 0.0, "window_s": 4.0,
        },
        "calibration": {
            "method": "temperature on held-out scores, folds grouped by duplicate",
            "slope": round(slope, 5),
            "intercept": 0.0,
        },
        "familiarity": {"least": round(least, 3)},
        "map": {"output": "map", "full": 4.0},
        "mask": {"output": "mask", "name": "lesion", "least": level},
        "stated": {
            **{k: round(v, 3) for k, v in stated.items()},
            "method": "split conformal, class-conditional, folds grouped by duplicate; alpha "
            f"{MISSED} / {FALSE_REFERRALS}",
        },
        "provenance": {
            "made_by": "models/train/breast.py",
            "training_data": f"BUSI (Al-Dhabyani et al. 2020), 634 pictures, {share}; phantom seeds "
            f"{still_data.PHANTOM_SEEDS[0]} to {still_data.PHANTOM_SEEDS[-1]}; ImageNet weights of "
            "EfficientNet-Lite0",
            "training_set": "training-set.csv",
        },
        "licence": {
            "terms": "CC BY-NC-SA 4.0",
            "notice": "Trained on BUSI (Al-Dhabyani et al., Data in Brief 2020, 28:104863), "
            "CC BY 4.0: cite it. One column of weights, the familiarity score's, has also seen "
            "lung clips of Born et al. 2021, some of them under CC BY-NC-SA: non-commercial use, "
            "share alike (card.md).",
        },
    }


def arguments_given():
    here = os.path.dirname(os.path.abspath(__file__))
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", required=True, help="folder with labels.csv and the pictures")
    parser.add_argument("--strangers", required=True, help="what `strangers.py --mode train` wrote")
    parser.add_argument("--organs", required=True, help="folder with videos/ and folds.csv")
    parser.add_argument("--sonolamp", default=os.path.join(here, "../../target/release/sonolamp"))
    parser.add_argument("--work", default=os.path.join(here, "work/breast"), help="cache")
    parser.add_argument("--out", default=os.path.join(here, "../breast"), help="bundle to write")
    parser.add_argument("--results", default=os.path.join(here, "../results"), help="figures")
    parser.add_argument("--threads", type=int, default=2, help="processor cores to use")
    arguments = parser.parse_args()
    for path in (arguments.work, arguments.results):
        os.makedirs(path, exist_ok=True)
    return here, arguments


def main():
    here, arguments = arguments_given()
    torch.set_num_threads(arguments.threads)
    data = still_data.Stills(arguments.data, arguments.sonolamp, arguments.work, CLASSES)
    still_data.write_table(data.rows, os.path.join(arguments.work, "labels.csv"))
    strangers = strangers_still.Strangers(
        arguments.strangers, arguments.organs, arguments.sonolamp, arguments.work
    )
    trained = []
    for k in range(still_data.FOLDS + 1):
        rows = np.flatnonzero(data.fold != k)
        name = f"fold-{k}" if k < still_data.FOLDS else "all"
        trained.append(Trained(data, rows, name, SEED + k, arguments.work))
    print(f"{trained[-1].macs / 1e6:.0f} M MAC a picture")
    held_out, columns = judge(data, trained, strangers)
    np.savez_compressed(
        os.path.join(arguments.work, "held-out.npz"), familiarity=held_out["familiarity"],
        label=data.label, fold=data.fold,
        **{f"{w}_{k}": v for w in ("float", "int8") for k, v in held_out[w].items()},
    )
    with open(os.path.join(here, "breast-card.md")) as file:
        card = file.read()
    everything = np.arange(len(data.rows))
    shipped = bundle(data, trained[-1], columns[-1], held_out, everything, None, card, arguments.out)
    crossed = []
    for k in range(still_data.FOLDS):
        note = f"# Breast bundle trained without fold {k}\n\nFor evaluation only; see the card of `models/breast`.\n"
        folder = os.path.join(arguments.out, "folds", str(k))
        others = trained[k].rows
        crossed.append(bundle(data, trained[k], columns[k], held_out, others, k, note, folder))
    figures = still_figures.figures(data, held_out, crossed, REFER, CLASSES)
    figures["shipped"] = shipped
    figures["macs"] = trained[-1].macs
    write(os.path.join(arguments.results, "breast.json"), figures)
    study = quantizing.study(data, trained[0], SEED)
    study["held out"] = figures["int8 against float"]
    write(os.path.join(arguments.results, "breast-quantization.json"), study)
    print(json.dumps(figures["int8"], indent=1))


def write(path, content):
    with open(path, "w") as file:
        json.dump(content, file, indent=1)
        file.write("\n")


if __name__ == "__main__":
    main()
