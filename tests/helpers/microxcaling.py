"""What microxcaling, Microsoft's emulation of MX formats, makes of some blocks: recorded, as it needs PyTorch.

``python tests/helpers/microxcaling.py`` records it again, where PyTorch and github.com/microsoft/microxcaling are
installed; `COMMIT` is the version of what is recorded.
"""

from pathlib import Path

import numpy as np

PATH = Path(__file__).with_suffix(".npz")
COMMIT = "7bc41952de394f5cc5e782baf132e7c7542eb4e4"
NAMES = {"MXINT8": "int8", "MXFP8_E4M3": "fp8_e4m3", "MXFP8_E5M2": "fp8_e5m2", "MXFP6_E2M3": "fp6_e2m3",
         "MXFP6_E3M2": "fp6_e3m2", "MXFP4": "fp4"}
# How halves are rounded; the last one is the default.
ROUNDS = ("even", "nearest")
NEAR_EIGHT = np.nextafter(np.float32(8), np.float32(0))


def blocks():
    """float32 (n, 32) by what is special of them."""
    rng = np.random.default_rng(1)
    drawn = rng.standard_normal((12, 32)) * np.exp2(rng.integers(-20, 20, (12, 1)))
    corners = {
        "NaN": [np.nan], "zeros": [0.0], "the greatest": [3.4e38, 1e38], "the least": [2.0 ** -126, 2.0 ** -130],
        "an infinity": [np.inf, 1.0], "below a power of two": [NEAR_EIGHT, 1.3]}
    found = {name: np.array([[*values, *[values[-1]] * (32 - len(values))]]) for name, values in corners.items()}
    found |= {"drawn": drawn, "halves": rng.integers(-64, 65, (8, 32)) / 8}
    return {name: values.astype(np.float32) for name, values in found.items()}


def record():
    """Write the file."""
    import torch
    from mx.mx_ops import _quantize_mx

    np.savez_compressed(PATH, **{f"{what}, {name}, {halves}": np.array(_quantize_mx(
        torch.tensor(values.tolist()), 8, theirs, axes=[-1], block_size=32, round=halves).tolist(), np.float32)
        for what, values in blocks().items() for name, theirs in NAMES.items() for halves in ROUNDS})


if __name__ == "__main__":
    record()
