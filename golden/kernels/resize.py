"""Images of another size, as kernels of TensorFlow Lite compute them: the nearest pixel, or a mix of four."""

import numpy as np


def nearest_pixels(length, output_length, *, align_corners, half_pixel_centers):
    """Which pixel each pixel of the output takes, along one axis: an int64 array."""
    scale = np.float32(length) / np.float32(output_length)
    if align_corners and output_length > 1:
        scale = np.float32(length - 1) / np.float32(output_length - 1)
    at = (np.arange(output_length, dtype=np.float32) + np.float32(0.5 if half_pixel_centers else 0)) * scale
    whole = np.floor(at.astype(np.float64) + 0.5) if align_corners else np.floor(at)
    return np.clip(whole.astype(np.int64), 0, length - 1)


def resize_nearest(x, size, **options):
    """``x`` (B, H, W, C) with another ``size`` (height, width); options of `nearest_pixels`."""
    rows, columns = (nearest_pixels(length, output, **options) for length, output in zip(x.shape[1:3], size))
    return x[:, rows[:, None], columns]


def resize_bilinear(x, size, *, align_corners, half_pixel_centers, dtype):
    """Linear interpolation along both axes.

    Parameters
    ----------
    x : int array (B, H, W, C)
    size : (int, int)
        Height and width of the output.
    align_corners, half_pixel_centers : bool
        Not both.
    dtype : str
        Of the values. ``"uint8"`` is computed in float32 and halves go up; others in integers, with positions in steps
        of 1/1024, and halves go away from zero.

    Returns
    -------
    int64 array (B, *size, C)
    """
    positions = _float_positions if dtype == "uint8" else _fixed_positions
    (top, bottom, down, up), (left, right, along, back) = (
        positions(length, output, align_corners, half_pixel_centers) for length, output in zip(x.shape[1:3], size))
    top, bottom, down, up = top[:, None], bottom[:, None], down[:, None, None], up[:, None, None]
    along, back = along[:, None], back[:, None]
    values = x.astype(np.float32) if dtype == "uint8" else x.astype(np.int64)
    # In this order, which matters to float32.
    total = (values[:, top, left] * up * back + values[:, bottom, left] * down * back
             + values[:, top, right] * up * along + values[:, bottom, right] * down * along)
    if dtype == "uint8":
        return np.trunc(total + np.float32(0.5)).astype(np.int64)
    return np.sign(total) * (np.abs(total) + (1 << 19) >> 20)


def _fixed_positions(length, output_length, align_corners, half_pixel_centers):
    """The pixel before and after each position, and its distance from the first, and what is left to 1, in 1/1024."""
    span, steps = (length - 1, output_length - 1) if align_corners and output_length > 1 else (length, output_length)
    scale = ((span << 10) + steps // 2) // steps
    at = np.arange(output_length) * scale + (scale // 2 - 512 if half_pixel_centers else 0)
    # Where a position is before the first pixel, its weight is negative.
    before = np.maximum(at, 0) >> 10
    after = np.minimum(np.sign(at + 1023) * (np.abs(at + 1023) >> 10), length - 1)
    distance = at - (before << 10)
    return before, after, distance, 1024 - distance


def _float_positions(length, output_length, align_corners, half_pixel_centers):
    """As `_fixed_positions`, in float32."""
    span, steps = (length - 1, output_length - 1) if align_corners and output_length > 1 else (length, output_length)
    scale, at = np.float32(span) / np.float32(steps), np.arange(output_length, dtype=np.float32)
    half = np.float32(0.5)
    at = (at + half) * scale - half if half_pixel_centers else at * scale
    before = np.maximum(np.floor(at).astype(np.int64), 0)
    after = np.minimum(np.ceil(at).astype(np.int64), length - 1)
    distance = at - before.astype(np.float32)
    return before, after, distance, np.float32(1) - distance
