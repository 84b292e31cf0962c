"""A ``.tflite`` file of one operator, drawn by a seed: scales, zero points, weights, and values of its inputs."""

import numpy as np

from .tflite_builder import TYPES, TfliteFile

LIMITS = {"int8": (-128, 127), "uint8": (0, 255), "int16": (-32768, 32767), "int32": (-1 << 31, (1 << 31) - 1)}
# Kinds of activations that have a scale; others have one where it is given.
QUANTIZED = ("int8", "uint8", "int16")


class Drawn:
    """A file of one operator; `inputs` and `outputs` are numbers of tensors.

    Parameters
    ----------
    seed : int
    dtype : str
        Of activations.
    """

    def __init__(self, seed, dtype):
        self.rng, self.dtype, self.file = np.random.default_rng(seed), dtype, TfliteFile()
        # Scales that are powers of two, or equal, let results fall on exact halves.
        self._are_powers, self._last, self._product = bool(self.rng.integers(3) == 0), None, 1.0
        self._wide = "int64"
        self.inputs, self.outputs = [], []

    @property
    def data(self):
        """The bytes of the file."""
        return self.file.data(self.inputs, self.outputs)

    def scale(self, low=-6.0, high=3.0):
        """float32, a power of two in a third of all files; now and then the one before."""
        if self._last is not None and self.rng.integers(5) == 0:
            return self._last
        exponent = self.rng.uniform(low, high)
        self._last = float(np.float32(2.0 ** (np.floor(exponent) if self._are_powers else exponent)))
        return self._last

    def zero_point(self, dtype=None):
        """Often at an end, or zero."""
        low, high = LIMITS[dtype or self.dtype]
        if (dtype or self.dtype) in ("int16", "int32"):
            return 0
        return int(self.rng.choice([low, high, 0, self.rng.integers(low, high + 1)]))

    def quantization(self):
        """A scale and zero point that several tensors have; of numbers none."""
        return (self.scale(), self.zero_point()) if self.dtype in QUANTIZED else (None, 0)

    def activation(self, shape, scale=None, zero_point=None, dtype=None):
        """An input of the network."""
        self.inputs.append(self._tensor(shape, scale, zero_point, dtype or self.dtype))
        return self.inputs[-1]

    def made(self, shape, scale=None, zero_point=None, dtype=None):
        """An output."""
        self.outputs.append(self._tensor(shape, scale, zero_point, dtype or self.dtype))
        return self.outputs[-1]

    def _tensor(self, shape, scale, zero_point, dtype):
        if scale is None and dtype not in QUANTIZED:
            return self.file.tensor(shape, dtype)
        return self.file.tensor(shape, dtype, self.scale() if scale is None else scale,
                                self.zero_point(dtype) if zero_point is None else zero_point)

    def weights(self, shape, channels, axis, *, narrow=()):
        """Constant weights: of uint8 with a zero point; else of int8, with a scale for each channel in two of three
        files, or of int4 in a quarter of all files of ``narrow`` activations.
        """
        if self.dtype == "uint8":
            self._product = self.scale(-9, -4)
            return self.file.constant(self.rng.integers(0, 256, shape), "uint8", self._product,
                                      zero_point=self.zero_point())
        dtype = "int4" if self.dtype in narrow and self.rng.integers(4) == 0 else "int8"
        most = 7 if dtype == "int4" else 127
        scales = 2.0 ** self.rng.uniform(-9, -4, channels if self.rng.integers(3) else 1)
        if self._are_powers:
            scales = 2.0 ** np.floor(np.log2(scales))
        self._product = scales
        return self.file.constant(self.rng.integers(-most, most + 1, shape), dtype, scales, axis)

    def bias(self, channels, x, *, may_lack=True):
        """Constant, or none in a quarter of all files, as a list; of the scale of accumulators."""
        if may_lack and self.rng.integers(4) == 0:
            return []
        scale = x * self._product
        return [self.file.constant(self.rng.integers(-20000, 20000, channels),
                                   self._wide if self.dtype == "int16" else "int32", scale)]

    def bias_type(self):
        """Fields of options: of int16, in a third of all files a bias of int32, and sums."""
        if self.dtype != "int16" or self.rng.integers(3):
            return {}
        self._wide = "int32"
        return {"QuantizedBiasType": TYPES["int32"]}

    def fused(self):
        """An activation, in half of all files."""
        return str(self.rng.choice(["none", "none", "none", "relu", "relu6", "relu_n1_to_1"]))

    def lengths(self, count, low=1, high=20):
        """Random lengths of dimensions."""
        return tuple(int(length) for length in self.rng.integers(low, high + 1, count))

    def near(self, scale, spread=5.0):
        """A scale that is near another."""
        return float(np.float32(scale * 2.0 ** self.rng.uniform(-spread, spread))) if not self._are_powers else float(
            np.float32(scale * 2.0 ** self.rng.integers(-int(spread), int(spread) + 1)))

    def values(self, shape, dtype):
        """Values of a run: all of the range, small ones, or the ends; of numbers halves of the last scale too."""
        if dtype == "float32":
            steps = self.rng.integers(-600, 601, shape) / 2 * (self._last or 1.0)
            return (steps if self.rng.integers(2) else self.rng.normal(0, 100, shape) * (self._last or 1.0)).astype(
                np.float32)
        low, high = LIMITS[dtype]
        if dtype == "int32":
            low, high = -1 << int(self.rng.integers(8, 31)), 1 << int(self.rng.integers(8, 31))
        kind = self.rng.integers(4)
        if kind == 0:
            return self.rng.choice([low, high], shape)
        spread = (high - low) // 32 + 1
        middle = int(self.rng.integers(low, high + 1))
        if kind == 1:
            return np.clip(middle + self.rng.integers(-spread, spread + 1, shape), low, high)
        return self.rng.integers(low, high + 1, shape)
