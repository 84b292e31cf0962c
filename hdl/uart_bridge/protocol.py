"""The wire protocol between host and bridge: constants, frame header, items and identity, for gateware and driver."""

import enum
import json
import struct
from dataclasses import dataclass

from amaranth.lib import data
from amaranth.lib.crc import catalog

VERSION = 2
MAGIC_BYTES = 4

# Byte stuffing as of RFC 1662: a flag is never part of a frame, so every flag is a boundary, whatever came before it.
FLAG, ESCAPE, FLIP = 0x7E, 0x7D, 0x20
CRC = catalog.CRC32_ISO_HDLC
CRC_BYTES = 4

HEADER = data.StructLayout({"session": 16, "sequence": 8, "code": 8, "length": 16})
HEADER_BYTES = HEADER.size // 8
OVERHEAD = HEADER_BYTES + CRC_BYTES

# Magic of the accelerator, version, hash of its configuration, Hz of its clock and of the bridge's, bytes of a memory.
IDENTITY_STRUCT = struct.Struct(f"<{MAGIC_BYTES}sB4sIIH")

LINK_COUNTERS = {"cycles": 4, "busy": 4, "vectors": 4, "rows": 4, "refused": 2, "repeated": 2}
BUSY_BITS = 8 * LINK_COUNTERS["busy"]
LINK_COUNTERS_BYTES = sum(LINK_COUNTERS.values())

# A bit of the answer's code.
DONE = 0x80


class Command(enum.IntEnum):
    """``code`` of a request; that of its answer is this with `DONE`."""

    CONNECT = 1
    WRITE = 2
    RUN = 3
    READ_COUNTERS = 4


class Refusal(enum.IntEnum):
    """``code`` of the answer to an intact request that was not executed and changed nothing."""

    SESSION = 0xF1
    SEQUENCE = 0xF2
    COMMAND = 0xF3
    LENGTH = 0xF4
    TAKEN = 0xF5


def payload_bytes(layout):
    """Bytes of a stream's payload on the wire."""
    return (layout.size + 7) // 8


@dataclass(frozen=True)
class Sizes:
    """Bytes of the items (of a macro: rows, vectors, results) of an accelerator, and how many fit into a frame.

    Attributes
    ----------
    row, vector, result : int
        Bytes of an item of each stream: ``write``, ``i`` and ``o``.
    buffer : int
        Bytes of each of the bridge's two memories: a power of two. No request is longer, header and CRC included.
    identity : int
        Bytes of the identity, at the end of the answers' memory.
    rows, vectors : int
        Most items in a frame.
    """

    row: int
    vector: int
    result: int
    buffer: int
    identity: int

    @property
    def rows(self):
        return (self.buffer - OVERHEAD) // self.row

    @property
    def vectors(self):
        return min((self.buffer - OVERHEAD) // self.vector, (self.buffer - self.identity) // self.result)


def sizes(accelerator, buffer=2048):
    """The `Sizes` of an accelerator; ``buffer`` is doubled until one item of each kind fits."""
    items = (payload_bytes(layout) for layout in (accelerator.write, accelerator.i, accelerator.o))
    found = Sizes(*items, buffer, IDENTITY_STRUCT.size + len(_parameters(accelerator.config)))
    return found if min(found.rows, found.vectors) > 0 else sizes(accelerator, 2 * buffer)


def _parameters(config):
    return json.dumps(config.to_dict(), separators=(",", ":")).encode()


def identity(accelerator, macro_hz, clock_hz, buffer):
    """What the answer to `Command.CONNECT` says: who this is, and the configuration as JSON.

    Parameters
    ----------
    accelerator : Accelerator
    macro_hz, clock_hz : int
        Hz of the clocks of the accelerator and of the bridge.
    buffer : int
        Bytes of each of the bridge's memories.
    """
    config = accelerator.config
    return IDENTITY_STRUCT.pack(accelerator.magic, VERSION, bytes.fromhex(config.hash), macro_hz, clock_hz,
                                buffer) + _parameters(config)
