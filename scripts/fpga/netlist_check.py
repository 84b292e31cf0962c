"""Simulates the netlists of measurements against the golden model.

A netlist is extracted from its harness. The netlist of an array replaces the columns in the macro's own Verilog; the
macro's writers, drivers and controller then drive it.
"""

import json
import random
import shutil

import numpy as np
from amaranth.hdl import Value

from ...golden.bits import limits
from ...golden.program import Program, predict
from ...hdl.emit import design
from ...hdl.measure.column_array import shared_fields, steering
from ...verif.macro.stimulus import Stimulus
from ...verif.sim.build import Surround, build
from ...verif.sim.player import run_program
from ...verif.sim.simulators import SimulatorError
from .array_flow import BITS
from .flow import FlowError
from .netlist import drive_open_pins, model

VECTORS = 60
DSP_CYCLES = 300


class CheckError(FlowError):
    """A netlist differs from the golden model."""


def check_netlist(array, netlist, *, simulator="verilator", open_pins="1"):
    """Run random vectors, and the extremes of weights and inputs, on the netlist of a benchmark.

    Parameters
    ----------
    array : Array
    netlist : Netlist
    simulator : str
    open_pins : str
        Value of open carry pins. Synthesis had tied them to zero, so ones show that they do not matter.

    Returns
    -------
    int
        Results compared: one for each vector and column, or for each cycle and DSP.

    Raises
    ------
    CheckError
    """
    columns = f"{array.config.name}_columns"
    folder, cells = model_without_harness(netlist, columns, open_pins)
    if array.is_dsp:
        return check_dsps(array, columns, cells, simulator, folder)
    return check_macro(array.config, replace_columns(array, columns) + cells, simulator, folder)


def check_measured_macro(config, netlist, *, simulator="verilator", open_pins="1"):
    """`check_netlist` of a whole macro in its harness."""
    folder, cells = model_without_harness(netlist, config.name, open_pins)
    return check_macro(config, cells, simulator, folder)


def model_without_harness(netlist, name, open_pins):
    """The netlist without its harness, with models for its cells: its folder, and its Verilog."""
    folder = netlist.folder / "check"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    extract(netlist, name, folder / "netlist.json")
    if netlist.family.name == "ecp5":
        drive_open_pins(folder / "netlist.json", open_pins)
    return folder, model(netlist.family.name, name, folder, "read_json netlist.json")


def check_macro(config, verilog, simulator, folder):
    """`check_netlist` of a macro's Verilog."""
    program = random_program(config)
    outcome = run_program(config, program, simulator=simulator, folder=folder, verilog=verilog)
    expected = predict(config, program)
    for index, (result, correct) in enumerate(zip(outcome.results, expected.results, strict=True)):
        found, must = ((each.y.tolist(), each.sum_x) for each in (result, correct))
        if found != must:
            raise CheckError(f"vector {index} must give {must}, and gives {found}, in the netlist of {folder}")
    return len(outcome.results) * config.columns


def check_dsps(array, name, cells, simulator, folder):
    """`check_netlist` of an array of DSPs, as module ``name`` of the Verilog ``cells``."""
    dsps = array.component
    shape = {"rows": dsps.rows, "columns": dsps.columns, "bits": BITS, "width": dsps.width, "cycles": DSP_CYCLES}
    ports = ("clk", "rst", "x", "w", "add", "sums")
    built = build(array.config, simulator=simulator, folder=folder, verilog=cells,
                  surround=Surround(name, {}, {}, ports))
    try:
        built.run("bitline.verif.macro.tb_dsp", seed=1, environment={"BITLINE_ARRAY": json.dumps(shape)})
    except SimulatorError as error:
        raise CheckError(f"the sums of {array.name} must be those of numpy: {error}") from None
    return DSP_CYCLES * dsps.rows * dsps.columns


def random_program(config):
    """All banks written three times, with both extremes and with random weights; vectors after each."""
    rng = random.Random(1)
    stimulus, program = Stimulus(config, rng, np.random.default_rng(1)), Program()
    minimum, maximum = limits(config.weight_bits, True)
    for fill in (minimum, maximum, None):
        for bank in range(config.banks):
            program.writes += stimulus.bank(bank, fill, after=len(program.vectors))
        written = len(program.writes)
        for x, signed in (((1 << config.input_bits) - 1, False), (1 << config.input_bits - 1, True)):
            program.vectors.append(stimulus.vector(written, bits=config.input_bits, signed=signed,
                                                   x=np.full(config.rows, x)))
        program.vectors += stimulus.vectors(VECTORS if fill is None else 2, written)
    return program


def extract(netlist, name, path):
    """Write the netlist without the harness: the wires ``clk``, ``PORT_in`` and ``PORT_out`` become its ports."""
    design = json.loads((netlist.folder / "netlist.json").read_text(encoding="utf-8"))
    module = design["modules"].pop(netlist.top)
    nets = {wire: net["bits"] for wire, net in module["netnames"].items()}
    inputs, outputs = ({wire.removesuffix(suffix): bits for wire, bits in nets.items()
                        if wire.endswith(suffix) and wire.isidentifier()} for suffix in ("_in", "_out"))
    inputs["clk"] = nets["clk"]
    driven = {bit for bits in inputs.values() for bit in bits}
    module["cells"] = {
        cell_name: cell for cell_name, cell in module["cells"].items()
        if not any(bit in driven for pin, bits in cell["connections"].items()
                   if cell["port_directions"].get(pin) == "output" for bit in bits)}
    module["ports"] = {
        **{wire: {"direction": "input", "bits": bits} for wire, bits in inputs.items()},
        **{wire: {"direction": "output", "bits": bits} for wire, bits in outputs.items()},
    }
    path.write_text(json.dumps({**design, "modules": {**design["modules"], name: module}}), encoding="utf-8")


def replace_columns(array, name):
    """The macro's Verilog with an instance of a module ``name``, made by `extract`, for its blocks of columns."""
    macro, blocks = design(array.config).modules[array.config.name], array.component.blocks
    found = {each: instance for each, instance in macro.instances.items() if each in blocks}
    if found.keys() != blocks.keys():
        raise CheckError("the macro's Verilog must have the blocks of its columns, and has not")
    wires, pins = [], {"clk": "clk", "rst": "rst"}
    for each, instance in found.items():
        block, own, write = blocks[each], instance.pins, f"{each}__written"
        layout = block.write.shape()
        wires.append(f"  wire [{len(Value.cast(block.write)) - 1}:0] {write} = {own['write']};\n")

        def piece(field, write=write):
            return f"{write}[{field.offset + field.width - 1}:{field.offset}]"

        shared = ", ".join(piece(field) for _, field in reversed(shared_fields(block)) if field.width)
        pins |= {
            **{port: own[port] for port in steering(block)},
            f"{block.shape.storage}_plane": own["plane"],
            f"{block.shape.storage}_write": f"{{{shared}}}",
            f"{each}_weights": piece(layout["weights"]),
            f"{each}_totals": own["totals"],
        }
    connections = ",\n".join(f"    .{pin}({value})" for pin, value in pins.items())
    text = f"{''.join(wires)}  {name} columns (\n{connections}\n  );\n"
    return design(array.config).replacing(macro.name, found.values(), text).text
