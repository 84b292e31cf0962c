"""Descriptors as registers: their fields, and what follows from them."""

from amaranth.hdl import signed, unsigned
from amaranth.lib import data

from ....golden.engine.descriptor import FIELDS, SIZE

WORD_BITS = 32
SHAPES = {"B": unsigned(8), "b": signed(8), "H": unsigned(16), "h": signed(16), "I": unsigned(32), "i": signed(32)}
# Of an activation memory of any size.
ADDRESS_BITS = 25


def descriptor_layout():
    """All fields, in their places, and the spare bytes."""
    fields = {name: SHAPES[code] for name, code, _ in FIELDS}
    used = sum(shape.width for shape in fields.values())
    return data.StructLayout({**fields, "spare": 8 * SIZE - used})


def products_layout():
    """What is computed while a descriptor is fetched.

    ``first``: address of the first byte of the first window, which may be before the source; ``pixel_bytes``: bytes of
    the pixels of a window's row; ``row_bytes``: of a row of the source, of which windows see all; ``rows``: bytes of a
    window; ``left``: distance in bytes of the first window from the source's first pixel; ``step_x_bytes``,
    ``step_y_bytes``: bytes from a window to the next, and to the one below; ``block_x_bytes``, ``block_y_bytes``: bytes
    from the results of a window to those of the next, of the target; ``other_x_bytes``, ``other_y_bytes``: those of the
    residual; ``span``: pixels from the first window of a row to behind its last, if each were a step wide;
    ``is_dense``: pixels that windows see follow one another without gaps.
    """
    return data.StructLayout({
        "first": ADDRESS_BITS, "pixel_bytes": 32, "row_bytes": 32, "rows": 32, "left": signed(34),
        "step_x_bytes": 32, "step_y_bytes": 32, "block_x_bytes": 24, "block_y_bytes": 24, "other_x_bytes": 24,
        "other_y_bytes": 24, "span": 20, "is_dense": 1,
    })


def record_layout():
    """A descriptor that was fetched."""
    return data.StructLayout({"fields": descriptor_layout(), "products": products_layout()})
