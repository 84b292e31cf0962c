"""Gather: vectors of patches out of the activation memory."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ....golden.engine.latencies import GATHER_VECTORS
from ...fabric.emitter import Platform
from ..control.delays import delayed
from ..control.descriptor import ADDRESS_BITS, record_layout
from .activation_memory import ActivationMemory
from .bounds import used_layout
from .patch_addresses import PatchAddresses, read_layout
from .vector_store import VectorStore

# From the cycle after the read.
BYTES_AFTER = ActivationMemory.READ - 1


class Gather(wiring.Component):
    """A read in each cycle, as long as fewer than `GATHER_VECTORS` vectors were read and not taken.

    Latency: a vector is valid `GATHER_LATENCY` cycles after its last read.

    Parameters
    ----------
    rows : int
        Bytes of a vector, at most.
    lanes : int
        Bytes of a read.
    size : int
        Of the activation memory, in bytes.

    Members
    -------
    record : ``In(record_layout)``
        The descriptor.
    begin : ``In(1)``
        For a cycle, `PatchAddresses.LATENCY` before the first read: ``record`` is a new CONV.
    go : ``In(1)``
        For a cycle, the one before the first read.
    holds : ``In(1)``
        The memory is read by others in this cycle.
    reads : ``Out(1)``
        A read.
    address : ``Out(ADDRESS_BITS)``
        Of the first byte.
    place : ``Out(range(lanes))``
        Where it is in ``data``.
    used : ``Out(used_layout)``
        Which bytes are used, a cycle after the address.
    stop : ``In(1)``
        Nothing is read, and vectors are forgotten.
    data : ``In(8 * lanes)``
        What is read.
    is_fed : ``In(1)``
        Vectors come from the depthwise unit.
    fed_valid : ``In(1)``
        Some bytes of one.
    fed_read : ``In(read_layout)``
        Their place.
    fed_data : ``In(8 * lanes)``
        The bytes, `BYTES_AFTER` cycles later.
    o_valid : ``Out(1)``
        A vector is offered.
    x : ``Out(8 * rows)``
        The vector.
    ends_tile : ``Out(1)``
        It is the last of its tile.
    take : ``In(1)``
        It is accepted.
    """

    def __init__(self, *, rows, lanes, size):
        self.rows, self.lanes, self.size = rows, lanes, size
        super().__init__({
            "record": In(record_layout()), "begin": In(1), "go": In(1), "holds": In(1), "reads": Out(1),
            "address": Out(ADDRESS_BITS), "place": Out(range(lanes)), "used": Out(used_layout(lanes)), "stop": In(1),
            "data": In(8 * lanes),
            "is_fed": In(1), "fed_valid": In(1), "fed_read": In(read_layout(rows, lanes)), "fed_data": In(8 * lanes),
            "o_valid": Out(1),
            "x": Out(8 * rows), "ends_tile": Out(1), "take": In(1),
        })

    def elaborate(self, platform):
        platform = Platform.of(platform)
        m = Module()
        addresses = platform.instantiate(m, "addresses", "patch_addresses", PatchAddresses, rows=self.rows,
                                         lanes=self.lanes, size=self.size)
        store = platform.instantiate(m, "store", "vector_store", VectorStore, rows=self.rows, lanes=self.lanes,
                                     depth=GATHER_VECTORS, bytes_after=BYTES_AFTER)
        # Vectors that were read and not taken.
        count, runs = Signal(range(GATHER_VECTORS + 1)), Signal()
        with m.If(self.begin | self.stop):
            m.d.sync += runs.eq(0)
        with m.Elif(self.go):
            m.d.sync += runs.eq(1)
        m.d.sync += count.eq(count + (self.reads & addresses.read.ends) - (self.take & ~self.is_fed))
        with m.If(self.stop):
            m.d.sync += count.eq(0)
        valid, read = delayed(m, "valid", self.reads, 1, reset=True), delayed(m, "read", addresses.read, 1)
        with m.If(valid):
            m.d.comb += [self.used.first.eq(read.first),
                         self.used.end.eq(Mux(read.end < read.count, read.end, read.count))]
        m.d.comb += [
            self.reads.eq(runs & addresses.valid & ~self.holds & (count != GATHER_VECTORS)),
            addresses.record.eq(self.record), addresses.begin.eq(self.begin), addresses.take.eq(self.reads),
            self.address.eq(addresses.address), self.place.eq(addresses.read.offset),
            store.valid.eq(Mux(self.is_fed, self.fed_valid, valid)),
            store.read.eq(Mux(self.is_fed, self.fed_read, read)),
            store.data.eq(Mux(self.is_fed, self.fed_data, self.data)),
            store.fill.eq(self.record.fields.fill), store.is_unsigned.eq(self.record.fields.flags[0]),
            self.o_valid.eq(store.o_valid), self.x.eq(store.x), self.ends_tile.eq(store.ends_tile),
            store.take.eq(self.take), store.stop.eq(self.stop),
        ]
        return m
