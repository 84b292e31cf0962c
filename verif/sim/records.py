"""Records: what goes over a macro's streams, as arrays that Python and a simulation exchange.

A record is a row of 32-bit words, derived from the table of ports. The first two are a number of 64 bits, lower half
first: of an input how many transfers of the other input must have taken place before it is offered, of a result the
cycle in which it was taken. Then comes each port of the stream, in the order of the table and from a word of its own
on, lowest bits first; bits above its width are zero. Files of records have nothing else.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ...golden.bits import collapse, expand
from ...golden.macro import Results
from ...hdl.macro.ports import HANDSHAKE, ports

# Of a file of records, also on machines of the other byte order.
WORD = np.dtype("<u4")
HEADER = 2
# The input whose transfers the header of the other's records counts.
GATES = {"write": "i", "i": "write"}
# Items that are converted at once, which bounds the memory for it.
AT_ONCE = 1 << 12


@dataclass(frozen=True)
class Field:
    """A port in a record: its bits, and its words from the ``first`` on."""

    name: str
    width: int
    first: int

    @property
    def words(self):
        """How many."""
        return -(-self.width // 32)

    @property
    def part(self):
        """Its words of a record, a slice."""
        return slice(self.first, self.first + self.words)


@dataclass(frozen=True)
class Layout:
    """The records of a stream.

    Attributes
    ----------
    stream : str
    is_input : bool
        Of the design.
    gate : str or None
        The stream that the headers count.
    fields : dict of str to Field
        By the name of the port without its stream's.
    words : int
        Of a record.
    """

    stream: str
    is_input: bool
    gate: str | None
    fields: dict
    words: int

    def empty(self, count):
        """Records to be filled, (count, words)."""
        return np.zeros((count, self.words), WORD)

    def read(self, path):
        """Records of a file, (items, words)."""
        return np.fromfile(path, WORD).reshape(-1, self.words)


@lru_cache
def layouts(config):
    """The `Layout` of each stream of a macro, by its name."""
    fields, words, is_input = {}, {}, {}
    for port in ports(config):
        mine = fields.setdefault(port.stream, {})
        words.setdefault(port.stream, HEADER)
        is_input.setdefault(port.stream, port.is_input)
        if port.field not in HANDSHAKE:
            mine[port.field] = Field(port.name, port.shape.width, words[port.stream])
            words[port.stream] += mine[port.field].words
    return {stream: Layout(stream, is_input[stream], GATES.get(stream), mine, words[stream])
            for stream, mine in fields.items()}


def encode(config, stream, items):
    """Records (items, words) of a `Stream` of writes or vectors."""
    layout = layouts(config)[stream]
    records = layout.empty(len(items))
    records[:, :HEADER] = np.ascontiguousarray(items.after, "<u8").view(WORD).reshape(-1, HEADER)
    for name, field in layout.fields.items():
        values = getattr(items, name)
        if name == "fuse":
            values = np.log2(values).astype(np.int64)
        for first in range(0, len(items), AT_ONCE):
            part = slice(first, first + AT_ONCE)
            records[part, field.part] = _words(values[part], field)
    return records


def _words(values, field):
    """The words of values (N,) or (N, elements), (N, words)."""
    values = values.reshape(len(values), -1)
    width = field.width // values.shape[1]
    octets = np.zeros((len(values), 4 * field.words), np.uint8)
    if width in (8, 16):
        # No bit changes its place.
        whole = np.ascontiguousarray(values.astype(f"<i{width // 8}")).view(np.uint8)
    else:
        whole = np.packbits(expand(values, width), axis=1, bitorder="little")
    octets[:, :whole.shape[1]] = whole
    return octets.view(WORD)


def decode(config, records, fuses):
    """`Results` without the number of planes, and the cycles in which they were taken, of records of results.

    Parameters
    ----------
    config : MacroConfig
    records : array (results, words)
    fuses : int array (results,)
        Fuse factors of their vectors.
    """
    fields = layouts(config)["o"].fields
    fuses = np.minimum(fuses[:len(records)], config.fuse)
    y, sum_x = np.zeros((len(records), config.columns), np.int64), np.zeros(len(records), np.int64)
    for first in range(0, len(records), AT_ONCE):
        part = slice(first, first + AT_ONCE)
        totals, sums = (records[part, fields[name].part] for name in ("y", "sum_x"))
        for fuse in set(fuses[part].tolist()):
            mine = fuses[part] == fuse if config.fuse > 1 else slice(None)
            count = config.columns // fuse
            y[part][mine, :count] = integers(totals[mine], config.total_width * fuse, count)
        sum_x[part] = integers(sums, config.sum_x_width, 1)[:, 0]
    taken = np.ascontiguousarray(records[:, :HEADER]).view("<u8")[:, 0]
    return Results(y, sum_x, fuses), taken.tolist()


def integers(words, width, count):
    """The ``count`` two's complement integers of ``width`` bits each in words (N, words), int64 (N, count).

    Raises
    ------
    ValueError
        An integer does not fit in int64.
    """
    octets = np.zeros((len(words), 4 * words.shape[1] + 8), np.uint8)
    octets[:, :-8] = np.ascontiguousarray(words).view(np.uint8)
    if width > 57:
        return collapse(np.unpackbits(octets, axis=1, bitorder="little")[:, :width * count], width)
    # Each lies in the eight bytes from that of its first bit on.
    first = np.arange(count) * width
    eights = np.ndarray((len(words), octets.shape[1] - 7), "<u8", octets, strides=(octets.shape[1], 1))
    found = (eights[:, first // 8] >> (first % 8).astype(np.uint64)).view(np.int64)
    found <<= 64 - width
    found >>= 64 - width
    return found
