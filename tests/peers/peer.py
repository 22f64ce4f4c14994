"""One peer as a worker: says `ready`, then reads a number of runs a line and prints microseconds.

    python peer.py onnxruntime|openvino NETWORK.onnx
    python peer.py litert NETWORK.tflite
    python peer.py ncnn NETWORK.ncnn.param

One thread; the time is that of one call with its input already in memory.
"""

import sys
import time

import numpy as np
import onnx

from agreement import made_up_input


def onnx_input(network):
    source = onnx.load(network).graph.input[0]
    shape = [d.dim_value for d in source.type.tensor_type.shape.dim]
    return source.name, made_up_input(shape, source.type.tensor_type.elem_type)


def onnxruntime_run(network):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(network, options, providers=["CPUExecutionProvider"])
    feed = dict([onnx_input(network)])
    return lambda: session.run(None, feed)


def openvino_run(network):
    import openvino

    core = openvino.Core()
    settings = {"INFERENCE_NUM_THREADS": 1, "PERFORMANCE_HINT": "LATENCY"}
    request = core.compile_model(network, "CPU", settings).create_infer_request()
    _, data = onnx_input(network)
    request.set_input_tensor(openvino.Tensor(data))
    return request.infer


def litert_run(network):
    from ai_edge_litert.interpreter import Interpreter

    # XNNPACK is its default.
    interpreter = Interpreter(network, num_threads=1)
    interpreter.allocate_tensors()
    (source,) = interpreter.get_input_details()
    rows, columns, channels = source["shape"][1:]
    kind = onnx.helper.np_dtype_to_tensor_dtype(np.dtype(source["dtype"]))
    data = made_up_input([1, channels, rows, columns], kind)
    interpreter.set_tensor(source["index"], np.ascontiguousarray(data.transpose(0, 2, 3, 1)))
    return interpreter.invoke


def ncnn_run(network):
    import ncnn

    from to_ncnn import input_shape, loaded

    net = loaded(network)
    data = made_up_input(input_shape(network), onnx.TensorProto.FLOAT)
    picture = ncnn.Mat(data[0]).clone()

    def run():
        extractor = net.create_extractor()
        extractor.input("in0", picture)
        return [extractor.extract(name) for name in net.output_names()]

    return run


def main():
    kind, network = sys.argv[1:3]
    runs = {
        "onnxruntime": onnxruntime_run,
        "openvino": openvino_run,
        "litert": litert_run,
        "ncnn": ncnn_run,
    }
    run = runs[kind](network)
    run()
    print("ready", flush=True)
    for line in sys.stdin:
        count = int(line or 0)
        if count == 0:
            return
        times = []
        for _ in range(count):
            start = time.perf_counter_ns()
            run()
            times.append(f"{(time.perf_counter_ns() - start) / 1e3:.2f}")
        print(" ".join(times), flush=True)


if __name__ == "__main__":
    main()
