"""Where a core stores its weights, found in its Verilog, and a bench module that upsets single bits of it."""

import re
from dataclasses import dataclass

from ..hdl.core_top import core_ports

MODULE = re.compile(r"^module (\w+)\(.*?^endmodule", re.MULTILINE | re.DOTALL)
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


def stores(config, verilog):
    """Storage of weights and of tables that compute, a list of `Store`; rows that wait for a table's writer do not."""
    modules = {match[1]: match[0] for match in MODULE.finditer(verilog)}
    found = []

    def walk(module, path):
        text = modules[module]
        if module.endswith("_bitcell_array"):
            found.extend(Store(f"{path}.{name}", int(high) + 1, (int(bank or 0),))
                         for high, name, bank in CELLS.findall(text))
        elif ".columns.table_" in path and (memory := TABLE.search(text)):
            depth = int(memory[2]) + 1
            found.append(Store(f"{path}.cells", int(memory[1]) + 1,
                               tuple(address * config.macro.banks // depth for address in range(depth))))
        for inner, name in INSTANCE.findall(text):
            if inner in modules:
                walk(inner, f"{path}.{name}")

    walk(config.name, "dut")
    if not found:
        raise ValueError(f"storage must be found in the Verilog of {config.name}, and is not")
    return found


def bench_module(config, found, name="upsets"):
    """SystemVerilog of a module around a core that inverts bit ``bit`` of word ``word`` of storage ``store`` at the
    falling edge while ``strike`` is high."""
    ports = core_ports(config)
    heads = [f"    {port.direction} wire [{port.width - 1}:0] {port.name}" for port in ports]
    pins = ",\n".join(f"        .{port.name}({port.name})" for port in ports)
    cases = []
    for number, store in enumerate(found):
        place = f"{store.path}[word][bit_]" if store.is_table else f"{store.path}[bit_]"
        cases.append(f"        {number}: {place} = ~{place};")
    return "\n".join([
        f"module {name} (", ",\n".join([*heads, "    input wire strike", "    input wire [31:0] store, word, bit_"]),
        ");", f"    {config.name} dut (", pins, "    );", "    always @(negedge aclk) if (strike) case (store)",
        *cases, "        default: ;", "    endcase", "endmodule", ""])
