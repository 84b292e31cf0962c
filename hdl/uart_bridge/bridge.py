"""The bridge between a serial line and an accelerator: requests arrive as frames, are executed once, and answered."""

from amaranth.hdl import Module
from amaranth.lib import stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out, connect, flipped

from .answer_memory import AnswerMemory
from .executor import Executor
from .frames import FrameReceiver, FrameTransmitter
from .protocol import BUSY_BITS, sizes
from .session import Session
from .uart import UartReceiver, UartTransmitter, bit_time


class Bridge(wiring.Component):
    """Executes requests from a serial line on an accelerator; `docs/link.md` has the protocol.

    Requests are executed in order, and their items one at a time, so nothing is in flight in the accelerator between
    requests and there is always room for a result. The answer to the last request is kept: a repetition
    of the request is answered from it and changes nothing.

    Parameters
    ----------
    accelerator : Accelerator
        A frame holds what `sizes` says.
    clock_hz : int
        Frequency of the clock.
    macro_hz : int
        Frequency of the accelerator's clock, for the identity.
    baud : int
        Bits a second on the line; at least four clock cycles a bit.
    buffer : int
        Bytes of each of the two memories, if they are enough; a power of two.

    Members
    -------
    rx : ``In(1)``
        From the host; any phase.
    tx : ``Out(1)``
        To the host, from a register.
    write : ``Out(stream)``
        Into the accelerator: what has no result.
    i : ``Out(stream)``
        Into the accelerator: what has one.
    o : ``In(stream)``
        Its results.
    busy_cycles : ``In(32)``
        Cycles of the accelerator's clock that items of ``i`` took so far, of any clock; stable while ``o`` is valid.
    """

    def __init__(self, *, accelerator, clock_hz, macro_hz, baud, buffer=2048):
        self.accelerator, self.clock_hz, self.macro_hz, self.baud = accelerator, clock_hz, macro_hz, baud
        self.sizes = sizes(accelerator, buffer)
        bit_time(clock_hz / baud)
        super().__init__({
            "rx": In(1),
            "tx": Out(1, init=1),
            "write": Out(stream.Signature(accelerator.write)),
            "i": Out(stream.Signature(accelerator.i)),
            "o": In(stream.Signature(accelerator.o)),
            "busy_cycles": In(BUSY_BITS),
        })

    def elaborate(self, platform):
        m = Module()
        depth = self.sizes.buffer
        m.submodules.uart_receiver = uart_receiver = UartReceiver(divisor=self.clock_hz / self.baud)
        m.submodules.uart_transmitter = uart_transmitter = UartTransmitter(divisor=self.clock_hz / self.baud)
        m.submodules.receiver = receiver = FrameReceiver(buffer=depth)
        m.submodules.transmitter = transmitter = FrameTransmitter(depth=depth)
        m.submodules.requests = requests = Memory(shape=8, depth=depth, init=[])
        m.submodules.answers = answers = AnswerMemory(accelerator=self.accelerator, clock_hz=self.clock_hz,
                                                      macro_hz=self.macro_hz, buffer=depth)
        m.submodules.session = session = Session(sizes=self.sizes)
        m.submodules.executor = executor = Executor(accelerator=self.accelerator, sizes=self.sizes)
        write, read = requests.write_port(), requests.read_port()
        m.d.comb += [write.en.eq(receiver.write_enable), write.addr.eq(receiver.write_address),
                     write.data.eq(receiver.write_data), read.addr.eq(executor.memory.address),
                     executor.memory.data.eq(read.data), answers.write_enable.eq(executor.write_enable),
                     answers.write_address.eq(executor.write_address), answers.write_data.eq(executor.write_data)]
        connect(m, transmitter.memory, answers.reader)
        connect(m, uart_receiver.o, receiver.i)
        connect(m, receiver.o, session.request)
        connect(m, session.job, executor.job)
        connect(m, session.answer, transmitter.i)
        connect(m, transmitter.o, uart_transmitter.i)
        connect(m, executor.write, flipped(self.write))
        connect(m, executor.i, flipped(self.i))
        connect(m, executor.o, flipped(self.o))
        m.d.comb += [
            uart_receiver.rx.eq(self.rx),
            self.tx.eq(uart_transmitter.tx),
            session.code.eq(executor.code),
            session.length.eq(executor.length),
            session.sent.eq(transmitter.idle),
            executor.busy_cycles.eq(self.busy_cycles),
            executor.refused.eq(receiver.refused),
            executor.repeated.eq(session.repeated),
        ]
        return m
