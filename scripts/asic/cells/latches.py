"""Bitcells made of latches, each row written by a pulse of one gate."""

from ....hdl.fabric.design import Design
from ...common.files import BadInput

NOR = 0b0001
# In front of each bit that is written: data must stand until the pulse has ended.
HOLD_BUFFERS = 2


def check_latches(roles, library):
    """The gate of two inputs that makes pulses; BadInput if the library has none, or no latch."""
    gate = next((cell for cell in sorted(library.usable, key=lambda cell: cell.area)
                 if len(cell.inputs) == 2 and list(cell.tables.values()) == [NOR]), None)
    for kind, cell in (("latch", roles.latch), ("NOR gate", gate)):
        if cell is None:
            raise BadInput(f"--bitcell latch must come with a library that has a {kind}, and {library.name} has none")
    return gate


def latch_array(verilog, top, config, roles, library):
    """Verilog of a macro's bitcell array of latches, by name of the module that it replaces.

    A latch is open in the second half of the cycle in which its wordline is high: then the wordline, which comes from a
    register, stands still. The pulse is one gate of the library, because logic that is mapped freely may give pulses
    that nobody asked for.
    """
    name = f"{top}_bitcell_array"
    ports = ", ".join(f"{port.direction} wire {f'[{port.width - 1}:0] ' * (port.width > 1)}{port.name}"
                      for port in Design(verilog).modules[name].ports.values())
    return {name: _module(name, ports, config, roles, check_latches(roles, library))}


def _module(name, ports, config, roles, gate):
    rows, bits, banks = config.rows, config.weight_bits, config.banks
    latch, buffer = roles.latch, roles.buffers[0]
    (output,) = (pin for pin, text in latch.outputs.items() if text == latch.storage.state)
    first, second = gate.inputs
    lines = [f"module {name} ({ports});", *_held(bits, buffer)]
    for bank in range(banks):
        lines.append(f"  wire [{rows * bits - 1}:0] cells_{bank};")
        for row in range(rows):
            selected = f"wordline[{row}]" if rows > 1 else "wordline"
            if banks > 1:
                selected += f" & (write_bank == {bank})"
            place = f"{bank}_{row}"
            lines.append(f"  wire idle_{place} = ~({selected}), pulse_{place};")
            lines.append(f"  {gate.name} gate_{place}(.{first}(clk), .{second}(idle_{place}), "
                         f".{next(iter(gate.outputs))}(pulse_{place}));")
            lines += [f"  {latch.name} cell_{place}_{bit}(.{latch.storage.clock}(pulse_{place}), "
                      f".{latch.storage.data}(held_{bit}), .{output}(cells_{bank}[{row * bits + bit}]));"
                      for bit in range(bits)]
    chosen = "cells_0"
    for bank in range(1, banks):
        chosen = f"(bank == {bank}) ? cells_{bank} : {chosen}"
    return "\n".join([*lines, f"  assign weights = {chosen};", "endmodule", ""])


def _held(bits, buffer):
    """The bits to write behind buffers."""
    (pin,), (output,) = buffer.inputs, buffer.outputs
    for bit in range(bits):
        data = f"write_weight[{bit}]" if bits > 1 else "write_weight"
        for stage in range(HOLD_BUFFERS):
            wire = f"held_{bit}" if stage == HOLD_BUFFERS - 1 else f"late_{bit}_{stage}"
            yield f"  wire {wire};"
            yield f"  {buffer.name} hold_{bit}_{stage}(.{pin}({data}), .{output}({wire}));"
            data = wire
