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
from .requantizer_lane import PARAMETERS, RequantizerLane, settings_layout
from .result_packer import results_signature


def tag_layout():
    """Sideband of a vector: its set of parameters; whether results are wanted, or its totals are for the self-test."""
    return data.StructLayout({"set": range(SETS), "wanted": 1, "for_self_test": 1})


def totals_layout(config):
    """A vector's totals, of the columns and of those of the checksum."""
    total = signed(config.macro.total_width)
    return data.StructLayout({"totals": data.ArrayLayout(total, config.macro.columns),
                              "check_totals": data.ArrayLayout(total, config.check_columns)})


def shown_layout(config):
    """A group of totals: ``taken`` for results, or ``sampled`` for the self-test; the lowest column first.

    ``check_totals`` are those of the checksum, with the ``last`` group of a vector.
    """
    total = signed(config.macro.total_width)
    return data.StructLayout({"taken": 1, "sampled": 1, "last": 1, "group": range(config.groups),
                              "totals": data.ArrayLayout(total, config.lanes),
                              "check_totals": data.ArrayLayout(total, config.check_columns)})


def parameter_layout(config):
    """Write port of a column's parameters."""
    return data.StructLayout({"set": range(SETS), "column": range(config.macro.columns), "parameters": PARAMETERS})


def parameter_write(config):
    """Write port of parameters: ``payload``, a `parameter_layout`, is written if ``enable``."""
    return wiring.Signature({"enable": Out(1), "payload": Out(parameter_layout(config))})


# Read latency of the memories of parameters, and cycles until a group of totals is shown.
READ, SHOWN = 2, 1


class Requantizer(wiring.Component):
    """Converts totals to results, ``lanes`` columns a cycle, while the totals stay at the output of the macro.

    The macro changes its output ``result_interval`` cycles after a result is accepted at the earliest, so the last
    groups are taken after that, one a cycle: vectors with as many planes as groups follow each other without a pause.

    There are two sets of parameters, so that one can be loaded while the other is in use. Parameters are read with a
    column's total, settings later; neither may change while a vector of their set is being processed. Raw results
    (int32) have no parameters.

    A vector takes ``groups`` cycles, or one if it is neither wanted nor for the self-test (it is not both); the results
    of a group come `latency` cycles after it was taken, when the check of the totals, if there is one, is done. What is
    shown of the totals comes a cycle after they were taken or sampled.

    Parameters
    ----------
    config : CoreConfig

    Members
    -------
    i : ``In(stream)``
        ``totals``, accepted so many groups before the last as the macro keeps them for.
    tag : ``In(stream)``
        `tag_layout` of the vector, valid with its totals; accepted with its last group.
    flush : ``In(1)``
        From the next cycle on: a vector of which a group was taken ends with the next group; results of another are not
        wanted.
    squash : ``Out(1)``
        Results of the vector at ``tag`` are not wanted, whatever it says.
    begun : ``Out(1)``
        A group of a vector was taken or sampled, but not its last.
    shown : ``Out(shown_layout)``
        The group that was taken or sampled.
    write : ``In(parameter_write)``
        Parameters of a column, stored a cycle later; none if results are raw.
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
            "i": In(stream.Signature(totals_layout(config))), "tag": In(stream.Signature(tag_layout())),
            "flush": In(1), "squash": Out(1), "begun": Out(1), "shown": Out(shown_layout(config)),
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
            # Of fast lanes.
            return RequantizerLane.latency + 1 + READ
        return SHOWN + (TotalsCheck.cycles(config) if config.checksum else 0)

    def elaborate(self, platform):
        platform = Platform.of(platform)
        m = Module()
        config = self.config
        group = Signal(range(config.groups))
        goes, is_last = self._sequence(m, group)
        chosen = [instantiate_choice(m, platform, f"chosen_{lane}", [
            Value.cast(self.i.payload.totals[min(first + lane, config.macro.columns - 1)])
            for first in range(0, config.macro.columns, config.lanes)], group).as_signed()
            for lane in range(config.lanes)]
        self._show(m, group, goes, is_last, chosen)
        results = self._add_lanes(m, platform, group) if config.requantizes else self._extend(m)
        m.d.comb += [
            self.o.results.eq(Cat(results)),
            self.o.valid.eq(self._delay(m, "valid", self.o.taken, self.latency, reset=True)),
            self.o.last.eq(self._delay(m, "last", self.o.taken_last, self.latency)),
            self.last_set.eq(self._delay(m, "last_set", self.tag.payload.set, self.latency)),
        ]
        return m

    def _sequence(self, m, group):
        """Which group is taken or sampled, if one is, and whether it is its vector's last."""
        config, tag = self.config, self.tag.payload
        # Totals that were accepted, of which groups are left; the packer has room for them.
        remain = Signal()
        goes = Signal()
        ends = Signal()
        flush = Signal()
        wanted = Signal()
        begun = Signal()
        has_space = self.o.space | flush | remain
        present = self.i.valid | remain
        # Registers of what the group is.
        at_last, at_accepted = config.groups - 1, config.groups - 1 - config.kept_groups
        is_last, accepts = Signal(init=at_last == 0), Signal(init=at_accepted == 0)
        next_group = Signal.like(group, name="next_group")
        will_flush = Signal()
        m.d.comb += [
            wanted.eq(tag.wanted & ~self.squash),
            begun.eq(Mux(goes, ~is_last, self.begun)),
            will_flush.eq(self.flush & begun),
            next_group.eq(Mux(goes, Mux(is_last, 0, group + 1), group)),
            self.o.taken.eq(present & wanted & has_space),
            self.o.taken_last.eq(is_last),
            goes.eq(present & (wanted & has_space | tag.for_self_test)),
            ends.eq(Mux(wanted, has_space & is_last, ~tag.for_self_test | is_last)),
            self.i.ready.eq(~remain & Mux(wanted, has_space & accepts, ~tag.for_self_test | accepts)),
            self.tag.ready.eq(present & ends),
        ]
        m.d.sync += [
            self.begun.eq(begun), flush.eq(will_flush), self.squash.eq(self.flush & ~begun), group.eq(next_group),
            is_last.eq((next_group == at_last) | will_flush), accepts.eq((next_group == at_accepted) | will_flush),
        ]
        if config.kept_groups:
            m.d.sync += remain.eq((remain | self.i.valid & self.i.ready) & ~(present & ends))
        return goes, is_last

    def _show(self, m, group, goes, is_last, chosen):
        """A register of the group that goes."""
        shown = self.shown
        flags = {"taken": self.o.taken, "sampled": goes & ~self.o.taken}
        values = {"last": is_last, "group": group, "totals": Cat(chosen), "check_totals": self.i.payload.check_totals}
        for name, value in (flags | values).items():
            value = Value.cast(value)
            m.d.comb += Value.cast(shown[name]).eq(self._delay(m, f"shown_{name}", value, SHOWN, reset=name in flags))

    def _delay(self, m, name, value, cycles, reset=False):
        for cycle in range(cycles):
            register = Signal(Value.cast(value).shape(), name=f"{name}_{cycle + 1}", reset_less=not reset)
            m.d.sync += register.eq(value)
            value = register
        return value

    def _extend(self, m):
        """Totals as they are, with the sign extended."""
        results = [Signal(signed(self.config.output_bits), name=f"raw_{index}") for index in range(self.config.lanes)]
        m.d.comb += [result.eq(total) for result, total in zip(results, self.shown.totals)]
        # The check of the totals takes longer.
        return [self._delay(m, f"result_{index}", result, self.latency - SHOWN) for index, result in enumerate(results)]

    def _add_lanes(self, m, platform, group):
        """Lanes, with their memories of parameters; totals are delayed by the read latency."""
        config, tag = self.config, self.tag.payload
        depth = SETS << ceil_log2(config.groups)
        width, lane_bits = PARAMETERS.size, ceil_log2(config.lanes)
        write_enable = self._delay(m, "write_enable", self.write.enable, 1, reset=True)
        given = data.View(parameter_layout(config), self._delay(m, "write_payload", self.write.payload.as_value(), 1))
        column = given.column[lane_bits:]
        settings = self._choose_settings(m, self._delay(m, "set", tag.set, READ))
        results = []
        for index in range(config.lanes):
            memory = platform.instantiate(m, f"parameters_{index}", "parameters", BlockRam, width=width, depth=depth)
            lane = platform.instantiate(m, f"lane_{index}", "lane", RequantizerLane, is_fast=True,
                                        total_width=config.macro.total_width, output_bits=config.output_bits)
            m.d.comb += [
                memory.write.eq(write_enable & (given.column[:lane_bits] == index)),
                memory.write_address.eq(Cat(column, given.set)),
                memory.write_data.eq(given.parameters.as_value()),
                memory.enable.eq(1),
                memory.address.eq(Cat(group, tag.set)),
                Value.cast(lane.parameters).eq(memory.data),
                lane.total.eq(self._delay(m, f"total_{index}", self.shown.totals[index], READ - SHOWN)),
                Value.cast(lane.settings).eq(settings),
            ]
            results.append(lane.result)
        return results

    def _choose_settings(self, m, in_use):
        """Each setting of the set in use, in the cycle in which the lanes need it, in a register."""
        sets = [Signal(1, name="set_in_use")]
        m.d.comb += sets[0].eq(in_use)
        for cycle in range(RequantizerLane.CLIPPED):
            sets.append(self._delay(m, f"set_after_{cycle}", sets[-1], 1))
        when = {"rounding": RequantizerLane.ROUNDED, "zero_point": RequantizerLane.OFFSET,
                "low": RequantizerLane.CLIPPED, "high": RequantizerLane.CLIPPED}
        return Cat(self._delay(m, name, choose([Value.cast(self.settings[index][name]) for index in range(SETS)],
                                               sets[cycle - 1]), 1) for name, cycle in when.items())
