"""Still pictures and their lesion masks as the appliance's tensors, and folds grouped by duplicate.

    python still_data.py DIR labels.csv     # writes DIR's table with the column of folds

Reads a table `file,label,group,mask` beside the pictures. Masks are carried into the tensor by the
box that `sonolamp frames` reports for each picture.
"""

import csv
import json
import os
import subprocess
import sys

import numpy as np
from PIL import Image
from sklearn.model_selection import StratifiedGroupKFold

import augment_still
import pack

SIZE = (160, 128)  # width, height: the shape of a usual sector's box, so that little is stretched
FOLDS, FOLD_SEED = 5, 0
OVERLAYS = 3  # copies of each picture with marks drawn on it before preprocessing
CLASSES = ["normal", "benign", "malignant"]
SCENES = ["normal", "cyst", "mass"]  # phantoms, in the order of the classes
PHANTOM_SEEDS = range(1_000_001, 1_000_049)


def read_frames(sonolamp, sources, out, extra=()):
    """Tensors (n, h, w) of `sources` through the appliance's preprocessing, and their boxes
    (left, top, right, bottom) in the picture; cached in `out`."""
    stamp = os.path.join(out, "sources.json")
    wanted = json.dumps([SIZE, list(sources), list(extra)])
    if not os.path.exists(stamp) or open(stamp).read() != wanted:
        os.makedirs(out, exist_ok=True)
        with open(os.path.join(out, "sources.txt"), "w") as file:
            file.write("\n".join(sources) + "\n")
        command = [sonolamp, "frames", "--out", out, "--size", f"{SIZE[0]}x{SIZE[1]}", "--stack"]
        command += ["--region", "sector", "--most", "1", "--jobs", "1", *extra]
        subprocess.run([*command, "--list", os.path.join(out, "sources.txt")], check=True)
        with open(stamp, "w") as file:
            file.write(wanted)
    with open(os.path.join(out, "frames.csv")) as file:
        rows = list(csv.DictReader(file))
    assert [row["source"] for row in rows] == list(sources), f"{out}: a source was unusable"
    boxes = [tuple(int(row[k]) for k in ("left", "top", "right", "bottom")) for row in rows]
    return np.load(os.path.join(out, "all.npy"))[:, 0], boxes


def carry(mask, box):
    """The share of each cell of the tensor that the mask covers, 0 to 255."""
    cut = Image.fromarray(mask).crop(box)
    return np.asarray(cut.resize(SIZE, Image.Resampling.BOX))


def table(data):
    with open(os.path.join(data, "labels.csv")) as file:
        return list(csv.DictReader(file))


def folds(labels, groups):
    """The fold of each picture: no group is split, classes have like shares."""
    split = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=FOLD_SEED)
    fold = np.zeros(len(labels), int)
    for k, (_, test) in enumerate(split.split(labels, labels, groups)):
        fold[test] = k
    return fold


def write_table(rows, path):
    """The table with the fold column, for `sonolamp evaluate --root DATA`."""
    numbers = np.array([CLASSES.index(row["label"]) for row in rows])
    with open(path, "w", newline="") as file:
        writer = csv.DictWriter(file, ["file", "label", "group", "mask", "fold"], lineterminator="\n")
        writer.writeheader()
        for row, fold in zip(rows, folds(numbers, np.array([row["group"] for row in rows]))):
            writer.writerow({**row, "fold": int(fold)})


class Stills:
    def __init__(self, data, sonolamp, work, classes):
        self.rows = table(data)
        at = lambda name: os.path.join(work, name)
        paths = [os.path.join(data, row["file"]) for row in self.rows]
        self.label = np.array([classes.index(row["label"]) for row in self.rows])
        self.group = np.array([row["group"] for row in self.rows])
        self.digests = [pack.sha256(path) for path in paths]
        self.masks_raw = [self._mask(data, row, path) for row, path in zip(self.rows, paths)]
        variants = [paths]
        for v in range(OVERLAYS):
            variants.append(self._with_overlays(paths, at(f"overlays/{v}"), v))
        pictures, masks = [], []
        for v, sources in enumerate(variants):
            tensors, boxes = read_frames(sonolamp, sources, at(f"pictures/{v}"))
            pictures.append(tensors)
            masks.append(np.stack([carry(m, b) for m, b in zip(self.masks_raw, boxes)]))
            if v == 0:
                self.boxes = boxes
        # variant x picture x height x width
        self.pictures, self.masks = np.stack(pictures), np.stack(masks)
        seeds = [f"phantom:breast-{s}?seed={k}" for s in SCENES for k in PHANTOM_SEEDS]
        limits = ["--seconds", "0.5", "--truth"]
        self.phantoms, _ = read_frames(sonolamp, seeds, at("phantoms"), limits)
        self.phantom_masks = np.load(at("phantoms/all-truth.npy"))[:, 0]
        self.phantom_label = np.repeat(np.arange(len(SCENES)), len(PHANTOM_SEEDS))
        self.fold = folds(self.label, self.group)

    @staticmethod
    def _mask(data, row, path):
        if not row["mask"]:
            width, height = Image.open(path).size
            return np.zeros((height, width), np.uint8)
        mask = np.asarray(Image.open(os.path.join(data, row["mask"])).convert("L"))
        return np.where(mask > 127, 255, 0).astype(np.uint8)

    @staticmethod
    def _with_overlays(paths, folder, seed):
        os.makedirs(folder, exist_ok=True)
        out = []
        for i, path in enumerate(paths):
            out.append(os.path.join(folder, f"{i:04}.png"))
            if not os.path.exists(out[-1]):
                random = np.random.default_rng([seed, i])
                augment_still.overlay(Image.open(path).convert("L"), random).save(out[-1])
        return out


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    write_table(table(sys.argv[1]), sys.argv[2])
