"""Pictures of a training: losses and reliability, as PNG."""

import matplotlib
import numpy as np

matplotlib.use("Agg")
from matplotlib import pyplot  # noqa: E402 (the backend must be chosen first)


def losses(path, runs):
    """`runs`: name -> loss of each epoch."""
    figure, axes = pyplot.subplots(figsize=(6, 4))
    for name, values in runs.items():
        axes.plot(range(1, len(values) + 1), values, label=name)
    axes.set(xlabel="epoch", ylabel="loss", yscale="log")
    axes.legend()
    _save(figure, path)


def reliability(path, probability, positive, bins=10):
    """Mean probability against the share of positives, with the clips of each bin."""
    at = np.minimum((np.asarray(probability) * bins).astype(int), bins - 1)
    figure, axes = pyplot.subplots(figsize=(5, 5))
    axes.plot([0, 1], [0, 1], color="grey", linewidth=1)
    for b in range(bins):
        if (inside := at == b).any():
            x, y = np.asarray(probability)[inside].mean(), np.asarray(positive)[inside].mean()
            axes.scatter(x, y, 8 * inside.sum(), color="C0")
    axes.set(xlabel="probability of referring", ylabel="share of pathologic clips")
    _save(figure, path)


def _save(figure, path):
    figure.tight_layout()
    figure.savefig(path, dpi=120)
    pyplot.close(figure)
