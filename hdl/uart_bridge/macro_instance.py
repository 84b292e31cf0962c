"""A macro as an instance of its Verilog module."""

from amaranth.hdl import ClockSignal, Instance, ResetSignal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ..macro.ports import input_layout, output_layout, port_values, ports, write_layout


def instance(config, values):
    """An instance of a macro's Verilog module; each port is connected to the value of the same name."""
    return Instance(config.name, i_clk=ClockSignal(), i_rst=ResetSignal(), **{
        f"{'i' if port.is_input else 'o'}_{port.name}": values[port.name] for port in ports(config)})


class MacroInstance(wiring.Component):
    """The macro as an instance of its Verilog module, so that the simulated file is the one that is built.

    Parameters
    ----------
    config : MacroConfig

    Members
    -------
    write : ``In(stream)``
        See `Macro`.
    i : ``In(stream)``
        See `Macro`.
    o : ``Out(stream)``
        See `Macro`.
    """

    def __init__(self, *, config):
        self.config = config
        super().__init__({
            "write": In(stream.Signature(write_layout(config))),
            "i": In(stream.Signature(input_layout(config))),
            "o": Out(stream.Signature(output_layout(config))),
        })

    def elaborate(self, platform):
        return instance(self.config, port_values(self))


class MacroPorts(wiring.Component):
    """The macro as an instance of its Verilog module, with that module's ports.

    Parameters
    ----------
    config : MacroConfig
    """

    def __init__(self, *, config):
        self.config = config
        super().__init__({port.name: (In if port.is_input else Out)(port.shape.width) for port in ports(config)})

    def elaborate(self, platform):
        return instance(self.config, {name: pin for (name,), _, pin in self.signature.flatten(self)})
