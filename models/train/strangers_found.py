"""Found pictures that are not lung ultrasound: photographs, documents, X-rays, other organs.

Train and test never share a source: training takes the photographs that scikit-image,
scikit-learn and matplotlib bring along, testing those of a folder; X-rays are parted as
PneumoniaMNIST parts them, breast pictures by their group of near-duplicates. Pictures of other
organs are for testing only.
"""

import csv
import glob
import os
import subprocess
import tempfile
import zlib

import matplotlib.cbook
import numpy as np
import skimage.data
from PIL import Image, ImageDraw, ImageFilter
from sklearn.datasets import load_sample_images

from strangers_drawn import OTHER, SANS, coordinates, canvas, lines, words, font

BUNDLED = ["astronaut", "brick", "camera", "chelsea", "coffee", "coins", "grass", "gravel",
           "hubble_deep_field", "immunohistochemistry", "moon", "retina", "rocket", "clock"]
ORGAN_FRAMES = 40  # of a recording


def bundled():
    """Photographs for training, by name."""
    photos = {name: Image.fromarray(getattr(skimage.data, name)()) for name in BUNDLED}
    folder = os.path.dirname(skimage.data.__file__)
    photos["motorcycle"] = Image.open(os.path.join(folder, "motorcycle_left.png"))
    for name, picture in zip(("china", "flower"), load_sample_images().images):
        photos[name] = Image.fromarray(picture)
    photos["hopper"] = Image.open(matplotlib.cbook.get_sample_data("grace_hopper.jpg", asfileobj=False))
    return {name: picture.convert("RGB") for name, picture in photos.items()}


def in_folders(folders):
    """Photographs for testing, by name: every JPEG below the folders."""
    paths = [p for folder in folders for p in glob.glob(os.path.join(folder, "**", "*.jp*g"), recursive=True)]
    if not paths:
        raise SystemExit(
            f"strangers: no JPEG below {', '.join(folders)}: name a folder of photographs with "
            "--photos, or install Debian's lomiri-wallpapers-16.04, lomiri-wallpapers-20.04, "
            "mate-backgrounds and ukui-wallpapers"
        )
    photos = {}
    for path in sorted(paths):
        picture = Image.open(path)
        picture.draft("RGB", (1600, 1600))
        picture = picture.convert("RGB")
        picture.thumbnail((1600, 1600))
        photos[os.path.splitext(os.path.basename(path))[0]] = picture
    return photos


def grey(picture, rng):
    """Luma of a recoloured picture: another mixture of its channels."""
    mix = np.array([0.299, 0.587, 0.114]) if rng.random() < 0.5 else rng.dirichlet([1, 1, 1])
    return (np.asarray(picture, np.float32) @ mix.astype(np.float32)).clip(0, 255).astype(np.uint8)


def crop(picture, rng, size):
    """A random part in the wanted shape, at times mirrored."""
    w, h = picture.size
    scale = min(w / size[0], h / size[1]) * rng.uniform(0.35, 1)
    cw, ch = size[0] * scale, size[1] * scale
    left, top = rng.uniform(0, w - cw), rng.uniform(0, h - ch)
    picture = picture.resize(size, Image.BILINEAR, (left, top, left + cw, top + ch))
    return picture.transpose(Image.FLIP_LEFT_RIGHT) if rng.random() < 0.5 else picture


def camera(picture, rng):
    """What a cheap camera makes of a scene: exposure, vignette, blur, noise."""
    x, y = coordinates(picture.shape[::-1])
    light = (picture / 255.0) ** rng.uniform(0.6, 1.7) * rng.uniform(0.6, 1.2)
    light *= 1 - rng.uniform(0, 0.35) * (x * x + y * y) / 3
    image = Image.fromarray((light.clip(0, 1) * 255).astype(np.uint8))
    image = image.filter(ImageFilter.GaussianBlur(rng.uniform(0, 2)))
    noisy = np.asarray(image) + rng.normal(0, rng.uniform(0, 8), picture.shape)
    return noisy.clip(0, 255).astype(np.uint8)


def tilted(picture, rng, size):
    """A page on a table, seen askew and unevenly lit."""
    h, w = picture.shape
    corners = np.array([[0, 0], [1, 0], [1, 1], [0, 1]]) * 0.8 + 0.1
    corners = (corners + rng.uniform(-0.09, 0.09, (4, 2))) * size
    source = np.array([[0, 0], [w, 0], [w, h], [0, h]])
    rows = []
    for (x, y), (u, v) in zip(corners, source):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
    warp = np.linalg.solve(np.array(rows), source.ravel())
    image = Image.fromarray(picture).transform(
        size, Image.PERSPECTIVE, warp, Image.BILINEAR, fillcolor=int(rng.integers(20, 120)))
    x, y = coordinates(size)
    shade = 1 + rng.uniform(-0.2, 0.2) * x + rng.uniform(-0.2, 0.2) * y
    return camera((np.asarray(image) * shade).clip(0, 255).astype(np.uint8), rng)


def printed(rng, names):
    image, draw = canvas((600, 780), int(rng.integers(200, 256)))
    draw.text((60, 50), words(rng, 3), fill=20, font=font(rng, names, 26, 40))
    lines(rng, draw, (60, 120, 540, 730), names, int(rng.integers(0, 70)), 12, 20)
    return np.array(image)


def form(rng):
    image, draw = canvas((600, 780), int(rng.integers(200, 256)))
    for y in range(60, 740, int(rng.integers(36, 70))):
        draw.text((50, y), words(rng, 1), fill=30, font=font(rng, OTHER, 13, 18))
        draw.rectangle([220, y - 6, 550, y + 24], outline=40, width=2)
        x = np.linspace(230, 230 + rng.uniform(60, 300), 60)
        pen = y + 9 + 7 * np.sin(x * rng.uniform(0.2, 0.6)) + rng.normal(0, 2, 60)
        draw.line(list(zip(x, pen)), fill=60, width=2)
    return np.array(image)


def receipt(rng):
    image, draw = canvas((300, 780), int(rng.integers(210, 256)))
    face = font(rng, ["DejaVuSansMono.ttf"], 12, 15)
    for y in range(20, 760, 20):
        draw.text((14, y), f"{words(rng, 1)[:16]:<20}{rng.uniform(0, 99):>8.2f}", fill=40, font=face)
    return np.array(image)


def enlarged(picture, rng, size):
    """A small grey picture as large as it fits."""
    picture = Image.fromarray(picture)
    side = min(size[0] / picture.width, size[1] / picture.height)
    fitted = picture.resize((int(picture.width * side), int(picture.height * side)), Image.BICUBIC)
    image = Image.new("L", size, 0)
    image.paste(fitted, ((size[0] - fitted.width) // 2, (size[1] - fitted.height) // 2))
    return np.array(image)


def x_rays(data, mode):
    path = os.path.join(data, "medmnist", "pneumoniamnist_28_reconstructed.npz")
    return {str(i): picture for i, picture in enumerate(np.load(path)[f"{mode}_images"])}


def breasts(data, mode):
    """Breast pictures by group; half of the groups for each mode."""
    with open(os.path.join(data, "busi", "labels.csv")) as file:
        rows = list(csv.DictReader(file))
    mine = lambda group: (zlib.crc32(group.encode()) % 2 == 0) == (mode == "train")
    chosen = {}
    for row in rows:
        if mine(row["group"]):
            picture = Image.open(os.path.join(data, "busi", row["file"])).convert("L")
            chosen.setdefault(row["group"], np.array(picture))
    return chosen


def organs(data, sonolamp):
    """Frames of other organs and of test objects, by recording, read by the appliance."""
    paths = sorted(glob.glob(os.path.join(data, "dicom_us", "*.dcm")))
    paths += sorted(glob.glob(os.path.join(data, "device_captures", "*.*")))
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        command = [sonolamp, "frames", "--region", "whole", "--size", "64x64", "--png", "--out", folder]
        done = subprocess.run([*command, "--most", str(ORGAN_FRAMES), *paths], capture_output=True)
        if done.returncode > 1:
            raise SystemExit(done.stderr.decode())
        for i, path in enumerate(paths):
            frames = sorted(glob.glob(os.path.join(folder, f"{i:04}-*-picture.png")))
            if frames:
                name = os.path.splitext(os.path.basename(path))[0]
                found[name] = [Image.open(frame).convert("L").copy() for frame in frames]
    return found


def fan(picture, rng):
    """Leaves of a picture what lies in a sector, as a convex or phased probe would show it."""
    h, w = picture.shape
    y, x = np.mgrid[:h, :w].astype(np.float32)
    half = np.radians(rng.uniform(22, 48))
    inner = rng.uniform(0.02, 0.3) * h
    top = rng.uniform(0, 0.1) * h
    outer = min((0.98 * h - top) + inner * np.cos(half), 0.49 * w / np.sin(half))
    centre = top - inner * np.cos(half)
    r, angle = np.hypot(x - w / 2, y - centre), np.arctan2(x - w / 2, y - centre)
    inside = (np.abs(angle) <= half) & (r >= inner) & (r <= outer)
    return np.where(inside, picture, 0).astype(np.uint8)


def annotated(picture, rng, names=SANS):
    """The words and scale that a machine puts beside its sector."""
    image = Image.fromarray(picture)
    draw = ImageDraw.Draw(image)
    face = font(rng, names, 10, 16)
    for i in range(rng.integers(1, 6)):
        draw.text((6, 6 + i * 18), words(rng, 2), fill=220, font=face)
    x = image.width - 8
    for y in range(10, image.height, image.height // 12):
        draw.line([(x - 6, y), (x, y)], fill=200)
    return np.array(image)
