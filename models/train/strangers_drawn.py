"""Pictures drawn by a seed that are not ultrasound: patterns, text, screens, noise, charts, drawings.

A painter takes a random generator and (width, height) and gives luma, u8, height x width. `TRAIN`
and `TEST` hold painters by kind; no painter or seed stands in both, and no font but that of axes.
"""

import os

import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

matplotlib.use("Agg")
from matplotlib import pyplot  # noqa: E402

FONTS = os.path.join(matplotlib.get_data_path(), "fonts", "ttf")
SANS = ["DejaVuSans.ttf", "DejaVuSans-Bold.ttf", "DejaVuSerif.ttf"]
OTHER = ["STIXGeneral.ttf", "STIXGeneralBol.ttf", "DejaVuSansMono.ttf", "DejaVuSansMono-Bold.ttf"]
SYLLABLES = "ka lo mi ten sur ra dos ple in ver ba que nor ti el and is the of to ex".split()


def coordinates(size):
    """Columns and rows, centred, in units of half the shorter side."""
    w, h = size
    y, x = np.mgrid[:h, :w].astype(np.float32)
    return (x - w / 2) / (min(size) / 2), (y - h / 2) / (min(size) / 2)


def levels(picture, low=0, high=255):
    """Stretches to u8 from `low` to `high`."""
    picture = picture - picture.min()
    return (low + picture * ((high - low) / max(float(picture.max()), 1e-9))).astype(np.uint8)


def two_greys(rng, least=60):
    while True:
        a, b = rng.integers(0, 256, 2)
        if abs(int(a) - int(b)) >= least:
            return int(a), int(b)


def canvas(size, grey):
    image = Image.new("L", size, grey)
    return image, ImageDraw.Draw(image)


def font(rng, names, low, high):
    return ImageFont.truetype(os.path.join(FONTS, rng.choice(names)), int(rng.integers(low, high)))


def words(rng, count):
    def word():
        if rng.random() < 0.12:
            return str(rng.integers(0, 10000))
        return "".join(rng.choice(SYLLABLES, rng.integers(1, 4)))
    return " ".join(word() for _ in range(count))


def lines(rng, draw, box, names, ink, low=10, high=26):
    """Fills a box with lines of text."""
    left, top, right, bottom = box
    face = font(rng, names, low, high)
    y = top
    while y + face.size < bottom:
        text = words(rng, 24)
        while text and draw.textlength(text, face) > right - left:
            text = text[: int(len(text) * 0.9) - 1]
        draw.text((left, y), text, fill=ink, font=face)
        y += face.size * 1.35 * (1 if rng.random() < 0.92 else 2)


# Test patterns

def bars(rng, size):
    x, y = coordinates(size)
    steps = np.floor((x if rng.random() < 0.7 else y) * rng.uniform(2, 6))
    table = rng.integers(0, 256, 64)
    return table[steps.astype(int) % 64].astype(np.uint8)


def checkerboard(rng, size):
    x, y = coordinates(size)
    n = rng.uniform(2, 12)
    a, b = two_greys(rng)
    return np.where((np.floor(x * n) + np.floor(y * n)) % 2 == 0, a, b).astype(np.uint8)


def gradient(rng, size):
    x, y = coordinates(size)
    angle = rng.uniform(0, 2 * np.pi)
    return levels(x * np.cos(angle) + y * np.sin(angle), *sorted(two_greys(rng)))


def grid(rng, size):
    a, b = two_greys(rng)
    image, draw = canvas(size, a)
    step, thick = int(rng.integers(12, 80)), int(rng.integers(1, 5))
    for x in range(0, size[0], step):
        draw.line([(x, 0), (x, size[1])], fill=b, width=thick)
    for y in range(0, size[1], step):
        draw.line([(0, y), (size[0], y)], fill=b, width=thick)
    return np.array(image)


def zone_plate(rng, size):
    x, y = coordinates(size)
    x, y = x + rng.uniform(-0.6, 0.6), y + rng.uniform(-0.6, 0.6)
    return levels(np.sin((x * x + y * y) * rng.uniform(15, 90)))


def star(rng, size):
    x, y = coordinates(size)
    wave = np.sin(np.arctan2(y, x) * int(rng.integers(6, 40)))
    return levels(np.float32(wave > rng.uniform(-0.3, 0.3)))


def rings(rng, size):
    x, y = coordinates(size)
    return levels(np.sin(np.hypot(x, y * rng.uniform(0.5, 1.5)) * rng.uniform(8, 50)))


def stripes(rng, size):
    x, y = coordinates(size)
    a, b = rng.uniform(-40, 40, 2)
    return levels(np.sin(a * x + b * y) + rng.uniform(0, 1) * np.sin(b * 1.1 * x + a * y))


def card(rng, size):
    picture = grid(rng, size)
    image = Image.fromarray(picture)
    draw = ImageDraw.Draw(image)
    w, h = size
    r = min(size) * rng.uniform(0.3, 0.48)
    draw.ellipse([w / 2 - r, h / 2 - r, w / 2 + r, h / 2 + r], outline=255, width=4)
    for i in range(8):
        draw.rectangle([w * (0.2 + 0.075 * i), h * 0.4, w * (0.275 + 0.075 * i), h * 0.6], fill=i * 36)
    return np.array(image)


# Text and screens

def _page(rng, size, names):
    paper, ink = two_greys(rng, 90)
    image, draw = canvas(size, paper)
    margin = int(min(size) * rng.uniform(0.02, 0.15))
    lines(rng, draw, (margin, margin, size[0] - margin, size[1] - margin), names, ink, 9, 40)
    return np.array(image)


def page(rng, size):
    return _page(rng, size, SANS)


def other_page(rng, size):
    return _page(rng, size, OTHER)


def banner(rng, size):
    paper, ink = two_greys(rng, 90)
    image, draw = canvas(size, paper)
    for _ in range(rng.integers(1, 6)):
        place = rng.uniform(0, 0.8, 2) * size
        draw.text(tuple(place), words(rng, 2), fill=ink, font=font(rng, SANS, 30, 90))
    return np.array(image)


def table(rng, size):
    paper, ink = two_greys(rng, 90)
    image, draw = canvas(size, paper)
    face, rows = font(rng, OTHER, 9, 18), int(rng.integers(8, 24))
    height, columns = size[1] / rows, int(rng.integers(3, 8))
    for row in range(rows):
        for column in range(columns):
            at = (column * size[0] / columns + 4, row * height + 2)
            draw.text(at, words(rng, 1), fill=ink, font=face)
        draw.line([(0, row * height), (size[0], row * height)], fill=(paper + ink) // 2)
    return np.array(image)


def window(rng, size):
    w, h = size
    image, draw = canvas(size, int(rng.integers(0, 256)))
    for _ in range(rng.integers(1, 4)):
        left, top = rng.uniform(0, 0.4) * w, rng.uniform(0, 0.4) * h
        right, bottom = left + rng.uniform(0.4, 0.6) * w, top + rng.uniform(0.4, 0.6) * h
        back, ink = two_greys(rng, 90)
        draw.rectangle([left, top, right, bottom], fill=back, outline=ink)
        draw.rectangle([left, top, right, top + 22], fill=ink)
        draw.text((left + 6, top + 4), words(rng, 3), fill=back, font=font(rng, SANS, 11, 14))
        lines(rng, draw, (left + 8, top + 30, right - 8, bottom - 40), SANS, ink, 9, 15)
        for i in range(3):
            x = right - 90 * (i + 1)
            draw.rounded_rectangle([x, bottom - 32, x + 76, bottom - 8], 5, outline=ink, width=2)
    return np.array(image)


def terminal(rng, size):
    image, draw = canvas(size, int(rng.integers(0, 40)))
    face = font(rng, ["DejaVuSansMono.ttf"], 9, 18)
    for y in range(2, size[1], int(face.size * 1.25)):
        x = 4 + face.size * 1.2 * int(rng.integers(0, 4))
        for _ in range(rng.integers(0, 9)):
            text = words(rng, 1) + " "
            draw.text((x, y), text, fill=int(rng.choice([120, 170, 210, 255])), font=face)
            x += draw.textlength(text, face)
    return np.array(image)


def dashboard(rng, size):
    image, draw = canvas(size, int(rng.integers(0, 60)))
    columns, rows = int(rng.integers(2, 5)), int(rng.integers(2, 4))
    for c in range(columns):
        for r in range(rows):
            w, h = size[0] / columns, size[1] / rows
            box = [c * w + 6, r * h + 6, (c + 1) * w - 6, (r + 1) * h - 6]
            draw.rounded_rectangle(box, 8, fill=int(rng.integers(30, 120)))
            draw.text((box[0] + 8, box[1] + 6), words(rng, 1), fill=220, font=font(rng, OTHER, 12, 34))
            x = np.linspace(box[0] + 8, box[2] - 8, 40)
            y = box[3] - 10 - np.abs(np.cumsum(rng.normal(0, h / 30, 40)))
            draw.line(list(zip(x, np.maximum(y, box[1]))), fill=int(rng.integers(160, 256)), width=2)
    return np.array(image)


# Plain

def black(rng, size):
    return np.zeros(size[::-1], np.uint8)


def one_grey(rng, size):
    return np.full(size[::-1], rng.integers(1, 256), np.uint8)


def dark_sensor(rng, size):
    return np.clip(rng.normal(rng.uniform(2, 14), rng.uniform(1, 5), size[::-1]), 0, 255).astype(np.uint8)


def vignette(rng, size):
    x, y = coordinates(size)
    grey = rng.uniform(20, 250)
    return (grey * (1 - rng.uniform(0.05, 0.6) * (x * x + y * y) / 3).clip(0, 1)).astype(np.uint8)


def hot_pixels(rng, size):
    picture = np.full(size[::-1], rng.integers(0, 20), np.uint8)
    picture[rng.random(picture.shape) < rng.uniform(1e-4, 2e-3)] = 255
    return picture


def no_signal(rng, size):
    image, draw = canvas(size, int(rng.integers(0, 120)))
    text = str(rng.choice(["NO SIGNAL", "HDMI 1", "Searching...", "Out of range", "STANDBY"]))
    draw.text(tuple(rng.uniform(0.05, 0.6, 2) * size), text, fill=255, font=font(rng, OTHER, 20, 60))
    return np.array(image)


# Noise

def gaussian(rng, size):
    return np.clip(rng.normal(rng.uniform(60, 190), rng.uniform(15, 70), size[::-1]), 0, 255).astype(np.uint8)


def uniform(rng, size):
    return rng.integers(0, 256, size[::-1], dtype=np.uint8)


def blocks(rng, size):
    n = int(rng.integers(4, 40))
    small = rng.integers(0, 256, (size[1] // n + 1, size[0] // n + 1), dtype=np.uint8)
    return np.kron(small, np.ones((n, n), np.uint8))[: size[1], : size[0]]


def salt(rng, size):
    picture = np.full(size[::-1], rng.integers(0, 200), np.uint8)
    chance = rng.random(picture.shape)
    share = rng.uniform(0.01, 0.2)
    picture[chance < share], picture[chance > 1 - share / 2] = 255, 0
    return picture


def _spectral(rng, size, power):
    w, h = size
    fy, fx = np.fft.fftfreq(h)[:, None], np.fft.rfftfreq(w)[None]
    spectrum = np.fft.rfft2(rng.normal(size=(h, w))) / np.maximum(np.hypot(fx, fy), 1 / max(w, h)) ** power
    picture = np.fft.irfft2(spectrum, (h, w))
    low, high = np.quantile(picture, [0.01, 0.99])
    return levels(picture.clip(low, high))


def pink(rng, size):
    return _spectral(rng, size, rng.uniform(0.7, 1.2))


def brown(rng, size):
    return _spectral(rng, size, rng.uniform(1.6, 2.4))


def ridges(rng, size):
    return 255 - levels(np.abs(_spectral(rng, size, 1.8).astype(np.float32) - 128))


def snow(rng, size):
    rows = rng.normal(128, 40, (size[1], 1)) + rng.normal(0, 60, size[::-1])
    return np.clip(rows, 0, 255).astype(np.uint8)


def mosaic(rng, size):
    small = _spectral(rng, (size[0] // 16 + 1, size[1] // 16 + 1), 1.2)
    big = np.kron(small, np.ones((16, 16), np.uint8))[: size[1], : size[0]]
    return np.clip(big + rng.normal(0, 8, big.shape), 0, 255).astype(np.uint8)


# Charts

def _chart(rng, size, plot, projection=None):
    dark = rng.random() < 0.4
    with pyplot.style.context("dark_background" if dark else "default"):
        figure = pyplot.figure(figsize=(size[0] / 80, size[1] / 80), dpi=80)
        plot(figure.add_subplot(projection=projection))
        figure.canvas.draw()
        picture = Image.fromarray(np.asarray(figure.canvas.buffer_rgba())[..., :3]).convert("L")
        pyplot.close(figure)
    return np.array(picture.resize(size))


def line_chart(rng, size):
    return _chart(rng, size, lambda axes: axes.plot(np.cumsum(rng.normal(size=(80, int(rng.integers(1, 5)))), 0)))


def bar_chart(rng, size):
    n = int(rng.integers(3, 20))
    return _chart(rng, size, lambda axes: axes.bar(range(n), rng.random(n)))


def scatter(rng, size):
    x = rng.normal(size=(2, int(rng.integers(20, 400))))
    return _chart(rng, size, lambda axes: axes.scatter(*x, s=rng.uniform(3, 60)))


def pie(rng, size):
    return _chart(rng, size, lambda axes: axes.pie(rng.random(int(rng.integers(3, 9))) + 0.05))


def heat_map(rng, size):
    return _chart(rng, size, lambda axes: axes.imshow(rng.random((9, 12)), aspect="auto"))


def contours(rng, size):
    field = _spectral(rng, (60, 40), 2.2)
    return _chart(rng, size, lambda axes: axes.contourf(field, int(rng.integers(4, 12))))


def polar(rng, size):
    angle = np.linspace(0, 2 * np.pi, 60)
    plot = lambda axes: axes.plot(angle, 1 + rng.uniform(0.1, 0.9) * np.sin(int(rng.integers(1, 9)) * angle))
    return _chart(rng, size, plot, "polar")


def electrocardiogram(rng, size):
    def plot(axes):
        t = np.linspace(0, 8, 1200)
        beat = (t * rng.uniform(0.8, 1.8)) % 1
        axes.plot(t, np.exp(-((beat - 0.5) / 0.02) ** 2) - 0.2 * np.exp(-((beat - 0.54) / 0.02) ** 2)
                  + 0.2 * np.exp(-((beat - 0.75) / 0.06) ** 2) + rng.normal(0, 0.02, t.size))
        axes.grid(True)
    return _chart(rng, size, plot)


# Drawings

def shapes(rng, size):
    image, draw = canvas(size, int(rng.integers(0, 256)))
    for _ in range(rng.integers(3, 30)):
        a, b = rng.uniform(0, 1, (2, 2)) * size
        box = [*np.minimum(a, b), *np.maximum(a, b)]
        form = rng.choice([draw.rectangle, draw.ellipse])
        form(box, fill=int(rng.integers(0, 256)) if rng.random() < 0.6 else None,
             outline=int(rng.integers(0, 256)), width=int(rng.integers(1, 6)))
    return np.array(image)


def strokes(rng, size):
    paper, ink = two_greys(rng)
    image, draw = canvas(size, paper)
    for _ in range(rng.integers(5, 60)):
        draw.line([tuple(p) for p in rng.uniform(0, 1, (2, 2)) * size], fill=ink, width=int(rng.integers(1, 6)))
    return np.array(image)


def scribble(rng, size):
    paper, ink = two_greys(rng)
    image, draw = canvas(size, paper)
    for _ in range(rng.integers(1, 8)):
        steps = rng.normal(size=(200, 2)).cumsum(0).cumsum(0)
        steps = (steps - steps.min(0)) / np.ptp(steps, axis=0)
        place = rng.uniform(0, 0.5, 2)
        draw.line([tuple(p) for p in (place + steps * 0.5) * size], fill=ink, width=int(rng.integers(1, 5)))
    return np.array(image)


def maze(rng, size):
    paper, ink = two_greys(rng)
    image, draw = canvas(size, paper)
    step = int(rng.integers(10, 50))
    for x in range(0, size[0], step):
        for y in range(0, size[1], step):
            ends = [(x, y), (x + step, y + step)] if rng.random() < 0.5 else [(x + step, y), (x, y + step)]
            draw.line(ends, fill=ink, width=max(1, step // 8))
    return np.array(image)


def bubbles(rng, size):
    image, draw = canvas(size, int(rng.integers(0, 256)))
    for _ in range(rng.integers(20, 120)):
        (x, y), r = rng.uniform(0, 1, 2) * size, rng.uniform(3, 60)
        draw.ellipse([x - r, y - r, x + r, y + r], fill=int(rng.integers(0, 256)))
    return np.array(image.filter(ImageFilter.GaussianBlur(rng.uniform(0, 3))))


TRAIN = {
    "pattern": [bars, checkerboard, gradient, grid],
    "text": [page, banner],
    "screen": [window],
    "plain": [black, one_grey, dark_sensor],
    "noise": [gaussian, uniform, blocks, salt, pink],
    "chart": [line_chart, bar_chart, scatter],
    "drawing": [shapes, strokes],
}
TEST = {
    "pattern": [zone_plate, star, rings, stripes, card],
    "text": [other_page, table],
    "screen": [terminal, dashboard],
    "plain": [vignette, hot_pixels, no_signal],
    "noise": [brown, ridges, snow, mosaic],
    "chart": [pie, heat_map, contours, polar, electrocardiogram],
    "drawing": [scribble, maze, bubbles],
}
