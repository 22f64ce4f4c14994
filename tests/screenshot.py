"""Runs the dashboard in tmux and draws what stands in the terminal as a PNG.

    python3 tests/screenshot.py OUT.png [SOURCE] [COLUMNSxROWS] [SECONDS]

Needs tmux, Pillow and a DejaVu Sans Mono font. Block and Braille characters are drawn as the
rectangles and dots they stand for, all others with the font.
"""

import re
import subprocess
import sys
import time

from PIL import Image, ImageDraw, ImageFont

CELL = (10, 20)
FOREGROUND, BACKGROUND = (220, 220, 220), (16, 16, 18)
FONTS = "/usr/share/fonts/truetype/dejavu/DejaVuSansMono{}.ttf"
# Quadrants of a cell, upper left, upper right, lower left, lower right.
QUADRANTS = {
    "▀": "1100", "▄": "0011", "█": "1111", "▌": "1010", "▐": "0101", "▘": "1000", "▝": "0100",
    "▖": "0010", "▗": "0001", "▚": "1001", "▞": "0110", "▛": "1110", "▜": "1101", "▙": "1011",
    "▟": "0111",
}
# Dots of a Braille character by bit, as (column, row).
DOTS = [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (0, 3), (1, 3)]


def capture(source, columns, rows, seconds):
    """The pane's text with colour sequences, after so many seconds."""
    tmux = ["tmux", "-L", "sonolamp-screenshot", "-f", "/dev/null"]
    able = "env COLORTERM=truecolor LC_ALL=C.UTF-8"
    command = f"{able} target/release/sonolamp run --source '{source}'"
    subprocess.run([*tmux, "new-session", "-d", "-x", str(columns), "-y", str(rows), command], check=True)
    try:
        time.sleep(seconds)
        done = subprocess.run([*tmux, "capture-pane", "-e", "-N", "-p"], check=True, capture_output=True)
    finally:
        subprocess.run([*tmux, "kill-server"])
    return done.stdout.decode()


class Style:
    def __init__(self):
        self.reset()

    def reset(self):
        self.fg, self.bg, self.bold, self.dim, self.reverse = FOREGROUND, BACKGROUND, False, False, False

    def apply(self, codes):
        codes = [int(code or 0) for code in codes.split(";")]
        while codes:
            code = codes.pop(0)
            if code == 0:
                self.reset()
            elif code in (1, 2, 7):
                setattr(self, {1: "bold", 2: "dim", 7: "reverse"}[code], True)
            elif code in (38, 48) and codes[:1] == [2]:
                setattr(self, "fg" if code == 38 else "bg", tuple(codes[1:4]))
                del codes[:4]
            elif code in (38, 48) and codes[:1] == [5]:
                setattr(self, "fg" if code == 38 else "bg", (0, 0, 0))  # only black is used
                del codes[:2]
            elif code == 39:
                self.fg = FOREGROUND
            elif code == 49:
                self.bg = BACKGROUND
            elif 30 <= code <= 37:
                self.fg = (0, 0, 0) if code == 30 else FOREGROUND

    def colours(self):
        fg, bg = (self.bg, self.fg) if self.reverse else (self.fg, self.bg)
        if self.dim:
            fg = tuple((f + b) // 2 for f, b in zip(fg, bg))
        return fg, bg


def draw(text, columns, rows):
    width, height = CELL
    image = Image.new("RGB", (columns * width, rows * height), BACKGROUND)
    pen, style = ImageDraw.Draw(image), Style()
    fonts = {bold: ImageFont.truetype(FONTS.format("-Bold" if bold else ""), 16) for bold in (False, True)}
    for row, line in enumerate(text.split("\n")[:rows]):
        column = 0
        for codes, char in re.findall(r"\x1b\[([0-9;]*)m|(.)", line):
            if not char:
                style.apply(codes)
                continue
            x, y = column * width, row * height
            fg, bg = style.colours()
            pen.rectangle((x, y, x + width - 1, y + height - 1), fill=bg)
            cell(pen, fonts[style.bold], char, x, y, fg, bg)
            column += 1
    return image


def cell(pen, font, char, x, y, fg, bg):
    (width, height), code = CELL, ord(char)
    if char in QUADRANTS:
        for i, on in enumerate(QUADRANTS[char]):
            if on == "1":
                left, top = x + i % 2 * width // 2, y + i // 2 * height // 2
                pen.rectangle((left, top, left + width // 2 - 1, top + height // 2 - 1), fill=fg)
    elif char == "░":
        shade = tuple((f + 3 * b) // 4 for f, b in zip(fg, bg))
        pen.rectangle((x, y, x + width - 1, y + height - 1), fill=shade)
    elif 0x2800 <= code < 0x2900:
        for bit, (dx, dy) in enumerate(DOTS):
            if code >> bit & 1:
                left, top = x + 2 + 5 * dx, y + 2 + 5 * dy
                pen.rectangle((left, top, left + 1, top + 1), fill=fg)
    elif char != " ":
        pen.text((x, y), char, font=font, fill=fg)


def main():
    out, source, size, seconds = (sys.argv[1:] + [None] * 3)[:4]
    columns, rows = map(int, (size or "110x34").split("x"))
    text = capture(source or "phantom:lung-blines?seed=4", columns, rows, float(seconds or 9))
    draw(text, columns, rows).save(out, optimize=True)


if __name__ == "__main__":
    main()
