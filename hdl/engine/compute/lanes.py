"""Lanes: requantizers, with their parameters."""

from amaranth.hdl import Cat, Module, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ...core.requantizer_lane import PARAMETERS, RequantizerLane, settings_layout
from ...fabric.emitter import Platform
from ...fabric.memory import BlockRam
from ...fabric.mux import choose
from ...fabric.register import registered
from ..control.delays import delayed

READ = 2
BITS = 8
# Of what is requantized: partial sums, sums of a window, sums of two.
WIDTH = 32
# Of the results of a layer; of sums, rounded as the layer, or as sums of two are; of what feeds a layer.
SETTINGS = 4


class Lanes(wiring.Component):
    """``lanes`` requantizers side by side, which take sums in each cycle.

    Latency: `LATENCY` cycles from ``slot`` to ``results``.

    Parameters
    ----------
    config : EngineConfig

    Members
    -------
    write : ``In(lanes)``
        Store the parameters of these lanes.
    write_slot : ``In(range(parameter_slots))``
        In this slot.
    write_parameters : ``In(PARAMETERS)``
        The parameters.
    slot : ``In(range(parameter_slots))``
        Parameters of the sums that come `SUMS` cycles later.
    chosen : ``In(range(SETTINGS))``
        Settings of these.
    settings : ``In(ArrayLayout(settings_layout, SETTINGS))``
        Of all lanes; they must not change while there are sums within.
    sums : ``In(ArrayLayout(signed(WIDTH), lanes))``
        What is requantized.
    others : ``In(ArrayLayout(signed(WIDTH), lanes))``
        Other sums.
    takes_others : ``In(1)``
        They are requantized.
    results : ``Out(8 * lanes)``
        A byte of each lane.
    """

    SUMS, LATENCY = READ, READ + RequantizerLane.latency

    def __init__(self, *, config):
        self.config = config
        super().__init__({
            "write": In(config.lanes), "write_slot": In(range(config.parameter_slots)),
            "write_parameters": In(PARAMETERS), "slot": In(range(config.parameter_slots)),
            "chosen": In(range(SETTINGS)),
            "settings": In(data.ArrayLayout(settings_layout(BITS), SETTINGS)),
            "sums": In(data.ArrayLayout(signed(WIDTH), config.lanes)),
            "others": In(data.ArrayLayout(signed(WIDTH), config.lanes)), "takes_others": In(1),
            "results": Out(BITS * config.lanes),
        })

    def elaborate(self, platform):
        platform = Platform.of(platform)
        m = Module()
        settings = self._settings(m)
        results = []
        for index in range(self.config.lanes):
            memory = platform.instantiate(m, f"parameters_{index}", "parameters", BlockRam, width=PARAMETERS.size,
                                          depth=self.config.parameter_slots)
            lane = platform.instantiate(m, f"lane_{index}", "lane", RequantizerLane, total_width=WIDTH,
                                        output_bits=BITS, has_other=True)
            m.d.comb += [
                memory.write.eq(self.write[index]), memory.write_address.eq(self.write_slot),
                memory.write_data.eq(Value.cast(self.write_parameters)), memory.enable.eq(1),
                memory.address.eq(self.slot), Value.cast(lane.parameters).eq(memory.data),
                lane.total.eq(self.sums[index]), lane.other.eq(self.others[index]),
                lane.takes_other.eq(self.takes_others), Value.cast(lane.settings).eq(settings),
            ]
            results.append(lane.result)
        m.d.comb += self.results.eq(Cat(results))
        return m

    def _settings(self, m):
        """Each setting in the cycle in which the lanes need it."""
        when = {"rounding": RequantizerLane.ROUNDED, "zero_point": RequantizerLane.OFFSET,
                "low": RequantizerLane.CLIPPED, "high": RequantizerLane.CLIPPED}
        return Cat(registered(m, name, choose([Value.cast(self.settings[index][name]) for index in range(SETTINGS)],
                                              delayed(m, f"chosen_for_{name}", self.chosen, READ + cycle - 1)))
                   for name, cycle in when.items())
