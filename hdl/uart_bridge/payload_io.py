"""Payloads between the bridge's memories and the macro's streams: wide words as bytes."""

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from .byte_mux import ByteMux
from .frames import read_port
from .protocol import BUSY_BITS, HEADER_BYTES, LINK_COUNTERS, LINK_COUNTERS_BYTES


class PayloadReader(wiring.Component):
    """Shifts an item from the memory of requests into a word, a byte a cycle.

    Parameters
    ----------
    depth : int
        Bytes of the memory.
    count : int
        Bytes of the word, and of the longest item. A shorter item is in the word's highest bytes.

    Members
    -------
    restart : ``In(1)``
        The next item is the first of a request.
    load : ``In(1)``
        For a cycle: read the next item.
    bytes : ``In(range(count + 1))``
        Bytes of the item.
    done : ``Out(1)``
        ``word`` holds the whole item.
    word : ``Out(8 * count)``
        The item, in its highest bytes.
    memory : ``Out(read_port)``
        Read port of the memory.
    """

    def __init__(self, *, depth, count):
        self.depth, self.count = depth, count
        super().__init__({"restart": In(1), "load": In(1), "bytes": In(range(count + 1)), "done": Out(1),
                          "word": Out(8 * count), "memory": Out(read_port(depth))})

    def elaborate(self, platform):
        m = Module()
        left = Signal(range(self.count + 1))
        arriving = Signal()
        m.d.sync += arriving.eq(left != 0)
        m.d.comb += self.done.eq((left == 0) & ~arriving)
        with m.If(self.load):
            m.d.sync += left.eq(self.bytes)
        with m.Elif(left != 0):
            m.d.sync += [left.eq(left - 1), self.memory.address.eq(self.memory.address + 1)]
        with m.If(self.restart):
            m.d.sync += self.memory.address.eq(HEADER_BYTES)
        with m.If(arriving):
            m.d.sync += self.word.eq(Cat(self.word[8:], self.memory.data))
        return m


class PayloadWriter(wiring.Component):
    """Stores bytes of a word in the memory of answers, a byte a cycle.

    Parameters
    ----------
    depth : int
        Bytes of the memory.
    count : int
        Bytes of the word.

    Members
    -------
    word : ``In(8 * count)``
        The word whose bytes are stored.
    restart : ``In(1)``
        The next byte is the first of the answer.
    store : ``In(1)``
        For a cycle: store bytes ``first`` to ``last`` of the word.
    first : ``In(range(count))``
        The lowest byte.
    last : ``In(range(count))``
        The highest byte.
    chosen : ``Out(1)``
        For a cycle, with the last byte: the word may change.
    done : ``Out(1)``
        All bytes are stored.
    length : ``Out(range(depth))``
        Bytes in the answer.
    write_enable : ``Out(1)``
        Store a byte in the memory.
    write_address : ``Out(range(depth))``
        Where.
    write_data : ``Out(8)``
        The byte.
    """

    def __init__(self, *, depth, count):
        self.depth, self.count = depth, count
        super().__init__({
            "word": In(8 * count), "restart": In(1), "store": In(1), "first": In(range(count)),
            "last": In(range(count)), "chosen": Out(1), "done": Out(1), "length": Out(range(depth)),
            "write_enable": Out(1), "write_address": Out(range(depth)), "write_data": Out(8),
        })

    def elaborate(self, platform):
        m = Module()
        m.submodules.mux = mux = ByteMux(count=self.count)
        choosing = Signal()
        arriving = Signal(ByteMux.latency)
        index = Signal(range(self.count))
        m.d.sync += arriving.eq(Cat(choosing, arriving))
        m.d.comb += [
            mux.word.eq(self.word),
            mux.index.eq(index),
            self.chosen.eq(choosing & (index == self.last)),
            self.done.eq(~choosing & ~arriving.any()),
            self.write_enable.eq(arriving[-1]),
            self.write_address.eq(self.length),
            self.write_data.eq(mux.o),
        ]
        with m.If(self.store):
            m.d.sync += [choosing.eq(1), index.eq(self.first)]
        with m.Elif(choosing):
            m.d.sync += [choosing.eq(~self.chosen), index.eq(index + 1)]
        with m.If(self.write_enable):
            m.d.sync += self.length.eq(self.length + 1)
        with m.If(self.restart):
            m.d.sync += self.length.eq(0)
        return m


# Counters that may change while they are read.
MOVING = ("cycles", "refused")


class Counters(wiring.Component):
    """Counters of events since the reset; each wraps.

    Members
    -------
    vector : ``In(1)``
        Count a vector.
    result : ``In(1)``
        A result is there: take over ``busy_cycles``.
    busy_cycles : ``In(32)``
        Cycles of the macro's clock that vectors took so far, from flip-flops of the macro's domain that are stable
        while ``result`` is high.
    row : ``In(1)``
        Count a row.
    refused : ``In(1)``
        Count a refused frame.
    repeated : ``In(1)``
        Count a repeated request.
    hold : ``In(1)``
        Copy the counters to ``word``.
    word : ``Out(8 * LINK_COUNTERS_BYTES)``
        The counters, in the order and with the bytes of `LINK_COUNTERS`.
    """

    def __init__(self):
        super().__init__({"vector": In(1), "result": In(1), "busy_cycles": In(BUSY_BITS), "row": In(1),
                          "refused": In(1), "repeated": In(1), "hold": In(1), "word": Out(8 * LINK_COUNTERS_BYTES)})

    def elaborate(self, platform):
        m = Module()
        events = {"cycles": 1, "busy": self.result, "vectors": self.vector, "rows": self.row, "refused": self.refused,
                  "repeated": self.repeated}
        shown = []
        for name, width in LINK_COUNTERS.items():
            counter = Signal(8 * width, name=name)
            with m.If(events[name]):
                m.d.sync += counter.eq(self.busy_cycles if name == "busy" else counter + 1)
            if name in MOVING:
                held = Signal.like(counter, name=f"held_{name}", reset_less=True)
                with m.If(self.hold):
                    m.d.sync += held.eq(counter)
                counter = held
            shown.append(counter)
        m.d.comb += self.word.eq(Cat(shown))
        return m
