"""Widths of what holds a range of integers."""


def signed_width(low, high):
    """Bits of the narrowest two's complement number that holds every integer of ``low..high``."""
    return max((~low if low < 0 else low).bit_length(), (~high if high < 0 else high).bit_length()) + 1


def ceil_log2(n):
    """Smallest ``k`` with ``2**k >= n``."""
    return (n - 1).bit_length()
