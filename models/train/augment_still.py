"""Augmentation of still pictures: geometry, gain, speckle, blur, compression; and overlays.

`Overlays` draws calipers, words and body marks on the raw pictures of every class, before the
appliance's preprocessing masks them: what the masking leaves behind then says nothing about the
class. The rest works on tensors (batch x 1 x height x width, 0 to 1) and their masks.
"""

import io
import math

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image, ImageDraw, ImageFont

WORDS = ["LEFT BREAST", "RIGHT BREAST", "LT", "RT", "LT AXILLA", "RT AXILLA", "UOQ", "LIQ", "RT LOQ",
         "LT UIQ", "RETROAREOLAR", "12 O'CLOCK", "NODE", "A", "B", "3 CM FN"]


def overlay(picture, random):
    """A copy of the grey PIL `picture` with one to three marks at places chosen by `random`."""
    out = picture.copy()
    draw = ImageDraw.Draw(out)
    width, height = out.size
    for _ in range(random.integers(1, 4)):
        ink = int(random.integers(170, 256))
        x, y = random.uniform(0.1, 0.9) * width, random.uniform(0.1, 0.9) * height
        kind = random.choice(["calipers", "word", "body mark"], p=[0.6, 0.3, 0.1])
        if kind == "word":
            font = ImageFont.load_default(int(random.integers(8, 15)))
            draw.text((x - 20, y), str(random.choice(WORDS)), fill=ink, font=font)
        elif kind == "body mark":
            r = random.uniform(8, 14)
            draw.ellipse((x - r, y - r, x + r, y + r), outline=ink)
            angle = random.uniform(0, 2 * math.pi)
            draw.line((x, y, x + r * math.cos(angle), y + r * math.sin(angle)), fill=ink, width=2)
        else:
            _calipers(draw, x, y, random, ink)
    return out


def _calipers(draw, x, y, random, ink):
    length, angle = random.uniform(10, 45), random.uniform(0, math.pi)
    dotted = random.random() < 0.6
    for turn in (0, math.pi / 2)[: random.integers(1, 3)]:
        dx, dy = length * math.cos(angle + turn), length * math.sin(angle + turn)
        for sign in (-1, 1):
            cx, cy = x + sign * dx, y + sign * dy
            draw.line((cx - 3, cy, cx + 3, cy), fill=ink)
            draw.line((cx, cy - 3, cx, cy + 3), fill=ink)
        if dotted:
            steps = int(length)
            for k in range(-steps, steps + 1, 2):
                draw.point((x + dx * k / steps, y + dy * k / steps), fill=ink)


def uniform(generator, count, low, high):
    return low + (high - low) * torch.rand(count, generator=generator)


def geometry(pictures, masks, generator):
    """Flip, rotation, scale, stretch and shift, the same for picture and mask."""
    n, _, height, width = pictures.shape
    angle = uniform(generator, n, -0.26, 0.26)
    zoom = torch.exp(uniform(generator, n, math.log(0.75), math.log(1.15)))
    stretch = torch.exp(uniform(generator, n, -0.14, 0.14))
    flip = torch.where(torch.rand(n, generator=generator) < 0.5, -1.0, 1.0)
    sx, sy = zoom * stretch, zoom / stretch
    ratio = height / width
    theta = torch.zeros(n, 2, 3)
    theta[:, 0, 0] = sx * torch.cos(angle) * flip
    theta[:, 0, 1] = -sx * torch.sin(angle) * ratio
    theta[:, 1, 0] = sy * torch.sin(angle) / ratio * flip
    theta[:, 1, 1] = sy * torch.cos(angle)
    theta[:, 0, 2] = uniform(generator, n, -0.12, 0.12)
    theta[:, 1, 2] = uniform(generator, n, -0.08, 0.08)
    grid = F.affine_grid(theta, pictures.shape, align_corners=False)
    both = torch.cat([pictures, masks], 1)
    moved = F.grid_sample(both, grid, mode="bilinear", padding_mode="zeros", align_corners=False)
    return moved[:, :1], moved[:, 1:]


def intensity(pictures, generator):
    """Gain, gamma, a time-gain curve over depth, speckle and blur."""
    n, _, height, width = pictures.shape
    x = pictures
    x = x.clamp(0, 1) ** torch.exp(uniform(generator, n, -0.35, 0.35))[:, None, None, None]
    x = x * torch.exp(uniform(generator, n, -0.25, 0.25))[:, None, None, None]
    knots = torch.randn(n, 1, 5, 1, generator=generator) * 0.15
    x = x * torch.exp(F.interpolate(knots, (height, 1), mode="bilinear", align_corners=True))
    grain = torch.randn(n, 1, height, width, generator=generator)
    coarse = torch.randn(n, 1, height // 2, width // 2, generator=generator)
    grain = 0.6 * grain + 0.8 * F.interpolate(coarse, (height, width), mode="bilinear")
    strength = uniform(generator, n, -0.1, 0.15).clamp(min=0)[:, None, None, None]
    x = x * (1 + strength * grain)
    blurred = F.avg_pool2d(F.pad(x, (1, 1, 1, 1), mode="replicate"), 3, 1)
    share = uniform(generator, n, -1.0, 0.8)[:, None, None, None]
    # Below 0 sharpens a little, above 0 blurs; half of the pictures stay as they are.
    share = torch.where(share < -0.4, torch.zeros_like(share), share)
    return (x + share * (blurred - x)).clamp(0, 1)


def compression(pictures, generator, probability=0.2):
    """JPEG of low quality on some of the pictures."""
    chosen = torch.rand(len(pictures), generator=generator) < probability
    for i in chosen.nonzero()[:, 0].tolist():
        quality = int(uniform(generator, 1, 25, 80))
        file = io.BytesIO()
        pixels = (pictures[i, 0] * 255).round().to(torch.uint8).numpy()
        Image.fromarray(pixels).save(file, "JPEG", quality=quality)
        pictures[i, 0] = torch.from_numpy(np.array(Image.open(file))).float() / 255
    return pictures


def augment(pictures, masks, generator):
    """All of it; tensors from 0 to 1."""
    pictures, masks = geometry(pictures, masks, generator)
    return compression(intensity(pictures, generator), generator), masks
