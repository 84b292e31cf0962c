"""Packets of a block core: headers, codes and scales as beats of its streams, each an integer."""

from .blocks import NUMBER_OF

# Bits of the fields of a header, the lowest first. It is a beat before each block of a vector, and, with ``number`` and
# ``bank`` alone, before the weights of a bank. ``base`` counts in the first block of an accumulation; ``last`` marks
# the last one.
HEADER = {"scale": 8, "number": 4, "bank": 4, "base": 15, "last": 1}
SCALE_BITS = 8


def packed(values, bits):
    """One integer of a list of codes, the first lowest."""
    return sum(int(value) << bits * index for index, value in enumerate(values))


def unpacked(word, bits, count):
    """The codes of such an integer."""
    return [word >> bits * index & (1 << bits) - 1 for index in range(count)]


def header(**fields):
    """A beat of these fields of `HEADER`; the others are 0. ValueError: there is no such field, or it is too narrow."""
    word, low = 0, 0
    for name, bits in HEADER.items():
        value = int(fields.pop(name, 0))
        if not 0 <= value < 1 << bits:
            raise ValueError(f"{name} must be from 0 to {(1 << bits) - 1}, not {value}")
        word, low = word | value << low, low + bits
    if fields:
        raise ValueError(f"a header must have fields of {', '.join(HEADER)}, not {', '.join(fields)}")
    return word


def header_fields(word):
    """The fields of a header by name."""
    fields = {}
    for name, bits in HEADER.items():
        fields[name], word = word & (1 << bits) - 1, word >> bits
    return fields


def vector_packet(config, blocks, base):
    """Beats of an accumulation.

    Parameters
    ----------
    config : FormatConfig
        Of the macro in the core.
    blocks : list of (str, uint8 array (size,), int, int)
        Of each its format, codes, scale, and the bank of its weights.
    base : int
        Of the window.
    """
    lanes, beats = config.input_lanes, []
    for index, (name, codes, scale, bank) in enumerate(blocks):
        beats.append(header(scale=scale, number=NUMBER_OF[name], bank=bank, base=base, last=index == len(blocks) - 1))
        beats += [packed(codes[first:first + lanes], config.x.bits) for first in range(0, len(codes), lanes)]
    return beats


def weight_packet(config, codes, scales, bank, name):
    """Beats of the weights of a bank: codes (columns, size) of a format, and scales (columns,)."""
    lanes, columns, together = config.weight_lanes, config.columns, config.weight_scales
    return [header(number=NUMBER_OF[name], bank=bank),
            *(packed(codes[first:first + lanes, row], config.w.bits)
              for row in range(config.macro.rows) for first in range(0, columns, lanes)),
            *(packed(scales[first:first + together], SCALE_BITS) for first in range(0, columns, together))]


def packet_bytes(beats, bits):
    """A packet as memory has it, for a stream of so many bits."""
    return b"".join(beat.to_bytes(bits // 8, "little") for beat in beats)
