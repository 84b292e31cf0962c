"""What is built in standard cells, and the work that each does: a macro, and a plain array beside it."""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ...golden.program import Program, Vector, Write, predict
from ...hdl.emit import emit, emit_component
from ...hdl.macro.ports import HANDSHAKE, input_layout, output_layout, ports, write_layout
from ...hdl.measure.mac_array import MacArray
from .cells.array import array_module
from .cells.latches import latch_array
from .data import Data
from .simulation import Results, Stream
from .synthesis import Design, adder_modules


def packed(values, width):
    """Values side by side as one number, the first lowest, in two's complement."""
    return sum((int(value) & (1 << width) - 1) << index * width for index, value in enumerate(values))


def joined(fields):
    """Fields side by side as one number, the first lowest: pairs of a value and its width."""
    word = place = 0
    for value, width in fields:
        word |= value << place
        place += width
    return word


@dataclass(frozen=True)
class MacroWork:
    """A macro that has its weights written and then multiplies vectors.

    Attributes
    ----------
    config : MacroConfig
    data : Data
        Of fewer rows and columns than the macro's for a part of it.
    bitcell : str
        ``flip_flop``, ``latch`` or ``array``.
    """

    config: object
    data: Data
    bitcell: str = "flip_flop"
    window = 1
    share = 1.0

    @property
    def macs(self):
        """Multiply-accumulates of all vectors."""
        return self.data.macs

    @cached_property
    def _expected(self):
        """What the golden model makes of the data."""
        config, data = self.config, self.data
        weights = np.zeros((len(data.weights), config.columns), dtype=np.int64)
        weights[:, :data.weights.shape[1]] = data.weights
        inputs = np.zeros((len(data.inputs), config.rows), dtype=np.int64)
        inputs[:, :data.inputs.shape[1]] = data.inputs
        writes = [Write(0, row, values) for row, values in enumerate(weights)]
        vectors = [Vector(x, config.input_bits, data.is_signed, after=len(writes)) for x in inputs]
        return predict(self.config, Program(writes, vectors)).results

    def design(self, roles, library):
        """What is synthesized."""
        verilog = emit(self.config)
        replaced = adder_modules(verilog, self.config.name, roles)
        if self.bitcell == "latch":
            replaced |= latch_array(verilog, self.config.name, self.config, roles, library)
        elif self.bitcell == "array":
            replaced |= array_module(self.config, library)
        return Design(self.config.name, verilog, replaced)

    def streams(self, netlist):
        """Streams in and results out, on the nets of a netlist."""
        config, nets = self.config, {name: found for name, (_, found) in netlist.ports.items()}
        writes, vectors = [], []
        for row, weights in enumerate(self.data.weights):
            fields = {"row": row, "weights": packed(weights, config.weight_bits)}
            writes.append(_word(write_layout(config), fields))
        for x in self.data.inputs:
            fields = {"x": packed(x, config.input_bits), "bits": config.input_bits,
                      "signed": int(self.data.is_signed)}
            vectors.append(_word(input_layout(config), fields))
        streams = [Stream(*(nets[f"{name}_{side}"][0] for side in HANDSHAKE), _payload(config, nets, name), items,
                          after)
                   for name, items, after in (("write", writes, None), ("i", vectors, 0))]
        return streams, Results(*(nets[f"o_{side}"][0] for side in HANDSHAKE), _payload(config, nets, "o"),
                                len(vectors))

    def wrong(self, results):
        """How many of the results differ from the golden model's, and how many were compared."""
        expected = self._expected
        words = [_word(output_layout(self.config), {"y": packed(y, self.config.total_width),
                                                    "sum_x": packed([total], self.config.sum_x_width)})
                 for y, total in zip(expected.y, expected.sum_x)]
        return sum(found != word for found, word in zip(results, words)), len(words)


def _word(layout, fields):
    """The payload of a stream as one number; a field that is not named is zero."""
    return joined((fields.get(name, 0), field.width) for name, field in layout)


def _payload(config, nets, stream):
    return [net for port in ports(config) if port.stream == stream and port.field not in HANDSHAKE
            for net in nets[port.name]]


@dataclass(frozen=True)
class ArrayWork:
    """An output-stationary array of as many multiply-accumulates per cycle as a macro, for the same matrix and vectors.

    Of a network's activations nothing is subtracted, as they fit into a factor.

    No unit idles: there are no more rows than vectors and no more columns than the macro's, and a last pass that would
    leave some without work takes vectors and columns from the beginning again. Units have prefix adders if the macro's
    trees are compressors, which have one too.

    Attributes
    ----------
    config : MacroConfig
        The macro that it is beside.
    data : Data
    vectors : int or None
        That its rows are for; by default those of the data.
    """

    config: object
    data: Data
    vectors: int | None = None
    window = 0
    name = "mac_array"

    @property
    def shape(self):
        """Rows, each with an input a cycle, and columns, each with a weight; as square as there is work for."""
        units = max(1, self.config.rows * self.config.columns // self.config.input_bits)
        columns = min(self.config.columns, max(1, units >> (int(math.log2(units)) + 1) // 2))
        rows = min(self.vectors or len(self.data.inputs), units // columns)
        return rows, min(self.config.columns, units // rows)

    @property
    def macs(self):
        """Multiply-accumulates of all passes."""
        return len(list(self._passes())) * math.prod(self.shape) * len(self.data.weights)

    @property
    def share(self):
        """The part of them that is of the matrix and vectors, and not of some that are taken again."""
        return len(self.data.inputs) * self.data.weights.size / self.macs

    def design(self, roles, library):
        """What is synthesized."""
        rows, columns = self.shape
        component = MacArray(rows=rows, columns=columns, x_bits=self.config.input_bits,
                             w_bits=self.config.weight_bits, width=self.config.accumulator_width)
        fast = {"fast": "*_unit"} if self.config.tree == "compressor" else {}
        return Design(self.name, emit_component(self.name, component), {}, **fast)

    def _passes(self):
        """Inputs (array's rows, data's rows) and weights (data's rows, array's columns) of each pass."""
        rows, columns = self.shape
        for first in range(0, len(self.data.inputs), rows):
            for column in range(0, self.data.weights.shape[1], columns):
                yield (self.data.inputs.take(range(first, first + rows), axis=0, mode="wrap") + self.data.offset,
                       self.data.weights.take(range(column, column + columns), axis=1, mode="wrap"))

    def streams(self, netlist):
        """Streams in and results out, on the nets of a netlist."""
        x_bits, w_bits = self.config.input_bits, self.config.weight_bits
        nets, (rows, columns) = {name: found for name, (_, found) in netlist.ports.items()}, self.shape
        items = [joined(((int(row > 0), 1), (packed(inputs[:, row], x_bits), rows * x_bits),
                         (packed(weights[row], w_bits), columns * w_bits)))
                 for inputs, weights in self._passes() for row in range(len(self.data.weights))]
        # A factor is in the sum after two edges, and the sum is seen before the third.
        return ([Stream(None, None, nets["add"] + nets["x"] + nets["w"], items)],
                Results(None, None, nets["sums"], len(items) + 2))

    def wrong(self, results):
        """How many of the sums differ from those of numpy, and how many were compared."""
        width, (_, columns), wrong, compared = self.config.accumulator_width, self.shape, 0, 0
        for number, (inputs, weights) in enumerate(self._passes()):
            word = results[(number + 1) * len(self.data.weights) + 1]
            for row, totals in enumerate(inputs @ weights):
                for column, total in enumerate(totals):
                    found = word >> (row * columns + column) * width & (1 << width) - 1
                    wrong += found != int(total) & (1 << width) - 1
                    compared += 1
        return wrong, compared
