"""Tile memory: rows of weights in block RAM, also the bits that would take most of one for themselves."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ...config.tables import BLOCK_RAM_ADDRESS_BITS, BLOCK_RAM_BITS
from ...config.widths import ceil_log2
from ...fabric.emitter import Platform
from ...fabric.memory import PIECE_BITS, BlockRam, LutRam
from ...fabric.register import registered

READ = 2
# Of a word of block RAM, those that are written each by itself.
PIECES = BLOCK_RAM_BITS // PIECE_BITS


class TileMemory(wiring.Component):
    """A memory of wide rows with registered address and output: a read takes two cycles.

    On ECP5 a row takes whole block RAMs of 36 bits. Where a quarter or half of one is left over, that of four or two
    rows shares a word; the last 512 rows have it in LUT-RAM if it would begin another block RAM.

    Parameters
    ----------
    width, depth : int

    Members
    -------
    write : ``In(1)``
        Store a row at the end of the cycle.
    write_address : ``In(range(depth))``
        Its number.
    write_data : ``In(width)``
        The row.
    enable : ``In(1)``
        Reads advance by one cycle.
    address : ``In(range(depth))``
        Row to read.
    data : ``Out(width)``
        It, after two cycles with ``enable``.
    """

    def __init__(self, *, width, depth):
        self.width, self.depth = width, depth
        super().__init__({"write": In(1), "write_address": In(range(depth)), "write_data": In(width),
                          "enable": In(1), "address": In(range(depth)), "data": Out(width)})

    def elaborate(self, platform):
        platform = Platform.of(platform)
        m = Module()
        left = self.width % BLOCK_RAM_BITS if platform.fabric == "ecp5" else 0
        pieces = -(-left // PIECE_BITS)
        if not 0 < pieces <= PIECES // 2:
            left = 0
        rows = platform.instantiate(m, "rows", "tile_rows", BlockRam, width=self.width - left, depth=self.depth)
        m.d.comb += [
            rows.write.eq(self.write), rows.write_address.eq(self.write_address), rows.write_data.eq(self.write_data),
            rows.enable.eq(self.enable), rows.address.eq(self.address), self.data.eq(rows.data),
        ]
        if left:
            m.d.comb += self.data[-left:].eq(self._rest(m, platform, pieces, self.write_data[-left:]))
        return m

    def _rest(self, m, platform, pieces, given):
        """The last bits of the row that is read, given those of the one that is written."""
        shared = PIECES // pieces
        page = shared << BLOCK_RAM_ADDRESS_BITS
        beyond = self.depth % page
        depth = self.depth - (beyond if beyond <= 1 << BLOCK_RAM_ADDRESS_BITS else 0)
        found = []
        if depth:
            found.append(self._share(m, platform, shared, depth, given))
        if depth < self.depth:
            low = ceil_log2(self.depth - depth)
            cells = platform.instantiate(m, "last", "tile_last", LutRam, width=len(given), depth=self.depth - depth)
            m.d.comb += [cells.write.eq(self.write & (self.write_address >= depth)), cells.write_data.eq(given),
                         cells.write_address.eq(self.write_address[:low]),
                         cells.address.eq(self._delayed(m, "last_address", self.address[:low], 1))]
            found.append(self._delayed(m, "last_data", cells.data, 1))
        if len(found) == 1:
            return found[0]
        return Mux(self._delayed(m, "is_last", self.address >= depth, READ), found[1], found[0])

    def _delayed(self, m, name, value, cycles):
        """A value so many cycles of ``enable`` later."""
        for cycle in range(cycles):
            value = registered(m, f"{name}_{cycle + 1}", value, enable=self.enable)
        return value

    def _share(self, m, platform, shared, depth, given):
        """The same of the first ``depth`` rows, so many of which share a word."""
        bits = ceil_log2(shared)
        words = platform.instantiate(m, "shared", "tile_shared", BlockRam, width=BLOCK_RAM_BITS,
                                     depth=-(-depth // shared), has_enables=True)
        width, own = BLOCK_RAM_BITS // shared, Signal(shared, name="own_pieces")
        word = Cat(given, Const(0, width - len(given)))
        m.d.comb += [
            own.eq(1 << self.write_address[:bits]),
            words.enables.eq(Cat(own[place].replicate(PIECES // shared) for place in range(shared))),
            words.write.eq(self.write & (self.write_address < depth)), words.write_data.eq(word.replicate(shared)),
            words.write_address.eq(self.write_address[bits:]),
            words.enable.eq(self.enable), words.address.eq(self.address[bits:]),
        ]
        return words.data.word_select(self._delayed(m, "place", self.address[:bits], READ), width)[:len(given)]
