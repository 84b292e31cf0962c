"""Sequencer and address generator of march tests: operation, row and background."""

from amaranth.hdl import Array, Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ...golden.march_tests import PROGRAMS

ZEROIZE = list(PROGRAMS).index("zeroize")


class MarchOperation(data.Struct):
    """One operation on the current row."""

    reads: 1
    inverts: 1
    down: 1
    ends_element: 1
    ends_program: 1
    dense: 1


def operations_of(program):
    """The operations of a program in their order, as constants of `MarchOperation`."""
    found = []
    for number, (order, operations) in enumerate(PROGRAMS[program]):
        names = operations.split()
        for index, name in enumerate(names):
            ends = index + 1 == len(names)
            found.append(MarchOperation.const({
                "reads": name[0] == "r", "inverts": name[1] == "1", "down": order == "down", "ends_element": ends,
                "ends_program": ends and number + 1 == len(PROGRAMS[program]), "dense": name[1] == "d"}))
    return found


OPERATIONS = [operation for program in PROGRAMS for operation in operations_of(program)]
# Index of the first operation of each program.
FIRST = [sum(len(operations_of(name)) for name in list(PROGRAMS)[:index]) for index in range(len(PROGRAMS))]


class MarchSequencer(wiring.Component):
    """Sequences the operations of a program over all rows of all banks, which are one address space.

    An operation takes five cycles at least, as what follows it is found in registers one after the other.

    March tests run once with each background; zeroize and dense programs run once with the first.

    Parameters
    ----------
    banks, rows : int
    backgrounds : int
        Number of backgrounds.

    Members
    -------
    start : ``In(1)``
        Begin with the first operation of ``program``.
    program : ``In(range(len(PROGRAMS)))``
        Which one of ``PROGRAMS``, in their order.
    advance : ``In(1)``
        The current operation is done: go to the next.
    is_last : ``Out(1)``
        The current operation is the last.
    step : ``Out(MarchOperation)``
        The current operation.
    bank : ``Out(range(banks))``
        Bank of the operation.
    row : ``Out(range(rows))``
        Row of the operation.
    background : ``Out(range(backgrounds))``
        Background to write or expect.
    """

    def __init__(self, *, banks, rows, backgrounds):
        self.banks, self.rows, self.backgrounds = banks, rows, backgrounds
        super().__init__({
            "start": In(1), "program": In(range(len(PROGRAMS))), "advance": In(1), "is_last": Out(1),
            "step": Out(MarchOperation), "bank": Out(range(banks)), "row": Out(range(rows)),
            "background": Out(range(backgrounds)),
        })

    def elaborate(self, platform):
        m = Module()
        program = Signal(range(len(PROGRAMS)), name="current_program")
        # Index of the operation, and of the first one of its element.
        counter, element = (Signal(range(len(OPERATIONS)), name=name) for name in ("counter", "element"))
        step = self.step
        now = Signal(MarchOperation, reset_less=True)
        last_row = Mux(now.down, self.row == 0, self.row == self.rows - 1)
        last_bank = Mux(now.down, self.bank == 0, self.bank == self.banks - 1)
        through = Signal()
        more = Signal()
        again = Signal()
        following = Signal(range(len(OPERATIONS) + 1), reset_less=True)
        goes_down = Signal(reset_less=True)
        m.d.comb += step.as_value().eq(Array(operation.as_value() for operation in OPERATIONS)[counter])
        m.d.sync += [
            now.eq(step),
            more.eq((program != ZEROIZE) & ~step.dense & (self.background != self.backgrounds - 1)),
            through.eq(now.ends_element & last_row & last_bank),
            again.eq(now.ends_program & more),
            self.is_last.eq(through & now.ends_program & ~more),
            following.eq(Mux(again, Array(FIRST)[program], counter + 1)),
            goes_down.eq(Array(operation.down for operation in OPERATIONS)[following]),
        ]
        with m.If(self.advance):
            with m.If(~now.ends_element):
                m.d.sync += counter.eq(following)
            with m.Elif(~through):
                start, beside = Mux(now.down, self.rows - 1, 0), Mux(now.down, self.row - 1, self.row + 1)
                m.d.sync += [counter.eq(element), self.row.eq(Mux(last_row, start, beside))]
                with m.If(last_row):
                    m.d.sync += self.bank.eq(Mux(now.down, self.bank - 1, self.bank + 1))
            with m.Else():
                m.d.sync += [counter.eq(following), element.eq(following),
                             self.background.eq(self.background + again),
                             self.row.eq(Mux(goes_down, self.rows - 1, 0)),
                             self.bank.eq(Mux(goes_down, self.banks - 1, 0))]
        with m.If(self.start):
            first = Array(FIRST)[self.program]
            m.d.sync += [counter.eq(first), element.eq(first), program.eq(self.program), self.background.eq(0),
                         self.bank.eq(0), self.row.eq(0)]
        return m
