"""Pictures that a lung bundle must not judge, for training and testing its familiarity score.

    python strangers.py --out DIR --mode train|test --seed N [--data DIR] [--photos DIR] [--seconds S]

Writes pictures and `strangers.csv` (file, label, kind, group): label is always `stranger`; pictures
of one group share a source (a photograph, a patient, a way of drawing). No source, way of drawing
or font (but for the axes of charts) of `train` stands in `test`. With --seconds each picture
becomes a clip filmed by a shaking hand, since a bundle that rests on a clip declines a still
picture whatever it shows.

--data names a folder with `medmnist/`, `busi/`, `dicom_us/` and `device_captures/`; without it
there are no X-rays and no other organs. Nothing written here may be published: some of the sources
forbid it.
"""

import argparse
import csv
import os
import subprocess
import zlib

import numpy as np
from PIL import Image
from tqdm import tqdm

import strangers_drawn as drawn
import strangers_found as found

SIZES = [(640, 480), (640, 480), (800, 600), (640, 360), (480, 480), (512, 640)]
RATE = 10  # frames a second
BACKGROUNDS = ["/usr/share/backgrounds"]


class Painters:
    """Gives a picture of a kind; sources are read once."""

    def __init__(self, arguments):
        self.train, data = arguments.mode == "train", arguments.data
        self.drawn = drawn.TRAIN if self.train else drawn.TEST
        self.photos = found.bundled() if self.train else found.in_folders(arguments.photos)
        self.stills, self.organs = {}, {}
        if data:
            self.stills["x-ray"] = found.x_rays(data, arguments.mode)
            self.stills["breast"] = found.breasts(data, arguments.mode)
            if not self.train:
                self.organs = found.organs(data, arguments.sonolamp)
        self.kinds = ["photo", *self.drawn, "document", *self.stills]
        self.kinds += ["organ"] if self.organs else []
        self.fillings = [kind for kind in self.kinds if kind not in ("plain", "organ")]
        self.kinds.append("fan")

    def paint(self, kind, rng, size):
        """(luma, group)"""
        if kind in self.drawn:
            ways = self.drawn[kind]
            way = ways[rng.integers(len(ways))]
            return way(rng, size), way.__name__
        if kind in self.stills:
            name = str(rng.choice(sorted(self.stills[kind])))
            return found.enlarged(self.stills[kind][name], rng, size), name
        return getattr(self, kind)(rng, size)

    def photo(self, rng, size):
        name = str(rng.choice(sorted(self.photos)))
        return found.camera(found.grey(found.crop(self.photos[name], rng, size), rng), rng), name

    def document(self, rng, size):
        way = "printed" if self.train else ("printed in another face", "form", "receipt")[rng.integers(3)]
        pages = {"form": found.form, "receipt": found.receipt}
        names = drawn.SANS if self.train else drawn.OTHER
        page = pages[way](rng) if way in pages else found.printed(rng, names)
        return found.tilted(page, rng, size), way

    def organ(self, rng, size):
        name = str(rng.choice(sorted(self.organs)))
        frames = self.organs[name]
        return np.array(frames[rng.integers(len(frames))]), name

    def fan(self, rng, size):
        """Anything else in the shape of an ultrasound sector: the hardest kind."""
        filling = str(rng.choice(self.fillings))
        picture, _ = self.paint(filling, rng, size)
        picture = found.fan(picture, rng)
        if rng.random() < 0.5:
            picture = found.annotated(picture, rng, drawn.SANS if self.train else drawn.OTHER)
        return picture, f"of {filling}"


def film(path, picture, rng, seconds):
    """A clip of `picture` from a hand that shakes a little, with the noise of a sensor."""
    h, w = picture.shape
    h, w = h // 2 * 2, w // 2 * 2
    command = ["ffmpeg", "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "gray", "-s", f"{w}x{h}"]
    command += ["-r", str(RATE), "-i", "-", "-threads", "1", "-c:v", "libx264", "-preset", "veryfast"]
    command += ["-crf", "18", "-pix_fmt", "yuv420p", "-bitexact", path]
    padded = np.pad(picture, 12, mode="edge")
    place, frames = np.zeros(2), []
    for _ in range(round(seconds * RATE)):
        place = np.clip(0.9 * place + rng.normal(0, 1.2, 2), -12, 12)
        x, y = (place + 12).round().astype(int)
        frame = padded[y : y + h, x : x + w] * rng.uniform(0.98, 1.02) + rng.normal(0, 1.5, (h, w))
        frames.append(frame.clip(0, 255).astype(np.uint8).tobytes())
    subprocess.run(command, input=b"".join(frames), check=True)


def write(painters, arguments):
    mode, rows = arguments.mode, []
    for kind in painters.kinds:
        os.makedirs(os.path.join(arguments.out, kind), exist_ok=True)
        for i in tqdm(range(arguments.count), kind, disable=None):
            rng = np.random.default_rng([arguments.seed, zlib.crc32(f"{mode} {kind}".encode()), i])
            size = SIZES[rng.integers(len(SIZES))]
            picture, group = painters.paint(kind, rng, size)
            file = f"{kind}/{i:04}.{'mp4' if arguments.seconds else 'png'}"
            path = os.path.join(arguments.out, file)
            if arguments.seconds:
                film(path, picture, rng, arguments.seconds)
            else:
                Image.fromarray(picture).save(path, compress_level=1)
            rows.append([file, "stranger", kind, f"{kind}: {group}"])
    with open(os.path.join(arguments.out, "strangers.csv"), "w", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["file", "label", "kind", "group"])
        table.writerows(rows)


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", required=True, help="folder to write to")
    parser.add_argument("--mode", required=True, choices=["train", "test"])
    parser.add_argument("--seed", required=True, type=int)
    parser.add_argument("--data", help="folder with medmnist/, busi/, dicom_us/, device_captures/")
    parser.add_argument("--photos", action="append", help="folder of photographs for testing")
    parser.add_argument("--count", type=int, default=120, help="pictures of a kind")
    parser.add_argument("--seconds", type=float, default=0, help="write clips of this length")
    parser.add_argument("--sonolamp", default=os.path.join(here, "../../target/release/sonolamp"))
    arguments = parser.parse_args()
    arguments.photos = arguments.photos or BACKGROUNDS
    painters = Painters(arguments)
    write(painters, arguments)
    print(f"{arguments.count * len(painters.kinds)} pictures of {len(painters.kinds)} kinds")


if __name__ == "__main__":
    main()
