"""Sequencer: fetches descriptors, and starts one after the other."""

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ....golden.engine.descriptor import Flags, Operation
from ....golden.engine.image import Fault
from ....golden.engine.latencies import FETCH_CYCLES, START_CYCLES
from ...fabric.emitter import Platform
from ...fabric.memory import BlockRam
from ...fabric.register import registered
from .descriptor import WORD_BITS, descriptor_layout, record_layout
from .products import Products
from .rules import FAULT, Rules, before_layout

# Cycles from an address of a `BlockRam` to its word; and from the start of a run to its cycle 0, of which the loader
# needs more than the program.
READ, PRIME = 2, 4
NUMBER_BITS = 16
# Which units a descriptor has; of a CONV that is fed the gather is none of them, but the depthwise unit is.
UNITS = data.StructLayout(dict.fromkeys(("gather", "results", "depthwise", "pool", "pairs", "greatest"), 1))
# Those that walk ahead of what they do.
AHEAD = ("gather", "results")


class Sequencer(wiring.Component):
    """Fetches a descriptor in `FETCH_CYCLES` cycles, and starts it `START_CYCLES` after the one before has ended.

    Cycle 0 of a run comes `PRIME` + 1 cycles after ``start``. Two descriptors may be fetched and not started. One that
    breaks a rule does not start, nor does any after it; of two that run together the second starts, and both are
    stopped before they write.

    Parameters
    ----------
    config : EngineConfig

    Members
    -------
    write : ``In(1)``
        Store a word of the program.
    write_address : ``In(range(program_length * FETCH_CYCLES))``
        Its number.
    write_data : ``In(32)``
        The word.
    start : ``In(1)``
        Begin a run; only while not ``running``.
    running : ``Out(1)``
        A run has begun and not ended.
    runs : ``Out(1)``
        The cycles of the run are counted: from cycle 0 on.
    record : ``Out(record_layout)``
        The descriptor that runs, or is about to; of two that run together the second.
    feeder : ``Out(record_layout)``
        The first of these, or the only one.
    is_fed : ``Out(1)``
        Two run together.
    units : ``Out(UNITS)``
        Those that ``record`` needs.
    begin : ``Out(UNITS)``
        For a cycle, two before the first of a descriptor, for `AHEAD` when ``record`` is new: they prepare themselves.
    go : ``Out(UNITS)``
        For a cycle, the one before the first of a descriptor: they start.
    done : ``In(1)``
        For a cycle, its last.
    fault : ``Out(FAULT)``
        What the next descriptor breaks.
    fault_number : ``Out(16)``
        Its number.
    number : ``Out(16)``
        Number of ``feeder``.
    stop : ``In(1)``
        Nothing starts or is fetched.
    stopped : ``In(1)``
        For a cycle, with ``stop``: the run ends.
    """

    def __init__(self, *, config):
        self.config = config
        program_length = config.program_length
        super().__init__({
            "write": In(1), "write_address": In(range(program_length * FETCH_CYCLES)), "write_data": In(WORD_BITS),
            "start": In(1), "running": Out(1), "runs": Out(1), "record": Out(record_layout()),
            "feeder": Out(record_layout()), "is_fed": Out(1), "units": Out(UNITS), "begin": Out(UNITS),
            "go": Out(UNITS), "done": In(1), "fault": Out(FAULT), "fault_number": Out(NUMBER_BITS),
            "number": Out(NUMBER_BITS), "stop": In(1), "stopped": In(1),
        })

    def elaborate(self, platform):
        m = Module()
        platform = Platform.of(platform)
        arrived, takes = self._fetch(m, platform)
        # One waits; one runs; none starts or runs.
        waits, busy, is_idle = Signal(), Signal(), Signal(init=1)
        waiting = Signal(record_layout(), reset_less=True)
        # A bit for each cycle from that on in which what waits may start.
        steps, clears = Signal(START_CYCLES - 1), Signal()
        feeds, arriving_feeds = ((record.fields.flags & int(Flags.FEEDS)) != 0 for record in (waiting, arrived))
        ends = self.done & busy & self.units.greatest
        fails = self._check(m, platform, arrived, takes, waits & ~busy, *steps[-2:])
        starts, follows = Signal(), Signal()
        m.d.comb += [takes.eq(self._is_arrived & ~waits), clears.eq(fails | ends | self.stop)]
        m.d.sync += [
            steps.eq(Mux(clears, 0, Cat(starts, steps))),
            *(self.begin[name].eq(steps[0] & ~clears & self._units_of(waiting)[name] if name in AHEAD else
                                  steps[-3] & ~clears & self.units[name]) for name, _ in UNITS),
            self.go.eq(Mux(steps[-2] & ~clears, self.units, 0)),
        ]
        with m.If(takes):
            m.d.sync += waits.eq(1)
        with m.If(steps[-1]):
            m.d.sync += [waits.eq(0), busy.eq(1)]
            with m.If(self.is_fed):
                m.d.sync += self._is_arrived.eq(0)
        # Of two that start together the second follows the first through the register of what waits.
        m.d.comb += [follows.eq(is_idle & waits & feeds & self._is_arrived),
                     starts.eq(follows | (is_idle & Mux(waits, ~feeds, takes & ~arriving_feeds)))]
        with m.If(starts):
            m.d.sync += [is_idle.eq(0), self.is_fed.eq(follows)]
        with m.If(takes | follows):
            m.d.sync += waiting.eq(arrived)
        with m.If(follows | (steps[0] & ~self.is_fed)):
            m.d.sync += self.feeder.eq(waiting)
        with m.If(steps[0]):
            m.d.sync += self.record.eq(waiting)
            m.d.sync += [self.units[name].eq(value) for name, value in self._units_of(waiting).items()]
        with m.If(self.done):
            m.d.sync += [busy.eq(0), is_idle.eq(1)]
        with m.If(ends | self.stop):
            m.d.sync += [self.runs.eq(0), waits.eq(0), busy.eq(0), is_idle.eq(1)]
        with m.If(self.stop):
            m.d.sync += [self._is_arrived.eq(0), self._prime.eq(0), self.is_fed.eq(0)]
        with m.If(ends | self.stopped):
            m.d.sync += self.running.eq(0)
        with m.Elif(self.start):
            m.d.sync += self.running.eq(1)
        return m

    def _units_of(self, record):
        """`UNITS`: the operation decoded, once for all."""
        is_kind = {kind: record.fields.operation == kind for kind in Operation}
        return {
            "gather": is_kind[Operation.CONV] & ~self.is_fed, "results": is_kind[Operation.CONV],
            "depthwise": is_kind[Operation.DEPTHWISE] | self.is_fed, "pool": is_kind[Operation.POOL],
            "pairs": is_kind[Operation.ADD], "greatest": is_kind[Operation.END],
        }

    def _check(self, m, platform, arrived, takes, is_next, begins, goes):
        """Rules of each descriptor that arrives; whether the one that is next breaks one, or is none of the program."""
        rules = platform.instantiate(m, "rules", "rules", Rules, config=self.config)
        before = Signal(before_layout(), name="before")
        # What the one breaks that waits, and the one that it feeds; and how many have started.
        waiting, fed = Signal(FAULT, name="waiting_fault"), Signal(FAULT, name="fed_fault")
        started = Signal(NUMBER_BITS)
        # Whether the next one is none of the program, and whether the one after it is none; that counts for two that
        # begin.
        is_beyond, is_first_beyond, is_second_beyond = Signal(), Signal(), Signal()
        fails, begins_two = Signal(), Signal()
        # It is told when the one before has written all, like a start.
        held = Signal(range(START_CYCLES))
        is_told = held == START_CYCLES - 1
        m.d.comb += [
            rules.record.eq(arrived), rules.before.eq(before),
            begins_two.eq(begins & self.is_fed), is_beyond.eq(Mux(begins_two, is_second_beyond, is_first_beyond)),
            fails.eq(is_next & ((waiting != 0) | is_beyond)), self.fault_number.eq(started + begins_two),
        ]
        m.d.sync += [is_first_beyond.eq(started >= self.config.program_length),
                     is_second_beyond.eq(started >= self.config.program_length - 1)]
        with m.If(is_beyond & ((is_next & is_told) | begins)):
            m.d.comb += self.fault.eq(Fault.IMAGE)
        with m.Elif(fails & is_told):
            m.d.comb += self.fault.eq(waiting)
        with m.Elif(begins_two):
            m.d.comb += self.fault.eq(fed)
        m.d.sync += held.eq(Mux(fails, Mux(is_told, held, held + 1), 0))
        with m.If(takes):
            m.d.sync += waiting.eq(rules.fault)
        with m.Else():
            m.d.sync += fed.eq(rules.fault)
        with m.If(takes | (goes & self.is_fed)):
            m.d.sync += [before[name].eq(arrived.fields[name]) for name, _ in before_layout()]
        with m.If(goes):
            m.d.sync += [self.number.eq(started), started.eq(started + 1 + self.is_fed)]
        with m.If(self.start):
            m.d.sync += [started.eq(0), before.eq(0), self.is_fed.eq(0)]
        return fails

    def _fetch(self, m, platform):
        """Words of the program into a record, which is taken when it is complete."""
        program = platform.instantiate(m, "program", "program", BlockRam, width=WORD_BITS,
                                       depth=self.config.program_length * FETCH_CYCLES)
        products = platform.instantiate(m, "multiplier", "products", Products)
        record = Signal(record_layout(), name="arrived")
        fields = Signal(descriptor_layout(), name="arrived_fields", reset_less=True)
        address = Signal.like(self.write_address)
        # A bit for each word: the one that is next.
        word = Signal(FETCH_CYCLES, init=1)
        self._prime = prime = Signal(PRIME, name="prime")
        self._is_arrived, takes, goes, begins, ended = (
            Signal(name=name) for name in ("is_arrived", "takes", "goes", "begins", "ended"))
        m.d.comb += [
            ended.eq(self._is_arrived & registered(m, "is_end", fields.operation == Operation.END)),
            goes.eq(~word[0] | begins),
            begins.eq(self.runs & ~ended & (~self._is_arrived | takes) & ~self._is_ended(m, takes, ended)),
            program.write.eq(self.write), program.write_address.eq(self.write_address),
            program.write_data.eq(self.write_data),
            program.address.eq(address), program.enable.eq(goes | prime[:READ].any()),
            products.word.eq(word), products.fields.eq(fields), record.fields.eq(fields),
            record.products.eq(products.products),
        ]
        m.d.sync += prime.eq(Mux(self.start, 1, prime << 1))
        with m.If(prime[-1]):
            m.d.sync += self.runs.eq(1)
        with m.If(self.start):
            m.d.sync += [address.eq(0), word.eq(1), self._is_arrived.eq(0)]
        with m.Elif(program.enable):
            m.d.sync += address.eq(address + 1)
        with m.If(takes):
            m.d.sync += self._is_arrived.eq(0)
        with m.If(goes):
            m.d.sync += word.eq(word.rotate_left(1))
            for index in range(FETCH_CYCLES):
                with m.If(word[index]):
                    m.d.sync += Value.cast(fields).word_select(index, WORD_BITS).eq(program.data)
            with m.If(word[-1]):
                m.d.sync += self._is_arrived.eq(1)
        return record, takes

    def _is_ended(self, m, takes, ended):
        """Whether END was fetched in this run, which nothing follows."""
        is_ended = Signal()
        with m.If(self.start):
            m.d.sync += is_ended.eq(0)
        with m.Elif(takes & ended):
            m.d.sync += is_ended.eq(1)
        return is_ended
