"""Memories with one write port and one read port: LUT-RAM and block RAM."""

from amaranth.hdl import Cat, ClockSignal, Const, Instance, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from ..config.widths import ceil_log2
from .ecp5_block_ram import PIECE_BITS, add_memory, page_index, pages_of
from .emitter import Platform
from .mux import choose, instantiate_choice

# Of multiplexers between pages, those that one slice after the other makes.
MUX_BITS = 3
MUX_INPUTS = 1 << MUX_BITS


class LutRam(wiring.Component):
    """A small memory that is read in the same cycle.

    Synthesizers map it to LUTs that can be memories. It starts as zeros where the fabric allows.

    Parameters
    ----------
    width, depth : int

    Members
    -------
    write : ``In(1)``
        Store a word at the end of the cycle.
    write_address : ``In(range(depth))``
        Its address.
    write_data : ``In(width)``
        The word.
    address : ``In(range(depth))``
        Address to read.
    data : ``Out(width)``
        Word at ``address``, in the same cycle.
    """

    def __init__(self, *, width, depth):
        self.width = width
        self.depth = depth
        super().__init__({
            "write": In(1),
            "write_address": In(range(depth)),
            "write_data": In(width),
            "address": In(range(depth)),
            "data": Out(width),
        })

    def elaborate(self, platform):
        m = Module()
        m.submodules.cells = cells = Memory(shape=self.width, depth=self.depth, init=[])
        write, read = cells.write_port(), cells.read_port(domain="comb")
        m.d.comb += [
            write.en.eq(self.write),
            write.addr.eq(self.write_address),
            write.data.eq(self.write_data),
            read.addr.eq(self.address),
            self.data.eq(read.data),
        ]
        return m


class BlockRam(wiring.Component):
    """A memory with registered address and output: a read takes two cycles.

    A word that is read while it is written is undefined. On ECP5 it is made of memories with output registers, which
    Yosys does not infer; elsewhere it is an instance of a module of `memory_wrapper`.

    Parameters
    ----------
    width, depth : int
    has_enables : bool
        Pieces of `PIECE_BITS` bits are written each by itself; only on ECP5.

    Members
    -------
    enables : ``In(width // PIECE_BITS)``
        With ``has_enables``: which pieces ``write`` stores.
    write : ``In(1)``
        Store a word at the end of the cycle.
    write_address : ``In(range(depth))``
        Its address.
    write_data : ``In(width)``
        The word.
    enable : ``In(1)``
        Reads advance by one cycle.
    address : ``In(range(depth))``
        Address to read.
    data : ``Out(width)``
        The word, after two cycles with ``enable``.
    """

    def __init__(self, *, width, depth, has_enables=False):
        self.width = width
        self.depth = depth
        self.has_enables = has_enables
        super().__init__({
            **({"enables": In(width // PIECE_BITS)} if has_enables else {}),
            "write": In(1),
            "write_address": In(range(depth)),
            "write_data": In(width),
            "enable": In(1),
            "address": In(range(depth)),
            "data": Out(width),
        })

    def elaborate(self, platform):
        platform = Platform.of(platform)
        m = Module()
        if platform.fabric == "ecp5":
            self._add_ecp5(m, platform)
            return m
        module = platform.memory(self.width, self.depth)
        if module is not None:
            self._add_wrapper(m, module)
            return m
        m.submodules.cells = cells = Memory(shape=self.width, depth=self.depth, init=[])
        write, read = cells.write_port(), cells.read_port()
        data = Signal(self.width, reset_less=True)
        m.d.comb += [
            write.en.eq(self.write),
            write.addr.eq(self.write_address),
            write.data.eq(self.write_data),
            read.en.eq(self.enable),
            read.addr.eq(self.address),
            self.data.eq(data),
        ]
        with m.If(self.enable):
            m.d.sync += data.eq(read.data)
        return m

    def _add_wrapper(self, m, module):
        # The address of a single word has no bits, that of the wrapper at least one.
        write_address, address = (value if len(value) else Const(0, 1) for value in (self.write_address, self.address))
        m.submodules.memory = Instance(
            module, i_clk=ClockSignal(), i_write=self.write, i_write_address=write_address,
            i_write_data=self.write_data, i_enable=self.enable, i_address=address, o_data=self.data)

    def _add_ecp5(self, m, platform):
        pages, outputs = pages_of(self.depth), []
        for number, page in enumerate(pages):
            selected = self.write & page.holds(self.write_address) if len(pages) > 1 else self.write
            memories = [add_memory(
                m, f"cells_{number}_{first // page.bits}", page, write=selected, write_address=self.write_address,
                write_data=self.write_data[first:first + page.bits], enable=self.enable, address=self.address,
                enables=self.enables[first // PIECE_BITS:] if self.has_enables else ())
                for first in range(0, self.width, page.bits)]
            outputs.append(Cat(memories)[:self.width])
        if len(pages) == 1:
            m.d.comb += self.data.eq(outputs[0])
            return
        page = page_index(pages, self.address)
        for stage in range(2):
            register = Signal(ceil_log2(len(pages)), name=f"page_{stage}", reset_less=True)
            with m.If(self.enable):
                m.d.sync += register.eq(page)
            page = register
        chosen = [instantiate_choice(m, platform, f"pages_{first}", outputs[first:first + MUX_INPUTS], page[:MUX_BITS])
                  for first in range(0, len(pages), MUX_INPUTS)]
        m.d.comb += self.data.eq(choose(chosen, page[MUX_BITS:]))


class ByteRam(wiring.Component):
    """A `BlockRam` of which each byte is written by itself: on ECP5 with enables, elsewhere a memory for each byte.

    Parameters
    ----------
    width : int
        A multiple of 8.
    depth : int

    Members
    -------
    write : ``In(width // 8)``
        Store these bytes of a word at the end of the cycle.
    write_address : ``In(range(depth))``
        Its address.
    write_data : ``In(width)``
        The word.
    enable : ``In(1)``
        Reads advance by one cycle.
    address : ``In(range(depth))``
        Address to read.
    data : ``Out(width)``
        The word, after two cycles with ``enable``.
    """

    def __init__(self, *, width, depth):
        self.width = width
        self.depth = depth
        super().__init__({"write": In(width // 8), "write_address": In(range(depth)), "write_data": In(width),
                          "enable": In(1), "address": In(range(depth)), "data": Out(width)})

    def elaborate(self, platform):
        platform = Platform.of(platform)
        m = Module()
        count, is_ecp5 = self.width // 8, platform.fabric == "ecp5"
        given = [self.write_data[8 * byte:8 * byte + 8] for byte in range(count)]
        if is_ecp5:
            memories = [platform.instantiate(m, "words", f"bytes_{count}x{self.depth}", BlockRam,
                                             width=PIECE_BITS * count, depth=self.depth, has_enables=True)]
            (memory,) = memories
            m.d.comb += [
                memory.enables.eq(self.write), memory.write.eq(self.write.any()),
                memory.write_data.eq(Cat(Cat(byte, Const(0, PIECE_BITS - 8)) for byte in given)),
                self.data.eq(Cat(memory.data[PIECE_BITS * byte:][:8] for byte in range(count))),
            ]
        else:
            memories = [platform.instantiate(m, f"byte_{byte}", f"byte_{self.depth}", BlockRam, width=8,
                                             depth=self.depth) for byte in range(count)]
            m.d.comb += [statement for byte, memory in enumerate(memories) for statement in (
                memory.write.eq(self.write[byte]), memory.write_data.eq(given[byte]))]
            m.d.comb += self.data.eq(Cat(memory.data for memory in memories))
        for memory in memories:
            m.d.comb += [memory.write_address.eq(self.write_address), memory.enable.eq(self.enable),
                         memory.address.eq(self.address)]
        return m
