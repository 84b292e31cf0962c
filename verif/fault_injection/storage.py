"""Storage of a core's weights, as found in its Verilog, and a bench module that upsets bits or holds one stuck."""

from dataclasses import dataclass, replace

from ...hdl.core.top import core_ports
from ...hdl.csr.register_map import PERFORMANCE_COUNTERS
from ...hdl.fabric.design import Design
from ...hdl.macro.ports import input_layout, write_layout
from ..core.reach import INPUTS
from ..sim.build import Surround


@dataclass(frozen=True)
class Store:
    """Some words of storage: where they are, the bits of each, and the bank of each."""

    path: str
    width: int
    banks: tuple

    @property
    def is_table(self):
        """It is a memory, and no vector of bits."""
        return self.path.endswith(".cells")

    @property
    def bit(self):
        """Bit ``bit_`` of word ``word`` in Verilog, where a single bit has none to select."""
        return self.path + "[word]" * self.is_table + "[bit_]" * (self.width > 1)


def stores(config, verilog, root="dut"):
    """Storage of weights and of tables that compute, a list of `Store`; rows that wait for a table's writer do not.

    Paths begin at ``root``, which is where the core is.
    """
    modules, found, banks = Design(verilog).modules, [], config.macro.banks

    def walk(module, path):
        for store in _own(modules[module], banks, is_table=".columns.table_" in path):
            found.append(replace(store, path=f"{path}.{store.path}"))
        for instance in modules[module].instances.values():
            if instance.module in modules:
                walk(instance.module, f"{path}.{instance.name}")

    walk(config.name, root)
    if not found:
        raise ValueError(f"storage must be found in the Verilog of {config.name}, and is not")
    return found


def _own(module, banks, is_table):
    """Storage in a module itself."""
    if module.name.endswith("_bitcell_array"):
        # Bitcells of a bank, which are the port itself if there is but one.
        return [Store(net.name, net.width, (int(net.name.removeprefix("cells_")) if net.name != "weights" else 0,))
                for net in module.nets.values()
                if net.is_register and (net.name == "weights" or net.name.startswith("cells_"))]
    return [Store(memory.name, memory.width, tuple(word * banks // memory.depth for word in range(memory.depth)))
            for memory in module.memories.values() if is_table and memory.name == "cells"]


# Further ports of a bench module, beside `INPUTS`: the streams of the macro.
STREAMS = {"write": write_layout, "i": lambda macro: input_layout(macro, has_plane_mask=True)}
# Its outputs: whether totals have come without a tag, and the most tags that there were at a time.
OUTPUTS = {"tag_missed": 1, "most_tags": 32}
VISIBLE = (*INPUTS, *OUTPUTS,
           *(f"macro_{stream}__{name}" for stream in STREAMS for name in ("valid", "ready", "payload")))


def bench_module(config, found, *, name="upsets", dut=None, root="dut"):
    """SystemVerilog of a module around a core that changes a bit of its storage at the falling edge.

    While ``strike`` is high it inverts bit ``bit_`` of word ``word`` of storage ``store``; while ``stuck`` is, it sets
    it to ``level``. While ``preset`` is, it sets all performance counters to ``count``. ``tag_missed`` is set once
    there were totals without a tag; ``most_tags`` is the maximum of tags at a time. ``macro_STREAM__PORT`` are the
    ports of the macro's streams of weights and vectors.

    Parameters
    ----------
    config : CoreConfig
    found : list of Store
    name : str
    dut : str
        The module that is instantiated as ``dut``; by default the core.
    root : str
        As `stores` had it.
    """
    ports, core = core_ports(config), f"{root}.core"
    heads = [f"    {port.direction} wire [{port.width - 1}:0] {port.name}" for port in ports]
    heads += [f"    input wire [{width - 1}:0] {name}" for name, width in INPUTS.items()]
    heads += [f"    output reg [{width - 1}:0] {name}" for name, width in OUTPUTS.items()]
    pins = ",\n".join(f"        .{port.name}({port.name})" for port in ports)
    taps = [f"    wire [{width - 1}:0] macro_{stream}__{port} = {core}.macro.{stream}__{port};"
            for stream, layout in STREAMS.items()
            for port, width in (("valid", 1), ("ready", 1), ("payload", layout(config.array).size))]
    cases = [f"        {number}: {store.bit} = stuck ? level : ~{store.bit};" for number, store in enumerate(found)]
    tracker, totals = f"{core}.tracker", f"{core}.macro.o__valid"
    tags = f"""    reg [31:0] tags = 0;
    initial begin tag_missed = 0; most_tags = 0; end
    always @(posedge aclk) begin
        tags <= {core}.rst ? 0 : tags + {tracker}.i__valid - ({tracker}.o__valid & {tracker}.o__ready);
        if (tags > most_tags) most_tags <= tags;
        if (!{core}.rst && {totals} && !{tracker}.o__valid) tag_missed <= 1;
    end"""
    counts = [f"        {core}.performance.{name} = count;" for name in PERFORMANCE_COUNTERS]
    return "\n".join([
        f"module {name} (", ",\n".join(heads), ");", f"    {dut or config.name} dut (", pins, "    );", *taps,
        "    always @(negedge aclk) if (strike || stuck) case (store)", *cases, "        default: ;", "    endcase",
        "    always @(negedge aclk) if (preset) begin", *counts, "    end", tags, "endmodule", ""])


def surround(config, verilog):
    """The bench module around a core of that Verilog, for `build`."""
    visible = (*(port.name for port in core_ports(config)), *VISIBLE)
    return Surround("upsets", {"upsets.sv": bench_module(config, stores(config, verilog))}, {}, visible)
