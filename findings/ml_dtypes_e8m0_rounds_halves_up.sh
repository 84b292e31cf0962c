#!/usr/bin/env bash
# Found: a cast of float32 to float8_e8m0fnu, the scale of microscaling (MX) blocks, rounds every half up: 3.0, which lies
# in the middle of 2.0 and 4.0 with the even code at 2.0, becomes 4.0. The casts to all other narrow floats of the package
# round halves to the even code. From 1.5 * 2**127 on the result is NaN.
#
# Expected: halves to the even code, as in the package's other types, so 3.0 becomes 2.0 (and 1.5 becomes 2.0 as well).
# Who makes scales by a cast has another rule than the specification's, which takes the power of two below.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
for version in 0.5.4 0.6.0; do
    "$folder/venv/bin/pip" --quiet --disable-pip-version-check install "ml_dtypes==$version" numpy==2.4.6
    "$folder/venv/bin/python" - <<'PYTHON'
import importlib.metadata

import ml_dtypes
import numpy as np


def halves(dtype):
    """Each middle of two neighboring positive numbers of a type, what it becomes, and the codes of both neighbors."""
    codes = np.arange(1 << 8, dtype=np.uint8)
    if "fn" in dtype.__name__ and "float8" not in dtype.__name__:
        codes = codes[:1 << (4 if "float4" in dtype.__name__ else 6)]
    numbers = codes.view(dtype).astype(np.float64)
    kept = np.isfinite(numbers) & ~np.signbit(numbers)
    codes, numbers = codes[kept], numbers[kept]
    middles = ((numbers[:-1] + numbers[1:]) / 2).astype(np.float32)
    return middles, middles.astype(dtype).view(np.uint8), codes[:-1], codes[1:]


for package in ("ml_dtypes", "numpy"):
    print(package, importlib.metadata.version(package))
for dtype in (ml_dtypes.float8_e8m0fnu, ml_dtypes.float8_e4m3fn, ml_dtypes.float8_e5m2, ml_dtypes.float6_e2m3fn,
              ml_dtypes.float6_e3m2fn, ml_dtypes.float4_e2m1fn):
    middles, found, below, above = halves(dtype)
    up, even = np.mean(found == above), np.mean(found == np.where(below % 2 == 0, below, above))
    print(f"{dtype.__name__}: of {len(middles)} halves {up:.0%} go up, {even:.0%} to the even code")
    assert up == 1 if dtype is ml_dtypes.float8_e8m0fnu else even == 1
values = np.array([1.5, 3.0, 6.0, 12.0, 2.0 ** 127 * 1.5], np.float32)
result = values.astype(ml_dtypes.float8_e8m0fnu).astype(np.float32)
print(dict(zip(values.tolist(), result.tolist())))
assert result[:4].tolist() == [2.0, 4.0, 8.0, 16.0] and np.isnan(result[4])
PYTHON
done
