"""Static int8 quantization: QDQ, per channel, with 8-bit pixels straight into the first layer."""

import logging
import os
import tempfile

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper
from onnxruntime.quantization import (
    CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static,
)
from onnxruntime.quantization.shape_inference import quant_pre_process

# The network's input is (pixel - ZERO_POINT) * SCALE.
ZERO_POINT, SCALE = 127, 1 / 128


class _Pixels(CalibrationDataReader):
    def __init__(self, pixels):
        self.rest = iter(pixels)

    def get_next(self):
        frame = next(self.rest, None)
        if frame is None:
            return None
        return {"image": reals(frame[None])}


def reals(pixels):
    """What the float network takes for these pixels."""
    return (pixels.astype(np.float32) - ZERO_POINT) * np.float32(SCALE)


def quantize(model, pixels, exclude=("pool", "flatten"), method="MinMax", **options):
    """Quantizes `model` with ranges seen on `pixels` (u8, n x 1 x h x w); its input becomes u8.

    `exclude`: nodes left in float; `method`: how ranges are taken, MinMax, Percentile or Entropy;
    `options` are ONNX Runtime's own.
    """
    logging.getLogger().setLevel(logging.ERROR)
    # Fixed beforehand, for the first layer's bias is in units of the input's scale.
    entry = {"scale": np.array(SCALE, np.float32), "zero_point": np.array(ZERO_POINT, np.uint8)}
    options["TensorQuantOverrides"] = {"image": [{"quant_type": QuantType.QUInt8, **entry}]}
    with tempfile.TemporaryDirectory() as folder:
        raw, clean, done = (os.path.join(folder, n) for n in ("raw.onnx", "clean.onnx", "q.onnx"))
        onnx.save(model, raw)
        quant_pre_process(raw, clean)
        quantize_static(
            clean, done, _Pixels(pixels), quant_format=QuantFormat.QDQ, per_channel=True,
            activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8,
            calibrate_method=CalibrationMethod[method],
            nodes_to_exclude=list(exclude), extra_options=options,
        )
        return _pixels_in(onnx.load(done))


def _pixels_in(model):
    """Replaces the float input and its QuantizeLinear by u8 pixels."""
    graph = model.graph
    entry = next(n for n in graph.node if "image" in n.input)
    assert entry.op_type == "QuantizeLinear", entry.op_type
    for node in graph.node:
        node.input[:] = ["image" if name == entry.output[0] else name for name in node.input]
    graph.node.remove(entry)
    shape = [d.dim_value for d in graph.input[0].type.tensor_type.shape.dim]
    graph.input[0].CopyFrom(helper.make_tensor_value_info("image", TensorProto.UINT8, shape))
    onnx.checker.check_model(model)
    return model


def session(model, exact=False):
    """A session that executes Q and DQ as written, in float, so that results do not depend on the
    CPU; or with `exact` in int8, as the appliance computes. That needs a CPU with VNNI: without,
    ONNX Runtime's sums saturate."""
    options = ort.SessionOptions()
    if not exact:
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.log_severity_level = 3
    return ort.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )


def outputs(run, pixels):
    """Each output of `run` (a session) for the frames of `pixels` (u8, n x 1 x h x w)."""
    return [np.concatenate(o) for o in zip(*(run.run(None, {"image": f[None]}) for f in pixels))]
