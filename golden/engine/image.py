"""Images: a compiled network as bytes.

A header, a table of sections, a CRC-32 of both, and the sections; all integers have the lowest byte first.

==============  ======  ================================================================
header          bytes
==============  ======  ================================================================
magic           4       ``BLNE``
version         2
sections        2       how many
configuration   4       hash of the engine that it is made for
size            4       of the image
cycles          8       of a run of which no plane is skipped
==============  ======  ================================================================

The table has offset, size and CRC-32 of each section, 4 bytes each. `SECTIONS` says what they hold.
"""

import struct
import zlib
from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np

from .descriptor import SIZE, Descriptor

MAGIC, VERSION = b"BLNE", 2
SECTIONS = ("program", "loads", "tiles", "parameters", "ports", "states")
HEADER, ENTRY, CRC = struct.Struct("<4sHHIIQ"), struct.Struct("<III"), struct.Struct("<I")
# Of a load: its first row in the tile memory, its rows, and whether its bank holds them already.
LOAD_ROWS, LOAD_KEEPS = 16, 31
PARAMETER = np.dtype([("bias", "<i4"), ("multiplier", "<i4"), ("shift", "i1"), ("spare", "u1", 3)])
# What goes in and comes out: lines of so many bytes, and the distances in memory of both.
PORT = np.dtype([(name, "<u4") for name in ("kind", "address", "lines", "bytes", "pitch", "step")])
INPUT, OUTPUT, STATE = 0, 1, 2


class Fault(IntEnum):
    """What is wrong, by the number that gateware gives."""

    NONE = 0
    IMAGE = 1
    OPERATION = 2
    NUMBER = 3
    NEIGHBOR = 4
    SOURCE = 5
    TARGET = 6
    RESIDUAL = 7
    TILE = 8
    SUM = 9
    PARAMETER = 10
    UNIT = 11
    WEIGHTS = 12


class EngineError(ValueError):
    """An image or an input that the engine refuses, in one line.

    Attributes
    ----------
    descriptor : int or None
        Number of the one that is refused.
    fault : Fault
    """

    def __init__(self, message, descriptor=None, fault=Fault.IMAGE):
        super().__init__(message if descriptor is None else f"descriptor {descriptor} {message}")
        self.descriptor, self.fault = descriptor, fault


@dataclass(frozen=True)
class Load:
    """A tile that goes to the next bank: rows of the tile memory; ``keeps``: it is there already."""

    first: int
    rows: int
    keeps: bool = False

    def to_int(self):
        """Its 32 bits."""
        return self.first | self.rows << LOAD_ROWS | self.keeps << LOAD_KEEPS

    @classmethod
    def from_int(cls, value):
        """The load in 32 bits."""
        return cls(value & (1 << LOAD_ROWS) - 1, value >> LOAD_ROWS & (1 << LOAD_KEEPS - LOAD_ROWS) - 1,
                   bool(value >> LOAD_KEEPS))


@dataclass
class Image:
    """What an image holds.

    Attributes
    ----------
    program : list of Descriptor
    loads : list of Load
    tiles : int8 array (rows, columns)
    parameters : array of PARAMETER (slots, lanes)
    ports : array of PORT
    states : int8 array
        What the ports of states have when a stream begins.
    cycles : int
    spares : list of int
        Descriptors whose spare bytes are not zeros.
    """

    program: list
    loads: list
    tiles: np.ndarray
    parameters: np.ndarray
    ports: np.ndarray
    states: np.ndarray
    cycles: int = 0
    spares: list = field(default_factory=list)

    @property
    def sections(self):
        """The bytes of each section, in the order of `SECTIONS`."""
        return (b"".join(descriptor.to_bytes() for descriptor in self.program),
                np.array([load.to_int() for load in self.loads], "<u4").tobytes(),
                self.tiles.astype(np.int8).tobytes(), self.parameters.astype(PARAMETER).tobytes(),
                self.ports.astype(PORT).tobytes(), self.states.astype(np.int8).tobytes())

    def to_bytes(self, config):
        """The image for an engine."""
        sections = self.sections
        start = HEADER.size + len(sections) * ENTRY.size + CRC.size
        table, offset = b"", start
        for section in sections:
            table += ENTRY.pack(offset, len(section), zlib.crc32(section))
            offset += len(section)
        head = HEADER.pack(MAGIC, VERSION, len(sections), int(config.hash, 16), offset, self.cycles) + table
        return head + CRC.pack(zlib.crc32(head)) + b"".join(sections)


def header_crc(data):
    """The CRC-32 in an image of its header and table, which says what image it is: it covers those of all sections."""
    return CRC.unpack_from(data, HEADER.size + len(SECTIONS) * ENTRY.size)[0]


def read_image(config, data):
    """The `Image` in bytes, for an engine.

    Raises
    ------
    EngineError
        It is damaged, or made for another engine.
    """
    identity, sections, cycles = sections_of(data)
    if identity != int(config.hash, 16):
        raise EngineError(f"image must be for configuration {config.hash}, not {identity:08x}")
    program, loads, tiles, parameters, ports, states = sections
    columns, lanes = config.columns, config.lanes
    units = (SIZE, 4, columns, lanes * PARAMETER.itemsize, PORT.itemsize, 1)
    for name, section, unit in zip(SECTIONS, sections, units):
        if len(section) % unit:
            raise EngineError(f"image must have a section {name} in units of {unit} bytes, not {len(section)} bytes")
    found = [Descriptor.from_bytes(program[first:first + SIZE]) for first in range(0, len(program), SIZE)]
    image = Image([descriptor for descriptor, _ in found],
                  [Load.from_int(value) for value in np.frombuffer(loads, "<u4").tolist()],
                  np.frombuffer(tiles, np.int8).reshape(-1, columns),
                  np.frombuffer(parameters, PARAMETER).reshape(-1, lanes), np.frombuffer(ports, PORT),
                  np.frombuffer(states, np.int8), cycles,
                  [number for number, (_, is_clear) in enumerate(found) if not is_clear])
    for what, count, most in (("descriptors", len(image.program), config.program_length),
                              ("loads", len(image.loads), config.load_entries),
                              ("rows of tiles", len(image.tiles), config.most_tile_rows),
                              ("slots of parameters", len(image.parameters), config.parameter_slots)):
        if count > most:
            raise EngineError(f"image must have at most {most} {what}, not {count}")
    return image


def sections_of(data):
    """The hash of the engine that an image is made for, the bytes of each section, and the cycles of the header.

    EngineError if it is damaged.
    """
    start = HEADER.size + len(SECTIONS) * ENTRY.size
    if len(data) < start + CRC.size:
        raise EngineError(f"image must have at least {start + CRC.size} bytes, not {len(data)}")
    magic, version, count, identity, size, cycles = HEADER.unpack_from(data)
    if magic != MAGIC:
        raise EngineError(f"image must begin with {MAGIC.decode()}, not {magic!r}")
    if (version, count) != (VERSION, len(SECTIONS)):
        raise EngineError(f"image must be of version {VERSION} with {len(SECTIONS)} sections, not {version} with "
                          f"{count}")
    if CRC.unpack_from(data, start)[0] != zlib.crc32(data[:start]):
        raise EngineError("image must have a header with the CRC-32 that it says, and has another")
    if size != len(data):
        raise EngineError(f"image must have the {size} bytes that it says, not {len(data)}")
    sections, end = [], start + CRC.size
    for index, name in enumerate(SECTIONS):
        offset, length, crc = ENTRY.unpack_from(data, HEADER.size + index * ENTRY.size)
        section = data[offset:offset + length]
        if offset != end or len(section) != length:
            raise EngineError(f"image must have its section {name} at byte {end} and within it, not at {offset}")
        if zlib.crc32(section) != crc:
            raise EngineError(f"image must have a section {name} with the CRC-32 that it says, and has another")
        sections.append(section)
        end += length
    if end != size:
        raise EngineError(f"image must end with its last section, at byte {end}, not {size}")
    return identity, sections, cycles
