"""Block join: the sums of successive blocks, each times its scales, to one exact sum a column."""

from amaranth.hdl import Cat, Module, Mux, Signal, Value, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ..config.widths import ceil_log2
from ..fabric.emitter import Platform
from ..fabric.memory import ByteRam
from ..fabric.register import registered
from ..macro.ports import output_layout
from .by_format import by_format
from .join_lane import HALVES, SCALE, JoinLane
from .layouts import finished_layout, scale_write_layout, sum_layout, tag_layout
from .scales import decoded


class BlockJoin(wiring.Component):
    """Takes the totals of a vector group by group, as many columns at once as there are lanes.

    A vector takes `pass_cycles` for each of its parts, while the macro computes the next. Its sums are placed in a
    window of `window_bits`, whose lowest bit has the exponent ``base`` of the first vector of an accumulation; nothing
    is rounded. An accumulation of more than `max_blocks` is lost.

    Parameters
    ----------
    config : FormatConfig

    Members
    -------
    i : ``In(stream)``
        Of the macro.
    tag : ``In(stream)``
        `tag_layout` of the vector; taken once the scales of its last sums are read.
    scale_write : ``In(1)``
        Store a scale of weights.
    scale : ``In(scale_write_layout)``
        This one.
    finished : ``Out(1)``
        For a cycle: the sums of an accumulation are complete, in the half after that of the one before.
    common : ``Out(ArrayLayout(finished_layout, HALVES))``
        What those of each half have in common.
    freed : ``In(1)``
        For a cycle: those of the oldest half are read.
    enable : ``In(1)``
        Reads advance.
    half : ``In(1)``
        Half to read.
    group : ``In(range(groups))``
        Group to read.
    sums : ``Out(ArrayLayout(sum_layout, lanes))``
        Sums of the group, two enabled cycles later.
    """

    def __init__(self, *, config):
        self.config = config
        super().__init__({
            "i": In(stream.Signature(output_layout(config.macro))), "tag": In(stream.Signature(tag_layout(config))),
            "scale_write": In(1), "scale": In(scale_write_layout(config)), "finished": Out(1),
            "common": Out(data.ArrayLayout(finished_layout(config), HALVES)), "freed": In(1),
            "enable": In(1), "half": In(1), "group": In(range(config.groups)),
            "sums": Out(data.ArrayLayout(sum_layout(config), config.lanes)),
        })

    def elaborate(self, platform):
        platform = Platform.of(platform)
        m = Module()
        config, tag = self.config, self.tag.payload
        index = Signal(range(config.pass_cycles))
        part = Signal(range(config.parts))
        is_first = Signal(init=1)
        last_part = by_format(m, "last_part", config.x, tag.number, config.last_part_of)
        begins, issues, ends = self._sequence(m, index, part, last_part)
        with m.If(ends):
            m.d.sync += is_first.eq(tag.last)
        half = Signal()
        with m.If(ends & tag.last):
            m.d.sync += half.eq(~half)
        exponent, mantissa, is_nan = decoded(config, tag.scale)
        base = self._keep_common(m, is_first, half, begins, ends, is_nan)
        above = Signal(signed(config.exponent_bits + 1))
        m.d.comb += above.eq(exponent + tag.raised + part * config.macro.input_bits - base)
        self._add_lanes(m, platform, index[:ceil_log2(config.groups)], issues, {
            "exponent": above, "mantissa": mantissa, "is_first": is_first & (part == 0),
            "is_result": tag.last & (part == last_part), "half": half}, ends & tag.last)
        return m

    def _sequence(self, m, index, part, last_part):
        """Which group of which part is next; whether a vector begins, a group is issued, and a vector ends."""
        config, tag = self.config, self.tag
        # Totals that were accepted, of which groups are left.
        remain = Signal()
        goes = Signal()
        ends_part = Signal()
        accepted_at, last_index = config.groups - 1 - config.kept_groups, config.pass_cycles - 1
        # Halves with sums that are not read yet, or are being made.
        used = Signal(range(HALVES + 1))
        at_start = (index == 0) & (part == 0)
        begins, ends = goes & at_start, ends_part & (part == last_part)
        m.d.comb += [
            goes.eq((self.i.valid | remain) & tag.valid & ~(at_start & tag.payload.last & (used == HALVES))),
            ends_part.eq(goes & (index == last_index)),
            self.i.ready.eq(goes & ~remain & (index == accepted_at)),
            tag.ready.eq(ends),
        ]
        with m.If(goes):
            m.d.sync += index.eq(Mux(ends_part, 0, index + 1))
        with m.If(ends_part):
            m.d.sync += part.eq(Mux(ends, 0, part + 1))
        m.d.sync += [
            remain.eq((remain | self.i.valid & self.i.ready) & ~ends_part),
            used.eq(used + (begins & tag.payload.last) - self.freed),
        ]
        return begins, goes & (index < config.groups), ends

    def _keep_common(self, m, is_first, half, begins, ends, scale_is_nan):
        """Note what the sums of an accumulation have in common; the base of its window."""
        config, tag = self.config, self.tag.payload
        blocks = Signal(range(config.max_blocks + 1))
        held = Signal(finished_layout(config), reset_less=True)
        now = Signal(finished_layout(config))
        m.d.comb += [
            now.base.eq(Mux(is_first, tag.base, held.base)),
            now.is_nan.eq(tag.is_nan | scale_is_nan | ~is_first & held.is_nan),
            now.is_lost.eq(tag.is_lost | ~is_first & (held.is_lost | (blocks == config.max_blocks))),
        ]
        with m.If(ends):
            m.d.sync += [held.eq(now), blocks.eq(Mux(tag.last, 0, blocks + (blocks != config.max_blocks)))]
        # A half is free when its last vector begins, and is not read before that has ended.
        with m.If(begins & tag.last):
            m.d.sync += self.common[half].eq(now)
        return now.base

    def _add_lanes(self, m, platform, group, issues, values, completes):
        config = self.config
        placed, stored = JoinLane.placed(config), JoinLane.stored(config)
        groups, writes, firsts = ([value] for value in (group, issues, values["is_first"]))
        marks = [Cat(values["is_result"], values["half"])]
        for cycle in range(stored):
            for name, steps in (("group", groups), ("first", firsts), ("marks", marks)):
                steps.append(registered(m, f"{name}_{cycle}", steps[-1]))
            writes.append(registered(m, f"write_{cycle}", writes[-1], reset_less=False))
        exponent, mantissa, done = values["exponent"], values["mantissa"], completes
        for cycle in range(SCALE):
            exponent = registered(m, f"exponent_{cycle}", exponent)
            mantissa = registered(m, f"mantissa_{cycle}", mantissa)
        # The last group's sum is stored so much later, and can be read in the cycle after that.
        for cycle in range(stored + 1):
            done = registered(m, f"done_{cycle}", done, reset_less=False)
        m.d.comb += self.finished.eq(done)
        scales = self._add_scales(m, platform, group)
        for lane in range(config.lanes):
            one = platform.instantiate(m, f"lane_{lane}", "lane", JoinLane, config=config)
            for place in range(config.groups):
                column = min(place * config.lanes + lane, config.columns - 1)
                low = column * config.macro.fuse * config.macro.total_width
                m.d.comb += one.sums[place].eq(Value.cast(self.i.payload.y)[low:low + config.sum_bits])
            m.d.comb += [
                one.group.eq(group), one.scale.eq(scales[8 * lane:8 * lane + 8]), one.exponent.eq(exponent),
                one.mantissa.eq(mantissa), one.read_group.eq(groups[JoinLane.read(config)]),
                one.is_first.eq(firsts[placed]), one.write.eq(writes[stored]), one.write_group.eq(groups[stored]),
                Cat(one.write_result, one.write_half).eq(marks[stored]), one.enable.eq(self.enable),
                one.result_half.eq(self.half), one.result_group.eq(self.group), self.sums[lane].eq(one.result),
            ]

    def _add_scales(self, m, platform, group):
        """Scales of the weights of a group of columns, `SCALE` cycles later."""
        config, bits = self.config, ceil_log2(self.config.groups)
        memory = platform.instantiate(m, "scales", "scales", ByteRam, width=8 * config.lanes,
                                      depth=config.macro.banks << bits)
        m.d.comb += [
            memory.write.eq(Cat(self.scale_write & (self.scale.lane == lane) for lane in range(config.lanes))),
            memory.write_address.eq(Cat(self.scale.group, self.scale.bank)),
            memory.write_data.eq(self.scale.scale.replicate(config.lanes)),
            memory.enable.eq(1),
            memory.address.eq(Cat(group, self.tag.payload.bank)),
        ]
        return memory.data
