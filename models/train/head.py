"""Linear heads on clip-mean features: the verdict, the cause, the findings, familiarity."""

import itertools

import numpy as np

# Averaged over, not chosen among: pooled validation does not predict transfer between sites.
SHRINKAGES = (0.03, 0.05, 0.1)
PHANTOM_WEIGHTS = (0.2, 0.4, 0.8)
PHANTOM_NORMAL = 0.7  # share of the normal ones in that weight
CAUSE_SHRINKAGE = 0.3  # more classes, fewer clips of each
# Of each counterfactual twin. lung_studies.py: any weight lowered the grouped AUC and the transfer
# to Northumbria, and raised nothing beyond chance.
PAINT_WEIGHT = 0.0


def discriminant(features, classes, weights, shrinkage):
    """Linear discriminant with shrunk pooled covariance, equal priors.

    `features` n x d, `classes` n numbers from 0, `weights` n. Returns (weights d x k, offsets k).
    """
    features = np.asarray(features, np.float64)
    scatter, means = np.zeros((features.shape[1],) * 2), []
    for k in range(classes.max() + 1):
        rows, w = features[classes == k], weights[classes == k]
        means.append(np.average(rows, 0, w))
        centred = rows - means[-1]
        scatter += (centred * w[:, None]).T @ centred
    scatter /= weights.sum()
    size = len(scatter)
    scatter = (1 - shrinkage) * scatter + shrinkage * np.trace(scatter) / size * np.eye(size)
    means = np.stack(means)
    columns = np.linalg.solve(scatter, means.T)
    return columns, -0.5 * (means.T * columns).sum(0)


def two_classes(features, positive, weights, shrinkage):
    """(direction d, offset) of the log-odds of `positive`."""
    columns, offsets = discriminant(features, np.asarray(positive, int), weights, shrinkage)
    return columns[:, 1] - columns[:, 0], offsets[1] - offsets[0]


class Rows:
    """Weighted rows to learn from."""

    def __init__(self, features, labels, weights):
        self.features, self.labels = np.asarray(features, np.float64), np.asarray(labels)
        self.weights = np.broadcast_to(np.asarray(weights, np.float64), len(self.features))

    def __add__(self, other):
        join = lambda name: np.concatenate([getattr(self, name), getattr(other, name)])
        return Rows(join("features"), join("labels"), join("weights"))

    def weighing(self, total, negative=PHANTOM_NORMAL):
        """The same rows with this sum of weights, of which negatives have the share `negative`."""
        sides = self.labels.astype(bool)
        share = np.where(sides, (1 - negative) / sides.sum(), negative / (~sides).sum())
        return Rows(self.features, self.labels, share * total)


def classes(features, labels, count, scales):
    """A column (weights, offset) for each of `count` classes, mean over `scales`; labels below 0
    are left out. A class without clips never wins."""
    known, total, offsets = labels >= 0, 0.0, 0.0
    present = np.unique(labels[known])
    numbers = np.searchsorted(present, labels[known])
    for scale in scales:
        x = features[known] * scale
        columns, bias = discriminant(x, numbers, np.ones(len(x)), CAUSE_SHRINKAGE)
        total, offsets = total + scale[:, None] * columns / len(scales), offsets + bias / len(scales)
    # What all classes have in common says nothing, and would drown the rest in large numbers.
    total, offsets = total - total.mean(1, keepdims=True), offsets - offsets.mean()
    at = {k: i for i, k in enumerate(present)}
    none = np.zeros(features.shape[1]), -99.0
    return [(total[:, at[k]], offsets[at[k]]) if k in at else none for k in range(count)]


def averaged(rows, columns, scales):
    """Mean of standardized discriminants over the shrinkages and `scales` (factors d, in which
    features count as alike); on `columns` alone."""
    total, offset = np.zeros(rows.features.shape[1]), 0.0
    for shrinkage, scale in itertools.product(SHRINKAGES, scales):
        x = (rows.features * scale)[:, columns]
        direction, bias = two_classes(x, rows.labels, rows.weights, shrinkage)
        spread = np.sqrt(np.cov(x @ direction, aweights=rows.weights))
        total[columns] += scale[columns] * direction / spread
        offset += bias / spread
    count = len(SHRINKAGES) * len(scales)
    return total / count, offset / count


def verdict(real, phantoms, painted, parts, scales):
    """Mean of discriminants over all settings, feature sets and scales.

    `real`, `phantoms`, `painted`: Rows with labels True for pathologic; `parts`: which columns each
    feature set takes. Returns (direction, offset) with scores of about unit variance.
    """
    if PAINT_WEIGHT and len(painted.labels):
        real += Rows(painted.features, painted.labels, PAINT_WEIGHT)
    heads = [
        averaged(real + phantoms.weighing(weight * real.weights.sum()), columns, scales)
        for weight, columns in itertools.product(PHANTOM_WEIGHTS, parts)
    ]
    return np.mean([d for d, _ in heads], 0), np.mean([o for _, o in heads])
