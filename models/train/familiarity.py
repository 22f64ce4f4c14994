"""How much a picture looks like those trained on: one linear column on the pooled features.

Logistic regression of the training pictures against pictures of anything else (outlier exposure).
"""

import csv
import os

import numpy as np
from sklearn.linear_model import LogisticRegression

import still_data

# Fixed beforehand.
STRENGTH = 0.01
ORGAN_FOLDS = {"0", "1", "2"}  # clips of other folds stay unseen, for testing


class Strangers:
    """Pictures that are no breast ultrasound, through the appliance's preprocessing."""

    def __init__(self, folder, organs, sonolamp, work):
        with open(os.path.join(folder, "strangers.csv")) as file:
            rows = list(csv.DictReader(file))
        own = lambda row: row["kind"] == "breast" or row["group"] == "fan: of breast"
        rows = [row for row in rows if not own(row)]
        paths = [os.path.join(folder, row["file"]) for row in rows]
        self.kind = [row["kind"] for row in rows]
        with open(os.path.join(organs, "folds.csv")) as file:
            clips = [row["file"] for row in csv.DictReader(file) if row["fold"] in ORGAN_FOLDS]
        paths += [os.path.join(organs, "videos", clip) for clip in clips]
        scenes = ("normal", "blines", "confluent", "consolidation", "effusion")
        phantoms = [f"phantom:lung-{s}?seed={k}" for s in scenes for k in range(1_000_001, 1_000_009)]
        self.kind += ["lung"] * len(clips) + ["lung phantom"] * len(phantoms)
        limit = ["--seconds", "0.5"]
        self.pictures, _ = still_data.read_frames(
            sonolamp, paths + phantoms, os.path.join(work, "strangers"), limit
        )
        # Where no sector was found the tensor is black: a flaw of its own, and all alike.
        seen = self.pictures.any((1, 2))
        self.pictures = self.pictures[seen]
        self.kind = [kind for kind, s in zip(self.kind, seen) if s]


def fit(own, alien):
    """(weights, offset) of the log-odds that features come from a picture like `own`."""
    features = np.concatenate([own, alien]).astype(np.float64)
    known = np.arange(len(features)) < len(own)
    mean, deviation = features.mean(0), features.std(0) + 1e-3
    model = LogisticRegression(C=STRENGTH, class_weight="balanced", max_iter=500)
    model.fit((features - mean) / deviation, known)
    weights = model.coef_[0] / deviation
    offset = model.intercept_[0] - weights @ mean
    return weights.astype(np.float32), np.float32(offset)


def score(features, column):
    return features @ column[0] + column[1]
