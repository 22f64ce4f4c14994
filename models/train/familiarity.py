"""How much a picture looks like those trained on: one linear column on the pooled features.

Logistic regression of the training pictures against pictures of anything else (outlier exposure,
Hendrycks et al. 2019).
"""

import numpy as np
from sklearn.linear_model import LogisticRegression

STRENGTH = 0.01  # inverse of the regularization, fixed beforehand


def fit(own, alien):
    """(weights, offset) of the log-odds that features come from a picture like `own`."""
    features = np.concatenate([own, alien]).astype(np.float64)
    known = np.arange(len(features)) < len(own)
    mean, deviation = features.mean(0), features.std(0) + 1e-3
    model = LogisticRegression(C=STRENGTH, class_weight="balanced", max_iter=500)
    model.fit((features - mean) / deviation, known)
    weights = model.coef_[0] / deviation
    return weights, float(model.intercept_[0] - weights @ mean)


def score(features, column):
    return features @ column[0] + column[1]
