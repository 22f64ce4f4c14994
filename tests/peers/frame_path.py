"""Compares the whole frame path: the appliance, and Python with OpenCV and ONNX Runtime.

    python frame_path.py SONOLAMP FOLDER [--rounds N] [--held avx2|avxvnni]

FOLDER is what clips.py wrote. Both programs read the same MJPEG on standard input and judge every
frame of it; they take turns. A frame's time is the difference of a long and a short clip's, divided
by the difference of their frames, so that starting does not count; memory is the most that the
process had resident. "processor ms" is what the process used of the processor, "ms a frame" the
time that passed. This program stays small, since a child's figure begins with its parent's.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import time

import held

HERE = pathlib.Path(__file__).parent
NETWORK = HERE.parents[1] / "models" / "lung" / "lung.onnx"


def measured(command, clip, environment):
    """Wall and processor seconds, peak MB, and the last line of output."""
    start = time.monotonic()
    with open(clip, "rb") as stream:
        child = subprocess.Popen(
            command,
            stdin=stream,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
        )
    output = child.stdout.read()
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    wall = time.monotonic() - start
    if child.returncode != 0:
        raise SystemExit(f"{command[0]} failed with {child.returncode}")
    return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, json.loads(output)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("sonolamp")
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--held", choices=["avx2", "avxvnni"])
    arguments = parser.parse_args()
    sonolamp, environment = arguments.sonolamp, dict(os.environ)
    if arguments.held:
        copies = arguments.folder.parent / "held"
        (sonolamp,) = held.prepare(copies, [sonolamp])
        environment |= held.environment(copies, arguments.held)
    python = [sys.executable, str(HERE / "pipeline.py"), str(NETWORK)]
    commands = {
        "sonolamp": [sonolamp, "screen", "--json", "--jobs", "1", "pipe:-"],
        "Python": python,
        "Python --bare": python + ["--bare"],
    }
    print("| clip | side | ms a frame | processor ms | start, ms | peak MB | verdict |")
    print("|---" * 7 + "|")
    for long in sorted(arguments.folder.glob("*-long.mjpeg")):
        size = long.name.removesuffix("-long.mjpeg")
        short = long.with_name(f"{size}-short.mjpeg")
        rows = {side: [] for side in commands}
        for _ in range(arguments.rounds):
            for side, command in commands.items():
                less = measured(command, short, environment)
                more = measured(command, long, environment)
                few, many = (frames(result[3]) for result in (less, more))
                wall, work = ((more[i] - less[i]) / (many - few) * 1e3 for i in (0, 1))
                rows[side].append((wall, work, less[0] * 1e3 - wall * few, more[2]))
                verdict = more[3]["verdict"]
                rows[side][-1] += (verdict,)
        middle = {}
        for side, row in rows.items():
            middle[side] = [statistics.median(r[i] for r in row) for i in range(4)]
            wall, work, start, memory = middle[side]
            verdict = row[0][4]
            times = f"{wall:.2f} | {work:.2f} | {start:.0f} | {memory:.0f}"
            print(f"| {size} | {side} | {times} | {verdict} |")
        for side in list(middle)[1:]:
            wall, work, _, memory = (a / b for a, b in zip(middle["sonolamp"], middle[side]))
            ratios = f"{wall:.2f} | {work:.2f} | | {memory:.2f}"
            print(f"| {size} | ours / {side} | {ratios} | |", flush=True)


def frames(report):
    return report["frames"]["read"] if isinstance(report["frames"], dict) else report["frames"]


if __name__ == "__main__":
    main()
