"""Error log: the first error and how many there were."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..csr.register_map import ErrorCode

MOST = 255


class ErrorLog(wiring.Component):
    """Keeps the code of the first error since it was cleared, and counts all of them.

    Of errors in one cycle the first is the one with the lowest code.

    Members
    -------
    NAME : ``In(1)``
        For each `ErrorCode`, in lower case: it happens.
    access : ``In(8)``
        `ErrorCode` of an access to a register.
    clear : ``In(1)``
        What happens in the same cycle is kept.
    happens : ``Out(1)``
        An error, for a cycle.
    code, count : ``Out(8)``
        The count stays at 255.
    """

    CODES = tuple(code for code in ErrorCode if code)

    def __init__(self):
        super().__init__({**{code.name.lower(): In(1) for code in self.CODES}, "access": In(8), "clear": In(1),
                          "happens": Out(1), "code": Out(8), "count": Out(8)})

    def elaborate(self, platform):
        m = Module()
        own = [getattr(self, code.name.lower()) for code in self.CODES]
        accesses = [self.access == code for code in self.CODES]
        found = [one | other for one, other in zip(own, accesses)]
        first, count, total = Signal(8), Signal(8), Signal(9)
        for code, is_found in reversed(list(zip(self.CODES, found))):
            with m.If(is_found):
                m.d.comb += first.eq(code)
        m.d.comb += [
            self.happens.eq(Cat(found).any()),
            count.eq(Mux(self.clear, 0, self.count)),
            total.eq(count + sum(own) + Cat(accesses).any()),
        ]
        m.d.sync += self.count.eq(Mux(total > MOST, MOST, total))
        with m.If(self.clear | (self.code == ErrorCode.NONE)):
            m.d.sync += self.code.eq(first)
        return m
