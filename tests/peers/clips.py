"""Makes the clips that the frame paths are compared on: the phantom, and a machine's text on it.

    python clips.py SONOLAMP FOLDER

writes SIZE-long.mjpeg and SIZE-short.mjpeg: 400 and 80 frames of the same picture, to and fro.
"""

import pathlib
import subprocess
import sys
import tempfile

import cv2

SIZES = ["640x480", "1920x1080"]
FRAMES, SHORT, LONG = 40, 80, 400
TEXTS = [
    ("CLINIC 12", 8, 20),
    ("MI 0.8  TIS 0.2", 480, 20),
    ("DOE JANE", 8, 470),
    ("L1 12.4 mm", 250, 300),
]


def with_text(picture, frame):
    scale = picture.shape[0] / 480
    clock = f"{12 + frame // 25}:{frame % 25:02}"
    font, stroke = cv2.FONT_HERSHEY_SIMPLEX, max(1, round(scale))
    for text, x, y in TEXTS + [(clock, 580, 470)]:
        place = (int(x * picture.shape[1] / 640), int(y * scale))
        cv2.putText(picture, text, place, font, 0.5 * scale, 230, stroke, cv2.LINE_AA)
    return picture


def main():
    sonolamp, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    for size in SIZES:
        with tempfile.TemporaryDirectory() as made:
            scene = f"phantom:lung-blines?seed=7&fps=25&chrome=0&size={size}"
            command = [sonolamp, "frames", scene, "--region", "whole", "--png", "--out", made]
            command += ["--seconds", str((FRAMES - 1) / 25)]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            files = sorted(pathlib.Path(made).glob("*-picture.png"))
            pictures = [cv2.imread(str(file), cv2.IMREAD_GRAYSCALE) for file in files]
        forth = list(range(len(pictures)))
        order = forth + forth[::-1]
        quality = [cv2.IMWRITE_JPEG_QUALITY, 90]
        jpegs = []
        for frame, which in enumerate((order * LONG)[:LONG]):
            colour = cv2.cvtColor(with_text(pictures[which].copy(), frame), cv2.COLOR_GRAY2BGR)
            jpegs.append(cv2.imencode(".jpg", colour, quality)[1].tobytes())
        (folder / f"{size}-long.mjpeg").write_bytes(b"".join(jpegs))
        (folder / f"{size}-short.mjpeg").write_bytes(b"".join(jpegs[:SHORT]))
        print(size, len(pictures), "pictures")


if __name__ == "__main__":
    main()
