"""The integration files: the Verilog of a core of any kind, and everything written beside it."""

import json
from importlib.metadata import version
from pathlib import Path

from ...golden.engine.image import Fault
from ...hdl.config import CoreConfig
from ...hdl.config.block_core import BlockCoreConfig
from ...hdl.config.engine_core import EngineCoreConfig
from ...hdl.emit import described_formats, emit_files
from .block_core_steps import block_core_testbench
from .c_headers import driver_files, values_header
from .cell_models import cell_models
from .core_steps import core_testbench
from .engine_steps import engine_testbench
from .interfaces import interfaces, package
from .ip_xact import ip_xact
from .packages import platform_designer, vivado
from .simulation import filled, simulation_files
from .systemrdl import pages, systemrdl

HERE = Path(__file__).resolve().parent

# Clock period of the constraints; users change it.
PERIOD_NS = 10
# FuseSoC's generator of cores.
GENERATOR = ("fusesoc_bitline.core", "fusesoc_bitline.py")
# Of FuseSoC.
SIMULATORS = ("dsim", "icarus", "modelsim", "rivierapro", "vcs", "verilator", "xcelium", "xsim")


# Of each kind of core: its testbench, and what its description alone has.
KINDS = {
    CoreConfig: (core_testbench, lambda config: {"lanes": config.lanes, "latency": {"macro": config.macro.latency}}),
    BlockCoreConfig: (block_core_testbench, lambda config: described_formats(config.blocks)),
    EngineCoreConfig: (engine_testbench, lambda config: {
        "engine_hash": config.engine.hash, "faults": {fault.value: fault.name for fault in Fault}}),
}


def integration_files(config, fabric="generic"):
    """Contents of all files of a core of any kind, by name.

    Parameters
    ----------
    config : CoreConfig, BlockCoreConfig or EngineCoreConfig
    fabric : str
        As of `emit`. What simulates Verilog with cells gets their models; other vendors' tools get nothing.

    Raises
    ------
    EmitError
        Yosys rejected the Verilog.
    ValueError
        An engine has what there is no gateware for.
    IntegrationError
        PeakRDL is not installed.
    """
    name, part = config.name, package(config)
    verilog, models = emit_files(config, fabric), cell_models(fabric)
    files = pages(config) | fusesoc_files(config, fabric) | driver_files(part.driver) | simulation_files(
        config, [*verilog, *models]) | {
        f"{name}.json": sidecar(config, fabric),
        f"{name}.f": "".join(f"{source}\n" for source in verilog),
        f"{name}_instance.v": template(config),
        f"{name}.rdl": systemrdl(config),
        f"{name}.xml": ip_xact(config, verilog, models),
        f"{name}_registers.h": values_header(name, part.driver, part.registers),
        **{copied: (HERE / copied).read_text(encoding="utf-8") for copied in GENERATOR},
    }
    if fabric == "generic":
        files |= {f"{name}_vivado.tcl": vivado(config, verilog, PERIOD_NS),
                  f"{name}_hw.tcl": platform_designer(config, verilog)}
    if config.bus == "axi" and not isinstance(config, BlockCoreConfig):
        files[f"{name}_litex.py"] = litex(config, verilog)
    return files


def fusesoc_files(config, fabric="generic", vlnv=None):
    """What FuseSoC simulates and synthesizes: Verilog, a testbench, constraints and the core file, by name."""
    verilog, models = emit_files(config, fabric), cell_models(fabric)
    make_testbench, _ = KINDS[type(config)]
    testbench = make_testbench(config)
    return verilog | models | testbench | {
        f"{config.name}.core": fusesoc(config, verilog, testbench, vlnv, models),
        f"{config.name}.sdc": constraints(config),
        "find_verilator.sh": (HERE / "find_verilator.sh").read_text(encoding="utf-8"),
    }


def sidecar(config, fabric="generic"):
    """A description of the Verilog of a core of any kind for programs, as a JSON object."""
    part, (_, described) = package(config), KINDS[type(config)]
    return json.dumps({
        "generator": f"bitline {version('bitline')}",
        "module": part.name,
        "hash": part.hash,
        "fabric": fabric,
        "configuration": config.to_dict(),
        **described(config),
        "ports": [{"name": port.name, "direction": port.direction, "width": port.width, "meaning": port.meaning}
                  for port in part.ports],
        "registers": _described(part.registers),
        "errors": {code.value: meaning for code, meaning in sorted(part.errors.items())},
    }, indent=2) + "\n"


def _described(registers):
    """Registers as in JSON files."""
    return [{"name": register.name, "offset": register.offset, "meaning": register.meaning,
             "fields": [{"name": field.name, "low": field.low, "bits": field.bits, "reset": field.reset,
                         "access": field.access.name.lower(), "meaning": field.meaning}
                        for field in register.fields]} for register in registers]


def fusesoc(config, sources, testbench, vlnv=None, models=()):
    """A FuseSoC core file: the names of its Verilog files, and targets rtl, lint, sim and synth, the last for an FPGA.

    ``testbench``: names of the files of the testbench, of which those with numbers are where the simulator runs.

    ``models``: names of the files of `cell_models`, which a design of several cores gets too, where it is simulated.

    FuseSoC calls Verilator by a makefile: ``$VERILATOR``, that of ``$VERILATOR_ROOT``, or ``verilator`` on the path. If
    there is none of these, `find_verilator.sh` has it call that of the package from PyPI.
    """
    part = package(config)
    listed = f"  models:\n    files: [{', '.join(models)}]\n    file_type: verilogSource\n" if models else ""
    used = [f'"tool_{simulator} ? (models)"' for simulator in SIMULATORS] if models else []
    return filled("fusesoc.core.in", {
        "NAME": config.name, "VLNV": vlnv or f"bitline:core:{config.name}:{version('bitline')}",
        "DESCRIPTION": part.description,
        "SOURCES": ", ".join(sources), "MODELS": listed, "USED": ", ".join(["rtl", *used]),
        "SIMULATED": "rtl, models" if models else "rtl",
        "NUMBERS": "".join(f"      - {name} : {{file_type: user, copyto: {name}}}\n"
                           for name in testbench if name.endswith(".hex"))})


def constraints(config):
    """Timing constraints of a core or engine alone: its clock, and I/O delays of a third of a cycle."""
    io_delay_ns = PERIOD_NS / 3
    lines = [f"create_clock -name aclk -period {PERIOD_NS} [get_ports aclk]"]
    part = package(config)
    for port in part.ports:
        if port.name == "aclk":
            continue
        if port.name == "aresetn" and part.reset == "asynchronous":
            lines.append("set_false_path -from [get_ports aresetn]")
            continue
        pins = f"[get_ports {{{port.name}{'[*]' if port.width > 1 else ''}}}]"
        lines.append(f"set_{port.direction}_delay {io_delay_ns:.2f} -clock aclk {pins}")
    return "\n".join([*lines, ""])


def template(config):
    """An instance of a core or engine, each port connected to a net of the same name."""
    part = package(config)
    ports = part.ports
    width = max(len(port.name) for port in ports)
    nets = [f"wire {f'[{port.width - 1}:0]':<8} {port.name};" if port.width > 1 else f"wire          {port.name};"
            for port in ports]
    pins = ",\n".join(f"    .{port.name:<{width}} ({port.name})" for port in ports)
    return "\n".join(nets) + f"\n\n{part.name} {part.noun} (\n{pins}\n);\n"


def litex(config, sources):
    """The LiteX wrapper of a core whose Verilog is in the files ``sources``."""
    rows = ""
    for interface in interfaces(config):
        if interface.name.startswith(("s_", "m_")):
            ports = ((port.direction[0], port.name, port.width, *_litex_signal(port.role.lower()))
                     for port in interface.ports)
            rows += f'    "{interface.name}": (\n' + "".join(f"        {port},\n" for port in ports) + "    ),\n"
    has_streams = any(interface.name == "s_axis" for interface in interfaces(config))
    return filled("litex.py.in", {
        "NAME": config.name, "NOUN": package(config).noun, "SOURCES": tuple(sources), "INTERFACES": rows,
        "DMA": filled("litex_dma.py.in", {"VECTOR_BEATS": config.vector_beats}) if has_streams else ""})


def _litex_signal(role):
    """Channel, none of a stream, and signal of a role on AXI."""
    size = 2 if role.startswith("a") else 1
    return ("", role[1:]) if role.startswith("t") else (role[:size], role[size:])
