"""Makes the lung bundle: regular or pathologic, with cause, findings and a map.

    python lung.py --data DIR --others DIR --sonolamp ../../target/release/sonolamp

DIR holds `videos/`, `folds.csv` and `manifest.csv`; see README.md. --others names the folder of the
pictures that are no lung (strangers.py). Writes `../lung` (trained on every clip), `../lung/folds`
with a bundle for every fold of five shuffles and for both sides of the site split, and the table
of labels that `sonolamp evaluate` takes. Everything is cached in --work: a run that was cut off goes
on where it was, and a second one takes a minute.
"""

import argparse
import hashlib
import os
import shutil
import subprocess
import sys

import numpy as np
import torch
from tqdm import tqdm

import augment
import backbone
import calibrate
import counterfactual
import curves
import familiarity
import findings
import folds
import head
import pack
import prepare_int8
import quantize
import tensors

VERSION, SEED = "0.3.0", 5
SIZE, LAST_BLOCK, WIDE = 128, 10, "b10.add"
FRAMES, PAINTED_FRAMES = 24, 8  # a clip
# Every clip is also learned from as it would look with the machine's knobs set otherwise.
VARIED, VARIED_FRAMES, VARIED_WEIGHT = ("gain", "tgc"), 6, 0.5
SHUFFLES, INNER = 5, 5
SCENES = ["normal", "blines", "confluent", "consolidation", "effusion"]
PHANTOM_SEEDS = range(1_000_001, 1_000_151)
PHANTOM_FRAMES = 4
STRANGER_SEED = 1
NORTHUMBRIA = "18"
CAUSES = {"regular": 0, "Bacterial pneumonia": 1, "COVID-19": 2}  # viral pneumonia: two clips only
FINDINGS = {"A-lines": "alines", "B-lines": "blines", "consolidation": "consolidation",
            "effusion": "effusion"}
COUPLING = 10.0  # of the verdict's score, whose deviation is 1, in the logits of the causes
# Of new pathologic clips about this share is cleared, of regular ones about
# this share is referred (split conformal, in each class).
MISS, ALARM = 0.045, 0.09
HYSTERESIS, MIN_EVIDENCE, WINDOW = 0.05, 0.75, 4.0
KNOWN_AMONG, TOLERANCE = 60, 0.05  # phantoms of a scene for a known answer; what it may differ by
STRANGE = 0.005  # share of held-out training frames that the familiarity gate may lose


def column_of(shuffle):
    """The first shuffle is the data's own."""
    return f"fold{shuffle or ''}"


def table(data, work):
    """The clips' table with findings, five shuffles of folds and the site split; also written."""
    rows = folds.read(os.path.join(data, "folds.csv"))
    noted = {row["file"]: row for row in folds.read(os.path.join(data, "manifest.csv"))}
    labels, patients = [r["label"] for r in rows], [r["patient"] for r in rows]
    sick = [label != "regular" for label in labels]
    for shuffle in range(SHUFFLES):
        drawn = [int(r["fold"]) for r in rows]
        if shuffle:
            drawn = folds.grouped(sick, patients, shuffle)
        folds.check(drawn, patients)
        for row, k in zip(rows, drawn):
            row[column_of(shuffle)] = int(k)
    for row in rows:
        row["site"] = "northumbria" if row["source"] == NORTHUMBRIA else "others"
        row["cause"] = row["label"]
        row.update({name: noted[row["file"]][column] for name, column in FINDINGS.items()})
    folds.check([r["site"] for r in rows], patients)
    folds.write(os.path.join(work, "labels.csv"), rows)
    return rows


class Data:
    """All frames that are learned from, as the appliance's network would get them."""

    def __init__(self, arguments):
        work, at = arguments.work, lambda name: os.path.join(arguments.work, name)
        self.rows = table(arguments.data, work)
        read = lambda *a, **k: tensors.read(arguments.sonolamp, *a, size=SIZE, **k)
        paths = [os.path.join(arguments.data, "videos", row["file"]) for row in self.rows]
        self.clips = read(paths, at("clips"), most=FRAMES)
        large = tensors.read(
            arguments.sonolamp, paths, at("large"), size=2 * SIZE, most=PAINTED_FRAMES)
        scenes = [f"phantom:lung-{scene}?seed={s}&fps=6" for scene in SCENES for s in PHANTOM_SEEDS]
        self.phantoms = read(scenes, at("phantoms"), most=PHANTOM_FRAMES, seconds=3)
        self.truth = tensors.truth(at("phantoms"), len(scenes))
        self.phantom_sick = np.array(["lung-normal" not in scene for scene in scenes])
        self.strangers = self._strangers(arguments, read)
        self.sick = np.array([row["label"] != "regular" for row in self.rows])
        self.patient = np.array([row["patient"] for row in self.rows])
        self.digests = [pack.sha256(path) for path in paths]
        self.painted, self.painted_of = self._paint(large, at("painted.npz"))

    @staticmethod
    def _strangers(arguments, read):
        folder = os.path.join(arguments.work, "strangers")
        if not os.path.exists(os.path.join(folder, "strangers.csv")):
            here = os.path.dirname(os.path.abspath(__file__))
            command = [sys.executable, os.path.join(here, "strangers.py"), "--out", folder]
            command += ["--mode", "train", "--seed", str(STRANGER_SEED)]
            command += ["--data", arguments.others, "--sonolamp", arguments.sonolamp]
            subprocess.run(command, check=True)
        rows = folds.read(os.path.join(folder, "strangers.csv"))
        paths = [os.path.join(folder, row["file"]) for row in rows]
        pictures = read(paths, os.path.join(arguments.work, "stranger-frames"))
        # Without a sector the tensor is black: that is a flaw of its own.
        return np.stack([p[0, 0] for p in pictures if p[0].any()])

    def _paint(self, large, cache):
        """Twins of the regular clips with each finding; and the clip that each comes from."""
        if not os.path.exists(cache):
            twins, of = [], []
            for i in tqdm(np.flatnonzero(~self.sick), "painting", disable=None):
                for k, kind in enumerate(counterfactual.FINDINGS):
                    for half in range(2):
                        rng = np.random.default_rng([i, half, k])
                        frames = large[i][half::2, 0]
                        twin, _ = counterfactual.paint(frames, kind, rng)
                        twins.append(tensors.halved(twin)[: PAINTED_FRAMES // 2, None])
                        of.append(i)
            lengths = [len(t) for t in twins]
            np.savez(cache, frames=np.concatenate(twins), lengths=lengths, of=of)
        kept = np.load(cache)
        return np.split(kept["frames"], np.cumsum(kept["lengths"])[:-1]), kept["of"]


def network(data, work):
    """The int8 network without its heads, the same for every fold: it has seen no patient."""
    model, _, macs = backbone.truncated(LAST_BLOCK, SIZE)
    clips = np.stack([clip[:, 0] for clip in data.phantoms])
    calibration = calibration_set(data)
    key = hashlib.sha256(model.SerializeToString() + clips.tobytes() + calibration.tobytes()
                         + repr((findings.WIDTH, findings.EPOCHS, findings.RATE, SEED, VERSION)).encode()
                         ).hexdigest()[:16]
    cache = os.path.join(work, f"network-{key}")
    if not os.path.exists(f"{cache}.int8.onnx"):
        if os.path.exists(f"{cache}.layers.pt"):
            layers = torch.load(f"{cache}.layers.pt", weights_only=False)
        else:
            layers, losses = findings.train(model, WIDE, clips, data.truth, SEED)
            torch.save(layers, f"{cache}.layers.pt")
            curves.losses(os.path.join(work, "findings-loss.png"), {"phantoms": losses})
        whole, _ = findings.assemble(model, WIDE, layers, SIZE, calibration)
        pack.onnx.save(whole, f"{cache}.float.onnx")
        pack.onnx.save(int8(whole, calibration), f"{cache}.int8.onnx")
    return pack.onnx.load(f"{cache}.int8.onnx"), f"{cache}.float.onnx", macs


def int8(whole, calibration):
    """The float network in int8: channels equalized, weights rounded in turn, biases corrected."""
    some = calibration[::2]  # half is enough for sums over whole maps
    prepared = prepare_int8.rounded(prepare_int8.equalized(whole, calibration), some)
    made = findings.quantized(prepared, calibration, method="Percentile")
    return prepare_int8.unbiased(made, prepared, some)


def calibration_set(data):
    """Frames that ranges are taken from: phantoms and pictures of anything else, no patient's."""
    return np.concatenate([
        np.stack([clip[-1, 0] for clip in data.phantoms[::4]]), data.strangers[::6],
    ])


def varied(data, name):
    """Some frames of every clip with the augmentation `name`."""
    for i, clip in enumerate(tqdm(data.clips, f"features: {name}", disable=None)):
        at = np.linspace(0, len(clip) - 1, VARIED_FRAMES).round().astype(int)
        yield augment.ALL[name](clip[at, 0], np.random.default_rng([i, i]))[:, None]


class Features:
    """The int8 network's features of everything: per frame, and means of clips."""

    def __init__(self, data, model, spread, cache):
        if not os.path.exists(cache):
            run = quantize.session(model, exact=True)
            of = lambda clips, what: [
                quantize.outputs(run, clip)[0] for clip in tqdm(clips, what, disable=None)]
            real, phantom = of(data.clips, "features: clips"), of(data.phantoms, "features: phantoms")
            painted = of(data.painted, "features: painted")
            strange = quantize.outputs(run, data.strangers[:, None])[0]
            other = [[quantize.outputs(run, clip)[0].mean(0) for clip in varied(data, name)]
                     for name in VARIED]
            np.savez(cache, varied=np.array(other), real=np.concatenate(real), lengths=[len(r) for r in real],
                     phantom=np.stack(phantom), painted=np.stack([p.mean(0) for p in painted]),
                     strange=strange)
        kept = np.load(cache)
        self.frames = np.split(kept["real"], np.cumsum(kept["lengths"])[:-1])
        self.real = np.stack([f.mean(0) for f in self.frames])
        self.phantom_frames = kept["phantom"]
        self.phantom, self.painted = kept["phantom"].mean(1), kept["painted"]
        self.strange, self.varied = kept["strange"], kept["varied"]
        everything = np.arange(self.real.shape[1])
        self.parts = [everything[: -findings.WIDTH], everything]
        # As the network gives them, of deviation 1; and as large as its maps have them.
        self.scales = [np.ones(len(everything)), spread]


class Trained:
    """All columns of the scores, learned from the clips of `train` alone."""

    def __init__(self, data, features, train):
        self.data, self.features, self.train = data, features, train
        at = np.flatnonzero(train)
        inner = np.full(len(train), -1)
        inner[at] = folds.grouped(data.sick[at], data.patient[at], SEED, INNER)
        # Held-out scores of the training clips, from heads that have not seen their patient.
        raw, strange = np.zeros((len(train), 1 + len(CAUSES) + len(FINDINGS))), []
        for k in range(INNER):
            rest, out = train & (inner != k), train & (inner == k)
            raw[out] = self._score(features.real[out], self._columns(rest))
            column = self._familiar(rest)
            strange += [self._score(features.frames[i], column) for i in np.flatnonzero(out)]
        held, sick = raw[at], data.sick[at]
        self.slope, self.intercept = calibrate.platt(held[:, 0], sick)
        self.held_out = calibrate.probability(held[:, 0], self.slope, self.intercept)
        self.clear, self.refer = calibrate.conformal(self.held_out, sick, MISS, ALARM)
        self.stated = calibrate.stated(self.held_out, sick, self.clear, self.refer)
        self.least = float(np.quantile(np.concatenate(strange), STRANGE))
        weights, offsets = self._columns(train)
        first = 1 + len(CAUSES)
        cause = self._cause()[at]
        # Divided here, so that all scores have a size that one tolerance of known answers suits.
        temperature = calibrate.temperature(held[cause >= 0, 1:first], cause[cause >= 0])
        weights[:, 1:first] /= temperature
        offsets[1:first] /= temperature
        for i, name in enumerate(FINDINGS, first):
            weights[:, i], offsets[i] = self._calibrated(
                weights[:, i], offsets[i], held[:, i], self._noted(name)[at])
        familiar, least = self._familiar(train)
        self.weights = np.column_stack([weights, familiar]).astype(np.float32)
        self.offsets = np.append(offsets, least).astype(np.float32)

    @staticmethod
    def _score(features, column):
        return features @ column[0] + column[1]

    def _cause(self):
        return np.array([CAUSES.get(row["label"], -1) for row in self.data.rows])

    def _noted(self, name):
        return np.array([row[name] == "1" for row in self.data.rows])

    def _columns(self, train):
        """(weights d x columns, offsets) of the verdict, each cause and each finding."""
        data, features = self.data, self.features
        real = head.Rows(features.real[train], data.sick[train], 1)
        for other in features.varied:
            real += head.Rows(other[train], data.sick[train], VARIED_WEIGHT)
        phantoms = head.Rows(features.phantom, data.phantom_sick, 1)
        twins = train[data.painted_of]
        painted = head.Rows(features.painted[twins], np.ones(twins.sum(), bool), 1)
        columns = [head.verdict(real, phantoms, painted, features.parts, features.scales)]
        direction, offset = columns[0]
        causes = head.classes(
            features.real[train], self._cause()[train], len(CAUSES), features.scales)
        # A cause must not contradict the verdict: what speaks for it speaks against *regular*.
        shares = COUPLING * (np.array(list(CAUSES.values())) > 0)
        columns += [(w + c * direction, b + c * offset) for (w, b), c in zip(causes, shares)]
        for name in FINDINGS:
            labels = self._noted(name)[train]
            rows = head.Rows(features.real[train], labels, 1)
            rare = min(labels.sum(), (~labels).sum()) < 3
            nothing = np.zeros(features.real.shape[1]), 0.0
            columns.append(
                nothing if rare else head.averaged(rows, features.parts[0], features.scales))
        return np.column_stack([w for w, _ in columns]), np.array([o for _, o in columns])

    @staticmethod
    def _calibrated(weights, offset, held, present):
        """A finding's column, so that it gives calibrated log-odds; of rare ones their share."""
        if not held.any() or not weights.any():
            share = (present.sum() + 1) / (len(present) + 2)
            return weights * 0, np.log(share / (1 - share))
        slope, intercept = calibrate.platt(held, present)
        return max(slope, 0.0) * weights, max(slope, 0.0) * offset + intercept

    def _familiar(self, train):
        own = [self.features.frames[i] for i in np.flatnonzero(train)]
        own.append(self.features.phantom_frames[::3, -1])
        return familiarity.fit(np.concatenate(own), self.features.strange)


def known_answers(data, model):
    """Of each scene the picture whose answer depends least on how the sums are rounded: between
    ONNX Runtime's int8 kernels, which now and then round a sum of two maps otherwise than its
    definition says, and the definition in float."""
    exact, defined = quantize.session(model, exact=True), quantize.session(model)
    known = {}
    for name in ("normal", "blines"):
        first = SCENES.index(name) * len(PHANTOM_SEEDS)
        frames = np.stack([clip[-1] for clip in data.phantoms[first : first + KNOWN_AMONG]])
        answers, others = (quantize.outputs(run, frames)[0] for run in (exact, defined))
        least = np.abs(answers - others).max(1).argmin()
        known[name] = frames[least][0], answers[least]
    return known


def manifest(trained, without):
    label = lambda name, *aliases: {"name": name, "aliases": list(aliases)}
    stated = {key: round(value, 3) for key, value in trained.stated.items()}
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
        "class": [
            {"name": "regular", "refer": False, "aliases": ["normal", "healthy", "clear"]},
            {"name": "pathologic", "refer": True, "aliases": [
                "refer", "Bacterial pneumonia", "Viral pneumonia", "pneumonia", "COVID-19",
                "B-lines", "consolidation", "effusion"]},
        ],
        "head": [
            {"name": "cause", "activation": "softmax", "temperature": 1.0,
             "label": [
                label("regular", "normal"), label("pneumonia", "Bacterial pneumonia"),
                label("COVID-19")]},
            {"name": "findings", "activation": "sigmoid", "temperature": 1.0,
             "label": [label(n, *{column} - {n}) for n, column in FINDINGS.items()]},
        ],
        "familiarity": {"least": round(trained.least, 3)},
        "map": {"output": "map", "full": 3.0},
        "decision": {
            "refer": round(trained.refer, 5), "clear": round(trained.clear, 5),
            "hysteresis": HYSTERESIS, "min_evidence_s": MIN_EVIDENCE, "window_s": WINDOW,
        },
        "calibration": {
            "method": "Platt scaling of held-out clip scores, folds grouped by patient",
            "slope": round(trained.slope, 5),
            "intercept": round(trained.intercept, 5),
        },
        "stated": {
            **stated,
            "method": "split conformal in each class on held-out clip scores, grouped by patient; "
            f"about {MISS:.1%} of pathologic clips cleared, {ALARM:.1%} of regular ones referred",
        },
        "provenance": {
            "made_by": "models/train/lung.py",
            "training_data": f"lung_pocus (Born et al. 2021), convex clips, {without}; "
            f"phantom seeds {PHANTOM_SEEDS[0]} to {PHANTOM_SEEDS[-1]}; ImageNet weights of "
            "EfficientNet-Lite0; for familiarity pictures of anything but lungs (strangers.py)",
            "training_set": "training-set.csv",
        },
        "licence": {
            "terms": "CC BY-NC-SA 4.0",
            "notice": "Trained on clips under CC BY, CC BY-NC and CC BY-NC-SA: "
            "non-commercial use, share alike, cite the clips' sources (card.md).",
        },
    }


def write_bundle(data, model, trained, without, card, folder):
    whole = pack.with_head(model, (trained.weights, trained.offsets))
    listed = [(d, row["patient"]) for d, row, t in zip(data.digests, data.rows, trained.train) if t]
    pack.write(folder, manifest(trained, without), whole, card, listed, known_answers(data, whole),
               TOLERANCE)


def splits(data):
    """Folder of each fold bundle, and the clips that it may learn from."""
    for shuffle in range(SHUFFLES):
        for k in range(INNER):
            name = column_of(shuffle)
            column = np.array([int(row[name]) for row in data.rows])
            yield f"{name}/{k}", column != k
    site = np.array([row["site"] for row in data.rows])
    for name in ("northumbria", "others"):
        yield f"site/{name}", site != name


def arguments_of(description):
    here = os.path.dirname(os.path.abspath(__file__))
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--data", required=True, help="folder with videos/, folds.csv, manifest.csv")
    parser.add_argument("--others", required=True, help="folder with medmnist/ and busi/")
    parser.add_argument("--sonolamp", default=os.path.join(here, "../../target/release/sonolamp"))
    parser.add_argument("--work", default=os.path.join(here, "work/lung"), help="cache")
    parser.add_argument("--out", default=os.path.join(here, "../lung"), help="bundle to write")
    arguments = parser.parse_args()
    os.makedirs(arguments.work, exist_ok=True)
    return arguments


def prepare(arguments):
    torch.set_num_threads(1)  # small layers: more would wait for each other
    data = Data(arguments)
    model, path, macs = network(data, arguments.work)
    key = hashlib.sha256(model.SerializeToString()).hexdigest()[:16]
    spread = findings.spread(pack.onnx.load(path))
    features = Features(data, model, spread, os.path.join(arguments.work, f"features-{key}.npz"))
    return data, model, features, macs


def main():
    arguments = arguments_of(__doc__.split("\n")[0])
    data, model, features, _ = prepare(arguments)
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "lung-card.md")) as file:
        card = file.read()
    short = "# Fold bundle\n\nFor `sonolamp evaluate --fold-bundles` alone; see models/lung/card.md.\n"
    everyone = Trained(data, features, np.ones(len(data.rows), bool))
    write_bundle(data, model, everyone, "all of them", card, arguments.out)
    shutil.rmtree(os.path.join(arguments.out, "folds"), ignore_errors=True)
    for name, train in tqdm(list(splits(data)), "fold bundles", disable=None):
        trained = Trained(data, features, train)
        folder = os.path.join(arguments.out, "folds", name)
        write_bundle(data, model, trained, f"all but {name}", short, folder)
    curves.reliability(os.path.join(arguments.work, "reliability.png"), everyone.held_out, data.sick)


if __name__ == "__main__":
    main()
