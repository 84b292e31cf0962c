"""What a descriptor must be: every address within its limits, and every number within what the engine has."""

from functools import partial

from ..requantize import ROUNDINGS, SHIFTS
from .descriptor import Descriptor, Flags, Operation
from .image import INPUT, OUTPUT, STATE, EngineError, Fault
from .sources import row_cycles

# Of the depthwise unit: rows and pixels of a window.
WINDOW = 3
# Flags that an operation may have.
FLAGS = {Operation.END: 0, Operation.CONV: Flags.UNSIGNED | Flags.RESIDUAL | Flags.SUMS | Flags.SCALES_OWN,
         Operation.DEPTHWISE: Flags.FEEDS, Operation.POOL: Flags.MAXIMUM | Flags.SUMS,
         Operation.ADD: Flags.SCALES_OWN}
# What is wrong with a tensor.
OF_TENSOR = {"source": Fault.SOURCE, "target": Fault.TARGET, "residual": Fault.RESIDUAL}
# Words of sums over a whole target, and how many results such a sum of 24 bits may have.
SUMMED_WORDS = 16
MOST_SUMMED = 1 << 16
# Bytes of all windows of a CONV with each of its ranges of channels, vectors of all its tiles, words that a POOL reads,
# and cycles of a DEPTHWISE or the gather: a descriptor is done after minutes on the golden executor, with less than a
# gigabyte.
MOST_BYTES, MOST_VECTORS, MOST_READS, MOST_CYCLES = 1 << 27, 1 << 22, 1 << 21, 1 << 24
# Bytes of a row of a CONV's window, and from a window to the next, and of the first window's pixels before the source.
# More are in no network: all have weights, for which tiles have too few rows.
MOST_ROW_BYTES = (1 << 17) - 1
# Pixels of a window of a POOL.
MOST_PIXELS = 1 << 16
# Ports of an image.
MOST_PORTS = 4096


class Checks:
    """Checks of the descriptors of an image, each by its number.

    Parameters
    ----------
    config : EngineConfig
    image : Image
    """

    def __init__(self, config, image):
        self._config, self._image = config, image

    def run(self):
        """`EngineError` of the first descriptor that breaks a rule."""
        first = 0
        for number, descriptor in enumerate(self._image.program):
            self._number, self._descriptor = number, descriptor
            self._before = self._image.program[number - 1] if number else Descriptor()
            first += self._check(first)
            if descriptor.operation == Operation.END:
                if number + 1 != len(self._image.program):
                    raise EngineError("must be the last, because it is END, and others follow", number, Fault.NEIGHBOR)
                break
        else:
            raise EngineError(f"image must have an END among its {len(self._image.program)} descriptors, and has none")
        if first != len(self._image.loads):
            raise EngineError(f"image must have a load for each of the {first} tiles of its descriptors, "
                              f"not {len(self._image.loads)}")
        self._check_ports()

    def _check_ports(self):
        """Each port is of a kind, and within the memory; all of a kind have no more bytes than that."""
        most, count = self._config.activation_bytes, len(self._image.ports)
        if count > MOST_PORTS:
            raise EngineError(f"image must have at most {MOST_PORTS} ports, not {count}")
        bytes_of = {INPUT: 0, OUTPUT: 0, STATE: 0}
        for kind, address, lines, size, pitch, step in self._image.ports.tolist():
            if kind not in bytes_of:
                raise EngineError(f"image must have ports of kinds 0 to {max(bytes_of)}, not {kind}")
            if not (step >= 1 and (pitch >= 1 or lines <= 1)):
                raise EngineError(f"image must have ports of bytes at distances of at least 1, not {pitch} and {step}")
            end = address + (lines - 1) * pitch + (size - 1) * step + 1
            if not (lines and size and end <= most):
                raise EngineError(f"image must have ports of bytes within the memory of {most}, not of {lines} lines "
                                  f"of {size} up to {end}")
            bytes_of[kind] += lines * size
        if max(bytes_of.values()) > most:
            raise EngineError(f"image must have ports of at most {most} bytes of a kind, not {max(bytes_of.values())}")
        if not (bytes_of[INPUT] and bytes_of[OUTPUT]):
            raise EngineError("image must have ports for input and output, and lacks one")
        if bytes_of[STATE] != len(self._image.states):
            raise EngineError(f"image must have states of {bytes_of[STATE]} bytes, not {len(self._image.states)}")

    def _require(self, fault, condition, rule, value):
        if not condition:
            raise EngineError(f"must have {rule}, not {value}", self._number, fault)

    def _check(self, first):
        """Check one; returns how many loads it has, of which ``first`` are those of others before it."""
        require = partial(self._require, Fault.OPERATION)
        descriptor = self._descriptor
        require(descriptor.operation in list(Operation), f"an operation from 0 to {max(Operation)}",
                descriptor.operation)
        operation = Operation(descriptor.operation)
        require(self._number not in self._image.spares, "spare bytes of zero", "others")
        require(not descriptor.flags & ~int(FLAGS[operation]), f"flags among those of {operation.name}",
                descriptor.flags)
        self._require(Fault.NEIGHBOR, operation == Operation.CONV or not self._before.feeds,
                      "the operation CONV, because it is fed", operation.name)
        if operation == Operation.END:
            require(descriptor.depth >= 1, "at least 1 output", descriptor.depth)
            self._within("source", descriptor.source, descriptor.source_limit, descriptor.depth)
            return 0
        self._check_numbers(operation)
        self._check_neighbors(operation)
        self._check_tensors(operation)
        if descriptor.is_residual or operation in (Operation.ADD, Operation.POOL):
            self._slots(descriptor.sum_slot, 1)
        if operation == Operation.CONV:
            return self._check_tiles(first)
        if operation == Operation.DEPTHWISE:
            self._check_depthwise()
        if operation == Operation.POOL:
            self._check_pool()
        return 0

    def _check_numbers(self, operation):
        require = partial(self._require, Fault.NUMBER)
        descriptor = self._descriptor
        require(descriptor.rounding < len(ROUNDINGS), f"a rounding from 0 to {len(ROUNDINGS) - 1}",
                descriptor.rounding)
        names = ["source_height", "source_width", "depth", "target_height", "target_width", "channels"]
        if operation != Operation.ADD:
            names += ["tall", "wide", "step_y", "step_x"]
        if operation == Operation.CONV:
            names += ["outputs", "block_height", "block_width", "part_rows", "strip"]
        for name in names:
            require(getattr(descriptor, name) >= 1, f"a {name} of at least 1", getattr(descriptor, name))
        require(descriptor.low <= descriptor.high, "a low of at most high",
                f"{descriptor.low} with {descriptor.high}")
        if descriptor.is_residual or operation == Operation.ADD:
            require(SHIFTS[0] <= descriptor.term_shift <= 0, f"a term_shift from {SHIFTS[0]} to 0",
                    descriptor.term_shift)
            require(descriptor.term_multiplier >= 0, "a term_multiplier of at least 0", descriptor.term_multiplier)
        if descriptor.is_residual or operation in (Operation.ADD, Operation.POOL):
            require(descriptor.sum_low <= descriptor.sum_high, "a sum_low of at most sum_high",
                    f"{descriptor.sum_low} with {descriptor.sum_high}")

    def _check_neighbors(self, operation):
        """What runs together, or goes on where another one ended."""
        require = partial(self._require, Fault.NEIGHBOR)
        descriptor, before, lanes = self._descriptor, self._before, self._config.lanes
        if before.feeds:
            size, wanted = ((each.target_height, each.target_width) for each in (descriptor, before))
            require(descriptor.tiles == 1 and size == wanted and descriptor.rows == before.channels and
                    descriptor.block == (1, 1),
                    f"one tile for {wanted[0]} x {wanted[1]} vectors of {before.channels} rows, with which it is fed",
                    f"{descriptor.tiles} for {size[0]} x {size[1]} of {descriptor.rows}")
            require(not descriptor.is_residual, "no RESIDUAL where it is fed", "one")
            require((descriptor.target, descriptor.target_limit) == (before.target, before.target_limit),
                    "the target that what feeds it says", f"{descriptor.target} to {descriptor.target_limit}")
        if descriptor.is_summed:
            most = SUMMED_WORDS * lanes
            require(descriptor.channels <= most, f"sums of at most {most} channels", descriptor.channels)
        if descriptor.is_summed and operation == Operation.CONV:
            count = descriptor.target_height * descriptor.target_width
            require(count <= MOST_SUMMED, f"sums of at most {MOST_SUMMED} results", count)
        if descriptor.is_summed and operation == Operation.POOL:
            require(before.operation == Operation.CONV and before.is_summed and
                    before.channels == descriptor.channels and descriptor.vectors == 1,
                    "one window, of the sums of a CONV before it", descriptor.vectors)
            require(not descriptor.flags & Flags.MAXIMUM, "sums, not the greatest", "both")

    # Memory.

    def _check_tensors(self, operation):
        require = partial(self._require, Fault.SOURCE)
        descriptor = self._descriptor
        bytes_of_pixel = descriptor.channels if operation in (Operation.ADD, Operation.POOL) else descriptor.depth
        if not self._before.feeds and not (operation == Operation.POOL and descriptor.is_summed):
            self._tensor("source", descriptor.source_height, descriptor.source_width, bytes_of_pixel)
            self._apart("source")
        if not descriptor.feeds:
            self._tensor("target", descriptor.target_height, descriptor.target_width, descriptor.channels)
        if descriptor.is_residual or operation == Operation.ADD:
            self._tensor("residual", descriptor.target_height, descriptor.target_width, descriptor.channels)
            same = [(descriptor.residual, descriptor.residual_pitch, descriptor.residual_pixel),
                    (descriptor.target, descriptor.target_pitch, descriptor.target_pixel)]
            if same[0] != same[1]:
                self._apart("residual")
        if operation == Operation.ADD:
            require((descriptor.source_height, descriptor.source_width) ==
                    (descriptor.target_height, descriptor.target_width), "a source of the size of the target",
                    f"{descriptor.source_height} x {descriptor.source_width}")

    def _tensor(self, name, height, width, depth):
        """Its bytes are within its limits, and those in the memory; elements do not overlap.

        Pixels may follow one another along rows, or along columns.
        """
        require = partial(self._require, OF_TENSOR[name])
        first, limit, pitch, pixel = (getattr(self._descriptor, part) for part in (
            name, f"{name}_limit", f"{name}_pitch", f"{name}_pixel"))
        (inner, step, count), (outer, stride, lines) = sorted(
            ((f"{name}_pixel", pixel, width), (f"{name}_pitch", pitch, height)), key=lambda axis: axis[1:])
        require(count == 1 or step >= depth, f"a {inner} of at least {depth}", step)
        row = (count - 1) * step + depth
        require(lines == 1 or stride >= row, f"a {outer} of at least {row}", stride)
        self._within(name, first, limit, (lines - 1) * stride + row)

    def _within(self, name, first, limit, size):
        require = partial(self._require, OF_TENSOR[name])
        most = self._config.activation_bytes
        require(first + size <= limit, f"a {name} that ends at its limit, {limit}", first + size)
        require(limit <= most, f"a limit of its {name} within the memory of {most} bytes", limit)

    def _apart(self, name):
        """What is read is not what is written, which would depend on the order of both."""
        require = partial(self._require, OF_TENSOR[name])
        descriptor = self._descriptor
        first, limit = getattr(descriptor, name), getattr(descriptor, f"{name}_limit")
        require(limit <= descriptor.target or descriptor.target_limit <= first,
                f"a {name} apart from its target, {descriptor.target} to {descriptor.target_limit}",
                f"{first} to {limit}")

    # The array.

    def _check_tiles(self, first):
        """Its results, partial sums, parameters and loads; returns how many loads it has."""
        require = partial(self._require, Fault.TILE)
        descriptor, config, loads = self._descriptor, self._config, self._image.loads
        positions = descriptor.block_height * descriptor.block_width
        slots = positions * -(-min(descriptor.outputs, descriptor.channels) // config.lanes)
        self._check_split()
        most = config.slots // descriptor.together
        require(slots <= most, f"results of a vector in {most} groups of {config.lanes} columns",
                slots)
        require(descriptor.outputs % config.lanes == 0 or descriptor.outputs >= descriptor.channels,
                f"outputs in multiples of {config.lanes}", descriptor.outputs)
        depth = descriptor.depth
        lengths = {"of a window's row": depth * descriptor.wide}
        if descriptor.source_pixel == depth:
            lengths["of a window before its source"] = -depth * descriptor.left
            if descriptor.target_width > descriptor.block_width:
                lengths["from a window to the next"] = depth * descriptor.step_x
        for what, size in lengths.items():
            require(size <= MOST_ROW_BYTES, f"at most {MOST_ROW_BYTES} bytes {what}", size)
        require(descriptor.part_rows <= config.macro.rows, f"part_rows of at most {config.macro.rows}",
                descriptor.part_rows)
        if descriptor.part_rows < descriptor.rows:
            kept = min(descriptor.strip, descriptor.vectors) * slots * descriptor.together
            self._require(Fault.SUM, kept <= config.sum_slots,
                          f"partial sums of a strip in {config.sum_slots} slots", kept)
        self._slots(descriptor.parameters, -(-descriptor.channels // config.lanes))
        require(descriptor.weights == first, f"load {first} as its first", descriptor.weights)
        blocks, parts = (-(-length // size) for length, size in (
            (descriptor.channels, descriptor.outputs), (descriptor.rows, descriptor.part_rows)))
        size = descriptor.vectors * descriptor.together * descriptor.rows * blocks
        require(size <= MOST_BYTES, f"at most {MOST_BYTES} bytes of windows", size)
        cycles = descriptor.vectors * descriptor.reads_of_window(config.lanes) * blocks
        require(cycles <= MOST_CYCLES or self._before.feeds, f"at most {MOST_CYCLES} cycles to gather it", cycles)
        vectors = descriptor.vectors * parts * blocks
        require(vectors <= MOST_VECTORS, f"at most {MOST_VECTORS} vectors", vectors)
        count = descriptor.tiles
        require(first + count <= len(loads), f"its {count} loads among {len(loads)}, from {first} on", "more")
        for number, (_, _, (begin, end)) in enumerate(descriptor.passes, first):
            self._check_load(number, end - begin)
        return count

    def _check_split(self):
        """Macros are divided evenly, and what a read gives has its place in all vectors that see it."""
        require = partial(self._require, Fault.TILE)
        descriptor, config = self._descriptor, self._config
        split = descriptor.together
        require(config.arrays % split == 0, f"a split that divides {config.arrays} macros", split)
        if split > 1:
            require(not self._before.feeds, "no split where it is fed", split)
            step = descriptor.step_x * descriptor.depth
            require(step % config.lanes == 0 and descriptor.source_pixel == descriptor.depth,
                    f"steps of {config.lanes} bytes, and pixels without gaps, with a split", step)

    def _check_load(self, number, rows):
        require = partial(self._require, Fault.TILE)
        loads, banks = self._image.loads, self._config.macro.banks
        load, most = loads[number], len(self._image.tiles)
        require(load.rows == rows, f"{rows} rows in load {number}", load.rows)
        require(load.first + load.rows <= most, f"rows of load {number} among {most}", load.first + load.rows)
        if load.keeps:
            before = loads[number - banks] if number >= banks else None
            require(before and (before.first, before.rows) == (load.first, load.rows),
                    f"a load {number} that keeps the tile of {banks} loads before", "another")

    def _slots(self, first, count):
        require = partial(self._require, Fault.PARAMETER)
        slots, end = self._image.parameters, first + count
        require(end <= len(slots), f"parameters among {len(slots)} slots", end)
        shifts = slots["shift"][first:end]
        require(not slots["spare"][first:end].any(), "spare bytes of zero in its parameters", "others")
        least = slots["multiplier"][first:end].min()
        require(least >= 0, "multipliers of at least 0", least)
        require(shifts.min() >= SHIFTS[0] and shifts.max() <= SHIFTS[1],
                f"shifts from {SHIFTS[0]} to {SHIFTS[1]}", f"{shifts.min()} to {shifts.max()}")

    # Other units.

    def _check_depthwise(self):
        require = partial(self._require, Fault.UNIT)
        descriptor, config = self._descriptor, self._config
        require(config.depthwise > 0, "an engine with a depthwise unit", "one without")
        require(max(descriptor.tall, descriptor.wide) <= WINDOW, f"windows of at most {WINDOW} x {WINDOW}",
                f"{descriptor.tall} x {descriptor.wide}")
        require(max(descriptor.step_y, descriptor.step_x) <= 2, "steps of at most 2",
                f"{descriptor.step_y} and {descriptor.step_x}")
        self._check_windows()
        steps = -(-descriptor.channels // config.lanes) * descriptor.step_x
        require(-(-descriptor.channels // config.depthwise) >= steps, f"cycles of a position for the {steps} words of "
                "the pixels to the next", -(-descriptor.channels // config.depthwise))
        most = config.most_depthwise_channels
        require(descriptor.channels == descriptor.depth <= most, f"as many channels as depth, at most {most}",
                f"{descriptor.channels} of {descriptor.depth}")
        word, pixel = config.lanes, descriptor.source_pixel
        require(pixel % word == 0 or word % pixel == 0, f"a source_pixel that divides {word}, or is divided",
                pixel)
        # A row's place in its words is that of the row above the source, where the window begins there.
        rows, rest = divmod(descriptor.source_pitch, word)
        is_spread = rest == 0 and (descriptor.source_height == 1 or rows % 2 == 1)
        require(descriptor.source % word == 0 and is_spread, f"a source at an address divided by {word}, with an "
                "odd number of such words from row to row, or any of a single row",
                f"{descriptor.source} and {descriptor.source_pitch}")
        rows = config.tap_rows * -(-descriptor.channels // config.depthwise)
        require(descriptor.weights + rows <= len(self._image.tiles), "taps among the rows of tiles",
                descriptor.weights + rows)
        self._slots(descriptor.parameters, -(-descriptor.channels // config.lanes))
        cycles = descriptor.places[0] * row_cycles(descriptor, config)[0]
        require(cycles <= MOST_CYCLES, f"at most {MOST_CYCLES} cycles", cycles)

    def _check_windows(self):
        """Each sees a pixel of the source; returns whether all see nothing else."""
        descriptor = self._descriptor
        starts = [(count - 1) * step + start for count, step, start in (
            (descriptor.target_height, descriptor.step_y, descriptor.top),
            (descriptor.target_width, descriptor.step_x, descriptor.left))]
        self._require(Fault.UNIT, min(descriptor.top + descriptor.tall, descriptor.left + descriptor.wide) >= 1 and
                      starts[0] < descriptor.source_height and starts[1] < descriptor.source_width,
                      "windows that see its source", "one beyond it")
        return (min(descriptor.top, descriptor.left) >= 0 and
                starts[0] + descriptor.tall <= descriptor.source_height and
                starts[1] + descriptor.wide <= descriptor.source_width)

    def _check_pool(self):
        """All windows are within the source: of a sum no element may be missing."""
        require = partial(self._require, Fault.UNIT)
        descriptor = self._descriptor
        if descriptor.is_summed:
            return
        require(self._check_windows() or descriptor.flags & Flags.MAXIMUM, "windows within its source", "beyond it")
        require(descriptor.tall * descriptor.wide <= MOST_PIXELS, f"windows of at most {MOST_PIXELS} pixels",
                descriptor.tall * descriptor.wide)
        reads = descriptor.vectors * descriptor.tall * descriptor.wide * -(-descriptor.channels // self._config.lanes)
        require(reads <= MOST_READS, f"at most {MOST_READS} reads", reads)
