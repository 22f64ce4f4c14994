"""Records an exam on the dashboard: an asciicast, and a GIF of it.

    python3 tests/recording.py OUT.cast [OUT.gif] [SOURCE] [COLUMNSxROWS]

Runs target/release/sonolamp in tmux, as screenshot.py does, presses keys as SCRIPT says and looks at
the pane twice a second. The asciicast (version 2) plays in any terminal with asciinema; the GIF
needs Pillow and the font of screenshot.py.
"""

import json
import subprocess
import sys
import tempfile
import time

import screenshot

LOOKS = 2  # a second
COLOURS = 48
# Seconds from the start, key, as tmux names it.
SCRIPT = [(2, "Space"), (11, "Space"), (13, "r"), (15, "Left"), (16, "Left"), (17, "t"), (19, "3"), (21, "5")]
SECONDS = 23


def recorded(source, columns, rows, settings):
    """What stood on the screen, every half second: (seconds, text with colours)."""
    tmux = ["tmux", "-L", "sonolamp-recording", "-f", "/dev/null"]
    able = "env COLORTERM=truecolor LC_ALL=C.UTF-8"
    command = f"{able} target/release/sonolamp run --config {settings} --source '{source}'"
    size = ["-x", str(columns), "-y", str(rows)]
    subprocess.run([*tmux, "new-session", "-d", *size, command], check=True)
    looks, keys, start = [], list(SCRIPT), time.monotonic()
    try:
        while (now := time.monotonic() - start) < SECONDS:
            while keys and keys[0][0] <= now:
                subprocess.run([*tmux, "send-keys", keys.pop(0)[1]], check=True)
            pane = [*tmux, "capture-pane", "-e", "-N", "-p"]
            looks.append((now, subprocess.run(pane, check=True, capture_output=True).stdout.decode()))
            time.sleep(max(0, (len(looks)) / LOOKS - (time.monotonic() - start)))
    finally:
        subprocess.run([*tmux, "kill-server"])
    return looks


def write_cast(path, looks, columns, rows):
    head = {"version": 2, "width": columns, "height": rows, "title": "Sonolamp: an exam on a phantom"}
    with open(path, "w") as file:
        print(json.dumps(head), file=file)
        before = None
        for seconds, text in looks:
            if text != before:
                screen = "\x1b[H" + text.rstrip("\n").replace("\n", "\r\n")
                print(json.dumps([round(seconds, 2), "o", screen]), file=file)
            before = text


def write_gif(path, looks, columns, rows):
    frames, times = [], []
    for (seconds, text), (after, _) in zip(looks, looks[1:] + [(SECONDS + 2, "")]):
        picture = screenshot.draw(text, columns, rows)
        picture = picture.resize((picture.width * 3 // 4, picture.height * 3 // 4))
        frames.append(picture.quantize(COLOURS, dither=0))
        times.append(int(1000 * (after - seconds)))
    frames[0].save(
        path, save_all=True, append_images=frames[1:], duration=times, loop=0, optimize=True
    )


def main():
    cast, gif, source, size = (sys.argv[1:] + [None] * 4)[:4]
    columns, rows = map(int, (size or "100x30").split("x"))
    with tempfile.NamedTemporaryFile("w", suffix=".toml") as settings:
        settings.write('[exam]\nauto_start = false\n[watch]\nsocket = "none"\n')
        settings.flush()
        source = source or "phantom:lung-blines?seed=4"
        looks = recorded(source, columns, rows, settings.name)
    write_cast(cast, looks, columns, rows)
    if gif:
        write_gif(gif, looks, columns, rows)


if __name__ == "__main__":
    main()
