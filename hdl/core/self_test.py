"""March: writes and reads every row in a given order, to clear the weights or to test their storage."""

from dataclasses import dataclass
from functools import reduce
from operator import xor

from amaranth.hdl import Array, Cat, Const, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ...golden.known_answers import POLYNOMIAL, SIGNATURE_BITS, expected_signature, following, repeated
from ...golden.march_tests import PROGRAMS
from ..config.widths import ceil_log2
from ..fabric.mux import choose
from .result_packer import beat_layout

# Cycles that a program waits for what has begun.
PATIENCE = 1024
STEP = data.StructLayout({"reads": 1, "inverts": 1, "down": 1, "ends_element": 1, "ends_program": 1, "dense": 1})


@dataclass(frozen=True)
class Step:
    """One operation on the row at hand."""

    reads: bool
    inverts: bool
    down: bool
    ends_element: bool
    ends_program: bool
    dense: bool

    @property
    def word(self):
        """As `STEP` has it."""
        return sum(value << index for index, value in enumerate(
            (self.reads, self.inverts, self.down, self.ends_element, self.ends_program, self.dense)))


def steps(program):
    """The operations of a program, one after the other."""
    found = []
    for number, (order, operations) in enumerate(PROGRAMS[program]):
        names = operations.split()
        for index, name in enumerate(names):
            ends = index + 1 == len(names)
            found.append(Step(name[0] == "r", name[1] == "1", order == "down", ends,
                              ends and number + 1 == len(PROGRAMS[program]), name[1] == "d"))
    return found


class March(wiring.Component):
    """Runs a program on all rows of all banks, which are one space of addresses, bank by bank.

    It stands before the streams, in the place of their sources: a row is written by the loader, and read by a vector
    that is one in that row and zero elsewhere, whose totals are the row. A program that tests runs once with each
    background: all zeros, then bit ``k`` of each bit's place in the row, for every ``k``, so that any two bits of a row
    differ in one of them. To zeroise runs once, with zeros.

    Known answers are dense: an automaton draws all rows, and then as many vectors of all planes, signed, for each bank.
    A signature of all totals is held against the one that the golden model gives.

    Parameters
    ----------
    config : CoreConfig

    Members
    -------
    start, program : ``In``
        For a cycle: run this one of ``PROGRAMS``, which are numbered in their order.
    ready : ``In(1)``
        Nothing is in flight, and no packet has begun.
    running, active : ``Out(1)``
        A program waits for ``ready``, or runs; it runs, and the streams are its own.
    cuts : ``Out(1)``
        It has waited long enough: what keeps it waiting must be thrown away.
    done : ``Out(1)``
        For a cycle: it has ended.
    failed : ``Out(1)``
        Something was read that was not written, since the start of the program, or the signature is another.
    dense : ``Out(1)``
        What is written or sent is drawn by the automaton.
    fault : ``Out``
        ``bank``, ``row`` and ``column`` of the first such weight.
    vector, load : ``Out(stream)``
        `beat_layout`.
    bank, row : ``Out``
        To read or write.
    restart : ``Out(1)``
        The next beat of ``load`` is for another row.
    looks, group, totals : ``In``
        Totals of some columns of what is read, `Requantizer`'s.
    digits, digit_totals : ``Out``, ``In``
        Of the checksum columns, which are columns as all others to it: what is written, and totals of what is read.
    """

    def __init__(self, *, config):
        self.config = config
        macro = config.macro
        columns = config.array.columns
        self.column_bits = ceil_log2(columns)
        self.backgrounds = 1 + ceil_log2(macro.weight_bits) + self.column_bits
        place = {"bank": range(macro.banks), "row": range(macro.rows)}
        super().__init__({
            "start": In(1), "program": In(range(len(PROGRAMS))), "ready": In(1), "running": Out(1), "active": Out(1),
            "cuts": Out(1), "done": Out(1), "failed": Out(1), "dense": Out(1),
            "fault": Out(data.StructLayout({**place, "column": range(columns)})),
            "vector": Out(stream.Signature(beat_layout(config.input_stream_bits))),
            "load": Out(stream.Signature(beat_layout(config.weight_stream_bits))),
            **{name: Out(shape) for name, shape in place.items()}, "restart": Out(1),
            "looks": In(1), "group": In(range(config.groups)), "totals": In(config.lanes * macro.total_width),
            "digits": Out(config.check_columns * macro.weight_bits),
            "digit_totals": In(config.check_columns * macro.total_width),
        })
        self._background = Signal(range(self.backgrounds))
        # What it has in columns whose masked bits are zeros; in the others it is the inverse.
        self._pattern = Signal(macro.weight_bits, name="pattern")
        self._mask = Signal(self.column_bits, name="mask")
        self._state = Signal(max(config.input_stream_bits, config.weight_stream_bits))
        self._signature = Signal(SIGNATURE_BITS)
        self._beat = Signal(range(max(-(-8 * config.vector_bytes // config.input_stream_bits),
                                      -(-8 * config.row_bytes // config.weight_stream_bits))))

    def elaborate(self, platform):
        m = Module()
        program = Signal(range(len(PROGRAMS)), name="at_hand")
        waited = Signal(range(PATIENCE + 1))
        counter, element, step = self._fetch(m)
        chosen = Mux(step.reads, self.vector.valid & self.vector.ready, self.load.valid & self.load.ready)
        last = Mux(step.reads, self.vector.payload.last, self.load.payload.last)
        with m.If(chosen):
            m.d.sync += self._beat.eq(Mux(last, 0, self._beat + 1))
        m.d.comb += self.running.eq(1)
        with m.FSM():
            with m.State("IDLE"):
                m.d.comb += self.running.eq(0)
                with m.If(self.start):
                    first = self._first_step(self.program)
                    m.d.sync += [counter.eq(first), element.eq(first), program.eq(self.program), self.failed.eq(0),
                                 self._background.eq(0), self.bank.eq(0), self.row.eq(0)]
                    m.next = "WAIT"
            with m.State("WAIT"):
                m.d.comb += self.cuts.eq(waited == PATIENCE)
                m.d.sync += waited.eq(Mux(self.cuts, waited, waited + 1))
                with m.If(self.ready):
                    m.d.sync += waited.eq(0)
                    m.next = "PREPARE"
            with m.State("PREPARE"):
                m.d.comb += [self.active.eq(1), self.restart.eq(1)]
                self._set_background(m, step)
                m.next = "SEND"
            with m.State("SEND"):
                m.d.comb += [self.active.eq(1), self.vector.valid.eq(step.reads), self.load.valid.eq(~step.reads)]
                with m.If(chosen & last):
                    m.next = "LOOK"
            with m.State("LOOK"):
                m.d.comb += self.active.eq(1)
                with m.If(~step.reads | (self.looks & (self.group == self.config.groups - 1))):
                    m.next = "NEXT"
            with m.State("NEXT"):
                m.d.comb += self.active.eq(1)
                m.next = "PREPARE"
                with m.If(self._advance(m, program, counter, element, step)):
                    with m.If(step.dense & (self._signature != expected_signature(self.config))):
                        m.d.sync += self.failed.eq(1)
                    m.next = "END"
            with m.State("END"):
                m.d.comb += [self.active.eq(1), self.done.eq(1)]
                m.next = "IDLE"
        m.d.comb += self.dense.eq(step.dense)
        self._draw(m, chosen, step)
        self._send(m, step)
        self._compare(m, step)
        return m

    def _draw(self, m, chosen, step):
        """The automaton, a step a beat, and the signature of what is read."""
        bits = len(self._state)
        word = Cat(self.totals, self.digit_totals)
        pieces = [word[first:first + SIGNATURE_BITS] for first in range(0, len(word), SIGNATURE_BITS)]
        signature = self._signature
        with m.If(chosen & step.dense):
            m.d.sync += self._state.eq(following(self._state, bits))
        with m.If(self.active & self.looks):
            m.d.sync += signature.eq(reduce(xor, pieces, (signature << 1) ^ Mux(signature[-1], POLYNOMIAL, 0)))
        with m.If(self.start):
            m.d.sync += [self._state.eq(repeated(bits)), signature.eq(0)]

    def _fetch(self, m):
        """The step at hand: its number, the number of its element's first, and what it does."""
        words = [step.word for program in PROGRAMS for step in steps(program)]
        counter, element = (Signal(range(len(words)), name=name) for name in ("counter", "element"))
        step = Signal(STEP)
        m.d.comb += step.as_value().eq(Array(words)[counter])
        return counter, element, step

    @staticmethod
    def _first_step(program):
        lengths = [len(steps(name)) for name in PROGRAMS]
        return Array(sum(lengths[:index]) for index in range(len(PROGRAMS)))[program]

    def _advance(self, m, program, counter, element, step):
        """Go to the next step, row, bank, element and background; whether there is none."""
        macro = self.config.macro
        down = step.down
        last_row = Mux(down, self.row == 0, self.row == macro.rows - 1)
        last_bank = Mux(down, self.bank == 0, self.bank == macro.banks - 1)
        through = Signal()
        m.d.comb += through.eq(step.ends_element & last_row & last_bank)
        with m.If(~step.ends_element):
            m.d.sync += counter.eq(counter + 1)
        with m.Elif(~through):
            start, next_row = Mux(down, macro.rows - 1, 0), Mux(down, self.row - 1, self.row + 1)
            m.d.sync += [counter.eq(element), self.row.eq(Mux(last_row, start, next_row))]
            with m.If(last_row):
                m.d.sync += self.bank.eq(Mux(down, self.bank - 1, self.bank + 1))
        with m.Else():
            following = counter + 1
            m.d.sync += [counter.eq(following), element.eq(following)]
            self._start_element(m, following)
        more = (program != 0) & ~step.dense & (self._background != self.backgrounds - 1)
        with m.If(through & step.ends_program & more):
            first = self._first_step(program)
            m.d.sync += [self._background.eq(self._background + 1), counter.eq(first), element.eq(first)]
            self._start_element(m, first)
        return through & step.ends_program & ~more

    def _start_element(self, m, number):
        macro = self.config.macro
        down = Array(step.down for program in PROGRAMS for step in steps(program))[number]
        m.d.sync += [self.row.eq(Mux(down, macro.rows - 1, 0)), self.bank.eq(Mux(down, macro.banks - 1, 0))]

    def _set_background(self, m, step):
        bits = self.config.macro.weight_bits
        low = ceil_log2(bits)
        within = [Cat(Const(bit >> place & 1) for bit in range(bits)) for place in range(low)]
        none = Const(0, bits)
        same = choose([none, *within, *[none] * self.column_bits], self._background)
        m.d.sync += [self._pattern.eq(same ^ step.inverts.replicate(bits)),
                     self._mask.eq(Cat(self._background == 1 + low + place for place in range(self.column_bits)))]

    def _flips(self, column):
        """Whether a column has the inverse of the pattern."""
        return (column & self._mask).any()

    def _weight(self, column):
        """What the background has in a column."""
        return self._pattern ^ self._flips(column).replicate(len(self._pattern))

    def _differs(self, total, column):
        """Whether a total is not what the background has in a column."""
        bits = len(self._pattern)
        return (total[:bits] != self._weight(column)) | (total[bits:] != total[bits - 1].replicate(len(total) - bits))

    def _place(self, column):
        return Const(column, self.column_bits)

    def _send(self, m, step):
        config = self.config
        payload, per_beat = self.load.payload, config.weight_stream_bits // 8 // config.weight_bytes
        elements = []
        for index in range(per_beat):
            column = Cat(Const(index, ceil_log2(per_beat)), self._beat)[:self.column_bits]
            weight = self._weight(column)
            elements.append(Cat(weight, Const(0, 8 * config.weight_bytes - len(weight))))
        m.d.comb += [payload.data.eq(Mux(step.dense, self._state, Cat(elements))), payload.keep.eq(-1),
                     payload.last.eq(self._beat == -(-8 * config.row_bytes // config.weight_stream_bits) - 1)]

        m.d.comb += self.digits.eq(Cat(self._weight(self._place(config.macro.columns + index))
                                       for index in range(config.check_columns)))
        payload, per_beat = self.vector.payload, config.input_stream_bits // 8 // config.input_bytes
        place = ceil_log2(per_beat)
        here = self.row[place:] == self._beat
        ones = Cat(Cat(here & (self.row[:place] == index), Const(0, 8 * config.input_bytes - 1))
                   for index in range(per_beat))
        m.d.comb += [payload.data.eq(Mux(step.dense, self._state, ones)), payload.keep.eq(-1),
                     payload.last.eq(self._beat == -(-8 * config.vector_bytes // config.input_stream_bits) - 1)]

    def _compare(self, m, step):
        """Totals of some columns with what the row must be."""
        config = self.config
        width, lanes, columns = config.macro.total_width, config.lanes, config.macro.columns
        differ, last = Signal(lanes + config.check_columns), self.group == config.groups - 1
        for lane in range(lanes):
            column = Cat(Const(lane, ceil_log2(lanes)), self.group)[:self.column_bits]
            exists = self.group * lanes + lane < columns
            m.d.comb += differ[lane].eq(exists & self._differs(self.totals.word_select(lane, width), column))
        for index in range(config.check_columns):
            total = self.digit_totals.word_select(index, width)
            m.d.comb += differ[lanes + index].eq(last & self._differs(total, self._place(columns + index)))
        wrong = Signal(range(self.config.array.columns))
        for index in reversed(range(config.check_columns)):
            with m.If(differ[lanes + index]):
                m.d.comb += wrong.eq(columns + index)
        for lane in reversed(range(lanes)):
            with m.If(differ[lane]):
                m.d.comb += wrong.eq(Cat(Const(lane, ceil_log2(lanes)), self.group))
        with m.If(self.active & self.looks & differ.any() & ~self.failed & ~step.dense):
            m.d.sync += [self.failed.eq(1), self.fault.bank.eq(self.bank), self.fault.row.eq(self.row),
                         self.fault.column.eq(wrong)]
