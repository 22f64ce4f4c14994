"""Compares every quantized tensor with ONNX Runtime's, for one input.

    python agreement.py SONOLAMP NETWORK.onnx...

prints, for each network, the largest difference in quanta and the share of bytes that differ. ONNX
Runtime runs as it does by default, so that it too computes quantized layers in int8.
"""

import json
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import onnx
import onnxruntime


def made_up_input(shape, kind):
    """The input that `sonolamp bench` makes up."""
    index = np.arange(np.prod(shape), dtype=np.uint64)
    data = ((index * 2654435761 % 2**32) >> 24).astype(np.uint8).reshape(shape)
    return data if kind == onnx.TensorProto.UINT8 else data.astype(np.float32) / np.float32(255)


def ours(sonolamp, network, folder):
    file = pathlib.Path(folder) / "layers"
    worker = subprocess.Popen(
        [sonolamp, "bench", "--worker", "--onnx", network],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    path = worker.stdout.readline().strip()
    worker.stdin.write(f"dump {file}\n0\n")
    worker.stdin.flush()
    worker.stdout.readline()
    worker.wait()
    data, at, layers = file.read_bytes() if file.exists() else b"", 0, []
    while at < len(data):
        end = data.index(b"\n", at)
        head = json.loads(data[at:end])
        size = int(np.prod(head["shape"]))
        values = np.frombuffer(data, np.uint8, size, end + 1)
        layers.append((head["name"], values))
        at = end + 1 + size
    return path, layers


def theirs(network):
    model = onnx.load(network)
    taken = {node.name: node.output[0] for node in model.graph.node}
    known = {output.name for output in model.graph.output}
    bytes_types = {}
    for node in model.graph.node:
        if node.op_type.startswith("Q") or node.op_type == "MaxPool":
            bytes_types[node.output[0]] = None
    for name in bytes_types:
        if name not in known:
            model.graph.output.append(onnx.ValueInfoProto(name=name))
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    source = model.graph.input[0]
    shape = [d.dim_value for d in source.type.tensor_type.shape.dim]
    feed = {source.name: made_up_input(shape, source.type.tensor_type.elem_type)}
    names = [output.name for output in session.get_outputs()]
    return taken, dict(zip(names, session.run(names, feed)))


def main():
    sonolamp, networks = sys.argv[1], sys.argv[2:]
    print(f"{'network':<28} {'compared':>9} {'most':>4} {'differ':>8}")
    for network in networks:
        with tempfile.TemporaryDirectory() as folder:
            path, layers = ours(sonolamp, network, folder)
        taken, values = theirs(network)
        most, differ, count, compared, worst = 0, 0, 0, 0, ""
        for name, mine in layers:
            other = values.get(taken.get(name, ""))
            if other is None or other.dtype not in (np.uint8, np.int8) or other.size != mine.size:
                continue
            other = other.astype(np.int16).ravel() + (128 if other.dtype == np.int8 else 0)
            gap = np.abs(mine.astype(np.int16) - other)
            if gap.max(initial=0) > most:
                most, worst = int(gap.max()), name
            compared += 1
            differ, count = differ + int((gap > 0).sum()), count + gap.size
        name = pathlib.Path(network).name.removesuffix(".onnx")
        share = f"{100 * differ / max(count, 1):.3f} %"
        print(f"{name:<28} {compared:>4}/{len(layers):<4} {most:>4} {share:>8}  {path.removeprefix('ready ')} {worst}")


if __name__ == "__main__":
    main()
