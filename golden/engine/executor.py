"""The engine: an image run on inputs, descriptor by descriptor, with memory, outputs and cycles."""

import math
import zlib
from dataclasses import dataclass

import numpy as np

from ..bits import wrap
from ..mvm import mvm, planes_needed
from ..requantize import ROUNDINGS, multiply_by_quantized_multiplier, requantize
from .checks import WINDOW, Checks
from .cycles import COUNTED, EngineCycles
from .descriptor import Flags, Operation
from .image import INPUT, OUTPUT, STATE, read_image
from .ports import Ports

# Bits by which the term of a sum that is multiplied is shifted to the left before.
SUM_SHIFT = 20
INPUT_BITS = 8
# Elements of windows that are laid out beside each other at once.
AT_ONCE = 1 << 20


@dataclass(frozen=True)
class Step:
    """A descriptor that has run.

    Attributes
    ----------
    number : int
    operation : Operation
    start, end : int
        Cycles of the run in which it started and after which it was done.
    memory : uint8 array
        The activation memory after it.
    counts : dict of str to int
        What `EngineCycles.counts` counted from its start to its end.
    """

    number: int
    operation: Operation
    start: int
    end: int
    memory: np.ndarray
    counts: dict

    @property
    def cycles(self):
        """How many it took."""
        return self.end - self.start

    @property
    def crc(self):
        """CRC-32 of the memory."""
        return zlib.crc32(self.memory.tobytes())


@dataclass(frozen=True)
class Run:
    """What a run gives.

    Attributes
    ----------
    output : int8 array
        Bytes of the outputs.
    argmax : int
        The number that END gives: of the greatest of the first output's first row.
    classes : int array (rows,)
        That of each row of the first output: of inputs that run together each has one.
    cycles : int
    steps : list of Step
    """

    output: np.ndarray
    argmax: int
    classes: np.ndarray
    cycles: int
    steps: list


def in_strips(count, size, function):
    """What a function gives for slices of ``count`` windows of ``size`` elements, one behind the other."""
    most = max(1, AT_ONCE // size)
    return np.concatenate([function(slice(first, min(first + most, count))) for first in range(0, count, most)])


class Engine:
    """An engine with an image.

    Parameters
    ----------
    config : EngineConfig
    data : bytes
        Of the image.

    Raises
    ------
    EngineError
        The image is damaged, for another engine, or has a descriptor that breaks a rule.

    Attributes
    ----------
    image : Image
    ports : Ports
    """

    def __init__(self, config, data):
        self.config, self.image = config, read_image(config, data)
        Checks(config, self.image).run()
        self.ports = Ports(self.image)
        self.reset()

    def reset(self):
        """Begin a stream: states are what the image says, the rest of the memory is zero."""
        self.memory = np.zeros(self.config.activation_bytes, np.uint8)
        self.memory[self.ports.addresses[STATE]] = self.image.states.view(np.uint8)

    @property
    def input_bytes(self):
        """Bytes of an input."""
        return self.ports.input_bytes

    def run(self, x):
        """The `Run` of an input, which is the next step of the stream if there are states.

        Parameters
        ----------
        x : bytes or int8 array
            `input_bytes` bytes.
        """
        self.load(x)
        steps, output = list(self.steps()), self.output()
        return Run(output, self.argmax, self.ports.classes(output, self.argmax), steps[-1].end, steps)

    def load(self, x):
        """Write an input to the memory."""
        self.memory[self.ports.addresses[INPUT]] = self.ports.input(x)

    def output(self):
        """The outputs in the memory, int8."""
        return self.memory[self.ports.addresses[OUTPUT]].view(np.int8)

    def steps(self, *, all_planes=False):
        """Run descriptor by descriptor: a `Step` after each; ``all_planes``: count cycles as if none were skipped."""
        clock, program = EngineCycles(self.config, self.image.loads), self.image.program
        run = {Operation.DEPTHWISE: self._depthwise, Operation.POOL: self._pool, Operation.ADD: self._add,
               Operation.END: self._end}
        for number, descriptor in enumerate(program):
            feeder = program[number - 1] if number and program[number - 1].feeds else None
            if descriptor.feeds:
                continue
            start, operation = clock.start(1 + (feeder is not None)), Operation(descriptor.operation)
            before = dict(clock.counts)
            if operation == Operation.CONV:
                self._convolution(descriptor, clock, all_planes, feeder)
            else:
                run[operation](descriptor, clock)
            counts = {name: clock.counts[name] - before.get(name, 0) for name in COUNTED}
            yield Step(number, operation, start, clock.cycle, self.memory.copy(), counts)

    # Memory.

    def _windows(self, descriptor, part):
        """Bytes that each window of a slice sees, (windows, tall, wide, depth), as they are in memory."""
        across = descriptor.places[1]
        number = np.arange(part.start, part.stop)[:, None]
        y = descriptor.top + number // across * descriptor.step_y + np.arange(descriptor.tall)
        x = descriptor.left + number % across * descriptor.step_x + np.arange(descriptor.wide)
        inside = ((y >= 0) & (y < descriptor.source_height))[:, :, None] & (
            (x >= 0) & (x < descriptor.source_width))[:, None, :]
        address = descriptor.source + y[:, :, None] * descriptor.source_pitch + x[:, None, :] * descriptor.source_pixel
        address = np.where(inside, address, 0)[..., None] + np.arange(descriptor.depth)
        return np.where(inside[..., None], self.memory[address], np.uint8(descriptor.fill & 0xFF))

    def _pixels(self, descriptor, name, depth):
        """Addresses of a tensor of the target's size, (height, width, depth)."""
        first, pitch, pixel = (getattr(descriptor, part) for part in (name, f"{name}_pitch", f"{name}_pixel"))
        return (first + np.arange(descriptor.target_height)[:, None, None] * pitch +
                np.arange(descriptor.target_width)[:, None] * pixel + np.arange(depth))

    def _write(self, descriptor, values):
        """Results (height, width, channels), to which a tensor is added if the descriptor says so."""
        if descriptor.is_residual:
            values = self._sum(descriptor, values)
        self.memory[self._pixels(descriptor, "target", descriptor.channels)] = values.astype(np.int8).view(np.uint8)

    def _sum(self, descriptor, own):
        """Of results and the tensor that is added, brought to one scale."""
        other = self.memory[self._pixels(descriptor, "residual", descriptor.channels)].view(np.int8).astype(np.int64)
        terms = [own - descriptor.own_zero, other - descriptor.other_zero]
        if not descriptor.flags & Flags.SCALES_OWN:
            terms.reverse()
        scaled = multiply_by_quantized_multiplier(terms[0] << SUM_SHIFT, descriptor.term_multiplier,
                                                  descriptor.term_shift)
        return self._sum_lanes(descriptor, scaled + (terms[1] << SUM_SHIFT - 1), "double")

    def _sum_lanes(self, descriptor, values, rounding):
        """Results of sums (..., channels), all with the parameters of one slot."""
        slot = self.image.parameters[descriptor.sum_slot]
        lanes = np.arange(values.shape[-1]) % self.config.lanes
        bias, multiplier, shift = (slot[name].astype(np.int64)[lanes] for name in ("bias", "multiplier", "shift"))
        return requantize(values, bias, multiplier, shift, zero_point=descriptor.sum_zero, low=descriptor.sum_low,
                          high=descriptor.sum_high, rounding=rounding)

    def _lanes(self, descriptor, totals):
        """Results of totals (..., channels), with the parameters of their slots."""
        count, lanes = totals.shape[-1], self.config.lanes
        slots = self.image.parameters[descriptor.parameters:descriptor.parameters + -(-count // lanes)]
        bias, multiplier, shift = (slots[name].reshape(-1)[:count].astype(np.int64)
                                   for name in ("bias", "multiplier", "shift"))
        return requantize(totals, bias, multiplier, shift, zero_point=descriptor.zero_point, low=descriptor.low,
                          high=descriptor.high, rounding=ROUNDINGS[descriptor.rounding])

    # Operations.

    def _convolution(self, descriptor, clock, all_planes, feeder):
        count, rows = math.prod(descriptor.places), descriptor.rows
        windows = (in_strips(count, rows, lambda strip: self._windows(descriptor, strip)) if feeder is None else
                   self._fed(feeder)).reshape(-1, rows)
        x = windows ^ 0x80 if descriptor.is_unsigned else windows.view(np.int8)
        counts = {part: np.full(count, INPUT_BITS) if all_planes else
                  self._planes(descriptor, x[:, slice(*part)]) for part in descriptor.parts}
        split = descriptor.together
        clock.convolution(descriptor, [counts[part].reshape(-1, split)[slice(*strip)].tolist()
                                       for _, strip, part in descriptor.passes], feeder)
        self._write(descriptor, self._lanes(descriptor, self._totals(descriptor, x)))
        if descriptor.is_summed:
            written = self.memory[self._pixels(descriptor, "target", descriptor.channels)].view(np.int8)
            self._sums = written.astype(np.int64).sum(axis=(0, 1))

    @staticmethod
    def _planes(descriptor, x):
        """Planes that each vector needs."""
        return in_strips(*x.shape, lambda strip: planes_needed(x[strip].astype(np.int64), INPUT_BITS,
                                                               not descriptor.is_unsigned))

    def _totals(self, descriptor, x):
        """Sums of all tiles (height, width, channels) of the target, of inputs (vectors, rows)."""
        config, (down, across) = self.config, descriptor.places
        height, width = descriptor.block
        totals = np.zeros((down, across, height, width, descriptor.channels), np.int64)
        flat = totals.reshape(down * across, height * width, descriptor.channels)
        for number, ((first, end), strip, part) in enumerate(descriptor.passes, descriptor.weights):
            load, slots = self.image.loads[number], -(-(end - first) // config.lanes)
            tile = self.image.tiles[load.first:load.first + load.rows].astype(np.int64)
            chosen = slice(*(end * descriptor.together for end in strip))
            seen = x[chosen, slice(*part)]
            sums = in_strips(*seen.shape, lambda strip, tile=tile, seen=seen: mvm(tile, seen[strip].astype(np.int64)))
            sums = sums[:, :height * width * slots * config.lanes]
            sums = sums.reshape(len(sums), height * width, -1)[:, :, :end - first]
            flat[chosen, :, first:end] = wrap(flat[chosen, :, first:end] + sums, config.sum_bits)
        image = totals.transpose(0, 2, 1, 3, 4).reshape(down * height, across * width, descriptor.channels)
        return image[:descriptor.target_height, :descriptor.target_width]

    def _depthwise(self, descriptor, clock):
        clock.depthwise(descriptor)
        self._write(descriptor, self._depthwise_results(descriptor))

    def _fed(self, descriptor):
        """What a DEPTHWISE feeds the CONV with, as bytes (positions, channels)."""
        found = self._depthwise_results(descriptor)
        return found.reshape(-1, descriptor.channels).astype(np.int8).view(np.uint8)

    def _depthwise_results(self, descriptor):
        taps, weights = descriptor.tall * descriptor.wide, self._taps(descriptor)

        def sums(strip):
            windows = self._windows(descriptor, strip).view(np.int8).astype(np.int64)
            return (windows.reshape(len(windows), taps, -1) * weights).sum(axis=1)

        totals = in_strips(math.prod(descriptor.places), descriptor.rows, sums)
        return self._lanes(descriptor, totals.reshape(*descriptor.places, -1))

    def _taps(self, descriptor):
        """(taps, channels) of a DEPTHWISE."""
        each, groups = self.config.tap_rows, -(-descriptor.channels // self.config.depthwise)
        rows = self.image.tiles[descriptor.weights:descriptor.weights + groups * each].astype(np.int64)
        found = rows.reshape(groups, -1, self.config.depthwise)[:, :WINDOW ** 2].transpose(1, 0, 2)
        window = found.reshape(WINDOW, WINDOW, -1)[:descriptor.tall, :descriptor.wide, :descriptor.channels]
        return window.reshape(-1, descriptor.channels)

    def _pool(self, descriptor, clock):
        clock.pool(descriptor)
        found = self._sums[None] if descriptor.is_summed else self._pooled(descriptor)
        values = self._sum_lanes(descriptor, found, ROUNDINGS[descriptor.rounding])
        self._write(descriptor, values.reshape(*descriptor.places, -1))

    def _pooled(self, descriptor):
        """Sums or greatest elements of windows."""
        descriptor = descriptor._replace(depth=descriptor.channels)

        def pooled(strip):
            windows = self._windows(descriptor, strip).view(np.int8).astype(np.int64)
            windows = windows.reshape(len(windows), -1, descriptor.channels)
            return windows.max(axis=1) if descriptor.flags & Flags.MAXIMUM else windows.sum(axis=1)

        return in_strips(math.prod(descriptor.places), descriptor.rows, pooled)

    def _add(self, descriptor, clock):
        clock.add(descriptor)
        own = self.memory[self._pixels(descriptor, "source", descriptor.channels)].view(np.int8).astype(np.int64)
        self._write(descriptor, self._sum(descriptor, own))

    def _end(self, descriptor, clock):
        clock.end(descriptor)
        found = self.memory[descriptor.source:descriptor.source + descriptor.depth].view(np.int8)
        self.argmax = int(found.argmax())
