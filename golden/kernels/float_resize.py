"""Resizing as ONNX defines it, in ONNX Runtime's float32: which pixels of an image a pixel of the result is made of."""

import numpy as np

# Scales in steps of 1 / EXACT have few bits.
EXACT = 256


def _half_pixel(x, scale, length, result):
    return (x + np.float32(0.5)) / scale - np.float32(0.5)


def _pytorch_half_pixel(x, scale, length, result):
    return _half_pixel(x, scale, length, result) if result > 1 else np.zeros_like(x)


def _align_corners(x, scale, length, result):
    if result == 1:
        return np.zeros_like(x)
    return x * np.float32(length - 1) / np.float32(result - 1)


def _asymmetric(x, scale, length, result):
    return x / scale


# By coordinate_transformation_mode: where pixels of the result lie in the image; all float32 but for the lengths.
COORDINATES = {
    "half_pixel": _half_pixel, "pytorch_half_pixel": _pytorch_half_pixel, "align_corners": _align_corners,
    "asymmetric": _asymmetric,
}


def _prefer_ceil(x):
    # The sum with a half would be rounded.
    return np.floor(x) + (x - np.floor(x) >= np.float32(0.5))


def _prefer_floor(x):
    return np.floor(x) + (x - np.floor(x) > np.float32(0.5))


# By nearest_mode: which pixel.
NEAREST = {
    "round_prefer_floor": _prefer_floor, "round_prefer_ceil": _prefer_ceil,
    "floor": np.floor, "ceil": np.ceil,
}


def coordinates(mode, length, result, scale):
    """Where the pixels of ``result`` lie among ``length`` pixels, float32 (result,)."""
    if scale == 1:
        return np.arange(result, dtype=np.float32)
    return COORDINATES[mode](np.arange(result, dtype=np.float32), np.float32(scale), length, result)


def is_left_open(mode, rounding, length, result, scale):
    """Whether the rounding of a quotient of float32 decides about a pixel.

    A place next to where one pixel ends and the next begins may come out on either side, unless the scale is a number
    of few bits: then what lies there is exact. With corners aligned the quotient is one of integers.
    """
    if mode == "align_corners" or float(scale) * EXACT % 1 == 0:
        return False
    places = coordinates(mode, length, result, scale)
    away = places - (np.floor(places) + np.float32(0.5) if rounding.startswith("round") else np.rint(places))
    return bool(((np.abs(away) < 1e-5 * np.maximum(1, places)) & (places > 0) & (places < length - 1)).any())


def nearest(mode, rounding, length, result, scale):
    """The pixel that each pixel of the result is, int64 (result,)."""
    places = NEAREST[rounding](coordinates(mode, length, result, scale))
    return np.clip(places, 0, length - 1).astype(np.int64)


def _between(mode, length, result, scale):
    """Two pixels for each of the result, and the weight of each of them."""
    places = np.clip(coordinates(mode, length, result, scale), 0, np.float32(length - 1))
    first = np.minimum(places.astype(np.int64), length - 1)
    second = np.minimum(first + 1, length - 1)
    to_first, to_second = (np.abs(places - pixels.astype(np.float32)) for pixels in (first, second))
    to_first[first == second] = to_second[first == second] = 0.5
    return first, second, to_second, to_first


def bilinear(x, mode, result, scales):
    """Images (B, H, W, C), float32, as images of height and width ``result``."""
    (top, bottom, of_top, of_bottom), (left, right, of_left, of_right) = (
        _between(mode, length, wanted, scale) for length, wanted, scale in zip(x.shape[1:3], result, scales))
    of_top, of_bottom = of_top[:, None, None], of_bottom[:, None, None]
    of_left, of_right = of_left[None, :, None], of_right[None, :, None]
    upper, lower = x[:, top], x[:, bottom]
    return (of_left * of_top * upper[:, :, left] + of_right * of_top * upper[:, :, right]
            + of_left * of_bottom * lower[:, :, left] + of_right * of_bottom * lower[:, :, right])
