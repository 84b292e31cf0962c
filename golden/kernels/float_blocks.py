"""Products with weights in blocks that each have a scale: exact integer sums, joined in float32."""

import numpy as np


def quantize_blocks(x, block):
    """Numbers as steps from -127 to 127, with a scale for each block.

    The scale is the greatest magnitude over 127; numbers are multiplied by 127 over that magnitude, which is not always
    the reciprocal, and rounded, halves to even. All of it is float32.

    Parameters
    ----------
    x : float32 array (..., blocks * block)
    block : int

    Returns
    -------
    (steps, scales)
        int64 array (..., blocks * block), 0 in blocks of zeros or of what is not finite; float32 array (..., blocks),
        NaN where a number is not finite.
    """
    parts = x.reshape(*x.shape[:-1], -1, block)
    greatest = np.abs(parts).max(axis=-1)
    scales = greatest / np.float32(127)
    usable = np.isfinite(greatest) & (scales > 0)
    with np.errstate(over="ignore", invalid="ignore"):
        factors = np.float32(127) / np.where(usable, greatest, np.float32(127))
        steps = np.rint(np.where(usable[..., None], parts, np.float32(0)) * factors[..., None])
    steps = np.clip(np.nan_to_num(steps), -127, 127).astype(np.int64)
    return steps.reshape(x.shape), np.where(np.isfinite(greatest), scales, np.float32(np.nan))


def join_blocks(sums, scale, weight_scales):
    """float32 of the sums of blocks: each rounded to float32, times its factor, added up from the first block on.

    Parameters
    ----------
    sums : int64 array (..., blocks, outputs)
        Exact.
    scale : float32 array that broadcasts to (..., blocks, 1)
        Of the inputs.
    weight_scales : float32 array (blocks, outputs)

    Returns
    -------
    float32 array (..., outputs)
    """
    with np.errstate(over="ignore", invalid="ignore"):
        terms = sums.astype(np.float32) * (np.float32(scale) * weight_scales)
        total = terms[..., 0, :]
        for block in range(1, terms.shape[-2]):
            total = total + terms[..., block, :]
    return total
