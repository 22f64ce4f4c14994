"""Times the int8 engine and its peers on the same networks, interleaved.

    python compare.py SONOLAMP FOLDER [--rounds N] [--isa NAME] [--held avx2|avxvnni] [--only TEXT]
                      [--peers TEXT,TEXT...] [BUNDLE.onnx...]

FOLDER is what networks.py and converted.py wrote. Prints a Markdown table: our median in
microseconds, the share of the processor's int8 peak, and the ratio of our median to each peer's;
then which form of the network each peer took. One thread each; the workers take turns, so that a
drift of the machine falls on all of them.

--isa holds ours alone to an instruction set; --held holds every side (held.py says how). --peers
leaves out the peers whose names hold none of the texts.
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
# What each peer is given. The forms other than ONNX are written by converted.py.
FORMS = {
    "ONNX Runtime int8": "our ONNX file",
    "OpenVINO int8": "our ONNX file",
    "LiteRT int8": "a .tflite file with the same integers, run by XNNPACK",
    "ncnn int8": "its own form, made from the f32 network: symmetric int8, as its tools make it",
    "tract int8": "our ONNX file, which it computes in float between quantizations",
    "rten int8": "our ONNX file, which it computes in float between quantizations",
    "ONNX Runtime f32": "the f32 ONNX file",
    "ncnn f32": "its own form of the f32 network",
    "tract f32": "the f32 ONNX file",
    "rten f32": "the f32 ONNX file",
}


# What else is taken away with AVX-512.
HELD = {"avx2": " and AVX-VNNI", "avxvnni": ""}


class Worker:
    def __init__(self, command, environment):
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        )
        self.times = []
        if not self.process.stdout.readline().startswith("ready"):
            raise RuntimeError(self.process.stderr.read().strip().splitlines()[-1:])
        self.started = time.monotonic()

    def turn(self, runs):
        self.process.stdin.write(f"{runs}\n")
        self.process.stdin.flush()
        times = [float(t) for t in self.process.stdout.readline().split()]
        # The first runs of a turn find cold caches.
        self.times += times[len(times) // 4 :]

    def stop(self):
        self.process.stdin.write("0\n")
        self.process.stdin.flush()
        self.process.wait()


class Sides:
    """Starts the workers, held or not."""

    def __init__(self, arguments):
        self.arguments, self.environment = arguments, os.environ | {"RTEN_NUM_THREADS": "1"}
        self.sonolamp = arguments.sonolamp
        self.rten = arguments.folder.parent / "rten" / "release" / "rten-peer"
        self.isa = ["--isa", arguments.isa] if arguments.isa else []
        self.missing = []
        self.wanted = [p for p in FORMS if any(t in p for t in arguments.peers.split(","))]
        if arguments.held:
            programs = [self.sonolamp] + ([self.rten] if self.rten.exists() else [])
            copies = arguments.folder.parent / "held"
            self.sonolamp, *rest = held.prepare(copies, programs)
            self.rten = pathlib.Path(rest[0]) if rest else self.rten
            self.environment |= held.environment(copies, arguments.held)
            self.isa = []

    def workers(self, network, name):
        folder = self.arguments.folder
        ours = [self.sonolamp, "bench", "--worker", "--onnx"]
        stock = ["--isa", "stock"]
        peer = [sys.executable, str(HERE / "peer.py")]
        real, lite = folder / f"{name}.f32.onnx", folder / f"{name}.tflite"
        ncnn = {kind: folder / f"{name}.{kind}.ncnn.param" for kind in ("int8", "f32")}
        commands = {
            "ONNX Runtime int8": (peer + ["onnxruntime"], network, []),
            "OpenVINO int8": (peer + ["openvino"], network, []),
            "LiteRT int8": (peer + ["litert"], lite, []),
            "ncnn int8": (peer + ["ncnn"], ncnn["int8"], []),
            "tract int8": (ours, network, stock),
            "rten int8": ([str(self.rten)], network, []),
            "ONNX Runtime f32": (peer + ["onnxruntime"], real, []),
            "ncnn f32": (peer + ["ncnn"], ncnn["f32"], []),
            "tract f32": (ours, real, stock),
            "rten f32": ([str(self.rten)], real, []),
        }
        started = {"sonolamp": Worker(ours + [str(network)] + self.isa, self.environment)}
        for peer in self.wanted:
            command, model, more = commands[peer]
            if not model.exists():
                self.missing.append(f"{peer} left out of {name}: no {model.name}")
                continue
            try:
                started[peer] = Worker(command + [str(model)] + more, self.environment)
            except (RuntimeError, OSError) as error:
                self.missing.append(f"{peer} cannot take {name}: {error}")
        return started

    def share_of_peak(self, network):
        command = [self.sonolamp, "bench", "--json", "--seconds", "0.5", "--onnx", str(network)]
        command += self.isa
        output = subprocess.run(
            command, capture_output=True, text=True, check=True, env=self.environment
        ).stdout
        report = json.loads(output)
        peak = report["peak_giga_macs_per_second"]
        return report["mega_macs"] / peak * 1e3 if peak else None


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("sonolamp")
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("bundles", nargs="*", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--isa")
    parser.add_argument("--held", choices=["avx2", "avxvnni"])
    parser.add_argument("--only", default="")
    parser.add_argument("--peers", default="")
    arguments = parser.parse_args()
    networks = sorted(arguments.folder.glob("*.qdq.onnx")) + arguments.bundles
    sides = Sides(arguments)
    peers, used = sides.wanted, {}
    print("| network | µs | of peak | / " + " | / ".join(peers) + " |")
    print("|---" * (len(peers) + 3) + "|")
    for network in networks:
        name = network.name.removesuffix(".qdq.onnx").removesuffix(".onnx")
        if arguments.only not in name:
            continue
        least = sides.share_of_peak(network)
        started = sides.workers(network, name)
        for worker in started.values():
            worker.turn(3)
            worker.runs = max(3, int(20000 / statistics.median(worker.times)))
            worker.times = []
        for _ in range(arguments.rounds):
            for worker in started.values():
                worker.turn(worker.runs)
        for side, worker in started.items():
            used.setdefault(held.seen(worker.process, worker.started), set()).add(side)
            worker.stop()
        median = {peer: statistics.median(worker.times) for peer, worker in started.items()}
        mine = median["sonolamp"]
        ratios = [f"{mine / median[p]:.2f}" if p in median else "–" for p in peers]
        share = f"{100 * least / mine:.0f} %" if least else "–"
        print(f"| {name} | {mine:.0f} | {share} | " + " | ".join(ratios) + " |", flush=True)
    print()
    for peer in peers:
        print(f"- {peer} takes {FORMS[peer]}")
    for words in sides.missing:
        print(f"- {words}")
    if arguments.held:
        print(
            f"- every side is held to {arguments.held}: its `cpuid` instructions, and glibc's, are"
        )
        print("  answered without AVX-512" + HELD[arguments.held])
    elif arguments.isa:
        print(f"- only ours is held to {arguments.isa}")
    for answer, words in [(True, "used"), (False, "not used"), (None, "use not known")]:
        if answer in used:
            print(f"- AVX-512 {words}, says the kernel: {', '.join(sorted(used[answer]))}")


if __name__ == "__main__":
    main()
