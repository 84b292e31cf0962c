"""The memory of answers, with the identity at its end."""

from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In

from .frames import read_port
from .protocol import identity, sizes


def first_answers(accelerator, macro_hz, clock_hz, buffer=2048):
    """What is in the memory at the start, for parameters as of `AnswerMemory`."""
    buffer = sizes(accelerator, buffer).buffer
    said = identity(accelerator, macro_hz, clock_hz, buffer)
    return bytes(buffer - len(said)) + said


class AnswerMemory(wiring.Component):
    """Bytes of the kept answer, from the first on; the last bytes are the identity, which is never written.

    Parameters
    ----------
    accelerator : Accelerator
    clock_hz, macro_hz : int
        For the identity.
    buffer : int
        Bytes, if they are enough; a power of two.

    Members
    -------
    write_enable : ``In(1)``
        Store a byte.
    write_address : ``In(range(buffer))``
        Where.
    write_data : ``In(8)``
        The byte.
    reader : ``In(read_port)``
        `read_port`; the byte is there a cycle after its address.
    """

    def __init__(self, *, accelerator, clock_hz, macro_hz, buffer=2048):
        self.accelerator, self.clock_hz, self.macro_hz = accelerator, clock_hz, macro_hz
        self.buffer = sizes(accelerator, buffer).buffer
        super().__init__({"write_enable": In(1), "write_address": In(range(self.buffer)), "write_data": In(8),
                          "reader": In(read_port(self.buffer))})

    def elaborate(self, platform):
        m = Module()
        m.submodules.bytes = memory = Memory(shape=8, depth=self.buffer, init=first_answers(
            self.accelerator, self.macro_hz, self.clock_hz, self.buffer))
        write, read = memory.write_port(), memory.read_port()
        m.d.comb += [write.en.eq(self.write_enable), write.addr.eq(self.write_address), write.data.eq(self.write_data),
                     read.addr.eq(self.reader.address), self.reader.data.eq(read.data)]
        return m
