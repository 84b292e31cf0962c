"""Files of a few kilobytes that ask for much: run, or refused in one line, within bounds of memory and time."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

pytest.importorskip("tflite", reason="no tflite here")
from bitline.scripts.fuzzing.tflite_builder import TfliteFile

# Bytes of address space, the libraries' own included; seconds of processor time.
MEMORY, SECONDS = 3 << 30, 60

# Runs the command with what it is given, and leaves what it took.
PROGRAM = f"""
import json, resource, sys
from bitline.scripts.common.limited import peak_memory
from bitline.scripts.main import main
resource.setrlimit(resource.RLIMIT_AS, ({MEMORY}, {MEMORY}))
resource.setrlimit(resource.RLIMIT_CPU, ({SECONDS}, {SECONDS}))
try:
    main(sys.argv[1:])
finally:
    print(json.dumps(peak_memory()), file=sys.stderr)
"""


def convolution(shape, weights, *, padding="same", stride=1, depthwise=False):
    """The bytes of a file of one convolution, whose weights are all zero and so take little room."""
    file = TfliteFile()
    x = file.tensor(shape, "int8", 0.1)
    after = [-(-length // stride) if padding == "same" else (length - size) // stride + 1
             for length, size in zip(shape[1:3], weights[1:3])]
    y = file.tensor((shape[0], *after, weights[3 if depthwise else 0]), "int8", 5.0)
    kind, options = ("DEPTHWISE_CONV_2D", "DepthwiseConv2DOptions") if depthwise else ("CONV_2D", "Conv2DOptions")
    file.operator(kind, [x, file.constant(np.zeros(weights), "int8", 0.01)], y, options, Padding=padding,
                  StrideH=stride, StrideW=stride, DilationHFactor=1, DilationWFactor=1,
                  **({"DepthMultiplier": 1} if depthwise else {}))
    return file.data([x], [y])


def chain(shape, count):
    """The bytes of a file of as many clamps."""
    file = TfliteFile()
    x = last = file.tensor(shape, "int8", 0.1)
    for _ in range(count):
        last = file.operator("RELU", [last], file.tensor(shape, "int8", 0.1))
    return file.data([x], [last])


def pool(shape, size):
    """The bytes of a file of a mean over windows."""
    file = TfliteFile()
    x, y = file.tensor(shape, "int8", 0.1), file.tensor(shape, "int8", 0.1)
    file.operator("AVERAGE_POOL_2D", [x], y, "Pool2DOptions", Padding="same", StrideH=1, StrideW=1,
                  FilterHeight=size, FilterWidth=size)
    return file.data([x], [y])


@pytest.mark.parametrize("data, size, refusal", [
    (lambda: convolution((1, 1, 16384, 1), (1, 3, 3, 1)), 16384, None),
    (lambda: convolution((1, 1, 4096, 1), (1, 1, 4096, 1)), 4096, None),
    (lambda: convolution((1, 200, 200, 1), (1, 200, 200, 1), padding="valid"), 40000, None),
    (lambda: convolution((1, 200, 200, 1), (1, 200, 200, 1), stride=25), 40000, None),
    (lambda: convolution((1, 200, 200, 1), (1, 200, 200, 1)), 40000, "elements in all windows"),
    (lambda: convolution((1, 32, 32, 512), (1, 3, 3, 512), depthwise=True), 1 << 19, None),
    (lambda: convolution((1, 512, 512, 1), (2, 1, 1, 1)), 1 << 18, None),
    (lambda: convolution((1, 64, 64, 1), (8000, 1, 1, 1)), 4096, "tensor t1 must have at most 16777216 elements"),
    (lambda: chain((1, 1 << 20), 1000), 1 << 20, "model must compute at most 134217728 bytes"),
    (lambda: chain((1, 1 << 20), 16), 1 << 20, None),
    (lambda: pool((1, 200, 200, 1), 200), 40000, "elements in all windows"),
    (lambda: pool((1, 512, 512, 1), 15), 1 << 18, None),
])
def test_small_files_that_ask_for_much(tmp_path, data, size, refusal):
    (tmp_path / "m.tflite").write_bytes(data())
    np.random.default_rng(1).integers(-128, 128, size, dtype=np.int8).tofile(tmp_path / "x.dat")
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, "run", tmp_path / "m.tflite", "--inputs", tmp_path / "x.dat", "--rows", "64",
         "--columns", "64", "--no-check"], capture_output=True, text=True, check=False,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"})
    *errors, kilobytes = done.stderr.splitlines()
    if refusal:
        assert done.returncode == 2 and len(errors) == 1 and refusal in errors[0], done.stderr
    else:
        assert done.returncode == 0 and not errors, done.stderr
    assert json.loads(kilobytes) < 1.5 * (1 << 20)
