"""Result reader: the sums of all columns, one after the other, rounded to floats."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ..fabric.emitter import Platform
from ..fabric.mux import instantiate_choice
from ..fabric.register import all_registered, registered
from .join_lane import HALVES, READ
from .layouts import finished_layout, result_layout, sum_layout
from .rounding import Rounding


class ResultReader(wiring.Component):
    """Reads the sums of an accumulation, column after column, one a cycle, and rounds them.

    Parameters
    ----------
    config : FormatConfig

    Members
    -------
    finished : ``In(1)``
        For a cycle: sums are complete.
    common : ``In(ArrayLayout(finished_layout, HALVES))``
        What those of each half have in common.
    freed : ``Out(1)``
        For a cycle: the sums of a half are read.
    enable : ``Out(1)``
        Reads advance.
    half : ``Out(1)``
        Half to read.
    group : ``Out(range(groups))``
        Group to read.
    sums : ``In(ArrayLayout(sum_layout, lanes))``
        Sums of that group, two enabled cycles later.
    o : ``Out(stream)``
        `result_layout`, column after column.
    """

    def __init__(self, *, config):
        self.config = config
        super().__init__({
            "finished": In(1), "common": In(data.ArrayLayout(finished_layout(config), HALVES)), "freed": Out(1),
            "enable": Out(1), "half": Out(1), "group": Out(range(config.groups)),
            "sums": In(data.ArrayLayout(sum_layout(config), config.lanes)),
            "o": Out(stream.Signature(result_layout(config))),
        })

    def elaborate(self, platform):
        platform = Platform.of(platform)
        m = Module()
        config = self.config
        lane = Signal(range(config.lanes))
        common = Signal(finished_layout(config))
        reads, is_last = self._sequence(m, lane)
        m.d.comb += [self.enable.eq(~self.o.valid | self.o.ready), common.eq(self.common[self.half])]
        along = {"valid": reads, "lane": lane, "is_last": is_last, "common": common.as_value()}
        held = {"enable": self.enable, "reset": ("valid",)}
        along = all_registered(m, "read", along, READ, **held)
        chosen = data.View(sum_layout(config), registered(m, "chosen", instantiate_choice(
            m, platform, "choose", [one.as_value() for one in self.sums], along["lane"]), enable=self.enable))
        del along["lane"]
        along = all_registered(m, "chosen", along, **held)
        shared = data.View(finished_layout(config), along.pop("common"))
        rounding = platform.instantiate(
            m, "rounding", "rounding", Rounding, width=config.window_bits, exponent_bits=config.exponent_bits,
            bias=config.bias, mantissa_bits=config.mantissa_bits)
        is_nan = shared.is_nan | chosen.is_nan
        # The scale of what is NaN means nothing.
        along["is_lost"] = shared.is_lost | chosen.is_lost & ~is_nan
        m.d.comb += [
            rounding.enable.eq(self.enable),
            rounding.integer.eq(chosen.integer),
            rounding.exponent.eq(shared.base),
            rounding.is_nan.eq(is_nan | along["is_lost"]),
        ]
        along = all_registered(m, "rounded", along, Rounding.cycles(config.window_bits, config.mantissa_bits), **held)
        payload = self.o.payload
        m.d.comb += [self.o.valid.eq(along["valid"]), payload.value.eq(rounding.value),
                     payload.is_lost.eq(along["is_lost"]), payload.last.eq(along["is_last"])]
        return m

    def _sequence(self, m, lane):
        """Which column is read: whether one is, and whether it is the last."""
        config = self.config
        waiting = Signal(range(HALVES + 1))
        column = Signal(range(config.columns))
        reads, is_last = waiting != 0, column == config.columns - 1
        is_lane_last = lane == config.lanes - 1
        m.d.comb += self.freed.eq(self.enable & reads & is_last)
        with m.If(self.enable & reads):
            m.d.sync += [
                column.eq(Mux(is_last, 0, column + 1)),
                lane.eq(Mux(is_last | is_lane_last, 0, lane + 1)),
                self.group.eq(Mux(is_last, 0, self.group + is_lane_last)),
                self.half.eq(self.half ^ is_last),
            ]
        m.d.sync += waiting.eq(waiting + self.finished - self.freed)
        return reads, is_last
