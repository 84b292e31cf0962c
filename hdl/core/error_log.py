"""Error log: code of the first error, and count."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..csr.register_map import ACCESS_ERRORS, ErrorCode
from .packet_assembler import FAULTS

MAX_COUNT = 255


class ErrorLog(wiring.Component):
    """Keeps the code of the first error since it was cleared, and counts all of them, three cycles after they happen.

    Of several errors in one cycle, the one with the lowest code is the first.

    Parameters
    ----------
    others : tuple of ErrorCode
        Further ones that may happen, each with an input of its name in small letters.

    Members
    -------
    vector : ``In(FAULTS)``
        Faults of the arriving vector.
    load : ``In(FAULTS)``
        Faults of the arriving packet of weights or parameters.
    muted : ``In(1)``
        The packets are the self-test's: their faults do not count. Without one it is 0.
    locked : ``In(1)``
        A packet was refused because of the lock.
    aborted : ``In(1)``
        Packets that have begun, or results, are discarded.
    access : ``In(8)``
        Of an access to a register: one of `ACCESS_ERRORS`, or none.
    clear : ``In(1)``
        Clear the log; errors in the same cycle are kept.
    happens : ``Out(1)``
        For a cycle, two after it: an error.
    code : ``Out(8)``
        `ErrorCode` of the first.
    count : ``Out(8)``
        Number of errors; saturates at 255.
    dma_wrong : ``In(1)``
        Memory answered the DMA with an error.
    dma_late : ``In(1)``
        Memory does not answer the DMA.
    vector_header : ``In(1)``
        The header of a vector is wrong.
    load_header : ``In(1)``
        The header of a packet of weights is wrong.
    """

    def __init__(self, *, others):
        self.others = others
        super().__init__({"vector": In(FAULTS), "load": In(FAULTS), "muted": In(1), "access": In(8), "clear": In(1),
                          "happens": Out(1), "code": Out(8), "count": Out(8),
                          **{code.name.lower(): In(1) for code in others}})

    def elaborate(self, platform):
        m = Module()
        faults = {
            ErrorCode.VECTOR_NULL: self.vector.null,
            ErrorCode.VECTOR_SHORT: self.vector.short,
            ErrorCode.VECTOR_LONG: self.vector.long,
            ErrorCode.LOAD_NULL: self.load.null,
            ErrorCode.LOAD_SHORT: self.load.short,
            ErrorCode.LOAD_LONG: self.load.long,
        }
        others = {code: getattr(self, code.name.lower()) for code in self.others}
        was_muted, accessed = Signal(), Signal()
        m.d.sync += [was_muted.eq(self.muted), accessed.eq(self.access != ErrorCode.NONE)]
        faults, others, accesses = (self._register(m, name, errors) for name, errors in (
            ("was", faults), ("was", others), ("access_was", {code: self.access == code for code in ACCESS_ERRORS})))
        own = {code: fault & ~was_muted for code, fault in faults.items()} | others
        first = Signal(8)
        first_found = Signal(8)
        count = Signal(8)
        happened = Signal(range(len(own) + 2))
        total = Signal(9)
        found = {code: own.get(code, 0) | accesses.get(code, 0) for code in sorted(own.keys() | accesses.keys())}
        for code, is_found in reversed(found.items()):
            with m.If(is_found):
                m.d.comb += first_found.eq(code)
        m.d.sync += [
            self.happens.eq(Cat(found.values()).any()),
            first.eq(first_found),
            happened.eq(sum(own.values()) + accessed),
        ]
        m.d.comb += [count.eq(Mux(self.clear, 0, self.count)), total.eq(count + happened)]
        m.d.sync += self.count.eq(Mux(total > MAX_COUNT, MAX_COUNT, total))
        with m.If(self.clear | (self.code == ErrorCode.NONE)):
            m.d.sync += self.code.eq(first)
        return m

    @staticmethod
    def _register(m, name, errors):
        """Registers of errors, by code."""
        registers = {code: Signal(name=f"{name}_{code.name.lower()}") for code in errors}
        m.d.sync += [registers[code].eq(happens) for code, happens in errors.items()]
        return registers
