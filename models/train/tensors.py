"""The appliance's own input tensors, read through `sonolamp frames` and cached."""

import os
import subprocess

import numpy as np


def read(sonolamp, sources, out, size, most=0, seconds=60, region="sector"):
    """Tensors (u8, frames x 1 x size x size) of every source, in order.

    What `out` holds is used again if it was made by the same request. Of phantoms, the truth is
    written too, see `truth`.
    """
    stamp, wanted = os.path.join(out, "request.txt"), "\n".join(
        [f"{size} {most} {seconds} {region}", *sources])
    if not os.path.exists(stamp) or open(stamp).read() != wanted:
        os.makedirs(out, exist_ok=True)
        listed = os.path.join(out, "sources.txt")
        with open(listed, "w") as file:
            file.write("\n".join(sources) + "\n")
        command = [sonolamp, "frames", "--list", listed, "--out", out, "--most", str(most)]
        command += ["--size", f"{size}x{size}", "--seconds", str(seconds), "--region", region]
        if sources[0].startswith("phantom:"):
            command.append("--truth")
        subprocess.run(command, check=True)
        with open(stamp, "w") as file:
            file.write(wanted)
    return [np.load(os.path.join(out, f"{i:04}.npy")) for i in range(len(sources))]


def truth(out, count):
    """Where the findings are planted in the phantoms read into `out`: u8, n x frames x S x S."""
    return np.stack([np.load(os.path.join(out, f"{i:04}-truth.npy"))[:, 0] for i in range(count)])


def halved(frames):
    """Means of squares of two by two pixels (u8, n x 2S x 2S to n x S x S), rounded half up."""
    n, side = len(frames), frames.shape[1] // 2
    squares = frames.reshape(n, side, 2, side, 2).astype(np.uint16)
    return ((squares.sum((2, 4)) + 2) // 4).astype(np.uint8)
