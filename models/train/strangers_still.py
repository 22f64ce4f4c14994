"""Pictures that are no breast ultrasound, as the appliance's tensors, for the familiarity column."""

import csv
import os

import still_data

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
