"""An analog crossbar: what a product becomes when currents through devices are added and digitized.

A twin of the digital macro for comparison. A weight is a pair of columns, one for its positive and one for its negative
part, each sliced into devices of a few bits. Inputs go onto the rows as voltages of a few bits, slice after slice. The
difference of the currents of a pair is digitized, and partial sums are added in digital logic. What makes it
inexact:

- programming: a device's conductance is not quite the wanted one, and stays so;
- drift: conductances fall as a power of time, each device with its own exponent; the mean fall is calibrated away;
- read noise: each time a current differs a little;
- wire resistance: a row far from the amplifier loses a part of its share, the more current its column carries;
- the converter: its range is divided into ``2**adc_bits`` steps, and clipped.

The statistics of devices are those measured on phase-change memories by V. Joshi et al., "Accurate deep neural network
inference using computational phase-change memory", Nature Communications 11 (2020). Slices, and converters that columns
share, are those of A. Shafiee et al., "ISAAC", ISCA 2016.
"""

from dataclasses import dataclass

import numpy as np

# Of an int8 weight's magnitude, and of an input that counts from its minimum value.
MAGNITUDE_BITS, INPUT_BITS = 7, 8
# Microsiemens: the maximum conductance of the measured devices, and its deviation by powers of the wanted part of it.
MAX_CONDUCTANCE, PROGRAMMING = 25.0, (0.26348, 1.9650, -1.1731)
# Seconds: after programming, when drift begins to count; of a read.
START, READ = 20.0, 250e-9


@dataclass(frozen=True, kw_only=True)
class CrossbarConfig:
    """One crossbar.

    Parameters
    ----------
    rows : int
        Devices of a column; larger matrices are cut, and their parts added in digital logic.
    device_bits : int, 1 to 7
        Of a weight's magnitude in each device.
    dac_bits : int, 1 to 8
        Of an input in each step.
    adc_bits : int or None
        Of the converter; None is one without an error.
    headroom : float
        Range of a converter, in maximum currents of the inputs it is calibrated with.
    columns_per_adc : int
        That share a converter: fewer converters, more time.
    programming, drift, read : float
        How many times the measured deviations there are; 0 is a device without.
    hours : float
        Since programming.
    wire : float
        Part of its share that the farthest row loses in a column that carries all current it can.

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
        """The same converter behind devices and wires without errors."""
        fields = {**self.__dict__, "programming": 0.0, "drift": 0.0, "read": 0.0, "wire": 0.0}
        return CrossbarConfig(**fields)


class _Devices:
    """An array of devices, conductances as parts of the maximum.

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
        # What devices that conduct fall by on average is made up for by one factor in digital logic.
        self.conductances = found * age ** -exponent * age ** (config.drift * 0.049)
        relative = np.minimum(0.0088 / np.maximum(found ** 0.65, 1e-3), 0.2)
        self.noise = config.read * self.conductances * relative * np.sqrt(
            np.log((config.hours * 3600 + READ) / (2 * READ)) if config.hours else 0.0)


class Crossbar:
    """A matrix in devices. Inputs of the first product set the ranges of the converters.

    Parameters
    ----------
    config : CrossbarConfig
    weights : int array (K, N)
        int8 values.
    rng : numpy.random.Generator
        Draws devices and noise.
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
            What the digital logic adds up; near integers only if nothing is lost.
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

    def _current(self, voltages, positive, negative):
        """Differences of the currents of pairs of columns; 1 is a device's at the maximum voltage."""
        difference = 0.0
        for devices, sign in ((positive, 1), (negative, -1)):
            current = voltages @ devices.conductances
            if self.config.wire:
                # Row by row, what all current of the column takes from it on the way.
                far = np.arange(1, voltages.shape[1] + 1)[:, None] / voltages.shape[1]
                lost = voltages @ (devices.conductances * far)
                current = current - self.config.wire * lost * current / voltages.shape[1]
            if self.config.read:
                deviation = np.sqrt(voltages ** 2 @ devices.noise ** 2)
                current = current + deviation * self._rng.standard_normal(current.shape)
            difference = difference + sign * current
        return difference

    def _convert(self, position, current):
        """Currents as the converter gives them; beyond its range, which the first inputs set, it clips."""
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
        """How many there are: each block of rows has its own."""
        return len(self._blocks) * -(-self._columns // self.config.columns_per_adc)

    @property
    def conversions(self):
        """How many a vector needs."""
        return len(self._blocks) * self._columns * len(range(0, INPUT_BITS, self.config.dac_bits))

    @property
    def cycles(self):
        """Cycles that a vector takes, each converter one conversion a cycle, all at once."""
        return len(range(0, INPUT_BITS, self.config.dac_bits)) * min(self._columns, self.config.columns_per_adc)
