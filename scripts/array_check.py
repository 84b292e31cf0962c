"""Simulates the netlists that `bitline bench fpga` places, against the golden model.

The netlist of an array is cut out of its harness and put in the place of the columns in the macro's own Verilog, so
that the macro's writers, drivers and controller drive it.
"""

import json
import random
import re
import shutil

import numpy as np
from amaranth.hdl import Value

from ..golden.program import Program, predict
from ..golden.words import limits
from ..hdl.column_array import shared_fields, steering
from ..hdl.emit import emit
from ..host.rtl import run_program
from ..host.simulator import SimulatorError, Surround, build
from ..verif.stimulus import Stimulus
from .array_flow import BITS
from .flow import FlowError
from .netlist import drive_open_pins, model

VECTORS = 60
DSP_CYCLES = 300
BLOCK = r"^  \w+_block_\d+ (?P<name>block_\d+) \(\n(?P<pins>(?:    \..*\n)*)  \);\n"
PIN = r"^    \.(\w+)\((.*?)\),?$"


class CheckError(FlowError):
    """A netlist computes something else than the golden model."""


def check_netlist(array, netlist, *, simulator="verilator", open_pins="1"):
    """Run random vectors, with the extremes of weights and inputs among them, on a netlist that is benchmarked.

    Parameters
    ----------
    array : Array
    netlist : Netlist
    simulator : str
    open_pins : str
        What open carry pins read; synthesis had tied them to zero, so a one shows that they do not matter.

    Returns
    -------
    int
        Results that were compared: of a vector and a column, or of a cycle and a DSP.

    Raises
    ------
    CheckError
    """
    folder = netlist.folder / "check"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    config = array.config
    columns = f"{config.name}_columns"
    cut(netlist, columns, folder / "netlist.json")
    drive_open_pins(folder / "netlist.json", open_pins)
    cells = model("ecp5", columns, folder, "read_json netlist.json")
    return (check_dsps if array.is_dsp else check_columns)(array, columns, cells, simulator, folder)


def check_columns(array, columns, cells, simulator, folder):
    """`check_netlist` of columns, as module ``columns`` of the Verilog ``cells``."""
    config = array.config
    program = random_program(config)
    outcome = run_program(config, program, simulator=simulator, folder=folder,
                          verilog=replace_columns(array, columns) + cells)
    expected = predict(config, program)
    for index, (result, right) in enumerate(zip(outcome.results, expected.results, strict=True)):
        if result.y.tolist() != right.y.tolist():
            raise CheckError(f"vector {index} must give {right.y.tolist()}, and gives {result.y.tolist()}, in the "
                             f"netlist of {folder}")
    return len(outcome.results) * config.columns


def check_dsps(array, name, cells, simulator, folder):
    """`check_netlist` of an array of DSPs, as module ``name`` of the Verilog ``cells``."""
    dsps = array.component
    shape = {"rows": dsps.rows, "columns": dsps.columns, "bits": BITS, "width": dsps.width, "cycles": DSP_CYCLES}
    ports = ("clk", "rst_in", "x_in", "w_in", "add_in", "sums_out")
    built = build(array.config, simulator=simulator, folder=folder, verilog=cells,
                  surround=Surround(name, {}, {}, ports))
    try:
        built.run("bitline.verif.tb_dsp", seed=1, environment={"BITLINE_ARRAY": json.dumps(shape)})
    except SimulatorError as error:
        raise CheckError(f"the sums of {array.name} must be those of numpy: {error}") from None
    return DSP_CYCLES * dsps.rows * dsps.columns


def random_program(config):
    """All banks written three times, with random weights and with either extreme; vectors after each."""
    rng = random.Random(1)
    stimulus, program = Stimulus(config, rng, np.random.default_rng(1)), Program()
    least, greatest = limits(config.weight_bits, True)
    for fill in (least, greatest, None):
        for bank in range(config.banks):
            program.writes += stimulus.bank(bank, fill, after=len(program.vectors))
        written = len(program.writes)
        for x, signed in (((1 << config.input_bits) - 1, False), (1 << config.input_bits - 1, True)):
            program.vectors.append(stimulus.vector(written, bits=config.input_bits, signed=signed,
                                                   x=np.full(config.rows, x)))
        program.vectors += stimulus.vectors(VECTORS if fill is None else 2, written)
    return program


def cut(netlist, name, path):
    """Write the netlist without the harness: what was on the wires ``PORT_in`` and ``PORT_out`` becomes ports."""
    design = json.loads((netlist.folder / "netlist.json").read_text(encoding="utf-8"))
    module = design["modules"].pop(netlist.top)
    inputs = {wire: net["bits"] for wire, net in module["netnames"].items() if re.fullmatch(r"\w+_in", wire)}
    outputs = {wire: net["bits"] for wire, net in module["netnames"].items() if re.fullmatch(r"\w+_out", wire)}
    driven = {bit for bits in inputs.values() for bit in bits}
    module["cells"] = {
        cell_name: cell for cell_name, cell in module["cells"].items()
        if not any(bit in driven for pin, bits in cell["connections"].items()
                   if cell["port_directions"].get(pin) == "output" for bit in bits)}
    module["ports"] = {
        "clk": module["ports"]["clk"],
        **{wire: {"direction": "input", "bits": bits} for wire, bits in inputs.items()},
        **{wire: {"direction": "output", "bits": bits} for wire, bits in outputs.items()},
    }
    path.write_text(json.dumps({**design, "modules": {**design["modules"], name: module}}), encoding="utf-8")


def replace_columns(array, name):
    """The macro's plain Verilog with an instance of a module ``name``, as `cut` makes it, for its blocks of columns."""
    verilog = emit(array.config)
    found = list(re.finditer(BLOCK, verilog, re.MULTILINE))
    blocks = array.component.blocks
    if {match["name"] for match in found} != blocks.keys():
        raise CheckError("the macro's Verilog must have the blocks of its columns, and has not")
    wires, pins = [], {"clk": "clk", "rst_in": "rst"}
    for match in found:
        block, own = blocks[match["name"]], dict(re.findall(PIN, match["pins"], re.MULTILINE))
        write = f"{match['name']}__written"
        layout = block.write.shape()
        wires.append(f"  wire [{len(Value.cast(block.write)) - 1}:0] {write} = {own['write']};\n")

        def piece(field, write=write):
            return f"{write}[{field.offset + field.width - 1}:{field.offset}]"

        shared = ", ".join(piece(field) for _, field in reversed(shared_fields(block)) if field.width)
        pins |= {
            **{f"{port}_in": own[port] for port in steering(block)},
            f"{block.storage}_plane_in": own["plane"],
            f"{block.storage}_write_in": f"{{{shared}}}",
            f"{match['name']}_weights_in": piece(layout["weights"]),
            f"{match['name']}_totals_out": own["totals"],
        }
    connections = ",\n".join(f"    .{pin}({value})" for pin, value in pins.items())
    text = re.sub(BLOCK, "", verilog, flags=re.MULTILINE)
    place = found[0].start()
    return f"{text[:place]}{''.join(wires)}  {name} columns (\n{connections}\n  );\n{text[place:]}"
