"""Headers of packets: their layout, and which of them a core has."""

from amaranth.hdl import Const
from amaranth.lib import data

from ...golden.formats.packets import HEADER
from ..formats.by_format import is_among


def header_layout():
    """A header, which is the lowest bits of a beat."""
    return data.StructLayout(HEADER)


def is_wrong(config, choice, header):
    """Whether a header names a format that a `FormatChoice` has not, or a bank that a block macro has not."""
    banks = config.macro.banks
    no_bank = header.bank >= banks if banks < 1 << HEADER["bank"] else Const(0)
    return ~is_among(choice, header.number) | no_bank
