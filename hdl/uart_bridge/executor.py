"""Executes requests: their items go into the accelerator, results and counters into the answer."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from .frames import read_port
from .payload_io import Counters, PayloadReader, PayloadWriter
from .protocol import BUSY_BITS, DONE, LINK_COUNTERS_BYTES, Command, Refusal
from .session import JOB


class Executor(wiring.Component):
    """Executes one request after the other, and the items of each in order.

    An item is the payload of one transfer on a stream of the accelerator (of a macro: a row, a vector, or a result),
    the lowest byte first. A request that is not made of whole items, or whose results do not fit in the answer, is
    refused as a whole.

    Parameters
    ----------
    accelerator : Accelerator
    sizes : Sizes

    Members
    -------
    job : ``In(stream)``
        The request, whose payload follows the header in its memory; accepted when it is done.
    code : ``Out(8)``
        Of the answer, with ``job.ready``.
    length : ``Out(range(buffer))``
        Bytes of its payload, with ``job.ready``.
    memory : ``Out(read_port)``
        `read_port` of the memory of requests.
    write_enable : ``Out(1)``
        Store a byte in the memory of answers.
    write_address : ``Out(range(buffer))``
        Where.
    write_data : ``Out(8)``
        The byte.
    write : ``Out(stream)``
        Into the accelerator.
    i : ``Out(stream)``
        Into the accelerator; each has a result.
    o : ``In(stream)``
        Its results.
    busy_cycles : ``In(32)``
        See `Counters`; stable while ``o`` is valid.
    refused : ``In(1)``
        A frame was refused; counted.
    repeated : ``In(1)``
        A request was repeated; counted.
    """

    def __init__(self, *, accelerator, sizes):
        self.accelerator, self.sizes = accelerator, sizes
        super().__init__({
            "job": In(stream.Signature(JOB)),
            "code": Out(8),
            "length": Out(range(sizes.buffer)),
            "memory": Out(read_port(sizes.buffer)),
            "write_enable": Out(1),
            "write_address": Out(range(sizes.buffer)),
            "write_data": Out(8),
            "write": Out(stream.Signature(accelerator.write)),
            "i": Out(stream.Signature(accelerator.i)),
            "o": In(stream.Signature(accelerator.o)),
            "busy_cycles": In(BUSY_BITS),
            "refused": In(1),
            "repeated": In(1),
        })

    def elaborate(self, platform):
        m = Module()
        sizes, job = self.sizes, self.job.payload
        m.submodules.counters = counters = Counters()
        reader, writer = self._add_reader(m), self._add_writer(m, counters)
        left = Signal(range(sizes.buffer))
        items = Signal(range(max(sizes.rows, sizes.vectors) + 1))
        is_run = job.code == Command.RUN
        item = Mux(is_run, sizes.vector, sizes.row)
        m.d.comb += [self.code.eq(job.code | DONE), reader.bytes.eq(item),
                     counters.busy_cycles.eq(self.busy_cycles), counters.refused.eq(self.refused),
                     counters.repeated.eq(self.repeated)]
        with m.FSM():
            with m.State("START"):
                m.d.comb += [reader.restart.eq(1), writer.restart.eq(1), counters.hold.eq(1)]
                m.d.sync += [left.eq(job.length), items.eq(0)]
                with m.If(self.job.valid):
                    self._judge(m, is_run, writer)
            with m.State("COUNT"):
                with m.If((left == 0) & (items != 0)):
                    m.next = "LOAD"
                with m.Elif((left < item) | is_run & (items == sizes.vectors)):
                    self._refuse(m, Refusal.LENGTH)
                with m.Else():
                    m.d.sync += [left.eq(left - item), items.eq(items + 1)]
            with m.State("LOAD"):
                m.d.comb += reader.load.eq(1)
                m.d.sync += items.eq(items - 1)
                m.next = "OFFER"
            with m.State("OFFER"):
                m.d.comb += [self.write.valid.eq(reader.done & ~is_run), self.i.valid.eq(reader.done & is_run)]
                with m.If(self.write.valid & self.write.ready):
                    m.d.comb += counters.row.eq(1)
                    m.next = "NEXT"
                with m.If(self.i.valid & self.i.ready):
                    m.d.comb += counters.vector.eq(1)
                    m.next = "WAIT"
            with m.State("WAIT"):
                m.d.comb += [counters.result.eq(self.o.valid), writer.store.eq(self.o.valid)]
                with m.If(self.o.valid):
                    m.next = "STORE"
            with m.State("STORE"):
                m.d.comb += self.o.ready.eq(is_run & writer.chosen)
                with m.If(writer.done):
                    m.next = "NEXT"
            with m.State("NEXT"):
                m.d.comb += self.job.ready.eq(items == 0)
                m.next = "LOAD"
                with m.If(items == 0):
                    m.next = "START"
        return m

    def _judge(self, m, is_run, writer):
        """What comes after a request has been seen: its items are counted, the counters are stored, or it is refused.
        """
        job = self.job.payload
        with m.If(is_run | (job.code == Command.WRITE)):
            m.next = "COUNT"
        with m.Elif(job.code != Command.READ_COUNTERS):
            self._refuse(m, Refusal.COMMAND)
        with m.Elif(job.length != 0):
            self._refuse(m, Refusal.LENGTH)
        with m.Else():
            m.d.comb += writer.store.eq(1)
            m.next = "STORE"

    def _refuse(self, m, reason):
        m.d.comb += [self.job.ready.eq(1), self.code.eq(reason)]
        m.next = "START"

    def _add_reader(self, m):
        """Reader of items, in the highest bytes of its word, for both input streams."""
        row, vector = self.sizes.row, self.sizes.vector
        m.submodules.reader = reader = PayloadReader(depth=self.sizes.buffer, count=max(row, vector))
        m.d.comb += [
            self.memory.address.eq(reader.memory.address),
            reader.memory.data.eq(self.memory.data),
            self.write.payload.eq(reader.word[8 * (reader.count - row):]),
            self.i.payload.eq(reader.word[8 * (reader.count - vector):]),
        ]
        return reader

    def _add_writer(self, m, counters):
        """Writer of the answer: a result in the lower bytes of its word, the counters above."""
        result = self.sizes.result
        m.submodules.writer = writer = PayloadWriter(depth=self.sizes.buffer, count=result + LINK_COUNTERS_BYTES)
        padding = 8 * result - self.accelerator.o.size
        is_run = self.job.payload.code == Command.RUN
        m.d.comb += [
            writer.word.eq(Cat(self.o.payload.as_value(), Const(0, padding), counters.word)),
            writer.first.eq(Mux(is_run, 0, result)),
            writer.last.eq(Mux(is_run, result - 1, writer.count - 1)),
            self.length.eq(writer.length),
            self.write_enable.eq(writer.write_enable),
            self.write_address.eq(writer.write_address),
            self.write_data.eq(writer.write_data),
        ]
        return writer
