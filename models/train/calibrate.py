"""From held-out scores to probabilities, and to thresholds with a stated error.

Everything here takes scores of clips by heads that have not seen the clip's group.
"""

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import expit, log_softmax
from sklearn.linear_model import LogisticRegression


def platt(scores, positive):
    """Slope (one over the temperature) and intercept of the log-odds, by maximum likelihood
    (Platt 1999)."""
    model = LogisticRegression(C=1e3).fit(np.asarray(scores)[:, None], positive)
    return float(model.coef_[0, 0]), float(model.intercept_[0])


def temperature(logits, classes):
    """Temperature of a softmax by maximum likelihood (Guo et al. 2017)."""
    rows = np.arange(len(classes))

    def loss(log_t):
        return -log_softmax(logits / np.exp(log_t), 1)[rows, classes].mean()

    return float(np.exp(minimize_scalar(loss, (-3, 3), (-3, 3), method="bounded").x))


def conformal(probability, positive, miss, alarm):
    """Thresholds (clear, refer) on the probability of referring, by split conformal prediction in
    each class (Vovk 2012): of new positives at most a share `miss` is cleared, of new negatives at
    most a share `alarm` is referred, on average over draws, if they are drawn as these were.

    Where the two would cross there is nothing to abstain from: both become their midpoint.
    """
    probability, positive = np.asarray(probability), np.asarray(positive, bool)
    sick, well = np.sort(probability[positive]), np.sort(probability[~positive])[::-1]
    k = int(np.floor(miss * (len(sick) + 1)))
    clear = np.nextafter(np.float32(sick[k - 1]), np.float32(0)) if k > 0 else 0.0
    k = int(np.floor(alarm * (len(well) + 1)))
    refer = np.nextafter(np.float32(well[k - 1]), np.float32(1)) if k > 0 else 1.0
    if clear > refer:
        clear = refer = (clear + refer) / 2
    return float(clear), float(refer)


def stated(probability, positive, clear, refer):
    """What these thresholds do: coverage, and sensitivity and specificity of the verdicts."""
    probability, positive = np.asarray(probability), np.asarray(positive, bool)
    referred, cleared = probability >= refer, (probability <= clear) & (probability < refer)
    share = lambda hit, of: float(hit.sum() / max(of.sum(), 1))
    given = referred | cleared
    return {
        "coverage": share(given, np.ones_like(given)),
        "sensitivity": share(referred & positive, given & positive),
        "specificity": share(cleared & ~positive, given & ~positive),
    }


def calibration_error(probability, positive, bins=10):
    """Expected calibration error over bins of equal width."""
    probability, positive = np.asarray(probability), np.asarray(positive, float)
    at = np.minimum((probability * bins).astype(int), bins - 1)
    gaps = [abs(probability[at == b].mean() - positive[at == b].mean()) * (at == b).mean()
            for b in range(bins) if (at == b).any()]
    return float(sum(gaps))


def probability(scores, slope, intercept):
    return expit(slope * np.asarray(scores) + intercept)
