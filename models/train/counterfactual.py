"""Counterfactual pathology: findings painted on the frames of a clip that has none.

Every site's regular clips get a pathologic twin that has everything in common with them but the
finding, so that nothing else about a site can tell the classes apart. Two neutral kinds (A-lines,
acoustic shadow) give regular twins, so that paint alone tells nothing either.

Frames are network inputs (u8, n x S x S, the sector's box), painted in the probe's own
coordinates: `u` runs along the sector's width, `v` from the probe to the deepest echo, both 0 to 1.
The appearances follow Volpicelli et al., Intensive Care Med. 38:577-591, 2012. Amplitudes and
textures are invented; what comes out is no patient and no model of physics.
"""

import numpy as np
from scipy.ndimage import gaussian_filter, map_coordinates

FINDINGS = ("b-lines", "consolidation", "effusion")
NEUTRAL = ("a-lines", "shadow")
POLAR = 128  # samples of the polar picture along each axis


def _edge(rows, columns):
    """Least-squares line of an edge, column = slope * row + offset; None from too few points."""
    return np.polyfit(rows, columns, 1) if len(rows) >= 12 else None


class Sector:
    """Where a clip's pixels lie in the probe's coordinates. `aspect`: pixel width over height."""

    def __init__(self, frames, aspect=1.0):
        self.lit = frames.max(0) > 0
        height, width = self.lit.shape
        rows = [y for y in range(int(0.05 * height), int(0.6 * height), 2)
                if self.lit[y].sum() > 0.2 * width]
        first = np.array([self.lit[y].argmax() for y in rows], float)
        last = np.array([width - 1 - self.lit[y, ::-1].argmax() for y in rows], float)
        rows = np.array(rows, float)
        left = _edge(rows[first > 0.02 * width], first[first > 0.02 * width])
        right = _edge(rows[last < 0.98 * width], last[last < 0.98 * width])
        x, y, half = self._apex(left, right, height, width, aspect)
        yy, xx = np.mgrid[:height, :width].astype(float)
        across, down = (xx - x) * aspect, yy - y
        column = np.flatnonzero(self.lit[:, int(np.clip(x, 0, width - 1))])
        nearest = (column[0] if len(column) else 0) - y
        deepest = height - 1 - y
        self.u = np.clip((np.arctan2(across, down) + half) / (2 * half), 0, 1)
        self.v = np.clip((np.hypot(across, down) - nearest) / (deepest - nearest), 0, 1)
        angle = np.linspace(-half, half, POLAR)[None, :]
        radius = np.linspace(nearest, deepest, POLAR)[:, None]
        self.polar_at = np.stack([y + radius * np.cos(angle), x + radius * np.sin(angle) / aspect])

    @staticmethod
    def _apex(left, right, height, width, aspect):
        """Apex and half angle from the edges; a usual convex probe's where they say nothing."""
        slanted = [e for e in (left, right) if e is not None and abs(e[0] * aspect) > 0.15]
        if len(slanted) == 2 and left[0] < 0 < right[0]:
            y = (right[1] - left[1]) / (left[0] - right[0])
            x = left[0] * y + left[1]
            half = (np.arctan(-left[0] * aspect) + np.arctan(right[0] * aspect)) / 2
        elif len(slanted) == 1:
            x = width / 2
            y = (x - slanted[0][1]) / slanted[0][0]
            half = np.arctan(abs(slanted[0][0]) * aspect)
        else:
            x, y, half = width / 2, -0.35 * height, 0.5
        plausible = -1.2 * height < y < 0.15 * height and 0.25 < half < 1.0
        return (x, y, half) if plausible else (width / 2, -0.35 * height, 0.5)

    def pleura(self, frames):
        """Depth `v` of the pleural line in each pixel's own scan line: the smoothest bright ridge."""
        polar = map_coordinates(frames.mean(0), self.polar_at, order=1)
        ridge = gaussian_filter(polar, (1, 4)) - gaussian_filter(polar, 8)
        low, high = int(0.08 * POLAR), int(0.6 * POLAR)
        cost = ridge[low:high]
        best, steps = cost[:, 0], []
        shifts = np.arange(-2, 3)
        at = np.arange(len(cost))[:, None] - shifts
        inside = (at >= 0) & (at < len(cost))
        for line in range(1, POLAR):
            options = np.where(inside, best[at.clip(0, len(cost) - 1)], -1e9) - 0.8 * abs(shifts)
            choice = options.argmax(1)
            steps.append(at[np.arange(len(cost)), choice])
            best = options.max(1) + cost[:, line]
        path = [int(best.argmax())]
        for step in reversed(steps):
            path.append(int(step[path[-1]]))
        depth = gaussian_filter((np.array(path[::-1]) + low) / POLAR, 3)
        return depth[(self.u * (POLAR - 1)).astype(int)]

    def texture(self, rng, along, deep):
        """Smooth normal noise in the probe's coordinates, of unit deviation."""
        noise = gaussian_filter(rng.normal(size=(256, 256)), (deep, along))
        at = np.stack([self.v, self.u]) * 255
        return map_coordinates(noise / noise.std(), at, order=1, mode="nearest")

    def speckle(self, rng, along=2.0, deep=0.9):
        """Rayleigh-distributed, compressed as a machine's display does; mean about 1."""
        size = np.hypot(self.texture(rng, along, deep), self.texture(rng, along, deep))
        return (size / size.mean()) ** 0.7


def paint(frames, kind, rng, aspect=1.0):
    """Paints `kind` on a clip (u8, n x S x S); returns (frames, truth), both u8 of that shape.

    `truth` is 255 where the finding is, 0 elsewhere, and all zero for the neutral kinds. A black
    clip stays as it is.
    """
    if not frames.any():
        return frames.copy(), np.zeros_like(frames)
    sector = Sector(frames, aspect)
    reals = frames.astype(np.float32)
    pleura = sector.pleura(reals)
    bright = np.percentile(frames[:, sector.lit], 90)
    below = 1 / (1 + np.exp(-np.clip((sector.v - pleura) / 0.008, -50, 50)))
    painter = {"b-lines": _b_lines, "consolidation": _solid, "effusion": _fluid,
               "a-lines": _a_lines, "shadow": _shadow}[kind]
    draw = painter(sector, pleura, below, bright, rng)
    painted, truth = np.empty_like(frames), np.zeros_like(frames)
    for i, frame in enumerate(reals):
        picture, share = draw(frame, rng.normal(0, 0.02))
        painted[i] = np.clip(picture, 0, 255) * sector.lit
        truth[i] = np.clip(share, 0, 1) * 255 * sector.lit
    return painted, truth


def _b_lines(sector, pleura, below, bright, rng):
    count = rng.integers(1, 6)
    at = rng.uniform(0.1, 0.9, count)
    width = rng.uniform(0.012, 0.05, count) * (2.5 if rng.random() < 0.35 else 1)
    strength, fading = rng.uniform(0.35, 1, count), rng.uniform(0, 1, count)

    def draw(frame, sway):
        line = sum(
            a * np.exp(-(((sector.u - t - sway) / w) ** 2) / 2 - f * sector.v)
            for a, t, w, f in zip(strength, at, width, fading)
        ) * below
        painted = frame * (1 - 0.5 * line.clip(0, 1)) + 0.85 * bright * line * sector.speckle(rng)
        return painted, line > 0.2

    return draw


def _lesion(sector, pleura, below, bright, rng, base, spots):
    """A region below the pleural line with a ragged deep border."""
    centre, width = rng.uniform(0.2, 0.8), rng.uniform(0.15, 0.5)
    depth, ragged = rng.uniform(0.12, 0.5), 0.36 * sector.texture(rng, 10, 10)
    tissue = base * sector.speckle(rng, 2, 1) + spots
    rim = rng.uniform(0.4, 1.0)
    streaks = np.clip(0.5 + sector.texture(rng, 5, 200), 0, 2)

    def draw(frame, sway):
        deep = np.clip((sector.v - pleura) / depth, -1, 3)
        edge = 1 - ((sector.u - centre - sway) / width) ** 2
        border = edge - deep + ragged
        share = below / (1 + np.exp(-np.clip(border / 0.06, -50, 50)))
        inside = (edge > 0) * below * bright * sector.speckle(rng)
        wall = rim * np.exp(-((border / 0.12) ** 2)) * inside
        behind = 0.45 * (border < 0) * np.exp(-2 * np.clip(deep - edge, 0, 2)) * inside * streaks
        return frame * (1 - share) + tissue * share + wall + behind, share

    return draw


def _solid(sector, pleura, below, bright, rng):
    air = np.clip(sector.texture(rng, 2.5, 2) - 1.6, 0, 1.5) * bright * 1.3  # bronchograms
    return _lesion(sector, pleura, below, bright, rng, rng.uniform(0.35, 0.8) * bright, air)


def _fluid(sector, pleura, below, bright, rng):
    return _lesion(sector, pleura, below, bright, rng, rng.uniform(0.02, 0.12) * bright, 0)


def _a_lines(sector, pleura, below, bright, rng):
    depth, count, strength = np.median(pleura), rng.integers(1, 4), rng.uniform(0.3, 0.9)
    patchy = np.clip(0.7 + 0.6 * sector.texture(rng, 25, 200), 0, 1.5)

    def draw(frame, _):
        for k in range(2, 2 + count):
            line = np.exp(-(((sector.v - k * depth) / 0.012) ** 2) / 2)
            size = below * bright * strength * 0.7 ** (k - 2) * patchy
            frame = frame + size * line * sector.speckle(rng, 6, 0.9).clip(0, 2)
        return frame, np.zeros_like(frame)

    return draw


def _shadow(sector, pleura, below, bright, rng):
    count = rng.integers(1, 3)
    at, width = rng.uniform(0, 1, count), rng.uniform(0.05, 0.15, count)

    def draw(frame, sway):
        dark = sum(np.exp(-(((sector.u - t - sway) / w) ** 4)) for t, w in zip(at, width))
        dark = dark.clip(0, 1) * (sector.v > pleura - 0.03)
        return frame * (1 - 0.85 * dark), np.zeros_like(frame)

    return draw
