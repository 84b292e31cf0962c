# amaranth: UnusedElaboratable=no
"""The columns of a macro without the rest of it, and a harness that measures them, or anything, on few pins."""

from amaranth.hdl import Cat, ClockDomain, ClockSignal, Elaboratable, Instance, Module, ResetSignal, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from .block import ColumnBlock


class ColumnArray(wiring.Component):
    """A macro's blocks of columns as instances of its Verilog modules, so that what is measured is what is shipped.

    Parameters
    ----------
    config : MacroConfig

    Members
    -------
    ready, control : ``In``
        Of all blocks, as `ColumnBlock`'s.
    STORAGE_plane, STORAGE_write : ``In``
        Of all blocks of one kind of storage: the wordlines; the fields of ``write`` but the weights.
    block_N_weights, block_N_totals : ``In``, ``Out``
        Of each block.
    """

    def __init__(self, *, config):
        self.config = config
        self.blocks = {f"block_{index}": ColumnBlock(config=config, storage=storage, columns=columns)
                       for index, (storage, columns) in enumerate(config.blocks)}
        ports = {}
        for name, block in self.blocks.items():
            ports |= {port: In(len(Value.cast(getattr(block, port)))) for port in steering(block)}
            ports[f"{block.storage}_plane"] = In(len(block.plane))
            ports[f"{block.storage}_write"] = In(sum(field.width for _, field in shared_fields(block)))
            ports[f"{name}_weights"] = In(len(Value.cast(block.write.weights)))
            ports[f"{name}_totals"] = Out(len(block.totals))
        super().__init__(ports)

    def elaborate(self, platform):
        m = Module()
        for name, block in self.blocks.items():
            fields, low = {"weights": getattr(self, f"{name}_weights")}, 0
            for field_name, field in shared_fields(block):
                fields[field_name] = getattr(self, f"{block.storage}_write")[low:low + field.width]
                low += field.width
            m.submodules[name] = Instance(
                f"{self.config.name}_{block.storage}_block_{block.columns}", i_clk=ClockSignal(), i_rst=ResetSignal(),
                **{f"i_{port}": getattr(self, port) for port in steering(block)},
                i_plane=getattr(self, f"{block.storage}_plane"),
                i_write=Cat(fields[field_name] for field_name, _ in block.write.shape()),
                o_totals=getattr(self, f"{name}_totals"))
        return m


def steering(block):
    """Names of a block's ports that are the same for all blocks."""
    return [port for port in ("ready", "control") if len(Value.cast(getattr(block, port)))]


def shared_fields(block):
    """Names and fields of a block's ``write`` that are the same for all its neighbours."""
    return [(name, field) for name, field in block.write.shape() if name != "weights"]


class ArrayHarness(Elaboratable):
    """A component between two shift registers, with three pins.

    Every input comes from a register of its own and every output ends in one, behind one LUT that it shares with two
    others at most. The wires between are kept under the names ``PORT_in`` and ``PORT_out``.

    Parameters
    ----------
    array : wiring.Component
        Ports only, no streams.
    """

    def __init__(self, *, array):
        self.array = array
        self.clk, self.rx, self.tx = (Signal(name=name) for name in ("clk", "rx", "tx"))

    @property
    def pins(self):
        """The ports of the top."""
        return self.clk, self.rx, self.tx

    def elaborate(self, platform):
        m = Module()
        m.submodules.array = self.array
        m.domains.sync = ClockDomain()
        reset = Signal(name="rst_in", reset_less=True, attrs={"keep": 1})
        registers, outputs = [reset], []
        for name, member in self.array.signature.members.items():
            port = Value.cast(getattr(self.array, name))
            if member.flow == In:
                registers.append(Signal(len(port), name=f"{name}_in", reset_less=True, attrs={"keep": 1}))
                m.d.comb += port.eq(registers[-1])
            else:
                outputs.append(Signal(len(port), name=f"{name}_out", attrs={"keep": 1}))
                m.d.comb += outputs[-1].eq(port)
        stimulus, outputs = Cat(registers), Cat(outputs)
        groups = [outputs[low:low + 3] for low in range(0, len(outputs), 3)]
        signature = Signal(len(groups), reset_less=True)
        m.d.sync += [
            stimulus.eq(Cat(self.rx, stimulus)),
            signature.eq(Cat(self.rx, signature) ^ Cat(group.xor() for group in groups)),
        ]
        m.d.comb += [ClockSignal().eq(self.clk), ResetSignal().eq(reset), self.tx.eq(signature[-1])]
        return m
