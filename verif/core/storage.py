"""Where a core stores its weights, found in its Verilog, and a bench module that upsets single bits or holds one."""

import re
from dataclasses import dataclass

from ...hdl.core.top import core_ports
from ...hdl.csr.register_map import COUNTERS
from ...hdl.emit import modules
from ...hdl.macro.ports import input_layout, write_layout
from ..sim.build import Surround

INSTANCE = re.compile(r"^  (\w+) (\w+) \($", re.MULTILINE)
# Bitcells of a bank, which are the port itself if there is but one, and tables of all banks.
CELLS = re.compile(r"^  reg \[(\d+):0\] (cells_(\d+)|weights);", re.MULTILINE)
TABLE = re.compile(r"^  reg \[(\d+):0\] cells \[(\d+):0\];", re.MULTILINE)


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


def stores(config, verilog, root="dut"):
    """Storage of weights and of tables that compute, a list of `Store`; rows that wait for a table's writer do not.

    Paths begin at ``root``, which is where the core is.
    """
    texts, found = modules(verilog), []

    def walk(module, path):
        text = texts[module]
        if module.endswith("_bitcell_array"):
            found.extend(Store(f"{path}.{name}", int(high) + 1, (int(bank or 0),))
                         for high, name, bank in CELLS.findall(text))
        elif ".columns.table_" in path and (memory := TABLE.search(text)):
            depth = int(memory[2]) + 1
            found.append(Store(f"{path}.cells", int(memory[1]) + 1,
                               tuple(address * config.macro.banks // depth for address in range(depth))))
        for inner, name in INSTANCE.findall(text):
            if inner in texts:
                walk(inner, f"{path}.{name}")

    walk(config.name, root)
    if not found:
        raise ValueError(f"storage must be found in the Verilog of {config.name}, and is not")
    return found


# What a bench module has beside the core's ports: its inputs, and the macro's streams.
INPUTS = {"strike": 1, "stuck": 1, "level": 1, "store": 32, "word": 32, "bit_": 32, "preset": 1, "count": 32}
STREAMS = {"write": write_layout, "i": lambda macro: input_layout(macro, told=True)}
VISIBLE = (*INPUTS, *(f"macro_{stream}__{name}" for stream in STREAMS for name in ("valid", "ready", "payload")))


def bench_module(config, found, *, name="upsets", dut=None, root="dut"):
    """SystemVerilog of a module around a core that changes a bit of its storage at the falling edge.

    While ``strike`` is high it inverts bit ``bit_`` of word ``word`` of storage ``store``; while ``stuck`` is, it sets
    it to ``level``. While ``preset`` is, it sets all performance counters to ``count``. ``macro_STREAM__PORT`` are the
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
    pins = ",\n".join(f"        .{port.name}({port.name})" for port in ports)
    taps = [f"    wire [{width - 1}:0] macro_{stream}__{port} = {core}.macro.{stream}__{port};"
            for stream, layout in STREAMS.items()
            for port, width in (("valid", 1), ("ready", 1), ("payload", layout(config.array).size))]
    cases = []
    for number, store in enumerate(found):
        place = f"{store.path}[word][bit_]" if store.is_table else f"{store.path}[bit_]"
        cases.append(f"        {number}: {place} = stuck ? level : ~{place};")
    counts = [f"        {core}.performance.{name} = count;" for name in COUNTERS]
    return "\n".join([
        f"module {name} (", ",\n".join(heads), ");", f"    {dut or config.name} dut (", pins, "    );", *taps,
        "    always @(negedge aclk) if (strike || stuck) case (store)", *cases, "        default: ;", "    endcase",
        "    always @(negedge aclk) if (preset) begin", *counts, "    end", "endmodule", ""])


def surround(config, verilog):
    """The bench module around a core of that Verilog, for `build`."""
    visible = (*(port.name for port in core_ports(config)), *VISIBLE)
    return Surround("upsets", {"upsets.sv": bench_module(config, stores(config, verilog))}, {}, visible)
