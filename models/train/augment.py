"""Augmentations of a clip: what else the same lung could have looked like.

Each takes a clip of network inputs (u8, n x S x S, the sector's box, black outside the sector) and
a random generator, draws its parameters once for the clip, and returns a clip of the same shape.
They work on the network's own input, after the appliance's preprocessing, since that is where
machines still differ.
"""

import io

import numpy as np
from PIL import Image, ImageDraw
from scipy.ndimage import affine_transform, gaussian_filter, map_coordinates

import counterfactual


def _each(clip, change):
    """Applies `change` (reals in, reals out) to each frame; black stays black."""
    return np.stack([
        (np.clip(change(frame.astype(np.float32)), 0, 255) * (frame > 0)).astype(np.uint8)
        for frame in clip
    ])


def _warp(clip, matrix, offset):
    """Affine map of each frame, output coordinates to input ones, about the centre."""
    centre = (np.array(clip.shape[1:]) - 1) / 2
    offset = centre + offset - matrix @ centre
    return np.stack([affine_transform(frame, matrix, offset, order=1) for frame in clip])


def flip(clip, rng):
    return np.ascontiguousarray(clip[..., ::-1])


def rotation(clip, rng):
    """Up to 15 degrees either way, as a probe held askew."""
    angle = np.deg2rad(rng.uniform(-15, 15))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return _warp(clip, turn, np.zeros(2))


def scale(clip, rng):
    """The same in both directions, and a shift."""
    return _warp(clip, np.eye(2) * rng.uniform(0.85, 1.2), rng.uniform(-6, 6, 2))


def depth(clip, rng):
    """Another depth setting: the picture is stretched from the probe downwards, or cut."""
    stretch = rng.uniform(0.7, 1.0)
    top = (np.array(clip.shape[1]) - 1) / 2 * (stretch - 1)
    return _warp(clip, np.diag([stretch, 1]), np.array([top, 0]))


def gain(clip, rng):
    """Receiver gain and grey map: a power law and a factor."""
    power, factor = rng.uniform(0.7, 1.4), rng.uniform(0.75, 1.3)
    return _each(clip, lambda f: factor * 255 * (f / 255) ** power)


def tgc(clip, rng):
    """Time gain compensation: sliders along depth, up to 5 dB of a 60 dB display either way."""
    knots = rng.uniform(-21, 21, 6)
    rows = np.interp(np.linspace(0, 5, clip.shape[1]), np.arange(6), knots)
    return _each(clip, lambda f: f + rows[:, None])


def speckle(clip, rng):
    """Multiplicative noise of a random grain, new in each frame."""
    grain, amount = rng.uniform(0.4, 1.2), rng.uniform(0.03, 0.15)

    def change(frame):
        noise = gaussian_filter(rng.normal(size=frame.shape), grain)
        return frame * (1 + amount * noise / noise.std())

    return _each(clip, change)


def blur(clip, rng):
    """A machine with a coarser picture or a stronger filter."""
    along, deep = rng.uniform(0, 1.2, 2)
    return _each(clip, lambda f: gaussian_filter(f, (deep, along)))


def jpeg(clip, rng):
    """Artefacts of video and JPEG: blocks of 8 pixels in a picture up to twice as large."""
    quality, size = int(rng.integers(15, 60)), int(clip.shape[1] * rng.uniform(1, 2))

    def change(frame):
        picture = Image.fromarray(frame.astype(np.uint8)).resize((size, size), Image.BILINEAR)
        file = io.BytesIO()
        picture.save(file, "JPEG", quality=quality)
        back = Image.open(file).resize(frame.shape[::-1], Image.BOX)
        return np.asarray(back, np.float32)

    return _each(clip, change)


def overlay(clip, rng):
    """Calipers, words and a depth scale that preprocessing may leave behind."""
    side = clip.shape[1]
    drawing = Image.new("L", (side, side))
    draw = ImageDraw.Draw(drawing)
    ink = int(rng.integers(140, 256))
    for _ in range(rng.integers(1, 4)):
        x, y = rng.integers(8, side - 8, 2)
        draw.line([x - 3, y, x + 3, y], ink)
        draw.line([x, y - 3, x, y + 3], ink)
    x, y = rng.integers(4, side // 2, 2)
    draw.text((x, y), "".join(rng.choice(list("ABCDLRMI0123456789.: cmHz"), 6)), ink)
    x = int(rng.integers(2, side - 2))
    draw.point([(x, y) for y in range(4, side, 8)], ink)
    return np.maximum(clip, np.asarray(drawing)[None])


def geometry(clip, rng):
    """Another probe: the same echo in a sector of another angle and radius."""
    sector = counterfactual.Sector(clip)
    side = clip.shape[1]
    half, near = rng.uniform(0.3, 0.65), rng.uniform(0.05, 0.6)
    yy, xx = np.mgrid[:side, :side] / (side - 1)
    across, down = (xx - 0.5) * 2 * np.sin(half) * (1 + near), near * np.cos(half) + yy * (
        1 + near - near * np.cos(half))
    u = (np.arctan2(across, down) + half) / (2 * half)
    v = np.hypot(across, down) - near
    inside = (u >= 0) & (u <= 1) & (v >= 0) & (v <= 1)
    last = counterfactual.POLAR - 1
    at = [map_coordinates(plane, [v * last, u * last], order=1, mode="nearest")
          for plane in sector.polar_at]
    return np.stack([map_coordinates(f, at, order=1) * inside for f in clip])


ALL = {f.__name__: f for f in (
    flip, rotation, scale, depth, gain, tgc, speckle, blur, jpeg, overlay, geometry,
)}


def mixed(clip, rng, chance=0.4):
    """Each augmentation by itself with `chance`, in the order of `ALL`."""
    for change in ALL.values():
        if rng.random() < chance:
            clip = change(clip, rng)
    return clip
