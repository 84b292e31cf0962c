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

from ...golden.kernels.layers import pad_images
from ..network.network import QUANTIZED
from ..network.window import ceil_div
from .tiling import fuse_for, stored_rows

# Cycles to load a tile beyond those of its rows.
LOAD_OVERHEAD_CYCLES = 5


@dataclass(frozen=True)
class Packing:
    """How a layer is divided into tiles.

    Attributes
    ----------
    height, width : int
        Size of the block of output positions that a vector covers.
    groups : int
        Groups of channels that share a tile.
    outputs : int
        Output channels of each of them.
    parts : int
        Tiles among which the rows are divided, if they exceed those of the macro.
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
class InputSlice:
    """The bits ``low`` to ``low + bits - 1`` of all inputs, few enough for the macro."""

    low: int
    bits: int
    signed: bool


@dataclass(frozen=True)
class TileSlice:
    """The part of a layer that a tile holds: ranges of groups, of output channels in each group, and of rows."""

    group: int
    groups: int
    output: int
    outputs: int
    row: int
    rows: int


def input_slices(config, tensor):
    """The offset to subtract from a layer's inputs, and the slices of the differences, lowest bits first.

    If the zero point is the minimum of the data type, it is subtracted, which makes the inputs unsigned: then no
    correction is needed, and small activations need fewer planes. Otherwise the offset is 0.
    """
    width = 16 if tensor.dtype == "int16" else 8
    low, _ = QUANTIZED[tensor.dtype]
    signed = tensor.zero_point != low and low < 0
    positions = range(0, width, config.input_bits)
    slices = [InputSlice(position, min(config.input_bits, width - position), signed and position == positions[-1])
              for position in positions]
    return (0 if signed else low), slices


class PackedLayer:
    """A matrix operator divided into tiles.

    Parameters
    ----------
    config : MacroConfig
    network : Network
    operator : MatrixOperator
    runs : int
        Inputs of one run; the packing is the cheapest for this number.

    Attributes
    ----------
    convolution : GroupedConvolution
        The operator as a convolution.
    packing : Packing
    slices : list of TileSlice
        In the order in which they are computed.
    fuse : int
        Columns of the macro per weight.

    Raises
    ------
    ValueError
        The macro cannot hold the weights.
    """

    def __init__(self, config, network, operator, runs):
        self.config, self.operator, self._tensor = config, operator, network.tensors[operator.inputs[0]]
        self.convolution = operator.convolution(network.tensors)
        self._kernel = self.convolution.kernel.astype(np.int64)
        self.fuse = fuse_for(config, self._kernel)
        self.offset, self.input_slices = input_slices(config, self._tensor)
        self.packing = self._cheapest(runs * self.convolution.images)
        self._rows, self._columns = (self.convolution.pixels(axis, size) for axis, size in
                                     enumerate((self.packing.height, self.packing.width)))
        # Positions, taps and pixels that meet, along each axis.
        self._meetings = [self.convolution.meetings(axis, size, pixels) for axis, (size, pixels) in enumerate(
            ((self.packing.height, self._rows), (self.packing.width, self._columns)))]
        # How many positions and taps meet in each pixel of a patch; the rows of a tile are channels of such pixels.
        down, right = (np.bincount(meeting, minlength=len(pixels)) for (_, _, meeting), pixels in
                       zip(self._meetings, (self._rows, self._columns)))
        self._pairs = np.tile(np.outer(down, right).ravel(), self.packing.groups * self.convolution.depth)
        self.slices = list(self._slice())
        self._blocks, self._stored, self._column_sums = {}, {}, {}

    # The search.

    def _cheapest(self, images):
        """The packing with the fewest cycles, if each tile is loaded while another computes."""
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
        """Packings of a block of positions, with their rows, for different numbers of channels in a tile."""
        conv = self.convolution
        channels = columns // (height * width)
        if channels >= conv.outputs:
            max_groups = min(conv.groups, channels // conv.outputs)
            shares = [(groups, conv.outputs) for groups in range(1, max_groups + 1)]
        else:
            shares = [(1, ceil_div(conv.outputs, ceil_div(conv.outputs, channels)))]
        for groups, outputs in shares:
            rows = groups * conv.depth * pixels
            # A layer whose patches hold only padding has no rows, and so no tiles.
            yield Packing(height, width, groups, outputs, max(1, ceil_div(rows, self.config.rows))), rows

    def _cost(self, images, packing, rows):
        """Cycles, writes and vectors of a packing, if no plane is skipped."""
        conv = self.convolution
        tiles = ceil_div(conv.groups, packing.groups) * ceil_div(conv.outputs, packing.outputs) * packing.parts
        vectors = images * ceil_div(conv.image[0], packing.height) * ceil_div(conv.image[1], packing.width)
        part = ceil_div(rows, packing.parts)
        load = max(shape.bank_cycles(part) for shape in self.config.shapes)
        load += LOAD_OVERHEAD_CYCLES
        compute = vectors * sum(input_slice.bits for input_slice in self.input_slices)
        each = load + compute if self.config.banks == 1 else max(load, compute)
        return tiles * each, tiles * part, tiles * vectors

    def _slice(self):
        conv, packing = self.convolution, self.packing
        for group in range(0, conv.groups, packing.groups):
            groups = min(packing.groups, conv.groups - group)
            rows = groups * conv.depth * len(self._rows) * len(self._columns)
            part = max(1, ceil_div(rows, packing.parts))
            for output in range(0, conv.outputs, packing.outputs):
                outputs = min(packing.outputs, conv.outputs - output)
                for row in range(0, rows, part):
                    yield TileSlice(group, groups, output, outputs, row, min(part, rows - row))

    # Weights.

    def replace_weights(self, kernel):
        """The same tiles of other weights, for those that are known at run time."""
        self._kernel = kernel.astype(np.int64)
        self._blocks, self._stored, self._column_sums = {}, {}, {}

    def block(self, tile_slice):
        """The weights of a tile, (rows, columns / fuse), int64."""
        whole = tile_slice.group, tile_slice.output
        if whole not in self._blocks:
            self._blocks[whole] = self._toeplitz(tile_slice)
        return self._blocks[whole][tile_slice.row:tile_slice.row + tile_slice.rows]

    def stored(self, tile_slice):
        """The same as the macro stores them: (rows, columns of the macro), int16."""
        if tile_slice not in self._stored:
            self._stored[tile_slice] = stored_rows(self.config, self.block(tile_slice), self.fuse)
        return self._stored[tile_slice]

    def used(self, tile_slice):
        """Cells of a tile that hold a weight of the kernel, not a zero of the block-Toeplitz matrix."""
        pairs = self._pairs[tile_slice.row:tile_slice.row + tile_slice.rows]
        return int(pairs.sum()) * tile_slice.outputs * self.fuse

    def _toeplitz(self, tile_slice):
        """All rows of a tile's groups and outputs: (channels and pixels, channels and positions)."""
        conv, packing, pixels = self.convolution, self.packing, (self._rows, self._columns)
        block = np.zeros((tile_slice.groups, conv.depth, len(pixels[0]), len(pixels[1]),
                          tile_slice.groups, tile_slice.outputs, packing.height, packing.width), dtype=np.int64)
        (down, up, y), (right, along, x) = self._meetings
        for group in range(tile_slice.groups):
            first = (tile_slice.group + group) * conv.outputs + tile_slice.output
            kernel = self._kernel[first:first + tile_slice.outputs]
            block[group, :, y[:, None], x, group, :, down[:, None], right] = (
                kernel[:, up[:, None], along].transpose(1, 2, 3, 0))
        return block.reshape(np.prod(block.shape[:4]), -1)

    # Vectors.

    def vectors(self, runs):
        """Vectors for each tile and input slice when ``runs`` inputs of the network are run."""
        conv = self.convolution
        return runs * conv.images * ceil_div(conv.image[0], self.packing.height) * ceil_div(
            conv.image[1], self.packing.width)

    def steps(self, runs):
        """Rows written plus vectors, and elements of all patches, when ``runs`` inputs of the network are run."""
        vectors = self.vectors(runs)
        rows = sum(tile_slice.rows for tile_slice in self.slices)
        return (rows + len(self.slices) * len(self.input_slices) * vectors,
                vectors * self.convolution.shape[3] * len(self._rows) * len(self._columns))

    def worst(self, runs):
        """Inputs (N, *input shape) of which no plane can be skipped."""
        top = self.input_slices[-1]
        value = (1 << top.low + top.bits) - 1
        if top.signed:
            value = (1 << top.low) - 1 - (1 << top.low + top.bits - 1)
        return np.full((runs, *self._tensor.shape), value + self.offset)

    def patches(self, x):
        """The patches of the images: a vector is the part of a patch that a tile needs.

        Parameters
        ----------
        x : int array (N, *input shape)

        Returns
        -------
        int64 array (vectors, channels, patch rows, patch columns)
            With the offset subtracted. Pixels outside the image hold the zero point.
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
        images = pad_images(images, room, fill)
        seen = images[:, indices[0]][:, :, :, indices[1]]
        # (image, block row, pixel, block column, pixel, channel)
        count = len(images) * len(indices[0]) * len(indices[1])
        return seen.transpose(0, 1, 3, 5, 2, 4).reshape(
            count, conv.shape[3], *(index.shape[1] for index in indices))

    def inputs(self, patches, tile_slice):
        """The part of `patches` that a tile needs, (vectors, rows of the tile)."""
        conv = self.convolution
        first = tile_slice.group * conv.depth
        part = patches[:, first:first + tile_slice.groups * conv.depth]
        return part.reshape(len(patches), -1)[:, tile_slice.row:tile_slice.row + tile_slice.rows]

    @staticmethod
    def slice_inputs(inputs, input_slice):
        """The values of an input slice, as they go into the macro."""
        values = inputs >> input_slice.low
        return values if input_slice.signed else values & (1 << input_slice.bits) - 1

    def add(self, total, tile_slice, input_slice, sums):
        """Add a tile's results for an input slice to the accumulators.

        Parameters
        ----------
        total : int64 array (images, height, width, channels)
        tile_slice : TileSlice
        input_slice : InputSlice
        sums : int64 array (vectors, columns / fuse)
        """
        conv = self.convolution
        height, width = conv.image
        packing, blocks = self.packing, [ceil_div(height, self.packing.height), ceil_div(width, self.packing.width)]
        sums, excess = sums << input_slice.low, self._tensor.zero_point - self.offset
        if excess and input_slice.low == 0:
            # The offset has been subtracted from the inputs, but the layer needs the zero point subtracted.
            if tile_slice not in self._column_sums:
                self._column_sums[tile_slice] = self.block(tile_slice).sum(axis=0)
            sums -= excess * self._column_sums[tile_slice]
        sums = sums.reshape(-1, *blocks, tile_slice.groups, tile_slice.outputs, packing.height, packing.width)
        image = sums.transpose(0, 1, 5, 2, 6, 3, 4).reshape(
            -1, blocks[0] * packing.height, blocks[1] * packing.width, tile_slice.groups, tile_slice.outputs)
        part = total.reshape(*total.shape[:3], conv.groups, conv.outputs)
        part[:, :, :, tile_slice.group:tile_slice.group + tile_slice.groups,
             tile_slice.output:tile_slice.output + tile_slice.outputs] += image[:, :height, :width]

    def accumulators(self, runs):
        """Zeros of shape (images of all runs, height, width, channels)."""
        conv = self.convolution
        return np.zeros((runs * conv.images, *conv.image, conv.groups * conv.outputs), dtype=np.int64)
