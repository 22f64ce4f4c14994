"""One peer as a worker: says `ready`, then reads a number of runs a line and prints microseconds.

    python peer.py onnxruntime|openvino NETWORK.onnx

One thread; the time is that of one call with its input already in memory.
"""

import sys
import time

import onnx

from agreement import made_up_input


def onnxruntime_run(network, feed):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(network, options, providers=["CPUExecutionProvider"])
    names = [session.get_outputs()[0].name]
    return lambda: session.run(names, feed)


def openvino_run(network, feed):
    import openvino

    core = openvino.Core()
    settings = {"INFERENCE_NUM_THREADS": 1, "PERFORMANCE_HINT": "LATENCY"}
    request = core.compile_model(network, "CPU", settings).create_infer_request()
    (data,) = feed.values()
    request.set_input_tensor(openvino.Tensor(data))
    return request.infer


def main():
    kind, network = sys.argv[1:3]
    source = onnx.load(network).graph.input[0]
    shape = [d.dim_value for d in source.type.tensor_type.shape.dim]
    feed = {source.name: made_up_input(shape, source.type.tensor_type.elem_type)}
    run = {"onnxruntime": onnxruntime_run, "openvino": openvino_run}[kind](network, feed)
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
