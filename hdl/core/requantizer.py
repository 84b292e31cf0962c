"""Requantizer: the totals of a vector, group by group, through several lanes."""

from amaranth.hdl import Cat, Module, Mux, Signal, Value, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ..config.core import SETS
from ..config.widths import ceil_log2
from ..fabric.emitter import Platform
from ..fabric.memory import BlockRam
from ..fabric.mux import choose, instantiate_choice
from .checksum import TotalsCheck
from .requantizer_lane import PARAMETERS, RawLane, RequantizerLane, settings_layout
from .result_packer import results_signature


def tag_layout():
    """Sideband of a vector: its set of parameters; whether results are wanted, or its totals are for the self-test."""
    return data.StructLayout({"set": range(SETS), "wanted": 1, "for_self_test": 1})


def totals_layout(config):
    """A vector's totals and its tag."""
    return data.StructLayout({
        "totals": data.ArrayLayout(signed(config.macro.total_width), config.macro.columns),
        **tag_layout().members,
    })


def parameter_layout(config):
    """Write port of a column's parameters."""
    return data.StructLayout({"set": range(SETS), "column": range(config.macro.columns), "parameters": PARAMETERS})


def parameter_write(config):
    """Write port of parameters: ``payload``, a `parameter_layout`, is written if ``enable``."""
    return wiring.Signature({"enable": Out(1), "payload": Out(parameter_layout(config))})


# Read latency of the memories of parameters.
READ = 2


class Requantizer(wiring.Component):
    """Converts totals to results, ``lanes`` columns a cycle, while the totals stay at the output of the macro.

    There are two sets of parameters, so that one can be loaded while the other is in use. Parameters are read with a
    column's total, settings later; neither may change while a vector of their set is being processed. Raw results
    (int32) have no parameters.

    A vector takes ``groups`` cycles, or one if it is neither wanted nor for the self-test (it is not both); the results
    of a group come `latency` cycles after it was taken, when the check of the totals, if there is one, is done.

    Parameters
    ----------
    config : CoreConfig

    Members
    -------
    i : ``In(stream)``
        `totals_layout`; accepted with its last group.
    flush : ``In(1)``
        A vector of which a group was taken ends with the next group.
    begun : ``Out(1)``
        A group of a vector was taken or sampled, but not its last.
    sample : ``Out(1)``
        ``totals`` are of a vector for the self-test, which samples them.
    group : ``Out(range(groups))``
        Which columns' totals are taken or sampled.
    totals : ``Out(ArrayLayout(total_width, lanes))``
        Their totals, the lowest column first.
    write : ``In(parameter_write)``
        Parameters of a column; none if results are raw.
    settings : ``In(ArrayLayout(settings_layout, SETS))``
        Settings of each set; none if results are raw.
    o : ``Out(results_signature)``
        Groups of results.
    last_set : ``Out(range(SETS))``
        With the last results of a vector: its set.
    """

    def __init__(self, *, config):
        self.config = config
        self.latency = self.max_vectors(config)
        members = {
            "i": In(stream.Signature(totals_layout(config))), "flush": In(1), "begun": Out(1),
            "sample": Out(1), "group": Out(range(config.groups)),
            "totals": Out(data.ArrayLayout(config.macro.total_width, config.lanes)),
            "o": Out(results_signature(config)), "last_set": Out(range(SETS)),
        }
        if config.requantizes:
            members |= {"write": In(parameter_write(config)),
                        "settings": In(data.ArrayLayout(settings_layout(config.output_bits), SETS))}
        super().__init__(members)

    @staticmethod
    def max_vectors(config):
        """Maximum number of vectors in it, if each has one group: as many as its latency has cycles."""
        if config.requantizes:
            return RequantizerLane.latency + READ
        return max(RawLane.latency, TotalsCheck.cycles(config) if config.checksum else 0)

    def elaborate(self, platform):
        platform = Platform.of(platform)
        m = Module()
        config, payload = self.config, self.i.payload
        group = self.group
        is_last = (group == config.groups - 1) | self.flush
        m.d.comb += [
            self.begun.eq(group != 0),
            self.o.taken.eq(self.i.valid & payload.wanted & self.o.space),
            self.o.taken_last.eq(is_last),
            self.sample.eq(self.i.valid & payload.for_self_test),
            self.i.ready.eq(Mux(payload.wanted, self.o.space & is_last, ~payload.for_self_test | is_last)),
        ]
        with m.If(self.o.taken | self.sample):
            m.d.sync += group.eq(Mux(is_last, 0, group + 1))
        chosen = [instantiate_choice(m, platform, f"chosen_{lane}", [
            Value.cast(payload.totals[min(first + lane, config.macro.columns - 1)])
            for first in range(0, config.macro.columns, config.lanes)], group).as_signed()
            for lane in range(config.lanes)]
        m.d.comb += self.totals.eq(Cat(chosen))
        results = (self._add_lanes(m, platform, chosen, group) if config.requantizes else
                   self._add_raw(m, platform, chosen))
        m.d.comb += [
            self.o.results.eq(Cat(results)),
            self.o.valid.eq(self._delay(m, "valid", self.o.taken, self.latency)),
            self.o.last.eq(self._delay(m, "last", self.o.taken_last, self.latency)),
            self.last_set.eq(self._delay(m, "last_set", payload.set, self.latency)),
        ]
        return m

    def _delay(self, m, name, value, cycles):
        for cycle in range(cycles):
            register = Signal(Value.cast(value).shape(), name=f"{name}_{cycle + 1}", reset_less=name != "valid")
            m.d.sync += register.eq(value)
            value = register
        return value

    def _add_raw(self, m, platform, chosen):
        lanes = [platform.instantiate(m, f"lane_{index}", "lane", RawLane, total_width=self.config.macro.total_width)
                 for index in range(len(chosen))]
        m.d.comb += [lane.total.eq(total) for lane, total in zip(lanes, chosen)]
        # The check of the totals may take longer.
        return [self._delay(m, f"result_{index}", lane.result, self.latency - RawLane.latency)
                for index, lane in enumerate(lanes)]

    def _add_lanes(self, m, platform, chosen, group):
        """Lanes, with their memories of parameters; totals are delayed by the read latency."""
        config, payload = self.config, self.i.payload
        depth = SETS << ceil_log2(config.groups)
        width, lane_bits = PARAMETERS.size, ceil_log2(config.lanes)
        given = self.write.payload
        column = given.column[lane_bits:]
        in_use = self._delay(m, "set", payload.set, READ)
        settings = self._choose_settings(m, in_use)
        results = []
        for index, total in enumerate(chosen):
            memory = platform.instantiate(m, f"parameters_{index}", "parameters", BlockRam, width=width, depth=depth)
            lane = platform.instantiate(m, f"lane_{index}", "lane", RequantizerLane,
                                        total_width=config.macro.total_width, output_bits=config.output_bits)
            m.d.comb += [
                memory.write.eq(self.write.enable & (given.column[:lane_bits] == index)),
                memory.write_address.eq(Cat(column, given.set)),
                memory.write_data.eq(given.parameters.as_value()),
                memory.enable.eq(1),
                memory.address.eq(Cat(group, payload.set)),
                Value.cast(lane.parameters).eq(memory.data),
                lane.total.eq(self._delay(m, f"total_{index}", total, READ)),
                Value.cast(lane.settings).eq(settings),
            ]
            results.append(lane.result)
        return results

    def _choose_settings(self, m, in_use):
        """Each setting of the set in use, in the cycle in which the lanes need it."""
        sets = [Signal(1, name="set_in_use")]
        m.d.comb += sets[0].eq(in_use)
        for cycle in range(RequantizerLane.CLIPPED):
            sets.append(self._delay(m, f"set_after_{cycle}", sets[-1], 1))
        when = {"rounding": RequantizerLane.ROUNDED, "zero_point": RequantizerLane.OFFSET,
                "low": RequantizerLane.CLIPPED, "high": RequantizerLane.CLIPPED}
        return Cat(choose([Value.cast(self.settings[index][name]) for index in range(SETS)], sets[cycle])
                   for name, cycle in when.items())
