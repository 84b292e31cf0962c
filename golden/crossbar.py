"""Model of an analog crossbar, for comparison with the digital macro.

A weight is a pair of columns, one for its positive and one for its negative part, each sliced into devices of a few
bits. Inputs are applied to the rows as voltages of a few bits, one slice after the other. The difference of the
currents of a pair is digitized, and partial sums are added in digital logic. Sources of errors:

- programming: the conductance of a device differs from its target, by a constant amount;
- drift: conductances fall as a power of time, each device with its own exponent; the mean fall is calibrated away;
- read noise: currents differ a little in each read;
- wire resistance: rows far from the amplifier lose a part of their current, the more the column carries in all;
- the converter: its range is divided into ``2**adc_bits`` steps, and clipped.

The statistics of devices were measured on phase-change memories by V. Joshi et al., "Accurate deep neural network
inference using computational phase-change memory", Nature Communications 11 (2020). Slicing and shared converters are
as in A. Shafiee et al., "ISAAC", ISCA 2016.
"""

from dataclasses import dataclass

import numpy as np

from .mvm import ignored_blas_flags

# Bits of an int8 weight's magnitude, and of an int8 input minus its minimum.
MAGNITUDE_BITS, INPUT_BITS = 7, 8
# Microsiemens: maximum conductance of the measured devices; polynomial of its deviation over the relative target.
MAX_CONDUCTANCE, PROGRAMMING = 25.0, (0.26348, 1.9650, -1.1731)
# Seconds: time after programming at which drift starts, and duration of a read.
START, READ = 20.0, 250e-9


@dataclass(frozen=True, kw_only=True)
class CrossbarConfig:
    """One crossbar.

    Parameters
    ----------
    rows : int
        Devices of a column. Larger matrices are split, and partial sums added in digital logic.
    device_bits : int, 1 to 7
        Bits of a weight's magnitude in each device.
    dac_bits : int, 1 to 8
        Bits of an input in each step.
    adc_bits : int or None
        Bits of the converter; None is a converter without errors.
    headroom : float
        Range of a converter, in maximum currents of the inputs it is calibrated with.
    columns_per_adc : int
        Columns that share a converter: fewer converters, more time.
    programming, drift, read : float
        Factors of the measured deviations; 0 is a device without them.
    hours : float
        Time since programming.
    wire : float
        Part of its current that the farthest row loses in a column with the maximum current.

    Raises
    ------
    ValueError
        One line that names the parameter, the rule and the value.
    """

    rows: int = 64
    device_bits: int = 2
    dac_bits: int = 1
    adc_bits: int | None = 8
    headroom: float = 1.5
    columns_per_adc: int = 8
    programming: float = 1.0
    drift: float = 1.0
    read: float = 1.0
    hours: float = 24.0
    wire: float = 0.02

    def __post_init__(self):
        ranges = {"rows": (1, 4096), "device_bits": (1, MAGNITUDE_BITS), "dac_bits": (1, INPUT_BITS),
                  "headroom": (1, 64), "columns_per_adc": (1, 4096), "programming": (0, 10), "drift": (0, 10),
                  "read": (0, 10), "hours": (0, 1e6), "wire": (0, 0.5)}
        if self.adc_bits is not None:
            ranges["adc_bits"] = (1, 24)
        for name, (minimum, maximum) in ranges.items():
            if not minimum <= getattr(self, name) <= maximum:
                raise ValueError(f"{name} must be from {minimum} to {maximum}, not {getattr(self, name)}")

    @property
    def without_devices(self):
        """The same converter, with devices and wires without errors."""
        fields = {**self.__dict__, "programming": 0.0, "drift": 0.0, "read": 0.0, "wire": 0.0}
        return CrossbarConfig(**fields)


class _Devices:
    """An array of devices; conductances relative to the maximum.

    Parameters
    ----------
    config : CrossbarConfig
    wanted : float array (K, N)
    rng : numpy.random.Generator
    """

    def __init__(self, config, wanted, rng):
        deviation = sum(factor * wanted ** power for power, factor in enumerate(PROGRAMMING)) / MAX_CONDUCTANCE
        found = np.clip(wanted + config.programming * deviation * rng.standard_normal(wanted.shape), 0, None)
        logarithm = np.log(np.maximum(wanted, 1e-7))
        mean = np.clip(-0.0155 * logarithm + 0.0244, 0.049, 0.1)
        spread = np.clip(-0.0125 * logarithm - 0.0059, 0.008, 0.045)
        exponent = config.drift * np.abs(mean + spread * rng.standard_normal(wanted.shape))
        age = (config.hours * 3600 + START) / START
        # The mean drift of conducting devices is compensated by one factor in digital logic.
        self.conductances = found * age ** -exponent * age ** (config.drift * 0.049)
        relative = np.minimum(0.0088 / np.maximum(found ** 0.65, 1e-3), 0.2)
        self.noise = config.read * self.conductances * relative * np.sqrt(
            np.log((config.hours * 3600 + READ) / (2 * READ)) if config.hours else 0.0)


class Crossbar:
    """A matrix in devices. The inputs of the first product set the ranges of the converters.

    Parameters
    ----------
    config : CrossbarConfig
    weights : int array (K, N)
        int8 values.
    rng : numpy.random.Generator
        Source of device variations and noise.
    """

    def __init__(self, config, weights, rng):
        self.config, self._rng, self._ranges = config, rng, {}
        self._blocks = [weights[first:first + config.rows] for first in range(0, len(weights), config.rows)]
        self._slices = range(0, MAGNITUDE_BITS, config.device_bits)
        self._pairs = [[[self._slice(part, low) for part in (np.clip(block, 0, 127), np.clip(-block, 0, 127))]
                        for low in self._slices] for block in self._blocks]
        # -128 does not fit seven bits; digital logic subtracts the input once more.
        self._rest = [np.where(block < -127, -1, 0) for block in self._blocks]

    def _max_slice(self, low):
        """The maximum of a slice, represented by the maximum conductance."""
        return (1 << min(self.config.device_bits, MAGNITUDE_BITS - low)) - 1

    def _slice(self, magnitudes, low):
        return _Devices(self.config, (magnitudes >> low & self._max_slice(low)) / self._max_slice(low), self._rng)

    def product(self, inputs):
        """Products with unsigned inputs.

        Parameters
        ----------
        inputs : int array (B, K)
            From 0 to 255.

        Returns
        -------
        float array (B, N)
            Sums of the digital logic; integers only without errors.
        """
        total, first, bits = 0.0, 0, self.config.dac_bits
        for index, block in enumerate(self._blocks):
            x = inputs[:, first:first + len(block)]
            first += len(block)
            total = total + x @ self._rest[index]
            for step in range(0, INPUT_BITS, bits):
                maximum = (1 << min(bits, INPUT_BITS - step)) - 1
                voltages = (x >> step & maximum) / maximum
                for low, pair in zip(self._slices, self._pairs[index]):
                    sums = self._convert((index, step, low), self._current(voltages, *pair))
                    total = total + sums * (maximum * self._max_slice(low) << step + low)
        return total

    @ignored_blas_flags()
    def _current(self, voltages, positive, negative):
        """Differences of the currents of pairs of columns; 1 is that of a device at maximum conductance and voltage."""
        difference = 0.0
        for devices, sign in ((positive, 1), (negative, -1)):
            current = voltages @ devices.conductances
            if self.config.wire:
                # For each row, the voltage drop of the column's whole current on the wire.
                far = np.arange(1, voltages.shape[1] + 1)[:, None] / voltages.shape[1]
                lost = voltages @ (devices.conductances * far)
                current = current - self.config.wire * lost * current / voltages.shape[1]
            if self.config.read:
                deviation = np.sqrt(voltages ** 2 @ devices.noise ** 2)
                current = current + deviation * self._rng.standard_normal(current.shape)
            difference = difference + sign * current
        return difference

    def _convert(self, position, current):
        """Digitized currents, clipped to the range of the converter, which the first inputs set."""
        bits = self.config.adc_bits
        if bits is None:
            return current
        if position not in self._ranges:
            self._ranges[position] = self.config.headroom * max(float(np.abs(current).max()), 1e-9)
        half = 1 << bits - 1
        step = self._ranges[position] / half
        return np.clip(np.rint(current / step), -half, half - 1) * step

    @property
    def _columns(self):
        """Pairs of columns in each block of rows."""
        return self._blocks[0].shape[1] * len(self._slices)

    @property
    def converters(self):
        """Number of converters: each block of rows has its own."""
        return len(self._blocks) * -(-self._columns // self.config.columns_per_adc)

    @property
    def conversions(self):
        """Conversions of a vector."""
        return len(self._blocks) * self._columns * len(range(0, INPUT_BITS, self.config.dac_bits))

    @property
    def cycles(self):
        """Cycles of a vector, with one conversion a cycle in each converter, all in parallel."""
        return len(range(0, INPUT_BITS, self.config.dac_bits)) * min(self._columns, self.config.columns_per_adc)
