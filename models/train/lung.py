"""Trains and packs the lung bundle: regular or pathologic.

    python lung.py --data DIR --sonolamp ../../target/release/sonolamp

DIR holds `videos/` and `folds.csv` (file, label, patient, source, licence, fold); see README.md.
Writes `../lung` (all folds) and `../lung/folds/K` (without fold K, for honest evaluation with
`sonolamp evaluate --fold-bundles`). Features are cached in --work, so a second run is quick.
"""

import argparse
import csv
import hashlib
import os
import subprocess

import numpy as np
from sklearn.metrics import roc_auc_score
from tqdm import tqdm

import backbone
import head
import pack
import quantize

VERSION = "0.1.0"
SIZE, LAST_BLOCK = 128, 10
FRAMES = 24  # a clip
CALIBRATION_FRAMES = 2  # a clip
SCENES = ["normal", "blines", "confluent", "consolidation", "effusion"]
PHANTOM_SEEDS = range(1_000_001, 1_000_151)
PHANTOM_FRAMES = 4  # a clip
PHANTOM_WEIGHT = 0.2  # of the real clips' weight, half for each class
# Fixed beforehand, symmetric: neither error was known to cost more on this data.
DECISION = {
    "refer": 0.55, "clear": 0.45, "hysteresis": 0.05, "min_evidence_s": 0.75, "window_s": 4.0,
}


def read_frames(sonolamp, sources, out, most, seconds):
    """Tensors of every source through the appliance's own preprocessing; cached in `out`."""
    stamp = os.path.join(out, "sources.txt")
    wanted = "\n".join([str(most), *sources])
    if not os.path.exists(stamp) or open(stamp).read() != wanted:
        command = [sonolamp, "frames", "--out", out, "--most", str(most)]
        command += ["--size", f"{SIZE}x{SIZE}", "--seconds", str(seconds), *sources]
        subprocess.run(command, check=True)
        with open(stamp, "w") as file:
            file.write(wanted)
    return [np.load(os.path.join(out, f"{i:04}.npy")) for i in range(len(sources))]


def spread(frames, count):
    return frames[np.linspace(0, len(frames) - 1, min(count, len(frames))).round().astype(int)]


class Data:
    def __init__(self, arguments):
        with open(os.path.join(arguments.data, "folds.csv")) as file:
            self.rows = list(csv.DictReader(file))
        paths = [os.path.join(arguments.data, "videos", row["file"]) for row in self.rows]
        at = lambda name: os.path.join(arguments.work, name)
        print("reading real clips", flush=True)
        self.clips = read_frames(arguments.sonolamp, paths, at("clips"), FRAMES, 60)
        print("reading phantoms", flush=True)
        sources = [f"phantom:lung-{scene}?seed={s}" for scene in SCENES for s in PHANTOM_SEEDS]
        self.phantoms = read_frames(arguments.sonolamp, sources, at("phantoms"), PHANTOM_FRAMES, 4)
        self.phantom_positive = np.array(["lung-normal" not in source for source in sources])
        self.positive = np.array([row["label"] != "regular" for row in self.rows])
        self.fold = np.array([int(row["fold"]) for row in self.rows])
        self.site = np.array([row["source"] for row in self.rows])
        self.digests = [pack.sha256(path) for path in paths]


class Trained:
    """A quantized backbone, its features of every clip, and heads on some of them."""

    def __init__(self, data, train, work, name):
        self.data = data
        model, self.channels, self.macs = backbone.truncated(LAST_BLOCK, SIZE)
        chosen = [spread(clip, CALIBRATION_FRAMES) for clip, t in zip(data.clips, train) if t]
        chosen += [clip[:1] for clip in data.phantoms[:: len(PHANTOM_SEEDS) // 3]]
        pixels = np.concatenate(chosen)
        key = hashlib.sha256(model.SerializeToString() + pixels.tobytes()).hexdigest()[:16]
        cache = os.path.join(work, f"features-{key}")
        if os.path.exists(cache + ".npz"):
            self.model = pack.onnx.load(cache + ".onnx")
            stored = np.load(cache + ".npz")
            self.real, self.phantom = stored["real"], stored["phantom"]
            return
        self.model = quantize.quantize(model, pixels)
        run = quantize.session(self.model)
        mean = lambda clips, what: np.stack(
            [quantize.features(run, clip).mean(0) for clip in tqdm(clips, f"{name}: {what}", disable=None)]
        )
        self.real, self.phantom = mean(data.clips, "clips"), mean(data.phantoms, "phantoms")
        pack.onnx.save(self.model, cache + ".onnx")
        np.savez(cache + ".npz", real=self.real, phantom=self.phantom)

    def head(self, train, phantom_weight=PHANTOM_WEIGHT):
        data, real = self.data, self.real[train]
        sides = data.phantom_positive
        share = np.where(sides, 0.5 / sides.sum(), 0.5 / (~sides).sum())
        return head.fit(
            np.concatenate([real, self.phantom]),
            np.concatenate([data.positive[train], sides]),
            np.concatenate([np.ones(len(real)), share * max(phantom_weight, 1e-9) * len(real)]),
        )

    def held_out_scores(self, train, **options):
        """Score of each training clip from a head that has not seen its fold."""
        scores = np.zeros(len(train))
        for k in np.unique(self.data.fold[train]):
            inner, outer = train & (self.data.fold != k), train & (self.data.fold == k)
            scores[outer] = head.score(self.real[outer], self.head(inner, **options))
        return scores[train]


def known_answers(data, model):
    run = quantize.session(model, exact=True)
    known = {}
    for name in ("normal", "blines"):
        frame = data.phantoms[SCENES.index(name) * len(PHANTOM_SEEDS)][-1]
        known[name] = (frame[0], run.run(None, {"image": frame[None]})[0][0])
    return known


def manifest(calibration, held_out):
    slope, intercept = calibration
    without = "all folds" if held_out is None else f"all folds but {held_out}"
    return {
        "": {
            "name": "lung",
            "version": VERSION,
            "task": "lung ultrasound, convex probe: regular or pathologic",
            "intended_use": "Research and training in point-of-care lung ultrasound. "
            "Not a medical device; no use on patients without a clinician's own reading.",
            "evidence": "clip",
        },
        "input": pack.input_section(SIZE, "sector", preprocess=2),
        "output": {"activation": "sigmoid"},
        "class regular": {
            "name": "regular", "refer": False, "aliases": ["normal", "healthy", "clear"],
        },
        "class pathologic": {
            "name": "pathologic", "refer": True,
            "aliases": [
                "refer", "Bacterial pneumonia", "Viral pneumonia", "pneumonia", "COVID-19",
                "B-lines", "consolidation", "effusion",
            ],
        },
        "decision": DECISION,
        "calibration": {
            "method": "Platt scaling of held-out clip scores, folds grouped by patient",
            "slope": round(slope, 5),
            "intercept": round(intercept, 5),
        },
        "provenance": {
            "made_by": "models/train/lung.py",
            "training_data": f"lung_pocus (Born et al. 2021), convex clips, {without}; "
            f"phantom seeds {PHANTOM_SEEDS[0]} to {PHANTOM_SEEDS[-1]}; ImageNet weights of "
            "EfficientNet-Lite0",
            "training_set": "training-set.csv",
        },
        "licence": {
            "terms": "CC BY-NC-SA 4.0",
            "notice": "Trained on clips under CC BY, CC BY-NC and CC BY-NC-SA: "
            "non-commercial use, share alike, cite the clips' sources (card.md).",
        },
    }


def write_bundle(data, trained, train, held_out, card, folder):
    calibration = head.calibrate(trained.held_out_scores(train), data.positive[train])
    model = pack.with_head(trained.model, trained.head(train))
    training_set = [
        (digest, row["patient"]) for digest, row, t in zip(data.digests, data.rows, train) if t
    ]
    pack.write(
        folder, manifest(calibration, held_out), model, card, training_set,
        known_answers(data, model),
    )


def report(data, trained):
    """Out-of-fold and leave-site-out figures with and without phantoms, on the full backbone."""
    everything = np.ones(len(data.rows), bool)
    northumbria = data.site == "18"
    for weight in (0.0, PHANTOM_WEIGHT):
        scores = trained.held_out_scores(everything, phantom_weight=weight)
        line = f"phantom weight {weight}: out-of-fold AUC {roc_auc_score(data.positive, scores):.3f}"
        for name, test in (("others to Northumbria", northumbria),
                           ("Northumbria to others", ~northumbria)):
            rest = trained.head(~test, phantom_weight=weight)
            auc = roc_auc_score(data.positive[test], head.score(trained.real[test], rest))
            line += f", {name} {auc:.3f}"
        print(line)


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", required=True, help="folder with videos/ and folds.csv")
    parser.add_argument("--sonolamp", default=os.path.join(here, "../../target/release/sonolamp"))
    parser.add_argument("--work", default=os.path.join(here, "work"), help="cache")
    parser.add_argument("--out", default=os.path.join(here, "../lung"), help="bundle to write")
    arguments = parser.parse_args()
    os.makedirs(arguments.work, exist_ok=True)
    data = Data(arguments)
    with open(os.path.join(here, "lung-card.md")) as file:
        card = file.read()
    everything = np.ones(len(data.rows), bool)
    trained = Trained(data, everything, arguments.work, "all")
    print(f"{trained.channels} features, {trained.macs / 1e6:.1f} M MAC a frame")
    report(data, trained)
    write_bundle(data, trained, everything, None, card, arguments.out)
    for k in np.unique(data.fold):
        train = data.fold != k
        fold = Trained(data, train, arguments.work, f"without fold {k}")
        note = f"# Lung bundle trained without fold {k}\n\nFor evaluation only; see the card of `models/lung`.\n"
        write_bundle(data, fold, train, k, note, os.path.join(arguments.out, "folds", str(k)))


if __name__ == "__main__":
    main()
