"""Beats of a block macro's streams from blocks, and results from beats: a dictionary of ports without the prefix."""

import numpy as np

from ...golden.formats.blocks import NUMBER_OF
from ...golden.formats.packets import packed
from ...golden.formats.products import ROUNDED


def weight_beats(config, codes, scales, bank=0, name=None):
    """A packet of weights: codes (columns, size) of a block for each column, and its scale (columns,).

    ``name`` is that of its format, by default the first one of weights.
    """
    lanes, columns = config.weight_lanes, config.columns
    beats = [{"codes": packed(codes[first:first + lanes, row], config.w.bits), "scale": 0}
             for row in range(config.macro.rows) for first in range(0, columns, lanes)]
    beats += [{"codes": 0, "scale": int(scale)} for scale in scales]
    for index, beat in enumerate(beats):
        beat.update(number=0, bank=bank, last=int(index == len(beats) - 1))
    beats[0]["number"] = NUMBER_OF[name or config.w.names[0]]
    return beats


def vector_beats(config, codes, scale, base, bank=0, *, is_last, name=None):
    """A vector: ``codes`` (size,) of a block, its scale, the base of the window, whether it ends an accumulation.

    ``name`` is that of its format, by default the first one of vectors.
    """
    lanes = config.input_lanes
    beats = [{"codes": packed(codes[first:first + lanes], config.x.bits), "number": 0, "scale": 0, "base": 0,
              "bank": bank, "last": 0} for first in range(0, len(codes), lanes)]
    beats[0]["number"] = NUMBER_OF[name or config.x.names[0]]
    beats[-1].update(scale=int(scale), base=int(base), last=int(is_last))
    return beats


def expected_beats(config, values, is_lost):
    """Beats of the results (columns,) of an accumulation, as `Window` has them."""
    mantissa_bits = ROUNDED[config.result][0]
    bits = np.asarray(values, np.float32).view(np.uint32) >> 23 - mantissa_bits
    bits = np.where(np.isnan(values), 0xff << mantissa_bits | 1 << mantissa_bits - 1, bits)
    return [{"value": int(value), "is_lost": int(lost), "last": int(column == len(bits) - 1)}
            for column, (value, lost) in enumerate(zip(bits, is_lost))]
