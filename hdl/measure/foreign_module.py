# amaranth: UnusedElaboratable=no
"""A module of Verilog that was not made here, for measurements."""

from amaranth.hdl import ClockSignal, Instance, Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out


class ForeignModule(wiring.Component):
    """An instance of a module by its name, whose clocks are the clock of domain ``sync``.

    Its reset, if it has one, is an input as any other: of unknown polarity.

    Parameters
    ----------
    module : str
    clocks : tuple of str
        Ports of one bit.
    inputs, outputs : dict of str to int
        Widths of the other ports, by name.

    Members
    -------
    pN_PORT : ``In``, ``Out``
        Of each input and output; only ``pN`` if its name is none in Python.
    """

    def __init__(self, *, module, clocks, inputs, outputs):
        self.module = module
        self.clocks = clocks
        self._names = {port: f"p{index}_{port}" if port.isidentifier() else f"p{index}"
                       for index, port in enumerate((*inputs, *outputs))}
        self._inputs, self._outputs = tuple(inputs), tuple(outputs)
        super().__init__({self._names[port]: In(width) for port, width in inputs.items()}
                         | {self._names[port]: Out(width) for port, width in outputs.items()})

    def elaborate(self, platform):
        m = Module()
        m.submodules.peer = Instance(
            self.module,
            *(("i", port, ClockSignal()) for port in self.clocks),
            *(("i", port, getattr(self, self._names[port])) for port in self._inputs),
            *(("o", port, getattr(self, self._names[port])) for port in self._outputs))
        return m
