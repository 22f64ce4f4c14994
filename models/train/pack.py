"""Writes a bundle: network, card, training set, known answers and bundle.toml with digests."""

import csv
import hashlib
import json
import os

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from quantize import SCALE, ZERO_POINT


def with_head(backbone, head):
    """Appends the linear head (weights d x k, offsets k) to the output `features`: the network's
    outputs become `scores` and whatever else it had."""
    model = onnx.ModelProto()
    model.CopyFrom(backbone)
    weights, offsets = head
    graph = model.graph
    graph.initializer.append(numpy_helper.from_array(weights, "head.weight"))
    graph.initializer.append(numpy_helper.from_array(offsets, "head.bias"))
    graph.node.append(
        helper.make_node("Gemm", ["features", "head.weight", "head.bias"], ["scores"], name="head")
    )
    others = [output for output in graph.output if output.name != "features"]
    del graph.output[:]
    scores = helper.make_tensor_value_info("scores", TensorProto.FLOAT, [1, len(offsets)])
    graph.output.extend([scores, *others])
    onnx.checker.check_model(model)
    return model


def sha256(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def write(folder, manifest, model, card, training_set, known, tolerance=0.01):
    """`manifest`: ordered sections of TOML, see `section`; `known`: name -> (u8 picture, scores)."""
    os.makedirs(os.path.join(folder, "known"), exist_ok=True)
    at = lambda name: os.path.join(folder, name)
    network = f"{manifest['']['name']}.onnx"
    onnx.save(model, at(network))
    with open(at("card.md"), "w") as file:
        file.write(card)
    with open(at("training-set.csv"), "w", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(["sha256", "group"])
        rows.writerows(sorted(training_set))
    files = [(network, "model"), ("card.md", "card"), ("training-set.csv", "training-set")]
    for name, (picture, _) in known.items():
        Image.fromarray(picture).save(at(f"known/{name}.png"))
        files.append((f"known/{name}.png", "known-input"))
    with open(at("bundle.toml"), "w") as file:
        for name, content in manifest.items():
            file.write(section(name.split(" ")[0], content, " " in name))
        for path, role in files:
            digest = sha256(at(path))
            file.write(f'\n[[file]]\npath = "{path}"\nrole = "{role}"\nsha256 = "{digest}"\n')
        for name, (_, scores) in known.items():
            file.write(f'\n[[known_answer]]\ninput = "known/{name}.png"\n')
            file.write(f"scores = {[round(float(s), 4) for s in scores]}\ntolerance = {tolerance}\n")


def section(name, content, repeated=False):
    """TOML of a section. `content`: a table, or a list of tables, each of which becomes [[name]];
    a list of tables inside a table becomes [[name.key]]. A name of two words is one of several:
    "class normal" becomes [[class]]."""
    if isinstance(content, list):
        return "".join(section(name, table, True) for table in content)
    tables = {k: v for k, v in content.items() if v and isinstance(v, list) and isinstance(v[0], dict)}
    header = f"\n[[{name}]]\n" if repeated else f"\n[{name}]\n"
    lines = [f"{k} = {json.dumps(v, ensure_ascii=False)}\n" for k, v in content.items() if k not in tables]
    inner = [section(f"{name}.{k}" if name else k, v) for k, v in tables.items()]
    return "".join([header if name else "", *lines, *inner])


def input_section(size, region, preprocess):
    return {
        "width": size, "height": size, "region": region, "preprocess": preprocess,
        "zero_point": ZERO_POINT, "scale": SCALE,
    }
