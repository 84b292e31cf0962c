"""Shift of a word to the left, as an expression or with the multipliers of a fabric."""

from amaranth.hdl import Cat, Const

from .emitter import Platform
from .multiplier import CYCLES, WIDTH, multiply
from .register import registered

# The most by which a word is shifted, and the bits of that number.
MAX_SHIFT = WIDTH - 1
SHIFT_BITS = MAX_SHIFT.bit_length()
# Bits of a wide word that go to one multiplier.
PIECE = 16


def shift_cycles(width):
    """Cycles of `shift_left` for a word of so many bits."""
    return CYCLES + (width > WIDTH)


def shift_left(m, platform, name, word, amount):
    """A word shifted to the left by up to `MAX_SHIFT`, `shift_cycles` later, signed.

    On ECP5 multipliers shift, and LUTs only decode the amount; a wide word takes several of them and an adder. The word
    is of an unsigned register, and signed by `as_signed`.
    """
    width = len(word) + MAX_SHIFT
    if Platform.of(platform).fabric != "ecp5":
        for cycle in range(shift_cycles(len(word)) - 1):
            word, amount = registered(m, f"{name}_{cycle}", word), registered(m, f"{name}_by_{cycle}", amount)
        return registered(m, name, (word << amount)[:width].as_signed())
    # The low bits of those beyond PIECE are those of the lowest.
    low, is_beyond = amount[:-1], amount[-1]
    factor = Cat((low == index) & (~is_beyond if index <= MAX_SHIFT - PIECE else 1) for index in range(PIECE))
    factor = Cat(factor, ((low[0] == index) & is_beyond for index in range(MAX_SHIFT - PIECE + 1)))
    if len(word) <= WIDTH:
        return multiply(m, platform, name, word, factor)[:width].as_signed()
    total = Const(0)
    for first in range(0, len(word), PIECE):
        is_last = first + PIECE >= len(word)
        piece = word[first:].as_signed() if is_last else word[first:first + PIECE]
        total = total + (multiply(m, platform, f"{name}_{first}", piece, factor) << first)
    return registered(m, name, total[:width].as_signed())
