"""Memory reader: addresses of the activation memory that count up with each word that is read."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..engine.memory.activation_memory import ActivationMemory
from .word_writer import WORD_BYTES

# From a word for the engine to the address with which it is read: gathered, and written.
STORE = 1 + ActivationMemory.WRITE


class MemoryReader(wiring.Component):
    """Gives the address of the next word, and tells when its bytes are there.

    Latency: `ActivationMemory.READ` cycles from a read, or from ``restart``, to the next word; `STORE` more from
    ``changes``.

    Parameters
    ----------
    size : int
        Bytes of the memory. Behind the last word comes the first.

    Members
    -------
    restart : ``In(1)``
        For a cycle: begin at ``first``.
    first : ``In(range(size))``
        The address of the first byte.
    read : ``In(1)``
        For a cycle, while not ``waits``: the word is taken.
    changes : ``In(1)``
        For a cycle: a word for the engine, which may be for this memory.
    address : ``Out(range(size))``
        To the engine, with ``read`` and ``restart`` already that of the next word.
    waits : ``Out(1)``
        The word is not there yet.
    """

    def __init__(self, *, size):
        self.size = size
        super().__init__({"restart": In(1), "first": In(range(size)), "read": In(1), "changes": In(1),
                          "address": Out(range(size)), "waits": Out(1)})

    def elaborate(self, platform):
        m = Module()
        last = self.size - WORD_BYTES
        left, address = Signal(range(ActivationMemory.READ + STORE)), Signal.like(self.address)
        m.d.comb += self.waits.eq(left != 0)
        with m.If(self.restart | self.read):
            m.d.sync += left.eq(ActivationMemory.READ - 1)
        with m.Elif(self.changes):
            m.d.sync += left.eq(ActivationMemory.READ + STORE - 1)
        with m.Elif(self.waits):
            m.d.sync += left.eq(left - 1)
        m.d.comb += self.address.eq(address)
        m.d.sync += address.eq(self.address)
        with m.If(self.restart):
            m.d.comb += self.address.eq(self.first)
        with m.Elif(self.read):
            m.d.comb += self.address.eq(Mux(address >= last, 0, address + WORD_BYTES))
        return m
