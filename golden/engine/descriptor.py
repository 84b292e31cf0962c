"""Descriptors: the instructions of the engine, 96 bytes each."""

import struct
from collections import namedtuple
from enum import IntEnum, IntFlag


class Operation(IntEnum):
    """What a descriptor does."""

    END = 0
    CONV = 1
    DEPTHWISE = 2
    POOL = 3
    ADD = 4


class Flags(IntFlag):
    """How it does so."""

    # Elements are stored with their highest bit inverted, and without it are unsigned: their zero point is -128.
    UNSIGNED = 1
    # Results are added to a tensor on their way to memory.
    RESIDUAL = 2
    # POOL: the greatest element of a window, not the sum.
    MAXIMUM = 4
    # DEPTHWISE: results go to the macro, as the vectors of the CONV that follows.
    FEEDS = 8
    # CONV: results are also added up over the whole target; POOL: takes those sums.
    SUMS = 16
    # RESIDUAL, ADD: of the two terms the own one is multiplied, not the other.
    SCALES_OWN = 32


# Name, struct code, and meaning; in the order of their bytes, the lowest first. docs/engine.md has this table.
FIELDS = (
    ("operation", "B", "`END`, `CONV`, `DEPTHWISE`, `POOL` or `ADD`"),
    ("flags", "B", "`UNSIGNED` 1, `RESIDUAL` 2, `MAXIMUM` 4, `FEEDS` 8, `SUMS` 16, `SCALES_OWN` 32"),
    ("rounding", "B", "of the lanes: `single` 0, `double` 1, `away` 2"),
    ("fill", "b", "byte that a window sees outside the source"),
    ("source", "I", "address of the source's first byte"),
    ("source_limit", "I", "address after its last byte"),
    ("source_pitch", "H", "bytes from a row to the next"),
    ("source_pixel", "H", "bytes from a pixel to the next"),
    ("source_height", "H", "rows"),
    ("source_width", "H", "pixels of a row"),
    ("depth", "H", "bytes of a pixel that a window sees"),
    ("tall", "H", "rows of a window (of a patch: of all its positions together)"),
    ("wide", "H", "pixels of its rows"),
    ("step_y", "B", "rows from a window to the one below"),
    ("step_x", "B", "pixels from a window to the next"),
    ("top", "h", "row of the source of the first window's first row"),
    ("left", "h", "pixel of its first pixel"),
    ("target", "I", "address of the target's first byte"),
    ("target_limit", "I", "address after its last byte"),
    ("target_pitch", "H", "bytes from a row to the next"),
    ("target_pixel", "H", "bytes from a pixel to the next"),
    ("target_height", "H", "rows"),
    ("target_width", "H", "pixels of a row"),
    ("channels", "H", "bytes of its pixels that are written"),
    ("outputs", "H", "`CONV`: channels of a tile"),
    ("block_height", "B", "`CONV`: rows of positions of a vector"),
    ("block_width", "B", "`CONV`: positions of such a row"),
    ("part_rows", "H", "`CONV`: rows of a tile"),
    ("strip", "H", "`CONV`: vectors whose partial sums are kept at once"),
    ("parameters", "H", "first slot of the lanes' parameters"),
    ("weights", "H", "`CONV`: its first load; `DEPTHWISE`: first row of its taps in the tile memory"),
    ("zero_point", "b", "of the lanes' results"),
    ("low", "b", "their least value"),
    ("high", "b", "their greatest value"),
    ("own_zero", "b", "`RESIDUAL`, `ADD`: zero point of the own results, or of the source"),
    ("other_zero", "b", "zero point of the tensor that is added"),
    ("sum_zero", "b", "zero point of the sum"),
    ("residual", "I", "address of the first byte of the tensor that is added"),
    ("residual_limit", "I", "address after its last byte"),
    ("residual_pitch", "H", "bytes from a row to the next"),
    ("residual_pixel", "H", "bytes from a pixel to the next"),
    ("sum_slot", "H", "`RESIDUAL`, `ADD`, `POOL`: slot of the parameters of sums"),
    ("term_shift", "b", "shift of the term of a sum that is multiplied"),
    ("sum_low", "b", "least value of the sum"),
    ("term_multiplier", "i", "multiplier of that term"),
    ("sum_high", "b", "greatest value of the sum"),
    ("split", "B", "`CONV`: groups of macros that have a vector each; 0 as 1"),
)
SIZE = 96
# Least and greatest value of each field.
RANGES = {name: (-1 << 8 * struct.calcsize(code) - 1, (1 << 8 * struct.calcsize(code) - 1) - 1) if code.islower() else
          (0, (1 << 8 * struct.calcsize(code)) - 1) for name, code, _ in FIELDS}
_CODE = struct.Struct("<" + "".join(code for _, code, _ in FIELDS))
_SPARE = SIZE - _CODE.size


class Descriptor(namedtuple("Descriptor", [name for name, _, _ in FIELDS], defaults=(0,) * len(FIELDS))):
    """One descriptor, field by field."""

    __slots__ = ()

    def to_bytes(self):
        """Its `SIZE` bytes."""
        return _CODE.pack(*map(int, self)) + bytes(_SPARE)

    @classmethod
    def from_bytes(cls, data):
        """The descriptor in `SIZE` bytes, and whether its spare bytes are zeros, as they must be."""
        return cls(*_CODE.unpack(data[:_CODE.size])), not any(data[_CODE.size:])

    @property
    def beyond(self):
        """Names of the fields whose values do not fit into their bits."""
        return [name for name, value in self._asdict().items() if not RANGES[name][0] <= value <= RANGES[name][1]]

    # What follows from the fields of a valid descriptor.

    @property
    def is_unsigned(self):
        """Elements of the source are unsigned."""
        return bool(self.flags & Flags.UNSIGNED)

    @property
    def is_residual(self):
        """A tensor is added to its results."""
        return bool(self.flags & Flags.RESIDUAL)

    @property
    def feeds(self):
        """Its results are the vectors of the CONV that follows."""
        return bool(self.flags & Flags.FEEDS)

    @property
    def is_summed(self):
        """CONV: its results are summed up; POOL: the sums are there."""
        return bool(self.flags & Flags.SUMS)

    @property
    def block(self):
        """Positions that a window makes, down and across."""
        return (self.block_height, self.block_width) if self.operation == Operation.CONV else (1, 1)

    @property
    def together(self):
        """Windows that are used at once, neighbors in a row."""
        return max(self.split, 1) if self.operation == Operation.CONV else 1

    @property
    def places(self):
        """Windows down and across; a row is filled up to whole sets of those that are used at once."""
        down, across = (-(-length // size) for length, size in zip((self.target_height, self.target_width), self.block))
        return down, -(-across // self.together) * self.together

    @property
    def vectors(self):
        """Sets of windows that are used at once."""
        down, across = self.places
        return down * across // self.together

    @property
    def rows(self):
        """Bytes of a window."""
        return self.tall * self.wide * self.depth

    @property
    def parts(self):
        """Ranges of a window's bytes, one for each tile of a column of tiles: a list of (first, end)."""
        return [(first, min(first + self.part_rows, self.rows)) for first in range(0, self.rows, self.part_rows)]

    @property
    def strips(self):
        """Ranges of sets of windows whose partial sums are kept at once: a list of (first, end)."""
        return [(first, min(first + self.strip, self.vectors)) for first in range(0, self.vectors, self.strip)]

    @property
    def channel_blocks(self):
        """Ranges of output channels, each a column of tiles: a list of (first, end)."""
        return [(first, min(first + self.outputs, self.channels)) for first in range(0, self.channels, self.outputs)]

    @property
    def tiles(self):
        """How many tiles it uses, one after the other: the length of `passes`."""
        counts = -(-self.channels // self.outputs), -(-self.vectors // self.strip), -(-self.rows // self.part_rows)
        return counts[0] * counts[1] * counts[2]

    @property
    def passes(self):
        """Tiles in the order in which they are used: (channels, strip, part), each a range; the list of loads has one
        entry for each."""
        return [(channels, strip, part) for channels in self.channel_blocks for strip in self.strips
                for part in self.parts]

    @property
    def _run(self):
        """Bytes of a window that follow one another, and how many more all of a set have."""
        run = self.depth * (self.wide if self.source_pixel == self.depth else 1)
        return run, (self.together - 1) * self.step_x * self.depth

    def reads_of_window(self, width):
        """As many as `chunks` counts for a whole window, without a loop."""
        run, more = self._run
        return self.rows // run * -(-(run + more) // width)

    def chunks(self, first, end, width):
        """Reads of ``width`` bytes that gather the bytes ``first`` to ``end`` of a window, or of all in a set.

        A read takes bytes that follow one another in memory: those of a row of the window, where its pixels do, or
        else those of a pixel. Windows of a set see the same bytes of a row, each a step behind the one before it.
        """
        run, more = self._run
        starts = range(first // run * run, end, run)
        return sum(-(-(min(start + run, end) - max(start, first) + more) // width) for start in starts)
