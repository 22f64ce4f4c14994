#!/usr/bin/env python3
"""The dashboard on a slow line: pictures a second, bytes a picture, delay of keys and verdicts.

    tests/link.py RATE [COLUMNSxROWS] [SECONDS] [--program P] [--delay MS] [--buffer KB] [--mute]
    tests/link.py 10M 120x40 60

RATE is in bits a second (115200, 1M, 10M, or 0 for a local terminal). Between program and terminal
lies a buffer as sshd and sockets have it, then the line. The terminal is an xterm of all colours
without graphics. A second one without a line in between, through `sonolamp watch`, tells when a
verdict changed. `--mute` never answers; `--stuck` reads nothing for ten seconds in the middle and
tells how many frames were inferred meanwhile.
"""

import argparse
import collections
import fcntl
import os
import pty
import re
import select
import signal
import statistics
import struct
import subprocess
import tempfile
import termios
import time

TOKEN = re.compile(
    rb"\x1b\[([?>]?)([0-9;]*)([ -/]*[@-~])|\x1b_[^\x1b]*\x1b\\|\x1b[()][0-9A-Z]|\x1b[78=>]|([^\x1b]+)|\x1b")
STATE = re.compile(r"(REFER|CLEAR|UNGRADABLE|READY|FAULT)  (?:[\d.]+  )?exam (\d+) (\w+)")
# Scanning, until a verdict stands; held; ended.
HOLD_FOR = {"scanning": 3.5, "held": 1.2, "ended": 1.2}


class Terminal:
    """Characters by place, the questions that a program asks, and what it draws."""

    def __init__(self, columns, rows, mute=False):
        self.columns, self.rows, self.mute = columns, rows, mute
        self.grid = [[" "] * columns for _ in range(rows)]
        self.x = self.y = 0
        self.rest = b""
        self.draws, self.size, self.colours = [], 0, 0

    def feed(self, data, now):
        """Takes bytes in and gives the answers."""
        answers = b""
        data = self.rest + data
        cut = data.rfind(b"\x1b")
        # The last sequence may not be whole yet, nor the last character.
        whole = cut < 0 or len(data) - cut > 40 or re.match(rb"\x1b(\[[?>]?[0-9;]*[ -/]*[@-~]|_.*\x1b\\)", data[cut:])
        data, self.rest = (data, b"") if whole else (data[:cut], data[cut:])
        # Of a character of several bytes, the first ones wait for the last.
        for back in range(1, 4):
            lead = data[-back] if back <= len(data) else 0
            if lead >= 0xC0 and back < (2 if lead < 0xE0 else 3 if lead < 0xF0 else 4):
                data, self.rest = data[:-back], data[-back:] + self.rest
                break
        for token in TOKEN.finditer(data):
            kind, numbers, end, text = token.groups()
            self.size += len(token.group())
            if text is not None:
                self.text(text.decode(errors="replace"))
                continue
            if end is None:
                continue
            values = [int(value or 0) for value in numbers.split(b";")] if numbers else [0]
            if end == b"H" and not kind:
                self.y, self.x = (values + [0])[0] - 1, (values + [1])[1] - 1
                self.y, self.x = max(self.y, 0), max(self.x, 0)
            elif end == b"m":
                self.colours += b"48;" in numbers and b"38;" in numbers
            elif end == b"J":
                self.grid = [[" "] * self.columns for _ in range(self.rows)]
            elif end == b"n" and not kind and not self.mute:
                answers += b"\x1b[0n" if values[0] == 5 else b"\x1b[%d;%dR" % (self.y + 1, self.x + 1)
            elif end == b"c" and not self.mute:
                answers += b"\x1b[?62;22c"
            elif end == b"t" and values[0] == 16 and not self.mute:
                answers += b"\x1b[6;20;10t"
            elif end == b"l" and kind == b"?" and values[0] == 2026:
                # The verdict's own colours change a few times a screen, the picture's hundreds of times.
                self.draws.append((now, self.size, self.colours > 20))
                self.size = self.colours = 0
        return answers

    def text(self, text):
        for char in text:
            if char == "\r":
                self.x = 0
            elif char == "\n":
                self.y += 1
            elif self.y < self.rows and self.x < self.columns:
                self.grid[self.y][self.x] = char
                self.x += 1

    def screen(self):
        return "\n".join("".join(row) for row in self.grid)


class Line:
    """A program on a terminal at the end of a line."""

    def __init__(self, command, size, rate, delay, buffer, mute=False):
        columns, rows = size
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        environment = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor", "LC_ALL": "C.UTF-8"}
        environment.pop("NO_COLOR", None)

        def own():
            os.setsid()
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)

        self.process = subprocess.Popen(
            command, stdin=slave, stdout=slave, stderr=slave, env=environment, preexec_fn=own)
        os.close(slave)
        os.set_blocking(self.master, False)
        self.terminal = Terminal(columns, rows, mute)
        self.rate, self.delay, self.room = rate / 8, delay, buffer
        self.waiting, self.credit, self.last = bytearray(), 0.0, time.monotonic()
        self.coming, self.going = collections.deque(), collections.deque()
        self.stopped = False

    def step(self, now):
        """Moves bytes on; says whether the screen has changed."""
        while not self.stopped and len(self.waiting) < self.room:
            try:
                data = os.read(self.master, min(65536, self.room - len(self.waiting)))
            except (BlockingIOError, OSError):
                break
            if not data:
                break
            self.waiting += data
        if self.rate:
            # A line that was idle has saved nothing up but for this script's own step.
            self.credit = min(self.credit + (now - self.last) * self.rate, max(self.rate * 0.005, 1.0))
            count = min(int(self.credit), len(self.waiting))
            self.credit -= count
        else:
            count = len(self.waiting)
        self.last = now
        if count and not self.stopped:
            self.coming.append((now + self.delay, bytes(self.waiting[:count])))
            del self.waiting[:count]
        changed = False
        while self.coming and self.coming[0][0] <= now:
            answers = self.terminal.feed(self.coming.popleft()[1], now)
            changed = True
            if answers:
                self.going.append((now + self.delay, answers))
        while self.going and self.going[0][0] <= now:
            os.write(self.master, self.going.popleft()[1])
        return changed

    def press(self, keys, now):
        self.going.append((now + self.delay, keys))

    def state(self):
        """Verdict, exam and its state, as the row under the large word has them."""
        found = STATE.search(self.terminal.screen())
        return found and found.groups()

    def end(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


def spread(times):
    if not times:
        return "none seen"
    middle, worst = statistics.median(times), max(times)
    return f"median {1000 * middle:.0f} ms, worst {1000 * worst:.0f} ms ({len(times)})"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rate")
    parser.add_argument("size", nargs="?", default="120x40")
    parser.add_argument("seconds", nargs="?", type=float, default=40.0)
    parser.add_argument("--program", default="target/release/sonolamp")
    parser.add_argument("--source", default="phantom:lung-tour")
    parser.add_argument("--delay", type=float, default=20.0, help="one way, ms")
    parser.add_argument("--buffer", type=int, default=128, help="kB")
    parser.add_argument("--mute", action="store_true")
    parser.add_argument("--stuck", action="store_true")
    given = parser.parse_args()
    rate = float(given.rate.replace("M", "e6").replace("k", "e3"))
    size = tuple(map(int, given.size.split("x")))
    delay = given.delay / 1000 if rate else 0.0
    with tempfile.TemporaryDirectory() as folder:
        config = os.path.join(folder, "sonolamp.toml")
        with open(config, "w") as file:
            file.write(f'[watch]\nsocket = "{folder}/watch"\n')
        command = [given.program, "run", "--config", config, "--source", given.source]
        far = Line(command, size, rate, delay, 1024 * given.buffer, given.mute)
        time.sleep(1.0)
        near = Line([given.program, "watch", "--socket", f"{folder}/watch"], (80, 24), 0, 0.0, 1 << 20)
        try:
            measure(given, far, near)
        finally:
            near.end()
            far.end()


def measure(given, far, near):
    start = time.monotonic()
    pressed, keys, frames = None, [], {}
    changes = {far: [], near: []}
    next_key = start + 5.0
    while (now := time.monotonic()) < start + given.seconds:
        if given.stuck:
            far.stopped = given.seconds / 2 - 5 < now - start < given.seconds / 2 + 5
            for at in (-4.5, 4.5):
                if now - start > given.seconds / 2 + at and at not in frames:
                    found = re.search(r"frames +([\d,]+) cap", near.terminal.screen())
                    frames[at] = found and int(found.group(1).replace(",", ""))
        for line, seen in changes.items():
            if line.step(now) and (state := line.state()) and (not seen or seen[-1][1] != state):
                seen.append((now, state))
                if line is far and pressed and state[2] != before:
                    keys.append(now - pressed)
                    pressed, next_key = None, now + HOLD_FOR.get(state[2], 1.0)
        if pressed is None and now >= next_key and not far.stopped and changes[far]:
            far.press(b" ", now)
            pressed, before = now, changes[far][-1][1][2]
        moving = far.waiting or far.coming or far.going
        select.select([far.master, near.master], [], [], 0.0005 if moving else 0.002)
    later = []
    for at, state in changes[near]:
        there = [seen - at for seen, same in changes[far] if same == state and -0.2 < seen - at < 5.0]
        later += there[:1] if at > start + 3 else []
    draws = [draw for draw in far.terminal.draws if draw[0] > start + 3]
    pictures = [size for _, size, picture in draws if picture]
    words = [size for _, size, picture in draws if not picture]
    whole = sum(size for _, size, _ in draws)
    seconds = given.seconds - 3
    print(f"{given.rate} bit/s, {given.size}: {len(draws) / seconds:.1f} screens/s, {len(pictures) / seconds:.1f} with a picture")
    if pictures:
        print(f"  bytes of one with a picture: median {statistics.median(pictures):.0f}, most {max(pictures)}")
    if words:
        print(f"  bytes of one without: median {statistics.median(words):.0f}, most {max(words)}")
    print(f"  line: {8 * whole / seconds / 1e6:.2f} Mbit/s; waiting now {len(far.waiting)} bytes")
    print(f"  key (space) to the state that it brings: {spread(keys)}")
    print(f"  verdict or state to screen, later than on a local one: {spread(later)}")
    if given.stuck:
        print(f"  frames by the watcher 9 s apart while stuck: {frames}")


if __name__ == "__main__":
    main()
