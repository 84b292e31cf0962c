"""An engine as an instance of its Verilog module, with registers, behind streams of accesses to them."""

from amaranth.hdl import ClockSignal, Instance, Module, ResetSignal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from ..csr.axi_lite import AxiLite
from ..csr.register_master import ANSWER, READ, WRITE, RegisterMaster


class EngineInstance(wiring.Component):
    """The engine as an instance of its Verilog module, so that the simulated file is the one that is built.

    Parameters
    ----------
    config : EngineCoreConfig

    Members
    -------
    write : ``In(stream)``
        See `RegisterMaster`.
    i : ``In(stream)``
        See `RegisterMaster`.
    o : ``Out(stream)``
        See `RegisterMaster`.
    """

    def __init__(self, *, config):
        self.config = config
        super().__init__({"write": In(stream.Signature(WRITE)), "i": In(stream.Signature(READ)),
                          "o": Out(stream.Signature(ANSWER))})

    def elaborate(self, platform):
        m = Module()
        m.submodules.registers = registers = RegisterMaster()
        for name in ("write", "i", "o"):
            connect(m, flipped(getattr(self, name)), getattr(registers, name))
        # Its interrupt is not used: the host asks.
        m.submodules.module = Instance(
            self.config.name, i_aclk=ClockSignal(), i_aresetn=~ResetSignal(),
            **{f"{'i' if member.flow == In else 'o'}_{AxiLite.PREFIX}{name}": getattr(registers.bus, name)
               for name, member in AxiLite.PORTS.items()})
        return m
