"""Times the int8 engine and its peers on the same networks, interleaved.

    python compare.py SONOLAMP FOLDER [--rounds N] [--isa NAME] [--only TEXT] [BUNDLE.onnx...]

FOLDER is what networks.py wrote. Prints a Markdown table: our median in microseconds, the share of
the processor's int8 peak, and the ratio of our median to each peer's. One thread each; the workers
take turns, so that a drift of the machine falls on all of them.
"""

import argparse
import json
import pathlib
import statistics
import subprocess
import sys

HERE = pathlib.Path(__file__).parent


class Worker:
    def __init__(self, command):
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self.times = []
        if not self.process.stdout.readline().startswith("ready"):
            raise RuntimeError(self.process.stderr.read().strip().splitlines()[-1:])

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


def workers(arguments, quantized, real):
    ours = [arguments.sonolamp, "bench", "--worker", "--onnx", str(quantized)]
    peer = [sys.executable, str(HERE / "peer.py")]
    isa = ["--isa", arguments.isa] if arguments.isa else []
    commands = {
        "sonolamp": ours + isa,
        "ONNX Runtime int8": peer + ["onnxruntime", str(quantized)],
        "OpenVINO int8": peer + ["openvino", str(quantized)],
        "tract int8": ours + ["--isa", "stock"],
    }
    if real.exists():
        commands["ONNX Runtime f32"] = peer + ["onnxruntime", str(real)]
        commands["tract f32"] = ours[:-1] + [str(real), "--isa", "stock"]
    started = {}
    for name, command in commands.items():
        try:
            started[name] = Worker(command)
        except RuntimeError as error:
            print(f"{quantized.name}: {name} cannot take it: {error}", file=sys.stderr)
    return started


def share_of_peak(arguments, network):
    command = [arguments.sonolamp, "bench", "--json", "--seconds", "0.5", "--onnx", str(network)]
    command += ["--isa", arguments.isa] if arguments.isa else []
    report = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    peak = report["peak_giga_macs_per_second"]
    return report["mega_macs"] / peak * 1e3 if peak else None


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("sonolamp")
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("bundles", nargs="*", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--isa")
    parser.add_argument("--only", default="")
    arguments = parser.parse_args()
    networks = sorted(arguments.folder.glob("*.qdq.onnx")) + arguments.bundles
    peers = ["ONNX Runtime int8", "OpenVINO int8", "tract int8", "ONNX Runtime f32", "tract f32"]
    print("| network | µs | of peak | / " + " | / ".join(peers) + " |")
    print("|---" * (len(peers) + 3) + "|")
    for network in networks:
        name = network.name.removesuffix(".qdq.onnx").removesuffix(".onnx")
        if arguments.only not in name:
            continue
        least = share_of_peak(arguments, network)
        started = workers(arguments, network, network.with_name(f"{name}.f32.onnx"))
        for worker in started.values():
            worker.turn(3)
            worker.runs = max(3, int(20000 / statistics.median(worker.times)))
            worker.times = []
        for _ in range(arguments.rounds):
            for worker in started.values():
                worker.turn(worker.runs)
        for worker in started.values():
            worker.stop()
        median = {peer: statistics.median(worker.times) for peer, worker in started.items()}
        mine = median["sonolamp"]
        ratios = [f"{mine / median[p]:.2f}" if p in median else "–" for p in peers]
        share = f"{100 * least / mine:.0f} %" if least else "–"
        print(f"| {name} | {mine:.0f} | {share} | " + " | ".join(ratios) + " |", flush=True)


if __name__ == "__main__":
    main()
