"""What is between the blocks around a macro of block formats."""

from amaranth.hdl import unsigned
from amaranth.lib import data


def vector_beat_layout(config):
    """Some elements of a vector, row after row; ``number``, of its format if there are several, counts with its first
    beat, and all but ``codes`` with its last.
    """
    return data.StructLayout({"codes": data.ArrayLayout(unsigned(config.x.bits), config.input_lanes),
                              "number": config.x.number_bits, "scale": 8,
                              "base": config.exponent_bits, "bank": range(config.macro.banks), "last": 1})


def weight_beat_layout(config):
    """Some weights of a row, and after those of all rows the scale of a column; ``number`` is that of their format, if
    there are several.
    """
    return data.StructLayout({"codes": data.ArrayLayout(unsigned(config.w.bits), config.weight_lanes),
                              "number": config.w.number_bits, "scale": 8, "bank": range(config.macro.banks), "last": 1})


def numbers_layout(config):
    """The numbers of the formats of weights, if there are several, bank by bank."""
    return data.ArrayLayout(unsigned(config.w.number_bits), config.macro.banks)


def tag_layout(config):
    """What a vector's sums need: its scale, where the window is, its bank, whether it is the last of its accumulation.

    If there are several formats, ``number`` is that of its own, and ``raised`` what its format and that of its weights
    add to the exponent. ``is_nan``: it has an element that is none of numbers; ``is_lost``: it is cut off, its format
    is unknown, or its weights are incomplete.
    """
    return data.StructLayout({"scale": 8, "base": config.exponent_bits, "bank": range(config.macro.banks), "last": 1,
                              "number": config.x.number_bits, "raised": range(config.max_raised + 1),
                              "is_nan": 1, "is_lost": 1})


def scale_write_layout(config):
    """Write port of the scales of weights: which lane, and where in it."""
    return data.StructLayout({"lane": range(config.lanes), "group": range(config.groups),
                              "bank": range(config.macro.banks), "scale": 8})


def sum_layout(config):
    """A column's sum in the window; whether it is NaN, or does not fit."""
    return data.StructLayout({"integer": config.window_bits, "is_nan": 1, "is_lost": 1})


def finished_layout(config):
    """What all columns' sums of an accumulation have in common."""
    return data.StructLayout({"base": config.exponent_bits, "is_nan": 1, "is_lost": 1})


def result_layout(config):
    """A result; ``is_lost``: it is NaN because it did not fit, or something was cut off; ``last``: the last column."""
    return data.StructLayout({"value": config.result_bits, "is_lost": 1, "last": 1})
