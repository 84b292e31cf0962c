"""Bitcells that are the user's array: a cell of the library, found by its pins, that keeps the weights of a column."""

from amaranth.hdl import Shape
from amaranth.lib.wiring import In

from ....hdl.columns.bitcell_array import array_members
from ...common.files import BadInput

CLOCK, BANK, OUTPUT = "clk", "bank", "weights"


def array_ports(config):
    """The ports of a column's array, by name: whether it is an input, and its width."""
    ports = {name: (member.flow == In, Shape.cast(member.shape).width)
             for name, member in array_members(config.rows, config.weight_bits, config.banks).items()}
    return {CLOCK: (True, 1), **{name: port for name, port in ports.items() if port[1]}}


def bits_of(port, width):
    """The pins of a port, the lowest bit first."""
    return [port] if width == 1 else [f"{port}[{index}]" for index in range(width)]


def index_of(pin):
    """Which bit of its port a pin is."""
    return int(pin.partition("[")[2].rstrip("]") or 0)


def is_array(cell):
    """Whether a cell keeps weights: it has some at its outputs, and no function that says where they come from."""
    return not cell.storage and not any(cell.outputs.values()) and any(
        pin.partition("[")[0] == OUTPUT for pin in cell.outputs)


def find_array(config, library):
    """The smallest cell that has the ports of a column's array.

    Raises
    ------
    BadInput
        There is none, or it has no area.
    """
    wanted = {True: set(), False: set()}
    for port, (is_input, width) in array_ports(config).items():
        wanted[is_input].update(bits_of(port, width))
    arrays = sorted((cell for cell in library.cells.values() if is_array(cell) and not cell.is_excluded),
                    key=lambda cell: cell.area)
    faults = [_fault(cell, wanted) for cell in arrays]
    if not arrays or None not in faults:
        why = f"{arrays[0].name} {faults[0]}" if arrays else f"{library.name} has no cell with {OUTPUT}"
        raise BadInput(f"--bitcell array must come with a cell that has the pins of an array of {config.rows} rows, "
                       f"{config.weight_bits} bits and {config.banks} banks, and {why}")
    return arrays[faults.index(None)]


def _fault(cell, wanted):
    """What is wrong with a cell; None for one with exactly these inputs, at least these outputs, and an area."""
    found = {True: set(cell.inputs), False: set(cell.outputs)}
    for is_input, word in ((True, "input"), (False, "output")):
        if lacking := sorted(wanted[is_input] - found[is_input]):
            return f"lacks {len(lacking)}, the {word} {lacking[0]} among them"
    if more := sorted(found[True] - wanted[True]):
        return f"has another input, {more[0]}"
    return None if cell.area > 0 else "has no area"


def array_module(config, library):
    """Verilog of a macro's bitcell array that is such a cell, by name of the module that it replaces."""
    name, cell, ports = f"{config.name}_bitcell_array", find_array(config, library), array_ports(config)
    declared = ", ".join(f"{'input' if is_input else 'output'} {f'[{width - 1}:0] ' * (width > 1)}{port}"
                         for port, (is_input, width) in ports.items())
    pins = ", ".join(f".{port}({port})" for port in ports)
    return {name: f"(* blackbox *) module {cell.name} ({declared});\nendmodule\n"
                  f"module {name} ({declared});\n  {cell.name} cells ({pins});\nendmodule\n"}
