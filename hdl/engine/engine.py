"""The engine: its blocks around the macro."""

from dataclasses import dataclass

from amaranth.hdl import Const, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ...golden.engine.descriptor import Flags
from ...golden.engine.latencies import ARGMAX_LATENCY, DEPTHWISE_LATENCY, LANE_LATENCY, SUM_LATENCY
from ..config.widths import ceil_log2
from ..core.requantizer_lane import PARAMETERS
from ..fabric.emitter import Platform
from ..macro.macro import Macro
from .compute.depthwise import Depthwise
from .compute.greatest import Greatest
from .compute.lanes import Lanes
from .compute.pairs import Pairs
from .compute.pool import Pool
from .compute.results import Results
from .control.delays import delayed
from .control.descriptor import ADDRESS_BITS
from .control.image_words import ImageWords, Section, word_members
from .control.rules import FAULT
from .control.sequencer import NUMBER_BITS, Sequencer
from .faults import Faults
from .guards import Guards
from .memory.activation_memory import WINDOW_ROWS, ActivationMemory
from .memory.bounds import used_layout
from .memory.gather import BYTES_AFTER, Gather
from .memory.patch_addresses import read_layout
from .memory.tile_loader import TileLoader
from .memory.tile_rows import TileRows
from .memory.weight_port import WeightPort, port_members
from .trace import ENTRY_WORDS, Trace

# Cycles for which results that feed a layer wait, so that a vector is there as long after them as results in memory.
FED_LATENCY = 1
# Units that read the memory by themselves.
READERS = ("pool", "pairs", "greatest")


def check_gateware(config):
    """ValueError, in one line, for what an engine's configuration has and there is no gateware of."""
    if config.arrays != 1:
        raise ValueError(f"arrays must be 1 in gateware, not {config.arrays}")


def engine_members(config):
    """Members of an `Engine`."""
    lanes, address = config.lanes, range(config.activation_bytes)
    return {
        **word_members(),
        "load_count": In(range(config.load_entries + 1)), "start": In(1), "cancel": In(1), "running": Out(1),
        "ended": Out(1), "cycle": Out(32), "argmax": Out(16), "address": In(address), "data": Out(8 * lanes),
        "trace_count": Out(range(config.program_length + 1)),
        "trace_address": In(range(ENTRY_WORDS * config.program_length)), "trace_data": Out(32),
        "fault": Out(FAULT), "fault_number": Out(NUMBER_BITS), "write": Out(lanes), "target": Out(ADDRESS_BITS),
        "results": Out(8 * lanes),
        **({"row_count": In(range(config.most_tile_rows + 1)), **port_members(config)} if config.weight_port else {}),
    }


@dataclass(frozen=True)
class Units:
    """The blocks of an engine that do the work of descriptors."""

    sequencer: Sequencer
    memory: ActivationMemory
    gather: Gather
    loader: TileLoader
    rows: TileRows | WeightPort
    array: Macro
    results: Results
    pool: Pool
    pairs: Pairs
    greatest: Greatest


class Engine(wiring.Component):
    """Runs the program that was loaded, on the input that was loaded, until END.

    Parameters
    ----------
    config : EngineConfig

    Raises
    ------
    ValueError
        More than one macro, which it does not have yet.

    Members
    -------
    valid : ``In(1)``
        A word of an image, or of the activation memory; only while not ``running``.
    section : ``In(Section)``
        Like the next three, as `ImageWords` takes it.
    item : ``In(24)``
        Which item of the section.
    part : ``In(8)``
        Which word of the item.
    word : ``In(32)``
        The word.
    load_count : ``In(range(load_entries + 1))``
        Entries of the list of loads; they stay from ``start`` until the run has ended.
    start : ``In(1)``
        For a cycle, while not ``running``, and not with ``valid``: run. Nothing happens while ``running``.
    cancel : ``In(1)``
        For a cycle: end the run, as a fault does.
    running : ``Out(1)``
        A run has begun, and something of it goes on: it has not ended, or units come to their end after a fault.
    ended : ``Out(1)``
        For a cycle: the last of a descriptor.
    cycle : ``Out(32)``
        Of the run.
    argmax : ``Out(16)``
        Number of the greatest output, after a run.
    address : ``In(range(activation_bytes))``
        Address to read while not ``running``.
    data : ``Out(8 * lanes)``
        Bytes there, `ActivationMemory.READ` cycles later.
    fault : ``Out(FAULT)``
        What ended the last run, of `Fault`; 0: END did. A run that a fault ends goes on until its last vectors are
        through, and writes nothing any more.
    fault_number : ``Out(16)``
        Number of the descriptor that has the fault.
    trace_count : ``Out(range(program_length + 1))``
        Entries of the last run's `Trace`; all, as many cycles after the run as an entry has words.
    trace_address : ``In(range(ENTRY_WORDS * program_length))``
        Word of the last run's `Trace` to read while not ``running``.
    trace_data : ``Out(32)``
        The word, two cycles later.
    write : ``Out(lanes)``
        Which of ``results`` go to the activation memory, in a run. Those of a descriptor do before the next starts.
    target : ``Out(ADDRESS_BITS)``
        Where the first of them goes.
    results : ``Out(8 * lanes)``
        The bytes.
    row_count : ``In(range(most_tile_rows + 1))``
        With ``weight_port``, as all below: rows that the memory outside has; they stay from ``start`` until the run has
        ended.
    request_valid : ``Out(1)``
        Like the next seven, as of `WeightPort`: a row is requested.
    request_ready : ``In(1)``
        The memory takes the request.
    request_row : ``Out(16)``
        Its number.
    request_tag : ``Out(1)``
        Comes back with its answer.
    answer_valid : ``In(1)``
        Bytes of an answer, the lowest first; answers come in the order of requests.
    answer_data : ``In(8 * weight_port)``
        The bytes.
    answer_wrong : ``In(1)``
        They are an error.
    answer_tag : ``In(1)``
        Of the request.
    """

    def __init__(self, *, config):
        check_gateware(config)
        self.config = config
        super().__init__(engine_members(config))

    def elaborate(self, platform):
        platform = Platform.of(platform)
        m = Module()
        units = self._add_units(m, platform)
        self._load(m, platform, units)
        # No block starts while another one has not come to its end.
        self._starts = Signal(name="starts")
        m.d.comb += self._starts.eq(self.start & ~self.running)
        self._start_units(m, units)
        self._connect_array(m, units)
        self._connect_rows(m, units)
        self._connect_results(m, units)
        depthwise, depthwise_last = self._add_depthwise(m, platform, units)
        self._read(m, units)
        # A descriptor starts in the next cycle; all units stop.
        self._goes = Signal(name="goes")
        m.d.comb += self._goes.eq(Value.cast(units.sequencer.go).any())
        self._stop = Signal(name="stop")
        self._count_to_end(m, units, depthwise_last)
        self._guard(m, platform, units, depthwise)
        self._add_trace(m, platform, units)
        m.d.sync += self.cycle.eq(Mux(units.sequencer.runs, self.cycle + 1, Mux(self._starts, 0, self.cycle)))
        return m

    def _add_units(self, m, platform):
        """All blocks but those that not every engine has, or that only watch."""
        config = self.config

        def add(name, cls, **parameters):
            return platform.instantiate(m, name, name, cls, **parameters)

        lanes, size = config.lanes, config.activation_bytes
        return Units(
            sequencer=add("sequencer", Sequencer, config=config),
            memory=add("memory", ActivationMemory, size=size, lanes=lanes, has_windows=config.depthwise > 0),
            gather=add("gather", Gather, rows=config.macro.rows, lanes=lanes, size=size),
            loader=add("loader", TileLoader, config=config),
            rows=add("rows", WeightPort if config.weight_port else TileRows, config=config),
            array=add("macro", Macro, config=config.macro, in_order=True),
            results=add("results", Results, config=config), pool=add("pool", Pool, lanes=lanes),
            pairs=add("pairs", Pairs, lanes=lanes), greatest=add("greatest", Greatest, lanes=lanes))

    def _start_units(self, m, units):
        """Units that read start with the descriptor that needs them."""
        sequencer = units.sequencer
        for name in ("gather", *READERS):
            unit = getattr(units, name)
            m.d.comb += unit.go.eq(sequencer.go[name])
            if unit is not units.greatest:
                m.d.comb += [unit.record.eq(sequencer.record), unit.begin.eq(sequencer.begin[name])]

    def _connect_array(self, m, units):
        """Tiles and vectors into the macro, and its results."""
        array, gather, loader, sequencer = units.array, units.gather, units.loader, units.sequencer
        m.d.comb += [
            gather.data.eq(units.memory.data), gather.holds.eq(units.results.other_reads),
            array.i.valid.eq(gather.o_valid & loader.has_tile),
            Value.cast(array.i.payload.x).eq(gather.x), array.i.payload.bits.eq(self.config.macro.input_bits),
            array.i.payload.signed.eq(~sequencer.record.fields.flags[0]), array.i.payload.bank.eq(loader.bank),
            gather.take.eq(array.i.valid & array.i.ready),
            loader.released.eq(gather.take & gather.ends_tile),
            loader.start.eq(self._starts), loader.runs.eq(sequencer.runs), loader.count.eq(self.load_count),
        ]
        wiring.connect(m, loader.write, array.write)
        wiring.connect(m, array.o, units.results.o)

    def _connect_rows(self, m, units):
        """Rows of tiles to the loader; and with ``weight_port`` what is outside."""
        loader, rows = units.loader, units.rows
        m.d.comb += [rows.offers.eq(loader.offers), rows.take.eq(loader.take), loader.valid.eq(rows.valid),
                     loader.row.eq(rows.row)]
        if not self.config.weight_port:
            m.d.comb += [rows.begins.eq(loader.begins), rows.first.eq(loader.first)]
            return
        m.d.comb += [rows.start.eq(self._starts), rows.runs.eq(units.sequencer.runs), rows.count.eq(self.load_count),
                     rows.row_count.eq(self.row_count)]
        for name, member in port_members(self.config).items():
            inner, outer = getattr(rows, name), getattr(self, name)
            m.d.comb += outer.eq(inner) if member.flow == Out else inner.eq(outer)

    def _connect_results(self, m, units):
        """What goes to the lanes, and what comes from memory."""
        results, pairs, greatest, memory = units.results, units.pairs, units.greatest, units.memory
        fields = units.sequencer.record.fields
        m.d.comb += [
            results.record.eq(units.sequencer.record), results.begin.eq(units.sequencer.begin.results),
            *(getattr(results, f"pair_{name}").eq(getattr(pairs, name)) for name in ("valid", "target", "write")),
            greatest.source.eq(fields.source), greatest.depth.eq(fields.depth), self.argmax.eq(greatest.number),
            *(unit.data.eq(memory.data) for unit in (results, units.pool, greatest)), self.data.eq(memory.data),
        ]

    def _count_to_end(self, m, units, depthwise_last):
        """An operation ends when what is within the blocks after its last cycle has gone through."""
        sequencer, fields = units.sequencer, units.sequencer.record.fields
        left = Signal(range(LANE_LATENCY + SUM_LATENCY + 1))
        is_twice = sequencer.units.pairs | ((fields.flags & int(Flags.RESIDUAL)) != 0)
        has_sent, has_computed, has_read = (delayed(m, name, last, 1, reset=True) for name, last in (
            ("has_sent", units.results.last | units.pool.last | units.pairs.last), ("has_computed", depthwise_last),
            ("has_read", units.greatest.last)))
        # All that was in a register.
        with m.If(has_sent):
            m.d.sync += left.eq(Mux(is_twice, LANE_LATENCY + SUM_LATENCY - 1, LANE_LATENCY - 1))
        with m.Elif(has_computed):
            m.d.sync += left.eq(DEPTHWISE_LATENCY + LANE_LATENCY - 1)
        with m.Elif(has_read):
            m.d.sync += left.eq(ARGMAX_LATENCY - 1)
        with m.Elif(left != 0):
            m.d.sync += left.eq(left - 1)
        m.d.sync += self.ended.eq((left == 2) & ~self._stop)
        m.d.comb += [sequencer.done.eq(self.ended), sequencer.start.eq(self._starts)]
        with m.If(self._stop):
            m.d.sync += left.eq(0)

    def _add_trace(self, m, platform, units):
        """Cycles and counters of each descriptor."""
        trace = platform.instantiate(m, "trace", "trace", Trace, program_length=self.config.program_length)
        loader, results = units.loader, units.results
        m.d.comb += [
            trace.clear.eq(self._starts), trace.ends.eq(self.ended),
            trace.begins.eq(delayed(m, "begins", self._goes, 1, reset=True)), trace.cycle.eq(self.cycle),
            trace.rows.eq(loader.write.valid & loader.write.ready),
            trace.reads.eq(units.gather.reads | results.other_reads | units.pool.counts | units.pairs.reads |
                           units.greatest.reads),
            trace.lanes.eq(results.uses_lanes), trace.address.eq(self.trace_address), self.trace_data.eq(trace.data),
            self.trace_count.eq(trace.count),
        ]

    def _add_depthwise(self, m, platform, units):
        """The depthwise unit, on the way of pools to the lanes, or None; whether its last cycle is this one."""
        sequencer, memory, rows, gather = units.sequencer, units.memory, units.rows, units.gather
        results, pool = units.results, units.pool
        ports = ("valid", "target", "write")
        m.d.comb += [getattr(results, f"pool_{name}").eq(getattr(pool, name)) for name in ports]
        m.d.comb += Value.cast(results.pool_totals).eq(Value.cast(pool.totals))
        if not self.config.depthwise:
            return None, Const(0)
        unit = platform.instantiate(m, "depthwise", "depthwise", Depthwise, config=self.config)
        is_alone = sequencer.units.depthwise & ~sequencer.is_fed
        # From the sums at the lanes until their results are written to a vector, less the time that this takes.
        later = Results.LATENCY - Lanes.SUMS + FED_LATENCY - BYTES_AFTER
        read = Signal(read_layout(self.config.macro.rows, self.config.lanes))
        m.d.comb += [
            read.end.eq(self.config.lanes), read.offset.eq(unit.offset), read.begins.eq(unit.begins),
            read.ends.eq(unit.ends), read.ends_tile.eq(unit.is_end),
            read.count.eq(sum(unit.write[lane] for lane in range(self.config.lanes))),
            gather.is_fed.eq(sequencer.is_fed), gather.fed_read.eq(delayed(m, "fed_read", read, later)),
            gather.fed_valid.eq(delayed(m, "fed_valid", unit.valid & sequencer.is_fed, later, reset=True)),
            gather.fed_data.eq(delayed(m, "fed_data", results.results, FED_LATENCY)),
            unit.take.eq(gather.take & sequencer.is_fed),
        ]
        m.d.comb += [
            unit.record.eq(sequencer.feeder), results.feeder.eq(sequencer.feeder),
            unit.begin.eq(sequencer.begin.depthwise), unit.go.eq(sequencer.go.depthwise),
            *(getattr(unit, name).eq(getattr(rows, name)) for name in ("tap_ready", "tap_arrives", "taps")),
            rows.tap_reads.eq(unit.tap_reads), rows.tap_row.eq(unit.tap_row),
            memory.is_window.eq(self.running & sequencer.units.depthwise),
            *(memory.window[row].eq(unit.address[row]) for row in range(WINDOW_ROWS)),
            memory.window_rows.eq(unit.rows), Value.cast(unit.data).eq(Value.cast(memory.window_data)),
            results.fed_next.eq(unit.next), results.fed_slot.eq(unit.slot),
            Value.cast(results.fed_sums).eq(Value.cast(unit.sums)),
        ]
        with m.If(is_alone):
            m.d.comb += [getattr(results, f"pool_{name}").eq(getattr(unit, name)) for name in ports]
        return unit, unit.last & is_alone

    def _read(self, m, units):
        """Who reads the activation memory: one at a time."""
        memory, gather, results = units.memory, units.gather, units.results
        is_other = results.other_reads
        used = units.sequencer.units
        self._used = Signal(used_layout(self.config.lanes), name="used")
        is_other_used = delayed(m, "is_other_used", is_other, 1)
        # All its bits, of which the memory has no use for the highest.
        self._address = Signal(ADDRESS_BITS, name="read_address")
        m.d.comb += [self._address.eq(self.address), memory.address.eq(self._address)]
        with m.If(self.running & used.results):
            m.d.comb += [self._address.eq(Mux(is_other, results.other_address, gather.address)),
                         memory.place.eq(Mux(is_other, 0, gather.place)),
                         self._used.eq(Mux(is_other_used, results.other_used, gather.used))]
        for name in READERS:
            unit = getattr(units, name)
            with m.If(self.running & used[name]):
                m.d.comb += [self._address.eq(unit.address), self._used.eq(unit.used)]

    def _guard(self, m, platform, units, depthwise):
        """Faults, which stop all units; and what is written."""
        sequencer, loader, gather, results, pool = (units.sequencer, units.loader, units.gather, units.results,
                                                    units.pool)
        fields = sequencer.record.fields
        guards = platform.instantiate(m, "guards", "guards", Guards, lanes=self.config.lanes,
                                      has_windows=depthwise is not None)
        faults = platform.instantiate(m, "faults", "faults", Faults, config=self.config)
        seen, lacks, busy = faults.seen, loader.lacks, loader.busy
        if self.config.weight_port:
            rows = units.rows
            lacks, busy = lacks | (rows.is_beyond & ~loader.has_tile), busy | rows.busy
            m.d.comb += [seen.lost_tile.eq(gather.o_valid & rows.is_lost & ~loader.has_tile),
                         seen.lost_taps.eq(rows.tap_lost)]
        m.d.comb += [
            guards.record.eq(sequencer.record), guards.go.eq(self._goes), guards.feeder.eq(sequencer.feeder),
            guards.address.eq(self._address), guards.used.eq(self._used), guards.write.eq(results.write),
            guards.target.eq(results.target), guards.data.eq(results.results),
            guards.allows.eq(self.running & ~faults.stop),
            self.write.eq(guards.guarded_write), self.target.eq(guards.guarded_target),
            self.results.eq(guards.guarded_data),
            seen.source.eq(guards.beyond_source), seen.target.eq(guards.beyond_target),
            seen.residual.eq(guards.beyond_residual), seen.unit.eq(pool.is_outside),
            seen.sums.eq(results.has_many_sums),
            seen.tile.eq(results.has_many_slots | (gather.o_valid & lacks) |
                         (delayed(m, "goes", sequencer.go.results, 1, reset=True) &
                          (fields.weights != loader.used))),
            faults.start.eq(self._starts), faults.running.eq(sequencer.running), faults.cancel.eq(self.cancel),
            faults.busy.eq(busy), faults.rule.eq(sequencer.fault),
            faults.rule_number.eq(sequencer.fault_number), faults.number.eq(sequencer.number),
            faults.is_fed.eq(sequencer.is_fed), self.fault.eq(faults.fault),
            self.fault_number.eq(faults.fault_number), self._stop.eq(faults.stop),
            sequencer.stopped.eq(faults.stopped),
            *(unit.stop.eq(faults.stop) for unit in (sequencer, gather, results, pool, units.pairs, units.greatest)),
        ]
        # What is on its way when END or a fault ends the program goes on.
        m.d.sync += self.running.eq(self._starts | sequencer.running | faults.is_found | faults.stop | busy)
        if depthwise:
            m.d.comb += [
                depthwise.stop.eq(faults.stop), Value.cast(guards.window).eq(Value.cast(depthwise.address)),
                Value.cast(guards.window_used).eq(Value.cast(depthwise.used)),
                seen.window.eq(guards.beyond_window),
                seen.taps.eq(units.rows.tap_beyond),
            ]

    def _load(self, m, platform, units):
        """Items of an image into the memories."""
        config, sequencer, memory = self.config, units.sequencer, units.memory
        loader, rows, results = units.loader, units.rows, units.results
        words = platform.instantiate(m, "words", "image_words", ImageWords, lanes=config.lanes,
                                     columns=0 if config.weight_port else config.columns)
        m.d.comb += [getattr(words, name).eq(getattr(self, name)) for name in ("section", "item", "part", "word")]
        m.d.comb += words.valid.eq(self.valid & ~self.running)
        stores = {section: words.stores & (words.store == section) for section in Section}
        lane_bits = ceil_log2(config.lanes)
        m.d.comb += [
            sequencer.write.eq(stores[Section.PROGRAM]), sequencer.write_address.eq(words.program_word),
            sequencer.write_data.eq(words.data),
            results.write_parameters.eq(Mux(stores[Section.PARAMETERS], 1 << words.number[:lane_bits], 0)),
            results.write_slot.eq(words.number[lane_bits:]),
            Value.cast(results.parameters).eq(words.data[:PARAMETERS.size]),
        ]
        for block in (loader, rows) if config.weight_port else (loader,):
            m.d.comb += [block.write_entry.eq(stores[Section.LOADS]), block.entry_address.eq(words.number),
                         block.entry.eq(words.data)]
        if not config.weight_port:
            m.d.comb += [rows.write.eq(stores[Section.TILES]), rows.write_address.eq(words.number),
                         rows.write_data.eq(words.data)]
        with m.If(self.running):
            m.d.comb += [memory.write.eq(self.write), memory.write_address.eq(self.target),
                         memory.write_data.eq(self.results)]
        with m.Else():
            m.d.comb += [memory.write_address.eq(words.number), memory.write_data.eq(words.data[:32]),
                         memory.write.eq(stores[Section.ACTIVATIONS].replicate(4))]
