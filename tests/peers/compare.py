"""Times the int8 engine and its peers on the same networks, by turns (`sonolamp bench --against`).

    python compare.py SONOLAMP FOLDER [--seconds S] [--isa NAME] [--only TEXT] [BUNDLE.onnx...]

FOLDER is what networks.py wrote. Prints a Markdown table: our median in microseconds, the share of
the processor's int8 peak, and the ratio of our median to each peer's. One thread each.
"""

import argparse
import json
import pathlib
import shlex
import subprocess
import sys

HERE = pathlib.Path(__file__).parent
PEERS = ["ONNX Runtime int8", "OpenVINO int8", "tract int8", "ONNX Runtime f32", "tract f32"]


def peers(sonolamp, quantized, real):
    """The command of each peer that there is a network for."""

    def python(kind, network):
        return [sys.executable, str(HERE / "peer.py"), kind, str(network)]

    def tract(network):
        return [sonolamp, "bench", "--worker", "--isa", "stock", "--onnx", str(network)]

    commands = [python("onnxruntime", quantized), python("openvino", quantized), tract(quantized)]
    if real.exists():
        commands += [python("onnxruntime", real), tract(real)]
    return dict(zip(PEERS, map(shlex.join, commands)))


def compared(arguments, network, commands):
    command = [arguments.sonolamp, "bench", "--json", "--onnx", str(network)]
    command += ["--seconds", str(arguments.seconds)]
    command += ["--isa", arguments.isa] if arguments.isa else []
    for peer in commands.values():
        command += ["--against", peer]
    # Peers that cannot take a network are named on stderr, and left out.
    return json.loads(subprocess.run(command, stdout=subprocess.PIPE, text=True).stdout)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("sonolamp")
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("bundles", nargs="*", type=pathlib.Path)
    parser.add_argument("--seconds", type=float, default=0.3)
    parser.add_argument("--isa")
    parser.add_argument("--only", default="")
    arguments = parser.parse_args()
    print("| network | µs | of peak | / " + " | / ".join(PEERS) + " |")
    print("|---" * (len(PEERS) + 3) + "|")
    for network in sorted(arguments.folder.glob("*.qdq.onnx")) + arguments.bundles:
        name = network.name.removesuffix(".qdq.onnx").removesuffix(".onnx")
        if arguments.only not in name:
            continue
        real = network.with_name(f"{name}.f32.onnx")
        commands = peers(arguments.sonolamp, network, real)
        report = compared(arguments, network, commands)
        ratios = {row["command"]: row.get("ratio") for row in report["peers"]}
        cells = [ratios.get(commands.get(peer)) for peer in PEERS]
        cells = ["–" if ratio is None else f"{ratio:.2f}" for ratio in cells]
        share = report["share_of_peak"]
        share = f"{100 * share:.0f} %" if share else "–"
        row = [name, f"{report['inference']['p50_us']:.0f}", share, *cells]
        print("| " + " | ".join(row) + " |", flush=True)


if __name__ == "__main__":
    main()
