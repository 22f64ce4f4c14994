"""Temperature, thresholds and figures of the X-ray bundle, both classes weighing the same."""

import numpy as np
from scipy.optimize import minimize_scalar
from sklearn.metrics import roc_auc_score

# Fixed beforehand: at most this share of either class may get the other's verdict, and this share
# of X-rays may be taken for something else.
ALPHA, UNFAMILIAR = 0.02, 0.005


def probability(odds, slope):
    return 1 / (1 + np.exp(-np.clip(slope * np.asarray(odds, np.float64), -60, 60)))


def temperature(odds, positive):
    """Slope of the log-odds with the least balanced log loss; no intercept, so that equal priors
    stay where the network put them."""
    sign = np.where(positive, 1, -1)
    weight = np.where(positive, 0.5 / positive.mean(), 0.5 / (~positive).mean())
    loss = lambda s: np.mean(weight * np.logaddexp(0, -sign * np.exp(s) * odds))
    return float(np.exp(minimize_scalar(loss, bounds=(-4, 4), method="bounded").x))


def thresholds(probabilities, positive):
    """(clear, refer) around one half: split conformal by class, the wider side for both, so that
    what is not abstained from is decided at one half."""
    def at(values):
        """The least value that no more than ALPHA of new ones exceed."""
        k = int(np.ceil((1 - ALPHA) * (len(values) + 1)))
        return np.sort(values)[min(k, len(values)) - 1]
    half = max(at(probabilities[~positive]) - 0.5, at(1 - probabilities[positive]) - 0.5, 0.0)
    return float(0.5 - half), float(0.5 + half)


def verdicts(probabilities, familiarity, rules):
    """1 refer, 0 clear, -1 ungradable."""
    said = np.where(probabilities >= rules["refer"], 1, np.where(probabilities <= rules["clear"], 0, -1))
    return np.where(familiarity < rules["least"], -1, said)


def settle(scores, positive):
    """All rules from held-out scores (n x 2)."""
    slope = temperature(scores[:, 0], positive)
    # As written to the manifest, so that what is counted here is what ships.
    slope, least = round(slope, 4), round(float(np.quantile(scores[:, 1], UNFAMILIAR)), 3)
    clear, refer = thresholds(probability(scores[:, 0], slope), positive)
    return {"slope": slope, "clear": round(clear, 4), "refer": round(refer, 4), "least": least}


def calibration_error(probabilities, positive, bins=10):
    place = np.minimum((probabilities * bins).astype(int), bins - 1)
    gaps = [abs(probabilities[place == b].mean() - positive[place == b].mean()) * (place == b).mean()
            for b in np.unique(place)]
    return float(np.sum(gaps))


def figures(scores, positive, rules):
    p = probability(scores[:, 0], rules["slope"])
    said = verdicts(p, scores[:, 1], rules)
    given, right = said >= 0, (p >= 0.5) == positive
    sides = (right[positive].mean() + right[~positive].mean()) / 2
    values = {
        "pictures": len(p), "auc": roc_auc_score(positive, p), "accuracy": right.mean(),
        "sensitivity": right[positive].mean(), "specificity": right[~positive].mean(),
        "balanced_accuracy": sides, "calibration_error": calibration_error(p, positive),
        "coverage": given.mean(), "unfamiliar": (scores[:, 1] < rules["least"]).mean(),
        "graded_sensitivity": (said[given & positive] == 1).mean(),
        "graded_specificity": (said[given & ~positive] == 0).mean(),
    }
    return {name: round(float(value), 4) for name, value in values.items()}


def agreement(floats, bytes_, rules):
    """How far int8 says what float says."""
    a, b = (probability(s[:, 0], rules["slope"]) for s in (floats, bytes_))
    same = verdicts(a, floats[:, 1], rules) == verdicts(b, bytes_[:, 1], rules)
    return {
        "same_verdict": round(float(same.mean()), 4),
        "same_side_of_half": round(float(((a >= 0.5) == (b >= 0.5)).mean()), 4),
        "largest_difference_of_log_odds": round(float(np.abs(floats - bytes_)[:, 0].max()), 3),
    }
