"""Trains the still network: one run for a set of training rows, resumable after every epoch."""

import ctypes
import os

import matplotlib
import numpy as np
import torch
import torch.nn.functional as F
from tqdm import tqdm

import segment
from augment_still import augment
from quantize import SCALE, ZERO_POINT

matplotlib.use("Agg")
import matplotlib.pyplot as plt

# Fixed beforehand.
EPOCHS, BATCH, PHANTOMS = 40, 16, 1  # one picture of a batch is a phantom
CYCLES, LATER = 2, 0.6  # cosine cycles, and the rate of the second against the first
RATE_PUBLISHED, RATE_FRESH, DECAY = 3e-4, 1e-3, 0.03
SMOOTHING, DROPOUT, AVERAGE = 0.1, 0.3, 0.99
GATE_WEIGHT, MAP_WEIGHT = 0.3, 0.2
PLAIN = 0.5  # share of pictures without drawn overlays


def keep_memory():
    """Lets the C library keep large tensors' memory instead of giving it back after every use:
    a seventh of a step's time."""
    try:
        libc = ctypes.CDLL("libc.so.6")
        libc.mallopt(-4, 0)  # M_MMAP_MAX: none of it mapped
        libc.mallopt(-1, 2**31 - 1)  # M_TRIM_THRESHOLD
    except (OSError, AttributeError):
        pass  # not glibc: slower, nothing else


def centred(pictures):
    """0 to 255 as the network takes it."""
    return (pictures - ZERO_POINT) * SCALE


def lesion_loss(logits, mask):
    """Cross-entropy everywhere, and Dice where there is a lesion."""
    cross = F.binary_cross_entropy_with_logits(logits, mask)
    p = torch.sigmoid(logits)
    both, sizes = (p * mask).sum((1, 2, 3)), p.sum((1, 2, 3)) + mask.sum((1, 2, 3))
    dice = 1 - (2 * both + 1) / (sizes + 1)
    here = mask.amax((1, 2, 3)) > 0.5
    return cross + (dice * here).sum() / max(len(mask), 1)


def losses(out, label, mask, refer):
    cells = F.adaptive_avg_pool2d(mask, out["map"].shape[2:])
    referred = cells * (label == refer)[:, None, None, None]
    return {
        "class": F.cross_entropy(out["scores"], label, label_smoothing=SMOOTHING),
        "mask": lesion_loss(out["mask"], mask),
        "gate": GATE_WEIGHT * lesion_loss(out["gate"], cells),
        "map": MAP_WEIGHT * F.binary_cross_entropy_with_logits(
            out["map"], referred, pos_weight=torch.tensor(3.0)
        ),
    }


class Batches:
    """Shuffled, augmented batches of one epoch; the same for the same seed and epoch."""

    def __init__(self, data, rows, seed, epoch):
        self.data = data
        self.random = np.random.default_rng([seed, epoch])
        self.generator = torch.Generator().manual_seed(seed * 1000 + epoch)
        self.order = self.random.permutation(rows)
        self.real = BATCH - PHANTOMS

    def __len__(self):
        return len(self.order) // self.real

    def __iter__(self):
        data, random = self.data, self.random
        for b in range(len(self)):
            rows = self.order[b * self.real : (b + 1) * self.real]
            drawn = random.integers(1, len(data.pictures), len(rows))
            variant = np.where(random.random(len(rows)) < PLAIN, 0, drawn)
            phantoms = random.integers(0, len(data.phantoms), PHANTOMS)
            pictures = np.concatenate([data.pictures[variant, rows], data.phantoms[phantoms]])
            masks = np.concatenate([data.masks[variant, rows], data.phantom_masks[phantoms]])
            label = np.concatenate([data.label[rows], data.phantom_label[phantoms]])
            x = torch.from_numpy(pictures)[:, None].float() / 255
            y = torch.from_numpy(masks)[:, None].float() / 255
            x, y = augment(x, y, self.generator)
            yield centred(x * 255), torch.from_numpy(label), y


def parameter_groups(network):
    groups = {}
    for name, p in network.named_parameters():
        if not p.requires_grad:
            continue
        published = name.startswith("layers.") and not network.layers[name.split(".")[1]].fresh
        weight = p.ndim > 1
        groups.setdefault((published, weight), []).append(p)
    return [
        {
            "params": params, "weight_decay": DECAY if weight else 0.0,
            "lr": RATE_PUBLISHED if published else RATE_FRESH,
        }
        for (published, weight), params in groups.items()
    ]


def rate(step, steps):
    """Cosine cycles with warm restarts, each after a linear warm-up over a twentieth of it."""
    length = steps // CYCLES
    cycle, step = min(step // length, CYCLES - 1), step % length
    warm = max(length // 20, 1)
    top = LATER**cycle
    if step < warm:
        return top * (step + 1) / warm
    return top * 0.5 * (1 + np.cos(np.pi * (step - warm) / max(length - warm, 1)))


def train(data, rows, classes, refer, seed, path, name, watch=()):
    """A network trained on `rows`: the mean of the weights at the end of each cycle, each itself a
    moving average. Checkpoint and curves at `path`. `watch`: rows whose loss is drawn beside, and
    nothing else."""
    keep_memory()
    torch.manual_seed(seed)
    network = segment.Network(classes, refer)
    first = next(iter(Batches(data, rows, seed, 0)))
    network.settle(first[0])
    network = network.to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(parameter_groups(network))
    base = [group["lr"] for group in optimizer.param_groups]
    averaged = {k: v.clone() for k, v in network.state_dict().items()}
    history, snapshots, begin = [], [], 0
    if os.path.exists(path):
        state = torch.load(path, weights_only=False)
        network.load_state_dict(state["network"])
        optimizer.load_state_dict(state["optimizer"])
        averaged, history, begin = state["averaged"], state["history"], state["epoch"]
        snapshots = state["snapshots"]
    for epoch in range(begin, EPOCHS):
        batches = Batches(data, rows, seed, epoch)
        torch.manual_seed(seed * 1000 + epoch)
        network.train()
        sums = {}
        for b, (x, label, mask) in enumerate(
            tqdm(batches, f"{name}: epoch {epoch + 1} of {EPOCHS}", disable=None, leave=False)
        ):
            step = epoch * len(batches) + b
            for group, lr in zip(optimizer.param_groups, base):
                group["lr"] = lr * rate(step, EPOCHS * len(batches))
            out = network(x.contiguous(memory_format=torch.channels_last), DROPOUT)
            parts = losses(out, label, mask, refer)
            optimizer.zero_grad(set_to_none=True)
            sum(parts.values()).backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), 5.0)
            optimizer.step()
            keep = min(AVERAGE, (step + 1) / (step + 10))
            for k, v in network.state_dict().items():
                averaged[k].lerp_(v, 1 - keep)
            for k, v in parts.items():
                sums[k] = sums.get(k, 0.0) + v.item() / len(batches)
        history.append({f"training {k}": v for k, v in sums.items()})
        if len(watch) and (epoch % 4 == 3 or epoch == EPOCHS - 1):
            history[-1].update(look(data, watch, averaged, classes, refer))
        if (epoch + 1) % (EPOCHS // CYCLES) == 0:
            snapshots.append({k: v.clone() for k, v in averaged.items()})
        state = {
            "network": network.state_dict(), "optimizer": optimizer.state_dict(),
            "averaged": averaged, "snapshots": snapshots, "history": history, "epoch": epoch + 1,
        }
        torch.save(state, path + ".new")
        os.replace(path + ".new", path)
        print(name, epoch + 1, {k: round(v, 3) for k, v in history[-1].items()}, flush=True)
        curves(history, path.replace(".pt", ".png"), name)
    mean = {k: sum(s[k] for s in snapshots) / len(snapshots) for k in averaged}
    return restored(mean, classes, refer)


def restored(weights, classes, refer):
    network = segment.Network(classes, refer)
    network.load_state_dict(weights)
    return network.eval()


def predict(network, pictures):
    """Outputs for pictures (n, h, w; u8), as arrays."""
    outs = []
    with torch.no_grad():
        for start in range(0, len(pictures), 16):
            x = torch.from_numpy(pictures[start : start + 16])[:, None].float()
            out = network(centred(x).contiguous(memory_format=torch.channels_last))
            outs.append({k: v.numpy() for k, v in out.items()})
    return {k: np.concatenate([o[k] for o in outs]) for k in outs[0]}


def dice(logits, mask):
    """Mean Dice coefficient over the pictures with a lesion."""
    inside, truth = logits > 0, mask > 127
    both, sizes = (inside & truth).sum((1, 2)), inside.sum((1, 2)) + truth.sum((1, 2))
    here = truth.any((1, 2))
    return float((2 * both / np.maximum(sizes, 1))[here].mean())


def look(data, rows, weights, classes, refer):
    out = predict(restored(weights, classes, refer), data.pictures[0][rows])
    scores, label = torch.from_numpy(out["scores"]), torch.from_numpy(data.label[rows])
    return {
        "held-out class": F.cross_entropy(scores, label).item(),
        "held-out accuracy": (scores.argmax(1) == label).float().mean().item(),
        "held-out Dice": dice(out["mask"][:, 0], data.masks[0][rows]),
    }


def curves(history, path, name):
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.5))
    for key in sorted({k for h in history for k in h}):
        points = [(i + 1, h[key]) for i, h in enumerate(history) if key in h]
        part = axes[0] if key in ("training class", "held-out class") else axes[1]
        part.plot(*zip(*points), label=key, marker="." if "held" in key else None)
    for part in axes:
        part.set_xlabel("epoch")
        part.legend(fontsize=7)
    figure.suptitle(name)
    figure.tight_layout()
    figure.savefig(path, dpi=80)
    plt.close(figure)
