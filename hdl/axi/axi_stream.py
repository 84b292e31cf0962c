"""AXI4-Stream: what a beat is."""

from amaranth.lib import data


def beat_layout(bits, user=False):
    """A beat of an AXI4-Stream."""
    return data.StructLayout({"data": bits, "keep": bits // 8, "last": 1, **({"user": 1} if user else {})})
