# amaranth: UnusedElaboratable=no
"""A harness to measure any component with three pins."""

from amaranth.hdl import Cat, ClockDomain, ClockSignal, Elaboratable, Module, ResetSignal, Signal, Value
from amaranth.lib.wiring import In


def add_harness(m, name, component, rx):
    """Connect a component to two shift registers, so that it can be measured although it has more ports than pins.

    Every input comes from a register of its own, the reset of domain ``sync`` too, and every output ends in one, behind
    one LUT that it shares with two others at most: nothing is optimized away, and no path is longer than the
    component's own. The wires between are kept under the names ``PORT_in`` and ``PORT_out``.

    Parameters
    ----------
    m : Module
    name : str
        Of the component in it.
    component : wiring.Component
        Ports only, no streams.
    rx : Value
        The bit that goes in.

    Returns
    -------
    Value
        The bit that comes out.
    """
    m.submodules[name] = component
    reset = Signal(name="rst_in", reset_less=True, attrs={"keep": 1})
    registers, outputs = [reset], []
    for (port_name,), member, port in component.signature.flatten(component):
        port = Value.cast(port)
        if member.flow == In:
            registers.append(Signal(len(port), name=f"{port_name}_in", reset_less=True, attrs={"keep": 1}))
            m.d.comb += port.eq(registers[-1])
        else:
            outputs.append(Signal(len(port), name=f"{port_name}_out", attrs={"keep": 1}))
            m.d.comb += outputs[-1].eq(port)
    stimulus, outputs = Cat(registers), Cat(outputs)
    groups = [outputs[low:low + 3] for low in range(0, len(outputs), 3)]
    signature = Signal(len(groups), reset_less=True)
    m.d.sync += [
        stimulus.eq(Cat(rx, stimulus)),
        signature.eq(Cat(rx, signature) ^ Cat(group.xor() for group in groups)),
    ]
    m.d.comb += ResetSignal().eq(reset)
    return signature[-1]


class Harness(Elaboratable):
    """A top module for a component between shift registers.

    Parameters
    ----------
    name : str
    component : wiring.Component
        As `add_harness` takes it.
    """

    def __init__(self, name, component):
        self.name = name
        self.component = component
        self.clk, self.rx, self.tx = (Signal(name=pin) for pin in ("clk", "rx", "tx"))

    @property
    def pins(self):
        """The ports of the top."""
        return self.clk, self.rx, self.tx

    def elaborate(self, platform):
        m = Module()
        m.domains.sync = ClockDomain()
        m.d.comb += [ClockSignal().eq(self.clk), self.tx.eq(add_harness(m, self.name, self.component, self.rx))]
        return m
