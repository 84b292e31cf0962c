"""Packing: which positions, channels and rows of a convolution a tile of the engine holds."""

from dataclasses import dataclass

import numpy as np

from ...golden.engine.descriptor import RANGES
from ..network.window import ceil_div

# Planes that a vector is expected to need; of unsigned ones the highest are often empty.
PLANES_SIGNED, PLANES_UNSIGNED = 8, 6


@dataclass(frozen=True)
class Packing:
    """How a convolution is divided.

    Attributes
    ----------
    height, width : int
        Positions of a vector.
    groups : int
        Groups of channels of a descriptor, blocks on the diagonal of its tiles.
    outputs : int
        Channels of a tile.
    split : int
        Sets of macros that have a vector each.
    tall, wide : int
        Pixels of a patch.
    depth : int
        Bytes of each of them.
    part_rows, strip : int
    cycles : int
        That are expected.
    """

    height: int
    width: int
    groups: int
    outputs: int
    split: int
    tall: int
    wide: int
    depth: int
    part_rows: int
    strip: int
    cycles: int


def choose(config, conv, *, is_unsigned, is_contiguous, is_residual=False, is_fed=False):
    """The packing of a `GroupedConvolution` with the fewest expected cycles; None if no position fits.

    ``is_contiguous``: pixels of the source follow one another without gaps; ``is_fed``: a vector is a position.
    """
    planes = PLANES_UNSIGNED if is_unsigned else PLANES_SIGNED
    found = []
    down, across = (_most_positions(conv, axis) for axis in (0, 1))
    for split in (each for each in _divisors(config.arrays) if each == 1 or (is_contiguous and not is_fed)):
        slots = config.slots // split
        found += [_cost(config, conv, height, width, groups, split, planes, is_contiguous, is_residual)
                  for groups in _divisors(conv.groups)
                  for height in range(1, 2 if is_fed else min(down, slots) + 1)
                  for width in range(1, 2 if is_fed else min(across, slots // height) + 1)]
    return min((packing for packing in found if packing), key=lambda packing: packing.cycles, default=None)


def _most_positions(conv, axis):
    """Of a vector, down or across: their number and the distance of vectors have fields of a descriptor."""
    size, step = (("block_height", "step_y"), ("block_width", "step_x"))[axis]
    return min(conv.image[axis], RANGES[size][1], max(1, RANGES[step][1] // conv.stride[axis]))


def _divisors(number):
    return [each for each in range(1, number + 1) if number % each == 0]


def _cost(config, conv, height, width, groups, split, planes, is_contiguous, is_residual):
    """A packing, or None if its results have too many columns, or its vectors cannot be gathered together."""
    macro, lanes = config.macro, config.lanes
    channels, depth = groups * conv.outputs, groups * conv.depth
    each = config.slots // split // (height * width)
    is_dense = is_contiguous and groups == conv.groups
    step = width * conv.stride[1] * depth
    if (groups > 1 and channels > each * lanes) or (split > 1 and (step % lanes or not is_dense)):
        return None
    blocks = ceil_div(ceil_div(channels, lanes), each)
    outputs = min(channels, ceil_div(ceil_div(channels, lanes), blocks) * lanes)
    slots = height * width * ceil_div(outputs, lanes) * split
    tall, wide = ((count - 1) * stride + size for count, stride, size in zip(
        (height, width), conv.stride, conv.kernel.shape[1:3]))
    rows, run = tall * wide * depth, depth * wide if is_dense else depth
    vectors = ceil_div(conv.image[0], height) * ceil_div(conv.image[1], width * split)
    best = None
    for part_rows in _part_rows(rows, run, macro.rows):
        strip = min(vectors, RANGES["strip"][1] if part_rows >= rows else config.sum_slots // slots)
        if not strip:
            continue
        total = 0
        for first in range(0, rows, part_rows):
            end = min(first + part_rows, rows)
            chunks = sum(ceil_div(min(start + run, end) - max(start, first) + (split - 1) * step, lanes)
                         for start in range(first // run * run, end, run))
            last = slots * (1 + (is_residual and end == rows))
            compute = strip * max(planes, chunks, last, macro.result_interval)
            load = max(shape.bank_cycles(end - first) for shape in macro.shapes)
            total += compute + load if macro.banks == 1 else max(compute, load)
        cycles = total * ceil_div(vectors, strip) * blocks * (conv.groups // groups)
        if best is None or cycles < best.cycles:
            best = Packing(height, width, groups, outputs, split, tall, wide, depth, part_rows, strip, cycles)
    return best


def _part_rows(rows, run, most):
    """Rows of a tile that are worth a try: even parts, and whole runs."""
    even = ceil_div(rows, ceil_div(rows, most))
    return {even, min(even + -even % 4, most), *([min(most // run * run, rows)] if run <= most else [])}


def block_toeplitz(conv, packing, group):
    """Weights (rows, positions, channels) of the groups from ``group`` on, int8: rows in the order (y, x, channel)."""
    kernel = conv.kernel
    block = np.zeros((packing.tall, packing.wide, packing.groups, conv.depth, packing.height, packing.width,
                      packing.groups, conv.outputs), np.int8)
    for index in range(packing.groups):
        first = (group + index) * conv.outputs
        part = kernel[first:first + conv.outputs].transpose(1, 2, 3, 0)
        for down in range(packing.height):
            for across in range(packing.width):
                y, x = down * conv.stride[0], across * conv.stride[1]
                block[y:y + part.shape[0], x:x + part.shape[1], index, :, down, across, index] = part
    return block.reshape(packing.tall * packing.wide * packing.depth, packing.height * packing.width, -1)
