# amaranth: UnusedElaboratable=no
"""The columns of a macro without its other blocks, for measurements."""

from amaranth.hdl import Cat, ClockSignal, Instance, Module, ResetSignal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..columns.column_block import ColumnBlock


class ColumnArray(wiring.Component):
    """A macro's blocks of columns as instances of its Verilog modules, so that the shipped modules are measured.

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
        self.blocks = {f"block_{index}": ColumnBlock(config=config, shape=shape, columns=columns)
                       for index, (shape, columns) in enumerate(config.blocks)}
        ports = {}
        for name, block in self.blocks.items():
            ports |= {port: In(len(value)) for port, value in steering(block).items()}
            ports[f"{block.shape.storage}_plane"] = In(len(block.plane))
            ports[f"{block.shape.storage}_write"] = In(sum(field.width for _, field in shared_fields(block)))
            ports[f"{name}_weights"] = In(len(Value.cast(block.write.weights)))
            ports[f"{name}_totals"] = Out(len(block.totals))
        super().__init__(ports)

    def elaborate(self, platform):
        m = Module()
        ports = {name: port for (name,), _, port in self.signature.flatten(self)}
        for name, block in self.blocks.items():
            fields, low = {"weights": ports[f"{name}_weights"]}, 0
            for field_name, field in shared_fields(block):
                fields[field_name] = ports[f"{block.shape.storage}_write"][low:low + field.width]
                low += field.width
            module = f"{self.config.name}_{block.shape.block_name(block.columns)}"
            m.submodules[name] = Instance(
                module, i_clk=ClockSignal(), i_rst=ResetSignal(),
                **{f"i_{port}": ports[port] for port in steering(block)},
                i_plane=ports[f"{block.shape.storage}_plane"],
                i_write=Cat(fields[field_name] for field_name, _ in block.write.shape()),
                o_totals=ports[f"{name}_totals"])
        return m


def steering(block):
    """A block's ports that are the same for all blocks, by name; one of zero bits is none in Verilog."""
    ports = {"ready": block.ready, "control": block.control.as_value()}
    return {name: port for name, port in ports.items() if len(port)}


def shared_fields(block):
    """Names and fields of a block's ``write`` that are the same for all its neighbors."""
    return [(name, field) for name, field in block.write.shape() if name != "weights"]
