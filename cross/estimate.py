"""Estimates, on paper, what a frame costs on boards that are not at hand.

    python3 cross/estimate.py LIBRARY SONOLAMP [NETWORK.onnx...]

LIBRARY is of an aarch64 build: target/cross/aarch64-unknown-linux-gnu/release/deps/libsonolamp-*.rlib;
SONOLAMP is one that runs here, to count each network's work; without a network, the built-in bundle.

llvm-mca (of LLVM 19, `apt install llvm-19`) simulates the inner loops of the int8 kernels. It has one
model for Cortex-A57, A72 and A76, which is the A57's; Neoverse N1 is the server sibling of the A76,
so that is what stands for A76 and A78 here. Times are multiply-accumulates over the loops' rates,
plus the turning of sums into bytes; caches and memory are taken to keep up, which they do not always.
An estimate, not a measurement.
"""

import json
import re
import subprocess
import sys

MCA, OBJDUMP = "llvm-mca-19", "aarch64-linux-gnu-objdump"
# Board, model of the core, GHz, and whether it has the int8 dot product.
BOARDS = [
    ("Pi 4 (Cortex-A72, 1.8 GHz)", "cortex-a72", 1.8, False),
    ("Pi 5 (Cortex-A76, 2.4 GHz)", "neoverse-n1", 2.4, True),
    ("Orin Nano (Cortex-A78AE, 1.7 GHz)", "neoverse-n1", 1.7, True),
]
BRANCH = re.compile(r"(?:b|b\.\w+|cbn?z\s+\w+,|tbn?z\s+\w+,\s*#\d+,)\s*([0-9a-f]+)$")
JUMPS = re.compile(r"(b\.|cbn?z|b\s|tbn?z|bl\s|ret)")
# What turns sums into bytes and stores them, and the rare store of less than eight bytes.
ENDS = re.compile(r"(scvtf|fmul|fcvtns|sqxtn|sqadd|smax|smin|str\s+d|stur\s+d)")


def functions(library):
    """Instructions, with their addresses, of each NEON kernel."""
    found, name = {}, None
    with subprocess.Popen(
        [OBJDUMP, "-d", "--no-show-raw-insn", library], stdout=subprocess.PIPE, text=True
    ) as process:
        for line in process.stdout:
            if head := re.match(r"[0-9a-f]+ <(.*)>:", line):
                name = head[1] if "7kernels4neon" in head[1] else None
            elif name and (row := re.match(r"\s*([0-9a-f]+):\s+(.*)", line)):
                text = re.sub(r"\s*(//|<).*", "", row[2]).strip()
                found.setdefault(name, []).append((int(row[1], 16), text))
    return found


def loops(code):
    """Bodies of the loops of a function, shortest first."""
    at = {address: i for i, (address, _) in enumerate(code)}
    bodies = []
    for i, (_, text) in enumerate(code):
        target = BRANCH.match(text)
        start = at.get(int(target[1], 16)) if target else None
        if start is not None and start < i:
            bodies.append([text for _, text in code[start:i] if not JUMPS.match(text)])
    return sorted(bodies, key=len)


def cycles(body, core):
    command = [MCA, "-mtriple=aarch64", f"-mcpu={core}", "-mattr=+dotprod", "-iterations=200"]
    result = subprocess.run(
        command, input="\n".join(body) + "\n", capture_output=True, text=True, check=True
    )
    return int(re.search(r"Total Cycles:\s+(\d+)", result.stdout)[1]) / 200


def count(body, pattern):
    return sum(bool(re.match(pattern, text)) for text in body)


def rates(code, core, dot):
    """Most multiply-accumulates a cycle of each kind of inner loop, and instructions for each."""
    best = {"dense": (0, 0), "depthwise": (0, 0)}
    for name, instructions in code.items():
        walk = "5quads4walk" in name
        if dot != (walk or "4neon3dot" in name) or "multiply_only" in name:
            continue
        kind = "depthwise" if walk or "9depthwise9depthwise" in name else "dense"
        for body in loops(instructions):
            products = count(body, "sdot") * 16 + count(body, r"s(mull|mlal)2?\s") * 8
            if walk:
                # Of a quad's taps, at least five in eight have a weight.
                products *= 0.625
                body = [text for text in body if not ENDS.match(text)]
            if products >= 64:
                rate = products / cycles(body, core)
                best[kind] = max(best[kind], (rate, len(body) / products))
    return best


# Eight sums to bytes: see `to_bytes` in src/inference/kernels/neon.rs.
TO_BYTES = """scvtf v0.4s, v2.4s
scvtf v1.4s, v3.4s
fmul v0.4s, v0.4s, v28.4s
fmul v1.4s, v1.4s, v29.4s
fcvtns v0.4s, v0.4s
fcvtns v1.4s, v1.4s
sqxtn v0.4h, v0.4s
sqxtn2 v0.8h, v1.4s
sqadd v0.8h, v0.8h, v30.8h
sqxtn v0.8b, v0.8h
smax v0.8b, v0.8b, v31.8b
smin v0.8b, v0.8b, v27.8b
str d0, [x0], #8""".split("\n")


def work(sonolamp, network):
    """Multiply-accumulates of dense and depthwise layers, and the bytes that they give."""
    command = [sonolamp, "bench", "--json", "--seconds", "0.1"]
    command += ["--onnx", network] if network else []
    report = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    total = {"dense": 0.0, "depthwise": 0.0, "bytes": 0.0}
    for layer in report["layers"]:
        height, width, channels = map(int, layer["shape"].split(" -> ")[1].split("x"))
        total["bytes"] += height * width * channels
        kind = "depthwise" if layer["kind"] == "depthwise" else "dense"
        total[kind] += layer["mega_macs"] * 1e6
    return total


def main():
    library, sonolamp, *networks = sys.argv[1:]
    code = functions(library)
    if not code:
        sys.exit(f"{library}: has no NEON kernels")
    print("| board | dense, MAC a cycle (an instruction) | depthwise | cycles for 8 bytes out |")
    print("|---|---|---|---|")
    boards = []
    for board, core, clock, dot in BOARDS:
        best, ends = rates(code, core, dot), cycles(TO_BYTES, core)
        boards.append((board, best, ends, clock))
        cells = [f"{rate:.1f} ({1 / each:.1f})" for rate, each in best.values()]
        print(f"| {board} | {cells[0]} | {cells[1]} | {ends:.1f} |")
    print("\n| network | " + " | ".join(board for board, *_ in boards) + " |")
    print("|---" * (len(boards) + 1) + "|")
    for network in networks or [None]:
        total = work(sonolamp, network)
        cells = []
        for _, best, ends, clock in boards:
            spent = sum(total[kind] / best[kind][0] for kind in best) + total["bytes"] / 8 * ends
            cells.append(f"{spent / clock / 1e6:.1f} ms")
        name = network.rsplit("/", 1)[-1] if network else "the built-in bundle"
        print(f"| {name} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
