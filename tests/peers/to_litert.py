"""Writes a quantized ONNX network (QuantizeLinear/DequantizeLinear pairs) as a LiteRT file.

    python to_litert.py NETWORK.onnx FILE.tflite

The same integers: LiteRT's int8 is ONNX's u8 less 128, with the same scales, weights and biases;
its pictures are rows of columns of channels. Knows the operators of networks.py and the bundles.
"""

import pathlib
import sys

import flatbuffers
import numpy as np
import onnx
from ai_edge_litert import schema_py_generated as lite
from onnx import numpy_helper

TYPES = {
    np.dtype(np.float32): lite.TensorType.FLOAT32,
    np.dtype(np.int32): lite.TensorType.INT32,
    np.dtype(np.int8): lite.TensorType.INT8,
    np.dtype(np.uint8): lite.TensorType.UINT8,
}
VERSIONS = {"CONV_2D": 3, "DEPTHWISE_CONV_2D": 3, "FULLY_CONNECTED": 4, "ADD": 2, "MEAN": 2}
VERSIONS |= {"MAX_POOL_2D": 2, "PAD": 2, "QUANTIZE": 2, "DEQUANTIZE": 2, "LOGISTIC": 2, "MUL": 2}
VERSIONS |= {"CONCATENATION": 2, "RESIZE_BILINEAR": 3, "RESIZE_NEAREST_NEIGHBOR": 3}


class Writer:
    """A LiteRT model in the making."""

    def __init__(self):
        self.tensors, self.buffers, self.operators, self.codes = [], [lite.BufferT()], [], []

    def tensor(self, shape, kind, data=None, scales=None, zero=0, axis=0):
        tensor = lite.TensorT()
        tensor.name, tensor.shape = f"t{len(self.tensors)}", [int(side) for side in shape]
        tensor.type, tensor.buffer = TYPES[np.dtype(kind)], 0
        if data is not None:
            buffer = lite.BufferT()
            buffer.data = np.frombuffer(np.ascontiguousarray(data, kind).tobytes(), np.uint8)
            tensor.buffer = len(self.buffers)
            self.buffers.append(buffer)
        if scales is not None:
            scales = np.atleast_1d(np.asarray(scales, np.float32))
            tensor.quantization = lite.QuantizationParametersT()
            tensor.quantization.scale = [float(scale) for scale in scales]
            tensor.quantization.zeroPoint = [int(zero)] * len(scales)
            tensor.quantization.quantizedDimension = axis
        self.tensors.append(tensor)
        return len(self.tensors) - 1

    def alike(self, tensor, shape):
        """An empty tensor of another shape with the type and scale of `tensor`."""
        like = self.tensors[tensor]
        new = self.tensors[self.tensor(shape, np.int8)]
        new.type, new.quantization = like.type, like.quantization
        return len(self.tensors) - 1

    def shape(self, tensor):
        return self.tensors[tensor].shape

    def operator(self, name, inputs, output, kind=None, **options):
        if name not in self.codes:
            self.codes.append(name)
        operator = lite.OperatorT()
        operator.opcodeIndex = self.codes.index(name)
        operator.inputs, operator.outputs = inputs, [output]
        if kind:
            operator.builtinOptionsType = getattr(lite.BuiltinOptions, kind)
            operator.builtinOptions = getattr(lite, f"{kind}T")()
            for option, value in options.items():
                assert hasattr(operator.builtinOptions, option), option
                setattr(operator.builtinOptions, option, value)
        self.operators.append(operator)
        return output

    def save(self, path, start, ends):
        graph, model = lite.SubGraphT(), lite.ModelT()
        graph.tensors, graph.operators = self.tensors, self.operators
        graph.inputs, graph.outputs = [start], ends
        model.version, model.subgraphs, model.buffers = 3, [graph], self.buffers
        model.operatorCodes = []
        for name in self.codes:
            code = lite.OperatorCodeT()
            code.builtinCode = code.deprecatedBuiltinCode = getattr(lite.BuiltinOperator, name)
            code.version = VERSIONS.get(name, 1)
            model.operatorCodes.append(code)
        builder = flatbuffers.Builder(1 << 20)
        builder.Finish(model.Pack(builder), b"TFL3")
        pathlib.Path(path).write_bytes(bytes(builder.Output()))


class Reader:
    """Walks the ONNX graph and writes it."""

    def __init__(self, model):
        self.graph, self.writer = model.graph, Writer()
        self.constants = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}
        self.makers = {output: node for node in model.graph.node for output in node.output}
        # What quantizes a real value, and the tensor that each name stands for.
        self.quantizers = {
            node.input[0]: node for node in model.graph.node if node.op_type == "QuantizeLinear"
        }
        self.tensors = {}
        # Channels, rows and columns before a Flatten, for the dense layer behind it.
        self.flat = {}

    def scale(self, node):
        zero = self.constants[node.input[2]]
        shift = 128 if zero.dtype == np.uint8 else 0
        return float(self.constants[node.input[1]]), int(zero) - shift

    def real(self, name):
        """A constant behind its DequantizeLinear: integers and scales, or reals and none."""
        if name in self.constants:
            return self.constants[name], None
        node = self.makers[name]
        return self.constants[node.input[0]], np.atleast_1d(self.constants[node.input[1]])

    def output(self, node, shape):
        """The tensor for what `node` makes: bytes where it is quantized next, else reals."""
        name = node.output[0]
        if name in self.quantizers:
            quantizer = self.quantizers[name]
            scale, zero = self.scale(quantizer)
            tensor = self.writer.tensor(shape, np.int8, scales=scale, zero=zero)
            self.tensors[quantizer.output[0]] = tensor
        else:
            tensor = self.writer.tensor(shape, np.float32)
        self.tensors[name] = tensor
        return tensor

    def input(self, node, which=0):
        """The tensor that `node` reads: bytes for bytes, reals for reals."""
        tensor = self.tensors[node.input[which]]
        quantized = self.writer.tensors[tensor].quantization is not None
        if quantized and node.output[0] not in self.quantizers:
            real = self.writer.tensor(self.writer.shape(tensor), np.float32)
            return self.writer.operator("DEQUANTIZE", [tensor], real)
        return tensor

    def weights(self, node, arrange, axis):
        """Weights and biases; `arrange` puts the weights into LiteRT's order."""
        values, scales = self.real(node.input[1])
        bias, bias_scales = self.real(node.input[2])
        kind = np.float32 if scales is None else np.int8
        values = arrange(values)
        weights = self.writer.tensor(values.shape, kind, values, scales, 0, axis)
        kind = np.float32 if scales is None else np.int32
        return [weights, self.writer.tensor(bias.shape, kind, bias, bias_scales)]

    def padded(self, tensor, kernel, strides, pads):
        """Where LiteRT's own padding is another than `pads`, an operator that pads."""
        _, height, width, channels = self.writer.shape(tensor)
        own = []
        for side, size, stride in ((height, kernel[0], strides[0]), (width, kernel[1], strides[1])):
            total = max(0, (-(-side // stride) - 1) * stride + size - side)
            own.append((total // 2, total - total // 2))
        wanted = [(pads[0], pads[2]), (pads[1], pads[3])]
        if own == wanted:
            return tensor, lite.Padding.SAME
        if any(map(any, wanted)):
            table = np.array([(0, 0), *wanted, (0, 0)], np.int32)
            shape = [1, height + sum(wanted[0]), width + sum(wanted[1]), channels]
            amounts = self.writer.tensor(table.shape, np.int32, table)
            output = self.writer.alike(tensor, shape)
            tensor = self.writer.operator("PAD", [tensor, amounts], output, "PadOptions")
        return tensor, lite.Padding.VALID

    def conv(self, node, kernel_shape, strides=(1, 1), pads=(0, 0, 0, 0), group=1, **_):
        tensor, padding = self.padded(self.input(node), kernel_shape, strides, pads)
        values, _ = self.real(node.input[1])
        deep = group > 1
        assert not deep or values.shape[1] == 1 and values.shape[0] == group
        order, axis = ((1, 2, 3, 0), 3) if deep else ((0, 2, 3, 1), 0)
        constants = self.weights(node, lambda w: w.transpose(order), axis)
        sides = self.sides(tensor, kernel_shape, strides, padding)
        output = self.output(node, [1, *sides, values.shape[0]])
        kind = "DepthwiseConv2DOptions" if deep else "Conv2DOptions"
        more = {"depthMultiplier": 1} if deep else {}
        self.writer.operator(
            "DEPTHWISE_CONV_2D" if deep else "CONV_2D",
            [tensor, *constants],
            output,
            kind,
            padding=padding,
            strideH=strides[0],
            strideW=strides[1],
            dilationHFactor=1,
            dilationWFactor=1,
            **more,
        )

    def sides(self, tensor, kernel, strides, padding):
        sides = self.writer.shape(tensor)[1:3]
        if padding == lite.Padding.SAME:
            return [-(-side // stride) for side, stride in zip(sides, strides)]
        return [(side - size) // stride + 1 for side, size, stride in zip(sides, kernel, strides)]

    def max_pool(self, node, kernel_shape, strides=(1, 1), pads=(0, 0, 0, 0), **_):
        tensor, padding = self.padded(self.input(node), kernel_shape, strides, pads)
        sides = self.sides(tensor, kernel_shape, strides, padding)
        output = self.output(node, [1, *sides, self.writer.shape(tensor)[3]])
        self.writer.operator(
            "MAX_POOL_2D",
            [tensor],
            output,
            "Pool2DOptions",
            padding=padding,
            strideH=strides[0],
            strideW=strides[1],
            filterHeight=kernel_shape[0],
            filterWidth=kernel_shape[1],
        )

    def add(self, node):
        self.two(node, "ADD", "AddOptions")

    def mul(self, node):
        self.two(node, "MUL", "MulOptions")

    def two(self, node, name, options):
        inputs = [self.input(node, 0), self.input(node, 1)]
        shape = np.broadcast_shapes(*(self.writer.shape(one) for one in inputs))
        self.writer.operator(name, inputs, self.output(node, shape), options)

    def sigmoid(self, node):
        tensor = self.input(node)
        output = self.output(node, self.writer.shape(tensor))
        self.writer.operator("LOGISTIC", [tensor], output)

    def concat(self, node, axis):
        inputs = [self.input(node, which) for which in range(len(node.input))]
        shape = list(self.writer.shape(inputs[0]))
        assert axis == 1 and len(shape) == 4
        shape[3] = sum(self.writer.shape(one)[3] for one in inputs)
        output = self.output(node, shape)
        self.writer.operator("CONCATENATION", inputs, output, "ConcatenationOptions", axis=3)

    def resize(self, node, mode, coordinate_transformation_mode, **_):
        tensor, scales = self.input(node), self.constants[node.input[2]]
        _, height, width, channels = self.writer.shape(tensor)
        sides = np.array([height * scales[2], width * scales[3]], np.int32)
        output = self.output(node, [1, *sides, channels])
        kind = "Bilinear" if mode == b"linear" else "NearestNeighbor"
        name = "RESIZE_BILINEAR" if mode == b"linear" else "RESIZE_NEAREST_NEIGHBOR"
        centres = coordinate_transformation_mode == b"half_pixel"
        inputs = [tensor, self.writer.tensor([2], np.int32, sides)]
        options = f"Resize{kind}Options"
        self.writer.operator(name, inputs, output, options, halfPixelCenters=centres)

    def global_average_pool(self, node):
        tensor = self.input(node)
        axes = self.writer.tensor([2], np.int32, [1, 2])
        output = self.output(node, [1, 1, 1, self.writer.shape(tensor)[3]])
        self.writer.operator("MEAN", [tensor, axes], output, "ReducerOptions", keepDims=True)

    def flatten(self, node, **_):
        tensor = self.input(node)
        _, height, width, channels = self.writer.shape(tensor)
        shape = np.array([1, height * width * channels], np.int32)
        output = self.output(node, shape)
        constant = self.writer.tensor([2], np.int32, shape)
        self.writer.operator(
            "RESHAPE", [tensor, constant], output, "ReshapeOptions", newShape=shape
        )
        self.flat[output] = (channels, height, width)

    def gemm(self, node, transB=0, **_):
        tensor = self.input(node)
        source = self.tensors[node.input[0]]

        def arrange(weights):
            weights = weights if transB else weights.T
            if source not in self.flat:
                return weights
            pictures = weights.reshape(len(weights), *self.flat[source])
            return pictures.transpose(0, 2, 3, 1).reshape(weights.shape)

        constants = self.weights(node, arrange, 0)
        output = self.output(node, [1, self.writer.shape(constants[0])[0]])
        options = {"weightsFormat": lite.FullyConnectedOptionsWeightsFormat.DEFAULT}
        self.writer.operator(
            "FULLY_CONNECTED", [tensor, *constants], output, "FullyConnectedOptions", **options
        )

    def quantize(self, node):
        if node.output[0] in self.tensors:
            return
        tensor = self.tensors[node.input[0]]
        scale, zero = self.scale(node)
        signed = self.writer.tensor(self.writer.shape(tensor), np.int8, scales=scale, zero=zero)
        self.tensors[node.output[0]] = self.writer.operator("QUANTIZE", [tensor], signed)

    def dequantize(self, node):
        name = node.input[0]
        if name in self.constants:
            return
        tensor = self.tensors[name]
        if self.writer.tensors[tensor].quantization is None:
            # The network's own input, in bytes.
            scale, zero = self.scale(node)
            raw = self.writer.tensors[tensor]
            raw.quantization = lite.QuantizationParametersT()
            raw.quantization.scale, raw.quantization.zeroPoint = [scale], [zero + 128]
            signed = self.writer.tensor(raw.shape, np.int8, scales=scale, zero=zero)
            tensor = self.writer.operator("QUANTIZE", [tensor], signed)
        self.tensors[node.output[0]] = tensor

    def write(self, path):
        source = self.graph.input[0]
        _, channels, height, width = (d.dim_value for d in source.type.tensor_type.shape.dim)
        byte = source.type.tensor_type.elem_type == onnx.TensorProto.UINT8
        kind = np.uint8 if byte else np.float32
        start = self.writer.tensor([1, height, width, channels], kind)
        self.tensors[source.name] = start
        steps = {
            "Conv": self.conv,
            "MaxPool": self.max_pool,
            "Add": self.add,
            "Mul": self.mul,
            "Sigmoid": self.sigmoid,
            "Concat": self.concat,
            "Resize": self.resize,
            "GlobalAveragePool": self.global_average_pool,
            "Flatten": self.flatten,
            "Gemm": self.gemm,
            "QuantizeLinear": self.quantize,
            "DequantizeLinear": self.dequantize,
        }
        for node in self.graph.node:
            if node.op_type not in steps:
                raise ValueError(f"{node.op_type} is not known here")
            attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
            if node.op_type.endswith("Linear"):
                attributes = {}
            steps[node.op_type](node, **attributes)
        ends = [self.tensors[target.name] for target in self.graph.output]
        for k, end in enumerate(ends):
            if self.writer.tensors[end].quantization is not None:
                real = self.writer.tensor(self.writer.shape(end), np.float32)
                ends[k] = self.writer.operator("DEQUANTIZE", [end], real)
        self.writer.save(path, start, ends)


def write(network, path):
    Reader(onnx.load(network)).write(path)


if __name__ == "__main__":
    write(sys.argv[1], sys.argv[2])
