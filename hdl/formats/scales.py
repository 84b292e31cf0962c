"""Scales of blocks as an exponent and a mantissa."""

from amaranth.hdl import Cat, Const, Mux

from ...golden.formats.blocks import SCALE_NAN

# NaN of E4M3; a scale that is negative is none, and counts as NaN.
E4M3_NAN = SCALE_NAN >> 1


def decoded(config, code):
    """Exponent, mantissa, and whether it is NaN, of the code of a scale; of E8M0 the mantissa is one."""
    if not config.has_mantissas:
        return code, Const(1, 1), code.all()
    exponent = code[3:7]
    return Mux(exponent.any(), exponent - 1, 0)[:4], Cat(code[:3], exponent.any()), code[:7].all() | code[7]


def nan_code(config):
    """The code of NaN."""
    return E4M3_NAN if config.has_mantissas else SCALE_NAN
