"""Packing: a layer as blocks of one matrix, several output positions side by side in the columns of a tile.

A convolution moves one small kernel over an image. A tile that held it once would use few rows and columns, for as many
vectors as there are positions. Here one vector is a patch of the image that covers ``height * width`` neighboring
output positions, and the tile's matrix is the kernel shifted to each of them: a block-Toeplitz matrix with a column for
each output channel and position, and a row for each input channel and pixel of the patch. Depthwise convolutions, whose
channels share nothing, get the channels of a tile as blocks on its diagonal. A fully connected layer is the case of one
pixel.
"""

from dataclasses import dataclass

import numpy as np

from ..network.network import QUANTIZED
from ..network.window import ceil_div
from .tiling import fuse_for

# Cycles by which a bank must be free before its next tile is needed, beyond those of its rows.
TURNAROUND = 5


@dataclass(frozen=True)
class Packing:
    """How a layer is cut.

    Attributes
    ----------
    height, width : int
        Of the block of output positions that a vector covers.
    groups : int
        Groups of channels that share a tile.
    outputs : int
        Output channels of each of them.
    parts : int
        Tiles into which rows are cut because a macro has not enough.
    """

    height: int
    width: int
    groups: int
    outputs: int
    parts: int

    def __str__(self):
        text = f"{self.height} x {self.width} positions, {self.groups * self.outputs} channels"
        return text if self.parts == 1 else f"{text}, rows in {self.parts} parts"


@dataclass(frozen=True)
class Digit:
    """A part of the inputs that fits the macro: ``bits`` of them from bit ``low`` on."""

    low: int
    bits: int
    signed: bool


@dataclass(frozen=True)
class Cut:
    """A tile of a layer: groups and outputs of each from their first on, and which of its rows."""

    group: int
    groups: int
    output: int
    outputs: int
    row: int
    rows: int


def digits_of(config, tensor):
    """Offset to take from a layer's inputs, and the digits that the macro is then given, lowest first.

    Inputs whose zero point is the least value are counted from there, which makes them unsigned: nothing has then to be
    corrected, and small activations need fewer planes. Others go in as they are.
    """
    width = 16 if tensor.dtype == "int16" else 8
    low, _ = QUANTIZED[tensor.dtype]
    signed = tensor.zero_point != low and low < 0
    places = range(0, width, config.input_bits)
    digits = [Digit(place, min(config.input_bits, width - place), signed and place == places[-1]) for place in places]
    return (0 if signed else low), digits


class PackedLayer:
    """A matrix operator cut into tiles.

    Parameters
    ----------
    config : MacroConfig
    network : Network
    operator : MatrixOperator
    runs : int
        Inputs that the network is given together; the packing is the cheapest for so many.

    Attributes
    ----------
    convolution : GroupedConvolution
        What the operator is.
    packing : Packing
    cuts : list of Cut
        In the order in which they are computed.
    fuse : int
        Columns of the macro to one weight.

    Raises
    ------
    ValueError
        Weights that the macro cannot hold.
    """

    def __init__(self, config, network, operator, runs):
        self.config, self.operator, self._tensor = config, operator, network.tensors[operator.inputs[0]]
        self.convolution = operator.convolution(network.tensors)
        self._kernel = self.convolution.kernel.astype(np.int64)
        self.fuse = fuse_for(config, self._kernel)
        self.offset, self.digits = digits_of(config, self._tensor)
        self.packing = self._cheapest(runs * self.convolution.images)
        self._rows, self._columns = (self.convolution.pixels(axis, size) for axis, size in
                                     enumerate((self.packing.height, self.packing.width)))
        self.cuts = list(self._cut())
        self._blocks, self._counts = {}, {}

    # The search.

    def _cheapest(self, images):
        """The packing that takes the fewest cycles, by the rule that a tile is loaded while another computes."""
        conv = self.convolution
        columns = self.config.columns // self.fuse
        if not columns:
            raise ValueError(f"columns must be at least {self.fuse} for these weights, not {self.config.columns}")
        counts = [[(size, len(conv.pixels(axis, size))) for size in range(1, min(conv.image[axis], columns) + 1)]
                  for axis in (0, 1)]
        candidates = [(self._cost(images, packing, rows), packing)
                      for height, tall in counts[0] for width, wide in counts[1] if height * width <= columns
                      for packing, rows in self._candidates(height, width, tall * wide, columns)]
        return min(candidates, key=lambda candidate: candidate[0])[1]

    def _candidates(self, height, width, pixels, columns):
        """Packings of a block of positions, with their rows: few or many channels to a tile."""
        conv = self.convolution
        channels = columns // (height * width)
        if channels >= conv.outputs:
            most = min(conv.groups, channels // conv.outputs)
            shares = [(groups, conv.outputs) for groups in range(1, most + 1)]
        else:
            shares = [(1, ceil_div(conv.outputs, ceil_div(conv.outputs, channels)))]
        for groups, outputs in shares:
            rows = groups * conv.depth * pixels
            # A layer that sees nothing but padding has no rows, and then no tiles.
            yield Packing(height, width, groups, outputs, max(1, ceil_div(rows, self.config.rows))), rows

    def _cost(self, images, packing, rows):
        """Cycles, writes and vectors that a packing takes; every plane of every vector counted."""
        conv = self.convolution
        tiles = ceil_div(conv.groups, packing.groups) * ceil_div(conv.outputs, packing.outputs) * packing.parts
        vectors = images * ceil_div(conv.image[0], packing.height) * ceil_div(conv.image[1], packing.width)
        part = ceil_div(rows, packing.parts)
        load = max(shape.bank_cycles(part) for shape in self.config.shapes)
        load += TURNAROUND
        compute = vectors * sum(digit.bits for digit in self.digits)
        each = load + compute if self.config.banks == 1 else max(load, compute)
        return tiles * each, tiles * part, tiles * vectors

    def _cut(self):
        conv, packing = self.convolution, self.packing
        for group in range(0, conv.groups, packing.groups):
            groups = min(packing.groups, conv.groups - group)
            rows = groups * conv.depth * len(self._rows) * len(self._columns)
            part = max(1, ceil_div(rows, packing.parts))
            for output in range(0, conv.outputs, packing.outputs):
                outputs = min(packing.outputs, conv.outputs - output)
                for row in range(0, rows, part):
                    yield Cut(group, groups, output, outputs, row, min(part, rows - row))

    # Weights.

    def replace_weights(self, kernel):
        """The same cuts of other weights, for those that are known at run time."""
        self._kernel, self._blocks = kernel.astype(np.int64), {}

    def block(self, cut):
        """The weights of a tile, (rows, columns / fuse), int64."""
        whole = cut.group, cut.output
        if whole not in self._blocks:
            self._blocks[whole] = self._toeplitz(cut, self._kernel)
        return self._blocks[whole][cut.row:cut.row + cut.rows]

    def used(self, cut):
        """Cells of a tile that hold a weight of the kernel; in the others a position does not see a pixel."""
        whole = cut.group, cut.output
        if whole not in self._counts:
            self._counts[whole] = self._toeplitz(cut, np.ones_like(self._kernel)).sum(axis=1)
        return int(self._counts[whole][cut.row:cut.row + cut.rows].sum()) * self.fuse

    def _toeplitz(self, cut, weights):
        """All rows of a tile's groups and outputs: channels and pixels, by channels and positions."""
        conv, packing, pixels = self.convolution, self.packing, (self._rows, self._columns)
        block = np.zeros((cut.groups, conv.depth, len(pixels[0]), len(pixels[1]),
                          cut.groups, cut.outputs, packing.height, packing.width), dtype=np.int64)
        (down, up, y), (right, along, x) = (conv.meetings(axis, size, pixels[axis])
                                            for axis, size in enumerate((packing.height, packing.width)))
        for group in range(cut.groups):
            first = (cut.group + group) * conv.outputs + cut.output
            kernel = weights[first:first + cut.outputs]
            block[group, :, y[:, None], x, group, :, down[:, None], right] = (
                kernel[:, up[:, None], along].transpose(1, 2, 3, 0))
        return block.reshape(np.prod(block.shape[:4]), -1)

    # Vectors.

    def vectors(self, runs):
        """Vectors of each tile and digit for so many inputs of the network."""
        conv = self.convolution
        return runs * conv.images * ceil_div(conv.image[0], self.packing.height) * ceil_div(
            conv.image[1], self.packing.width)

    def steps(self, runs):
        """Rows and vectors that a macro is given, and elements of all patches, for so many inputs of the network."""
        vectors = self.vectors(runs)
        return (sum(cut.rows for cut in self.cuts) + len(self.cuts) * len(self.digits) * vectors,
                vectors * self.convolution.shape[3] * len(self._rows) * len(self._columns))

    def worst(self, runs):
        """Inputs (N, *input shape) of which no plane can be skipped."""
        top = self.digits[-1]
        value = (1 << top.low + top.bits) - 1
        if top.signed:
            value = (1 << top.low) - 1 - (1 << top.low + top.bits - 1)
        return np.full((runs, *self._tensor.shape), value + self.offset)

    def patches(self, x):
        """What the vectors are cut from.

        Parameters
        ----------
        x : int array (N, *input shape)

        Returns
        -------
        int64 array (vectors, channels, patch rows, patch columns)
            Less the offset. Pixels outside the image have the zero point.
        """
        conv = self.convolution
        images = x.reshape(-1, *conv.shape[1:]) - self.offset
        fill = self._tensor.zero_point - self.offset
        starts = [np.arange(0, places, size) * stride for places, size, stride in
                  zip(conv.image, (self.packing.height, self.packing.width), conv.stride)]
        indices = [start[:, None] + np.array(pixels, dtype=np.int64)
                   for start, pixels in zip(starts, (self._rows, self._columns))]
        room = [(pads[0], max(pads[1], int(index.max(initial=-1)) + 1 - length - pads[0]))
                for pads, index, length in zip(conv.padding, indices, conv.shape[1:3])]
        images = np.pad(images, ((0, 0), *room, (0, 0)), constant_values=fill)
        seen = images[:, indices[0]][:, :, :, indices[1]]
        # (image, block row, pixel, block column, pixel, channel)
        count = len(images) * len(indices[0]) * len(indices[1])
        return seen.transpose(0, 1, 3, 5, 2, 4).reshape(
            count, conv.shape[3], *(index.shape[1] for index in indices))

    def inputs(self, patches, cut):
        """A tile's part of `patches`, (vectors, rows of the tile)."""
        conv = self.convolution
        first = cut.group * conv.depth
        part = patches[:, first:first + cut.groups * conv.depth]
        return part.reshape(len(patches), -1)[:, cut.row:cut.row + cut.rows]

    @staticmethod
    def digit(inputs, digit):
        """A digit of inputs, as the macro is given it."""
        values = inputs >> digit.low
        return values if digit.signed else values & (1 << digit.bits) - 1

    def add(self, total, cut, digit, sums):
        """Add a tile's results for a digit of its inputs to the accumulators.

        Parameters
        ----------
        total : int64 array (images, height, width, channels)
        cut : Cut
        digit : Digit
        sums : int64 array (vectors, columns / fuse)
        """
        conv = self.convolution
        height, width = conv.image
        packing, blocks = self.packing, [ceil_div(height, self.packing.height), ceil_div(width, self.packing.width)]
        sums = sums << digit.low
        if digit.low == 0:
            # The inputs had their offset taken, where the layer wants their zero point taken.
            sums -= (self._tensor.zero_point - self.offset) * self.block(cut).sum(axis=0)
        sums = sums.reshape(-1, *blocks, cut.groups, cut.outputs, packing.height, packing.width)
        image = sums.transpose(0, 1, 5, 2, 6, 3, 4).reshape(
            -1, blocks[0] * packing.height, blocks[1] * packing.width, cut.groups, cut.outputs)
        part = total.reshape(*total.shape[:3], conv.groups, conv.outputs)
        part[:, :, :, cut.group:cut.group + cut.groups,
             cut.output:cut.output + cut.outputs] += image[:, :height, :width]

    def accumulators(self, runs):
        """Zeros, (images of so many runs, height, width, channels)."""
        conv = self.convolution
        return np.zeros((runs * conv.images, *conv.image, conv.groups * conv.outputs), dtype=np.int64)
