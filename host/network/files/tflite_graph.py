"""A subgraph of a ``.tflite`` file: its tensors, and its operators before anything is made of them.

A flatbuffer is offsets all the way down, so a damaged file can claim anything. Every count is checked against the size
of the file before it is believed.
"""

import struct
from dataclasses import dataclass, replace

import numpy as np

from ..network import DTYPES, MAX_ELEMENTS, NetworkError, Tensor
from ..tflite_node import TYPES

# Bytes; of operators and tensors; dimensions of a tensor.
MAX_ITEMS, MAX_DIMENSIONS = 1 << 14, 5


@dataclass
class Node:
    """Place, kind, operands, outputs and table of an operator, which may be one that is not needed."""

    location: str
    kind: str
    inputs: list
    outputs: list
    intermediates: list
    table: object


class TfliteGraph:
    """One subgraph of a file.

    Parameters
    ----------
    tflite : module
    data : bytes
        Of the file.
    model : tflite.Model
    number : int
        Of the subgraph.

    Attributes
    ----------
    tensors : list of Tensor
        Those of a kind that is not one of `DTYPES` have no data, but for int4, whose data is of int8.
    inputs, outputs : tuple of int
    nodes : list of Node
    """

    def __init__(self, tflite, data, model, number):
        self._tflite, self._data, self._model = tflite, data, model
        if not 0 <= number < self._count(model.SubgraphsLength(), "subgraphs"):
            raise NetworkError(f"model must have a subgraph {number}, and has {model.SubgraphsLength()}")
        graph = model.Subgraphs(number)
        self.tensors = [self._tensor(index, graph.Tensors(index))
                        for index in range(self._count(graph.TensorsLength(), "tensors"))]
        self.inputs, self.outputs = (
            tuple(self._index(value, "the network") for value in self._vector(getattr(graph, f"{end}AsNumpy")()))
            for end in ("Inputs", "Outputs"))
        self.nodes = [self._node(index, graph.Operators(index))
                      for index in range(self._count(graph.OperatorsLength(), "operators"))]

    def options(self, kind, node, *, may_lack=False):
        """The table of a node's options, which must be of this kind, or None if it may lack."""
        options, union = getattr(self._tflite, kind)(), node.table.BuiltinOptions()
        if may_lack and node.table.BuiltinOptionsType() == 0:
            return None
        if union is None or node.table.BuiltinOptionsType() != getattr(self._tflite.BuiltinOptions, kind):
            raise NetworkError(f"{node.location} must have {kind}, and has options number "
                               f"{node.table.BuiltinOptionsType()}")
        options.Init(union.Bytes, union.Pos)
        return options

    def _count(self, count, what):
        """A count of tables, each of which has an offset of four bytes somewhere in the file."""
        max_count = min(MAX_ITEMS, len(self._data) // 4)
        if count > max_count:
            raise NetworkError(f"model must have at most {max_count} {what}, not {count}")
        return count

    @staticmethod
    def _vector(values):
        """A vector of numbers; the library gives 0 for one that is absent."""
        return np.zeros(0, dtype=np.int64) if isinstance(values, int) else values

    def _index(self, value, location, optional=False):
        lowest = -1 if optional else 0
        if not lowest <= value < len(self.tensors):
            raise NetworkError(f"{location} must name tensors from {lowest} to {len(self.tensors) - 1}, not {value}")
        return int(value)

    def _tensor(self, index, table):
        location = f"tensor {index}"
        name = (table.Name() or b"").decode("utf-8", "replace")
        shape = tuple(int(length) for length in self._vector(table.ShapeAsNumpy()))
        if len(shape) > MAX_DIMENSIONS or any(not 0 <= length <= MAX_ELEMENTS for length in shape):
            raise NetworkError(f"{location} must have at most {MAX_DIMENSIONS} dimensions of 0 to {MAX_ELEMENTS}, "
                               f"not {list(shape)[:8]}")
        dtype = TYPES.get(table.Type())
        if dtype is None:
            raise NetworkError(f"{location} ({name}) must be of {', '.join(TYPES.values())}, "
                               f"not of type number {table.Type()}")
        if table.Sparsity() is not None:
            raise NetworkError(f"{location} ({name}) must be dense, and is not")
        scales, zero_points, axis = self._quantization(table.Quantization(), location)
        is_open = bool((self._vector(table.ShapeSignatureAsNumpy()) < 0).any())
        tensor = Tensor(name, shape, dtype, scales, zero_points, axis, None, is_open, bool(table.IsVariable()))
        if dtype == "int4" and (packed := self._bytes(table.Buffer(), tensor, location)) is not None:
            return replace(tensor, data=_unpacked(packed, tensor, location))
        return replace(tensor, data=self._constant(table.Buffer(), tensor, location))

    def _quantization(self, table, location):
        if table is None:
            return np.zeros(0, np.float32), np.zeros(0, np.int64), 0
        scales = self._vector(table.ScaleAsNumpy()).astype(np.float32)
        zero_points = self._vector(table.ZeroPointAsNumpy()).astype(np.int64)
        if zero_points.size == 0:
            zero_points = np.zeros(scales.size, np.int64)
        if table.DetailsType():
            raise NetworkError(f"{location} must be quantized by scale and zero point, not in a custom way")
        if zero_points.size not in (1, scales.size):
            raise NetworkError(f"{location} must have as many zero points as scales ({scales.size}), "
                               f"not {zero_points.size}")
        return scales, np.broadcast_to(zero_points[:scales.size], scales.shape), table.QuantizedDimension()

    def _constant(self, index, tensor, location):
        """The data of a tensor's buffer, or None."""
        data = self._bytes(index, tensor, location)
        if data is None or tensor.dtype not in DTYPES:
            return None
        dtype = np.dtype(DTYPES[tensor.dtype])
        if data.size != tensor.size * dtype.itemsize:
            raise NetworkError(f"{location} must have {tensor.size * dtype.itemsize} bytes of data, not {data.size}")
        return data.view(dtype.newbyteorder("<")).astype(dtype).reshape(tensor.shape)

    def _bytes(self, index, tensor, location):
        """What a tensor's buffer holds, or None."""
        if index >= self._count(self._model.BuffersLength(), "buffers"):
            raise NetworkError(f"{location} must name one of {self._model.BuffersLength()} buffers, not {index}")
        buffer = self._model.Buffers(index)
        if buffer.Offset() > 1:
            data = np.frombuffer(self._data, np.uint8, buffer.Size(), buffer.Offset())
        elif index == 0 or buffer.DataIsNone():
            return None
        else:
            data = self._vector(buffer.DataAsNumpy()).astype(np.uint8)
        return None if not data.size and tensor.size else data

    def _node(self, index, table):
        codes = self._count(self._model.OperatorCodesLength(), "operator codes")
        if table.OpcodeIndex() >= codes:
            raise NetworkError(f"operator {index} must name one of {codes} operator codes, not {table.OpcodeIndex()}")
        code = self._model.OperatorCodes(table.OpcodeIndex())
        number = max(self._builtin_code(code), code.DeprecatedBuiltinCode())
        kind = self._tflite.utils.BUILTIN_OPCODE2NAME.get(number, f"number {number}")
        if number == self._tflite.BuiltinOperator.CUSTOM:
            kind = f"CUSTOM {(code.CustomCode() or b'').decode('utf-8', 'replace')[:40]}"
        location = f"operator {index} ({kind})"
        operands = [self._index(value, location, optional=True) for value in self._vector(table.InputsAsNumpy())]
        outputs, intermediates = ([self._index(value, location) for value in self._vector(values)]
                                  for values in (table.OutputsAsNumpy(), table.IntermediatesAsNumpy()))
        return Node(location, kind, operands, outputs, intermediates, table)

    def _builtin_code(self, code):
        """The newer of the two fields of an operator code; the library reads the older one below 127."""
        offset = code._tab.Offset(10)
        return struct.unpack_from("<i", self._data, code._tab.Pos + offset)[0] if offset else 0


def _unpacked(data, tensor, location):
    """Weights of four bits, two in a byte, the low ones first, rows one after the other without a gap."""
    wanted = (tensor.size + 1) // 2
    if data.size != wanted:
        raise NetworkError(f"{location} must have {wanted} bytes of data, not {data.size}")
    halves = np.stack([data & 15, data >> 4], axis=1).reshape(-1)[:tensor.size].astype(np.int8)
    return np.where(halves > 7, halves - 16, halves).astype(np.int8).reshape(tensor.shape)
