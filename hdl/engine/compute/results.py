"""Results: from the macro, pools and pairs through the lanes to memory."""

from amaranth.hdl import Cat, Module, Mux, Signal, Value, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ....golden.engine.descriptor import Flags, Operation
from ....golden.requantize import ROUNDINGS
from ...core.requantizer_lane import PARAMETERS
from ...fabric.emitter import Platform
from ...fabric.mux import instantiate_choice
from ...fabric.register import registered
from ...macro.ports import output_layout
from ..control.delays import delayed
from ..control.descriptor import ADDRESS_BITS, record_layout
from ..memory.activation_memory import ActivationMemory
from ..memory.bounds import used_layout
from .image_sums import ImageSums
from .lanes import Lanes
from .partial_sums import PartialSums
from .pool import TOTAL_BITS
from .result_slots import ResultSlots
from .sum_of_two import SumOfTwo

# Cycles from the lanes' parameters until what is added to their results comes into the sum of two.
OWN = Lanes.LATENCY
# From a pair in the sum of two until the lanes read the parameters of its sum.
SUM = SumOfTwo.LATENCY - Lanes.SUMS
# Which settings of the lanes.
LAYER, POOLED, SUMMED, FED = range(4)


class Results(wiring.Component):
    """All results go through the same lanes, and those to which a tensor is added twice.

    A result takes the lanes in even cycles if something is added to it, which leaves the odd ones to the sums.

    Latency: `LATENCY` cycles from the lanes' parameters to ``results``.

    Parameters
    ----------
    config : EngineConfig

    Members
    -------
    record : ``In(record_layout)``
        The descriptor.
    begin : ``In(1)``
        For a cycle: it is new, and a CONV.
    o : ``In(stream)``
        Of the macro.
    last : ``Out(1)``
        The last slot of a CONV goes to the lanes.
    other_reads : ``Out(1)``
        The memory is read for a tensor that is added.
    other_address : ``Out(ADDRESS_BITS)``
        Where.
    other_used : ``Out(used_layout)``
        Which bytes are used, a cycle after the address.
    uses_lanes : ``Out(1)``
        The lanes take something, or will when what is added has been read.
    has_many_slots : ``Out(1)``
        Like the next, a cycle after a slot went to the lanes: it is one of more than the macro's result has.
    has_many_sums : ``Out(1)``
        Its partial sums are the last of those that can be kept, and there are more.
    stop : ``In(1)``
        Results of the macro are lost, until there are none any more.
    data : ``In(8 * lanes)``
        What is read.
    pool_valid : ``In(1)``
        Like the next four, of `Pool` or `Depthwise`: there are totals.
    pool_totals : ``In(ArrayLayout(signed(TOTAL_BITS), lanes))``
        The totals.
    feeder : ``In(record_layout)``
        Of the depthwise unit.
    fed_next : ``In(1)``
        It takes the lanes in place of a slot of the macro's.
    fed_slot : ``In(16)``
        Slot of its parameters, a cycle later.
    fed_sums : ``In(ArrayLayout(signed(TOTAL_BITS), lanes))``
        Its sums, three cycles later.
    pool_target : ``In(ADDRESS_BITS)``
        Where their results go.
    pool_write : ``In(lanes)``
        Which are written.
    pair_valid : ``In(1)``
        Like the next two, of `Pairs`: two words were read.
    pair_target : ``In(ADDRESS_BITS)``
        Where their sums go.
    pair_write : ``In(lanes)``
        Which are written.
    write_parameters : ``In(lanes)``
        Like the next two, to `Lanes`: store the parameters of these lanes.
    write_slot : ``In(range(parameter_slots))``
        In this slot.
    parameters : ``In(PARAMETERS)``
        The parameters.
    target : ``Out(ADDRESS_BITS)``
        Where results are written.
    write : ``Out(lanes)``
        Which.
    results : ``Out(8 * lanes)``
        The results.
    """

    LATENCY = OWN + 1

    def __init__(self, *, config):
        self.config = config
        lanes = config.lanes
        super().__init__({
            "record": In(record_layout()), "begin": In(1), "o": In(stream.Signature(output_layout(config.macro))),
            "last": Out(1), "other_reads": Out(1), "other_address": Out(ADDRESS_BITS),
            "other_used": Out(used_layout(lanes)), "uses_lanes": Out(1), "has_many_slots": Out(1),
            "has_many_sums": Out(1), "stop": In(1),
            "data": In(8 * lanes),
            "pool_valid": In(1), "pool_totals": In(data.ArrayLayout(signed(TOTAL_BITS), lanes)),
            "feeder": In(record_layout()), "fed_next": In(1), "fed_slot": In(16),
            "fed_sums": In(data.ArrayLayout(signed(TOTAL_BITS), lanes)), "pool_target": In(ADDRESS_BITS),
            "pool_write": In(lanes), "pair_valid": In(1),
            "pair_target": In(ADDRESS_BITS), "pair_write": In(lanes), "write_parameters": In(lanes),
            "write_slot": In(range(config.parameter_slots)), "parameters": In(PARAMETERS),
            "target": Out(ADDRESS_BITS), "write": Out(lanes), "results": Out(8 * lanes),
        })

    def elaborate(self, platform):
        platform = Platform.of(platform)
        m = Module()
        config, fields = self.config, self.record.fields
        lanes = platform.instantiate(m, "lanes", "lanes", Lanes, config=config)
        two = platform.instantiate(m, "sum_of_two", "sum_of_two", SumOfTwo, lanes=config.lanes)
        is_residual = (fields.flags & int(Flags.RESIDUAL)) != 0
        is_add, is_pool, is_depthwise, self._is_conv = (
            registered(m, f"is_{kind.name.lower()}", fields.operation == kind)
            for kind in (Operation.ADD, Operation.POOL, Operation.DEPTHWISE, Operation.CONV))
        has_totals = is_pool | is_depthwise
        slot, valid, sums, waits = self._choose_slots(m, platform, is_residual)
        # What is added comes when the result does, and stays for a slot that waits for an even cycle.
        words = registered(m, "words", delayed(m, "other", self.data, OWN + 1 - ActivationMemory.READ),
                           enable=delayed(m, "other_comes", self.other_reads, 1 + OWN, reset=True))
        pair_valid = delayed(m, "pair_valid", self.pair_valid, ActivationMemory.READ, reset=True)
        own_write = delayed(m, "own_write", Mux(valid, slot.write, 0), OWN, reset=True)
        own_target = delayed(m, "own_target", slot.address, OWN)
        pair_write, pair_target = (delayed(m, name, value, ActivationMemory.READ) for name, value in (
            ("pair_write", self.pair_write), ("pair_target", self.pair_target)))
        goes = Mux(is_add, pair_valid, is_residual & delayed(m, "own_valid", valid & slot.ends, OWN, reset=True))
        m.d.comb += [
            two.fields.eq(fields), two.valid.eq(goes),
            two.own.eq(Mux(is_add, delayed(m, "first", self.data, 1), lanes.results)),
            two.other.eq(Mux(is_add, self.data, words)),
        ]
        summed = delayed(m, "summed", goes, SUM, reset=True)
        fed = delayed(m, "fed", self.fed_next, 1, reset=True)
        chosen = Mux(fed, FED, Mux(summed, SUMMED, Mux(is_pool, POOLED, LAYER)))
        sum_write = delayed(m, "sum_write", Mux(goes, Mux(is_add, pair_write, own_write), 0), SUM + Lanes.LATENCY,
                            reset=True)
        sum_target = delayed(m, "sum_target", Mux(is_add, pair_target, own_target), SUM + Lanes.LATENCY)
        pool_write = delayed(m, "pool_write", Mux(self.pool_valid, self.pool_write, 0), Lanes.LATENCY - Lanes.SUMS,
                             reset=True)
        pool_target = delayed(m, "pool_target", self.pool_target, Lanes.LATENCY - Lanes.SUMS)
        m.d.comb += [
            lanes.slot.eq(Mux(fed, self.fed_slot, Mux(summed | is_pool, fields.sum_slot, slot.parameters))),
            lanes.chosen.eq(chosen),
            lanes.write.eq(self.write_parameters), lanes.write_slot.eq(self.write_slot),
            lanes.write_parameters.eq(self.parameters),
        ]
        has_sums = is_add | is_residual
        m.d.sync += [
            self.results.eq(lanes.results),
            self.write.eq(Mux(has_totals, pool_write, Mux(has_sums, sum_write, own_write))),
            self.target.eq(Mux(has_totals, pool_target, Mux(has_sums, sum_target, own_target))),
        ]
        word = delayed(m, "word", (slot.parameters - fields.parameters)[:4], self.LATENCY)
        sums_of_image = self._add_up(m, platform, word, is_residual)
        self._choose_sums(m, platform, lanes, (*sums, two.sums, self.fed_sums), sums_of_image, chosen, waits)
        self._set(m, lanes, fields)
        return m

    def _choose_sums(self, m, platform, lanes, choices, sums_of_image, chosen, waits):
        """What the lanes take: sums of a slot, of one that has waited, of two tensors, or that feed; or pooled ones."""
        is_summed = (self.record.fields.flags & int(Flags.SUMS)) != 0
        before = delayed(m, "will_take", chosen, Lanes.SUMS - 1)
        waited = delayed(m, "has_waited", waits, Lanes.SUMS - 1, reset=True)
        # With two bits: LAYER is 0 or 1, SUMMED 2, FED 3.
        choice = delayed(m, "choice", Cat(Mux(before[1], before[0], waited), before[1]), 1)
        m.d.comb += lanes.takes_others.eq(delayed(m, "takes_pooled", before == POOLED, 1))
        width = max(sums.shape().elem_shape.width for sums in choices)
        for lane in range(self.config.lanes):
            words = [Signal(signed(width), name=f"sum_{lane}_{kind}") for kind in range(len(choices))]
            m.d.comb += [word.eq(sums[lane]) for word, sums in zip(words, choices)]
            m.d.comb += [
                lanes.sums[lane].eq(instantiate_choice(m, platform, f"sums_{lane}", [
                    word.as_unsigned() for word in words], choice).as_signed()),
                lanes.others[lane].eq(Mux(is_summed, sums_of_image[lane], self.pool_totals[lane])),
            ]

    def _add_up(self, m, platform, word, is_residual):
        """Sums of an image, given the word to which the lanes' results belong; those that a POOL wants."""
        sums = platform.instantiate(m, "image_sums", "image_sums", ImageSums, lanes=self.config.lanes)
        m.d.comb += [
            sums.clear.eq(self.begin), sums.write.eq(Mux(self._is_conv, self.write, 0)), sums.results.eq(self.results),
            sums.word.eq(Mux(is_residual, delayed(m, "sum_word", word, SUM + Lanes.LATENCY), word)),
            sums.take.eq(self.pool_valid),
        ]
        return sums.sums

    def _set(self, m, lanes, fields):
        """The settings of the lanes."""
        for index, given in ((LAYER, fields), (FED, self.feeder.fields)):
            m.d.comb += [lanes.settings[index][name].eq(given[name]) for name in (
                "rounding", "zero_point", "low", "high")]
        for index, rounding in ((POOLED, fields.rounding), (SUMMED, ROUNDINGS.index("double"))):
            settings = lanes.settings[index]
            m.d.comb += [settings.rounding.eq(rounding), settings.zero_point.eq(fields.sum_zero),
                         settings.low.eq(fields.sum_low), settings.high.eq(fields.sum_high)]

    def _choose_slots(self, m, platform, is_residual):
        """Slots of the macro's results: where one goes, whether there is one, its sums at once or if it waits, and
        whether it does."""
        config = self.config
        slots = platform.instantiate(m, "slots", "slots", ResultSlots, config=config)
        partial = platform.instantiate(m, "partial_sums", "partial_sums", PartialSums, config=config)
        # A result that has left the macro; of a slot to which something is added this is the second cycle.
        held = Signal(len(Value.cast(self.o.payload.y)), reset_less=True)
        is_held, is_second, following = Signal(), Signal(), slots.slot
        width = config.lanes * config.macro.total_width
        m.d.comb += [
            slots.record.eq(self.record), slots.begin.eq(self.begin),
            slots.take.eq(is_held & ~self.fed_next & (~following.adds | is_second)),
            self.other_reads.eq(is_held & following.adds & ~is_second), self.other_address.eq(following.other),
            self.o.ready.eq(~is_held | (slots.take & following.ends_vector)),
            self.last.eq(slots.take & following.is_last),
            self.other_used.end.eq(delayed(m, "other_count", Mux(self.other_reads, following.count, 0), 1)),
            self.other_used.is_residual.eq(1),
            self.uses_lanes.eq(Mux(self._is_conv, is_held | self.fed_next,
                                   self.pool_valid | self.pair_valid)),
        ]
        m.d.sync += [is_second.eq(self.other_reads), self.has_many_slots.eq(slots.take & following.has_many_slots),
                     self.has_many_sums.eq(slots.take & following.has_many_sums)]
        with m.If(self.o.ready):
            m.d.sync += [held.eq(self.o.payload.y), is_held.eq(self.o.valid)]
        with m.If(self.stop):
            m.d.sync += is_held.eq(0)
        totals = instantiate_choice(m, platform, "totals", [
            held[first:first + width] for first in range(0, len(held), width)], following.number)
        taken, is_taken = delayed(m, "taken", following, 1), delayed(m, "is_taken", slots.take, 1, reset=True)
        m.d.comb += [
            partial.number.eq(following.sum_number), partial.valid.eq(is_taken), partial.begins.eq(taken.begins),
            Value.cast(partial.totals).eq(delayed(m, "totals", totals, 1)),
        ]
        is_odd, waits = Signal(), Signal()
        waiting = delayed(m, "waiting", taken, 1)
        m.d.sync += [is_odd.eq(~is_odd), waits.eq(is_taken & taken.ends & is_residual & is_odd)]
        slot, valid = Signal(taken.shape(), name="slot"), Signal()
        late_sums = Signal(partial.sums.shape(), reset_less=True)
        m.d.sync += late_sums.eq(partial.sums)
        m.d.comb += [
            slot.eq(Mux(waits, waiting, taken)),
            valid.eq(waits | (is_taken & ~(taken.ends & is_residual & is_odd))),
        ]
        return slot, valid, (partial.sums, late_sums), waits
