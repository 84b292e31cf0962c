"""Reading ``.tflite`` files: what a flatbuffer says, as a `Network`.

A flatbuffer is offsets all the way down, so a damaged file can claim anything. Every count is checked against the size
of the file before it is believed, and whatever the flatbuffer library still trips over is one `NetworkError`.
"""

import struct
from dataclasses import replace

import numpy as np

from ..checks import check
from ..network import DTYPES, MOST_ELEMENTS, Network, NetworkError, Tensor
from ..operator import outputs_up_to
from ..operators import TFLITE
from ..tflite_node import TYPES, TfliteNode

# Bytes; of operators and tensors; dimensions of a tensor.
MOST_ITEMS, MOST_DIMENSIONS = 1 << 14, 5


def read_tflite(data, name, runtime="litert-2.3"):
    """The `Network` in the bytes of a file; NetworkError as of `load_network`."""
    try:
        import tflite
    except ImportError:
        raise NetworkError("tflite not found: pip install -e '.[networks]'") from None
    if data[4:8] != b"TFL3":
        raise NetworkError(f"model must be a .tflite file, which has TFL3 at byte 4, and {name} has {data[4:8]!r}")
    try:
        network = _Reader(tflite, data, runtime).network(name)
    except NetworkError:
        raise
    except (struct.error, IndexError, KeyError, ValueError, TypeError, OverflowError, AttributeError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise NetworkError(f"model must be a whole .tflite file, and {name} is damaged: {reason}") from None
    check(network)
    return network


class _Reader:
    """One file: its tables, and operators made of them."""

    def __init__(self, tflite, data, runtime):
        self._tflite, self._data, self._runtime = tflite, data, runtime
        self._model = tflite.Model.GetRootAs(data, 0)

    def network(self, name):
        """The `Network`, not yet checked."""
        model = self._model
        if model.SubgraphsLength() != 1:
            raise NetworkError(f"model must have one subgraph, not {model.SubgraphsLength()}")
        graph = model.Subgraphs(0)
        self._tensors = [self._tensor(index, graph.Tensors(index))
                         for index in range(self._count(graph.TensorsLength(), "tensors"))]
        ends = [tuple(self._index(value, "the network") for value in self._vector(getattr(graph, f"{end}AsNumpy")()))
                for end in ("Inputs", "Outputs")]
        nodes = [self._node(index, graph.Operators(index))
                 for index in range(self._count(graph.OperatorsLength(), "operators"))]
        return Network(name, self._tensors, [self._operator(*node) for node in _used(nodes, ends[1])], *ends,
                       self._runtime)

    def _count(self, count, what):
        """A count of tables, each of which has an offset of four bytes somewhere in the file."""
        most = min(MOST_ITEMS, len(self._data) // 4)
        if count > most:
            raise NetworkError(f"model must have at most {most} {what}, not {count}")
        return count

    @staticmethod
    def _vector(values):
        """A vector of numbers; the library gives 0 for one that is absent."""
        return np.zeros(0, dtype=np.int64) if isinstance(values, int) else values

    def _index(self, value, place, optional=False):
        least = -1 if optional else 0
        if not least <= value < len(self._tensors):
            raise NetworkError(f"{place} must name tensors from {least} to {len(self._tensors) - 1}, not {value}")
        return int(value)

    def _tensor(self, index, table):
        place = f"tensor {index}"
        name = (table.Name() or b"").decode("utf-8", "replace")
        shape = tuple(int(length) for length in self._vector(table.ShapeAsNumpy()))
        if len(shape) > MOST_DIMENSIONS or any(not 0 <= length <= MOST_ELEMENTS for length in shape):
            raise NetworkError(f"{place} must have at most {MOST_DIMENSIONS} dimensions of 0 to {MOST_ELEMENTS}, "
                               f"not {list(shape)[:8]}")
        dtype = TYPES.get(table.Type())
        if dtype is None:
            raise NetworkError(f"{place} ({name}) must be of {', '.join(TYPES.values())}, "
                               f"not of type number {table.Type()}")
        if table.Sparsity() is not None or table.IsVariable():
            raise NetworkError(f"{place} ({name}) must be dense and not a variable, and is not")
        scales, zero_points, axis = self._quantization(table.Quantization(), place)
        is_open = bool((self._vector(table.ShapeSignatureAsNumpy()) < 0).any())
        tensor = Tensor(name, shape, dtype, scales, zero_points, axis, None, is_open)
        return replace(tensor, data=self._constant(table.Buffer(), tensor, place))

    def _quantization(self, table, place):
        if table is None:
            return np.zeros(0, np.float32), np.zeros(0, np.int64), 0
        scales = self._vector(table.ScaleAsNumpy()).astype(np.float32)
        zero_points = self._vector(table.ZeroPointAsNumpy()).astype(np.int64)
        if zero_points.size == 0:
            zero_points = np.zeros(scales.size, np.int64)
        if table.DetailsType():
            raise NetworkError(f"{place} must be quantized by scale and zero point, not in a custom way")
        if zero_points.size not in (1, scales.size):
            raise NetworkError(f"{place} must have as many zero points as scales ({scales.size}), "
                               f"not {zero_points.size}")
        return scales, np.broadcast_to(zero_points[:scales.size], scales.shape), table.QuantizedDimension()

    def _constant(self, index, tensor, place):
        """The data of a tensor's buffer, or None."""
        if index >= self._count(self._model.BuffersLength(), "buffers"):
            raise NetworkError(f"{place} must name one of {self._model.BuffersLength()} buffers, not {index}")
        buffer = self._model.Buffers(index)
        if buffer.Offset() > 1:
            data = np.frombuffer(self._data, np.uint8, buffer.Size(), buffer.Offset())
        elif index == 0 or buffer.DataIsNone():
            return None
        else:
            data = self._vector(buffer.DataAsNumpy()).astype(np.uint8)
        if not data.size and tensor.size:
            return None
        dtype = np.dtype(DTYPES[tensor.dtype])
        if data.size != tensor.size * dtype.itemsize:
            raise NetworkError(f"{place} must have {tensor.size * dtype.itemsize} bytes of data, not {data.size}")
        return data.view(dtype.newbyteorder("<")).astype(dtype).reshape(tensor.shape)

    def _node(self, index, table):
        """Place, kind, operands, outputs and table of an operator, which may be one that is not needed."""
        codes = self._count(self._model.OperatorCodesLength(), "operator codes")
        if table.OpcodeIndex() >= codes:
            raise NetworkError(f"operator {index} must name one of {codes} operator codes, not {table.OpcodeIndex()}")
        code = self._model.OperatorCodes(table.OpcodeIndex())
        number = max(self._builtin_code(code), code.DeprecatedBuiltinCode())
        kind = self._tflite.utils.BUILTIN_OPCODE2NAME.get(number, f"number {number}")
        if number == self._tflite.BuiltinOperator.CUSTOM:
            kind = f"CUSTOM {(code.CustomCode() or b'').decode('utf-8', 'replace')[:40]}"
        place = f"operator {index} ({kind})"
        operands = [self._index(value, place, optional=True) for value in self._vector(table.InputsAsNumpy())]
        outputs = [self._index(value, place) for value in self._vector(table.OutputsAsNumpy())]
        return place, kind, operands, outputs, table

    def _builtin_code(self, code):
        """The newer of the two fields of an operator code; the library reads the older one below 127."""
        offset = code._tab.Offset(10)
        return struct.unpack_from("<i", self._data, code._tab.Pos + offset)[0] if offset else 0

    def _operator(self, place, kind, operands, outputs, table):
        if kind not in TFLITE:
            raise NetworkError(f"{place} must be one of {', '.join(sorted(TFLITE))}")
        operator, form = TFLITE[kind]
        if not (form.least <= len(operands) <= form.most and 1 <= len(outputs) <= operator.most_outputs
                and -1 not in operands[:form.least]):
            raise NetworkError(f"{place} must have {form.least} to {form.most} inputs and "
                               f"{outputs_up_to(operator.most_outputs)}, not {len(operands)} and {len(outputs)}")
        options = form.options and self._options(form.options, place, table)
        return operator.from_tflite(TfliteNode(self._tensors, self._runtime, kind, place, operands, outputs, options))

    def _options(self, kind, place, table):
        options, union = getattr(self._tflite, kind)(), table.BuiltinOptions()
        if union is None or table.BuiltinOptionsType() != getattr(self._tflite.BuiltinOptions, kind):
            raise NetworkError(f"{place} must have {kind}, and has options number {table.BuiltinOptionsType()}")
        options.Init(union.Bytes, union.Pos)
        return options


def _used(nodes, outputs):
    """The operators that outputs need.

    Converters compute the dimensions of a reshaped tensor, for any size of batch, by operators of their own. They are
    left out: what a reshape makes is declared in the file.
    """
    needed, used = set(outputs), []
    for node in reversed(nodes):
        _, kind, operands, made, _ = node
        if needed & set(made):
            used.append(node)
            needed.update(operands[:TFLITE[kind][1].needed] if kind in TFLITE else operands)
    return used[::-1]
