"""Blocks of elements that share a scale: the six MX formats and NVFP4, from numbers and back.

Definitions: OCP Microscaling Formats (MX) 1.0, sections 5 and 6; NVFP4 as its libraries have it, a block of 16 with a
scale of E4M3 and one float32 scale a tensor.
"""

from dataclasses import dataclass

import numpy as np

from .elements import E2M1, E2M3, E3M2, E4M3, E5M2, INT8, Element

# E8M0: a power of two, 2**(code - 127); 255 is NaN.
SCALE_BIAS, SCALE_NAN = 127, 255
# How the scale of powers of two follows from the greatest magnitude of a block; see `scale_exponents`.
RULES = ("floor", "even", "up", "ceil")


@dataclass(frozen=True)
class BlockFormat:
    """A format of blocks.

    Parameters
    ----------
    name : str
    element : Element
    size : int
        Elements of a block.
    scale : Element
        Of a block's scale; None for E8M0.
    """

    name: str
    element: Element
    size: int = 32
    scale: Element = None

    @property
    def bits_per_value(self):
        """Of memory, the share of the scale included."""
        return self.element.bits + 8 / self.size


MXINT8 = BlockFormat("MXINT8", INT8)
MXFP8_E4M3 = BlockFormat("MXFP8_E4M3", E4M3)
MXFP8_E5M2 = BlockFormat("MXFP8_E5M2", E5M2)
MXFP6_E2M3 = BlockFormat("MXFP6_E2M3", E2M3)
MXFP6_E3M2 = BlockFormat("MXFP6_E3M2", E3M2)
MXFP4 = BlockFormat("MXFP4", E2M1)
NVFP4 = BlockFormat("NVFP4", E2M1, 16, E4M3)
FORMATS = {each.name: each for each in (MXINT8, MXFP8_E4M3, MXFP8_E5M2, MXFP6_E2M3, MXFP6_E3M2, MXFP4, NVFP4)}
# The number of a format where hardware has several: the same everywhere.
NUMBER_OF = {name: number for number, name in enumerate(FORMATS)}


@dataclass(frozen=True)
class Blocks:
    """An array whose last axis is in blocks.

    Parameters
    ----------
    format : BlockFormat
    codes : uint8 array (..., blocks, size)
        Of elements.
    scales : uint8 array (..., blocks)
        Codes of the scales.
    unit : float
        Scale of the whole array, a float32; 1 but for NVFP4.

    Raises
    ------
    ValueError
        Shapes that do not fit, codes that the format has not, or a unit that is none.
    """

    format: BlockFormat
    codes: np.ndarray
    scales: np.ndarray
    unit: float = 1.0

    def __post_init__(self):
        size, element = self.format.size, self.format.element
        if self.codes.shape[-1:] != (size,) or self.codes.shape[:-1] != self.scales.shape:
            raise ValueError(f"codes of {self.format.name} must be (..., blocks, {size}) with a scale a block, not "
                             f"{self.codes.shape} with scales {self.scales.shape}")
        for what, codes in (("codes", self.codes), ("scales", self.scales)):
            if codes.dtype != np.uint8:
                raise ValueError(f"{what} of {self.format.name} must be uint8, not {codes.dtype}")
        if self.codes.size and self.codes.max() >> element.bits:
            raise ValueError(f"codes of {element.name} must be below {1 << element.bits}, not {self.codes.max()}")
        _check_unit(self.format, self.unit)
        if self.format.scale and self.scales.size and self.scales.max() > SCALE_NAN >> 1:
            raise ValueError(f"scales of {self.format.name} must not be negative, and code {self.scales.max()} is")

    def values(self):
        """float64 (..., blocks * size), exact; NaN in a block whose scale is NaN."""
        scale = scale_values(self.format, self.scales) * self.unit
        values = self.format.element.values(self.codes) * scale[..., None]
        return values.reshape(*values.shape[:-2], -1)


def _check_unit(block_format, unit):
    if not (np.isfinite(unit) and unit > 0 and float(np.float32(unit)) == unit):
        raise ValueError(f"the scale of an array must be a positive float32, not {unit}")
    if block_format.scale is None and unit != 1:
        raise ValueError(f"{block_format.name} has no scale of a whole array, which must be 1, not {unit}")


def scale_values(block_format, codes):
    """float64 (...) of scales (...), NaN where the code is NaN."""
    if block_format.scale:
        return block_format.scale.values(codes)
    return np.where(codes == SCALE_NAN, np.nan, np.exp2(codes.astype(np.float64) - SCALE_BIAS))


def scale_exponents(greatest, element, rule="floor"):
    """Exponents of the scales of blocks, before they are limited to -127 and 127.

    Parameters
    ----------
    greatest : float64 array (...)
        The greatest magnitude of each block, finite.
    element : Element
    rule : str
        ``floor``, of the specification: the greatest element has the exponent of the greatest magnitude, which may
        saturate. ``even``: as ``floor``, after the magnitude was rounded to as many mantissa bits as an element has,
        halves up. ``up``: the least power of two with which nothing saturates. ``ceil``: as ``floor``, of the next
        power of two, if the magnitude is none.

    Returns
    -------
    int64 array (...)
        -127 of zero.
    """
    if rule not in RULES:
        raise ValueError(f"rule must be one of {', '.join(RULES)}, not {rule!r}")
    # Of zero a number that is below all scales.
    greatest = np.where(greatest == 0, 2.0 ** -300, greatest)
    if rule == "up":
        fraction, exponent = np.frexp(greatest)
        limit, limit_exponent = np.frexp(element.greatest)
        return np.maximum(exponent - limit_exponent + (fraction > limit), -SCALE_BIAS).astype(np.int64)
    fraction, exponent = np.frexp(greatest)
    if rule == "even":
        step = 2.0 ** (element.mantissa_bits - (element.exponent_bits == 0) + 1)
        exponent = exponent + (np.floor(fraction * step + 0.5) == step)
    if rule == "ceil":
        exponent = exponent + (fraction > 0.5)
    return np.maximum(exponent - 1 - element.greatest_exponent, -SCALE_BIAS).astype(np.int64)


def quantize(values, block_format, rule="floor", unit=None):
    """Numbers as blocks, elements rounded to nearest, halves to the even code, and saturated.

    A block with a NaN, or with an infinity where elements have none, has the scale NaN. Infinities of E5M2 stay what
    they are, and do not count for the scale.

    Parameters
    ----------
    values : float array (..., n)
        Float32 or narrower; n a multiple of the format's size.
    block_format : BlockFormat
    rule : str
        See `scale_exponents`; NVFP4 has one of its own.
    unit : float
        Scale of the whole array of NVFP4; by default its greatest magnitude is then the greatest that there is.

    Returns
    -------
    Blocks

    Raises
    ------
    ValueError
        The last axis is no whole number of blocks, or the numbers are not floats of at most 32 bits.
    """
    values, size = np.asarray(values), block_format.size
    if values.dtype.kind != "f" or values.dtype.itemsize > 4:
        raise ValueError(f"values must be floats of at most 32 bits, not {values.dtype}")
    if not values.ndim or values.shape[-1] % size:
        raise ValueError(f"the last axis of {block_format.name} must be a multiple of {size}, not {values.shape}")
    values = values.astype(np.float64).reshape(*values.shape[:-1], -1, size)
    element = block_format.element
    lost = ~np.isfinite(values) if not np.isinf(element.special).any() else np.isnan(values)
    is_lost = lost.any(axis=-1)
    finite = np.where(np.isfinite(values), values, 0)
    # What is in a lost block counts for nothing.
    finite[is_lost] = 0
    greatest = np.abs(finite).max(axis=-1, initial=0)
    if block_format.scale:
        unit = _unit(greatest, block_format) if unit is None else unit
        _check_unit(block_format, unit)
        scales = block_format.scale.encode(greatest, element.greatest * unit)
        scale = scale_values(block_format, scales) * unit
        # A block whose scale is zero has only zeros.
        finite, scale = np.where(scale[..., None] == 0, 0, finite), np.where(scale == 0, 1, scale)
        scales = np.where(is_lost, np.uint8(SCALE_NAN >> 1), scales)
    else:
        exponents = np.minimum(scale_exponents(greatest, element, rule), SCALE_BIAS)
        scales = np.where(is_lost, SCALE_NAN, exponents + SCALE_BIAS).astype(np.uint8)
        scale, unit = np.exp2(exponents.astype(np.float64)), 1.0
    kept = np.where(is_lost[..., None] | ~np.isinf(values), finite, values)
    return Blocks(block_format, element.encode(kept, scale[..., None]), scales, float(unit))


def _unit(greatest, block_format):
    unit = np.float32(greatest.max(initial=0) / (block_format.element.greatest * block_format.scale.greatest))
    return float(unit) if unit > 0 else 1.0
