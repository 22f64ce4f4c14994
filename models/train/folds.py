"""Grouped folds: no group (patient, near-duplicate) ever stands on both sides of a split."""

import csv

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold


def read(path):
    """Rows of a table of labels."""
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def write(path, rows):
    with open(path, "w", newline="") as file:
        table = csv.DictWriter(file, rows[0], lineterminator="\n")
        table.writeheader()
        table.writerows(rows)


def grouped(labels, groups, seed, count=5):
    """Fold of each row: `count` folds with about equal shares of each label."""
    fold = np.zeros(len(labels), int)
    splits = StratifiedGroupKFold(count, shuffle=True, random_state=seed)
    for k, (_, test) in enumerate(splits.split(labels, labels, groups)):
        fold[test] = k
    check(fold, groups)
    return fold


def check(fold, groups):
    """Fails if a group stands in two folds."""
    seen = {}
    for k, group in zip(fold, groups):
        if seen.setdefault(group, k) != k:
            raise ValueError(f"group {group} stands in the folds {seen[group]} and {k}: a leak")
