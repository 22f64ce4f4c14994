"""The linear head on clip-mean features, and its calibration."""

import numpy as np
from sklearn.linear_model import LogisticRegression

# Fixed beforehand: pooled validation does not predict transfer between sites.
SHRINKAGE = 0.1


def fit(features, positive, weights):
    """Linear discriminant with shrunk pooled covariance; returns (direction, offset)."""
    features, positive = np.asarray(features, np.float64), np.asarray(positive, bool)
    weights = np.asarray(weights, np.float64)
    means, scatter = [], np.zeros((features.shape[1],) * 2)
    for side in (False, True):
        rows, w = features[positive == side], weights[positive == side]
        means.append(np.average(rows, 0, w))
        centred = rows - means[-1]
        scatter += (centred * w[:, None]).T @ centred
    scatter /= weights.sum()
    size = len(scatter)
    scatter = (1 - SHRINKAGE) * scatter + SHRINKAGE * np.trace(scatter) / size * np.eye(size)
    direction = np.linalg.solve(scatter, means[1] - means[0])
    return direction.astype(np.float32), np.float32(-direction @ (means[0] + means[1]) / 2)


def score(features, head):
    direction, offset = head
    return np.asarray(features) @ direction + offset


def calibrate(scores, positive):
    """Platt's slope and intercept for held-out scores."""
    model = LogisticRegression(C=1e3).fit(np.asarray(scores)[:, None], positive)
    return float(model.coef_[0, 0]), float(model.intercept_[0])
