"""Figures of the breast bundle from held-out outputs."""

import numpy as np
from scipy.special import softmax
from sklearn.metrics import balanced_accuracy_score, roc_auc_score

import calibrate


def verdicts(probability, clear, refer):
    """1 refer, 0 clear, -1 ungradable."""
    return np.where(probability >= refer, 1, np.where(probability <= clear, 0, -1))


def dice_of(logits, masks, least=0.0):
    """Dice coefficient of each picture with a lesion; NaN without."""
    inside, truth = logits >= least, masks > 127
    sizes = inside.sum((1, 2)) + truth.sum((1, 2))
    dice = 2 * (inside & truth).sum((1, 2)) / np.maximum(sizes, 1)
    return np.where(truth.any((1, 2)), dice, np.nan)


def mask_level(logits, masks):
    """Log-odds from which a pixel is inside that give held-out pictures the best mean Dice."""
    levels = np.arange(-1.5, 1.51, 0.25)
    return float(max(levels, key=lambda level: np.nanmean(dice_of(logits, masks, level))))


def figures(data, held_out, crossed, refer, classes):
    """Out-of-fold figures; `crossed`: the calibration of each fold's bundle."""
    positive = data.label == refer
    out, said = {}, {}
    for what in ("float", "int8"):
        scores = held_out[what]["scores"]
        p = np.zeros(scores.shape)
        said[what] = np.zeros(len(positive), int)
        for k, c in enumerate(crossed):
            rows = data.fold == k
            p[rows] = softmax(scores[rows] * c["slope"], 1)
            said[what][rows] = verdicts(p[rows, refer], c["clear"], c["refer"])
        level = np.array([c["mask level"] for c in crossed])[data.fold][:, None, None]
        mask = held_out[what]["mask"] - level
        dice = dice_of(mask, data.masks[0])
        given = said[what] >= 0
        out[what] = {
            "accuracy": float((p.argmax(1) == data.label).mean()),
            "balanced accuracy": float(balanced_accuracy_score(data.label, p.argmax(1))),
            "AUC, macro one against the rest": float(roc_auc_score(data.label, p, multi_class="ovr")),
            "AUC, refer": float(roc_auc_score(positive, p[:, refer])),
            "Dice, tensor": float(np.nanmean(dice)),
            "Dice, tensor, by class": {
                c: float(np.nanmean(dice[data.label == i])) for i, c in enumerate(classes) if i
            },
            "normal pictures with a mask of 0.2 % of the picture or more": float(
                ((mask >= 0).mean((1, 2)) > 0.002)[data.label == 0].mean()
            ),
            "calibration error, refer": calibrate.calibration_error(p[:, refer], positive),
            "coverage": float(given.mean()),
            "sensitivity of verdicts": float((said[what][given & positive] == 1).mean()),
            "specificity of verdicts": float((said[what][given & ~positive] == 0).mean()),
            "confusion (rows: truth)": [
                [int(((data.label == a) & (p.argmax(1) == b)).sum()) for b in range(len(classes))]
                for a in range(len(classes))
            ],
            "by fold": [
                {
                    "accuracy": float((p.argmax(1) == data.label)[data.fold == k].mean()),
                    "AUC": float(roc_auc_score(
                        data.label[data.fold == k], p[data.fold == k], multi_class="ovr"
                    )),
                    "Dice": float(np.nanmean(dice[data.fold == k])),
                }
                for k in range(len(crossed))
            ],
        }
    key = "AUC, macro one against the rest"
    out["int8 against float"] = {
        "AUC loss": out["float"][key] - out["int8"][key],
        "same class": float(np.mean(
            held_out["float"]["scores"].argmax(1) == held_out["int8"]["scores"].argmax(1)
        )),
        "same verdict": float(np.mean(said["float"] == said["int8"])),
        "Dice loss": out["float"]["Dice, tensor"] - out["int8"]["Dice, tensor"],
        "largest difference of a score": float(
            np.abs(held_out["float"]["scores"] - held_out["int8"]["scores"]).max()
        ),
    }
    out["calibration by fold"] = crossed
    return out
