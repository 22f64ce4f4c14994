"""PneumoniaMNIST and strangers as the network's own input tensors, by the appliance's preprocessing."""

import csv
import os
import subprocess
import sys

import numpy as np
from PIL import Image
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.model_selection import StratifiedGroupKFold

import pack
import xray_net

PARTS = ("train", "val", "test")
CLASSES = ("normal", "pneumonia")
# MedMNIST's pictures are smaller than the appliance takes; a whole multiple leaves no pattern.
ENLARGED = 8 * 28
FOLDS, LOOKS = 5, 60


def read_frames(sonolamp, sources, out):
    """Tensors (n x 32 x 32) of still pictures or of phantoms' first frames; cached in `out`."""
    os.makedirs(out, exist_ok=True)
    wanted, stamp = "\n".join(sources) + "\n", os.path.join(out, "sources.txt")
    if not os.path.exists(stamp) or open(stamp).read() != wanted:
        list_of_sources = os.path.join(out, "list.txt")
        with open(list_of_sources, "w") as file:
            file.write(wanted)
        size = f"{xray_net.SIZE}x{xray_net.SIZE}"
        command = [sonolamp, "frames", "--list", list_of_sources, "--out", out, "--stack"]
        command += ["--region", "whole", "--size", size, "--seconds", "0.01", "--jobs", "1"]
        subprocess.run(command, check=True)
        os.rename(list_of_sources, stamp)
    pixels = np.load(os.path.join(out, "all.npy"))[:, 0]
    if len(pixels) != len(sources):
        raise SystemExit(f"{out}: {len(pixels)} frames of {len(sources)} sources")
    return pixels


class Data:
    """Tensors, labels and digests of the three parts, strangers, and folds of the training part."""

    def __init__(self, stored, sonolamp, work, seed):
        self.work, self.sonolamp = work, sonolamp
        at = lambda *names: os.path.join(work, *names)
        self.pixels, self.positive, self.digests = {}, {}, {}
        for part in PARTS:
            os.makedirs(at(part), exist_ok=True)
            names = [at(part, f"{i:04}.png") for i in range(len(stored[f"{part}_images"]))]
            for name, picture in zip(names, stored[f"{part}_images"]):
                if not os.path.exists(name):
                    Image.fromarray(picture).resize((ENLARGED, ENLARGED), Image.BICUBIC).save(name)
            self.positive[part] = stored[f"{part}_labels"].ravel() == 1
            self.pixels[part] = read_frames(sonolamp, names, at(f"{part}-frames"))
            self.digests[part] = [pack.sha256(name) for name in names]
            with open(at(f"{part}.csv"), "w", newline="") as file:
                table = csv.writer(file, lineterminator="\n")
                table.writerow(["file", "label", "group"])
                for name, side in zip(names, self.positive[part]):
                    file_name = os.path.relpath(name, work)
                    table.writerow([file_name, CLASSES[int(side)], file_name])
        self.strangers = self._strangers(seed)
        self.fold = self._folds(seed)

    def _strangers(self, seed):
        folder = os.path.join(self.work, "strangers")
        table = os.path.join(folder, "strangers.csv")
        if not os.path.exists(table):
            program = os.path.join(os.path.dirname(os.path.abspath(__file__)), "strangers.py")
            command = [sys.executable, program, "--out", folder, "--mode", "train"]
            subprocess.run([*command, "--seed", str(seed)], check=True)
        with open(table) as file:
            paths = [os.path.join(folder, row["file"]) for row in csv.DictReader(file)]
        return read_frames(self.sonolamp, paths, os.path.join(self.work, "strangers-frames"))

    def _folds(self, seed):
        """Keep like pictures together, since patients are not known."""
        rows = self.pixels["train"].reshape(len(self.pixels["train"]), -1).astype(np.float64)
        rows = PCA(20, random_state=seed).fit_transform(rows)
        looks = KMeans(LOOKS, n_init=4, random_state=seed).fit_predict(rows)
        fold = np.zeros(len(rows), int)
        parts = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=seed)
        for k, (_, rest) in enumerate(parts.split(rows, self.positive["train"], looks)):
            fold[rest] = k
        return fold
