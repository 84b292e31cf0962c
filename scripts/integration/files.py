"""The integration files: a core's Verilog and everything written beside it, and what an engine has of that too."""

import json
from importlib.metadata import version
from pathlib import Path

from ...hdl.csr.register_map import BUS_ADDRESS_BITS
from ...hdl.emit import emit_files
from .c_headers import DRIVER, errors_header, registers_header, values_header
from .cell_models import cell_models
from .interfaces import package
from .ip_xact import ip_xact
from .packages import platform_designer, vivado
from .simulation import filled, makefile, register_model, simulation_files
from .systemrdl import pages, systemrdl

HERE = Path(__file__).resolve().parent

# Clock period of the constraints; users change it.
PERIOD_NS = 10
# Of FuseSoC.
SIMULATORS = ("dsim", "icarus", "modelsim", "rivierapro", "vcs", "verilator", "xcelium", "xsim")


def integration_files(config, fabric="generic"):
    """Contents of all files of a core, by name.

    Parameters
    ----------
    config : CoreConfig
    fabric : str
        As of `emit`. What simulates Verilog with cells gets their models; other vendors' tools get nothing.

    Raises
    ------
    EmitError
        Yosys rejected the Verilog.
    IntegrationError
        PeakRDL is not installed.
    """
    name, models = config.name, cell_models(fabric)
    verilog = emit_files(config, fabric)
    files = verilog | common_files(config, fabric, verilog, models) | simulation_files(config) | {
        f"{name}.json": core_sidecar(config, fabric),
        f"{name}_registers.h": values_header(config),
        f"{DRIVER}_registers.h": registers_header(),
        f"{DRIVER}_errors.h": errors_header(),
    }
    for copied in (HERE / "drivers" / f"{DRIVER}.c", HERE / "drivers" / f"{DRIVER}.h", HERE / "fusesoc_bitline.core",
                   HERE / "fusesoc_bitline.py"):
        files[copied.name] = copied.read_text(encoding="utf-8")
    if config.bus == "axi":
        files[f"{name}_litex.py"] = litex(config, verilog)
    return files


def common_files(config, fabric, verilog, models):
    """What a core has, and an engine too: all that knows nothing but ports, registers and names.

    Parameters
    ----------
    config : CoreConfig or EngineCoreConfig
    fabric : str
    verilog : iterable of str
        Names of the files of its Verilog.
    models : dict
        `cell_models`.

    Raises
    ------
    IntegrationError
        PeakRDL is not installed.
    """
    name = config.name
    files = pages(config) | models | makefile(config, [*verilog, *models]) | register_model(config) | {
        f"{name}.f": "".join(f"{source}\n" for source in verilog),
        f"{name}.core": fusesoc(config, verilog, models=models),
        f"{name}.sdc": constraints(config),
        f"{name}_instance.v": template(config),
        f"{name}.rdl": systemrdl(config),
        f"{name}.xml": ip_xact(config, verilog, models),
        "find_verilator.sh": (HERE / "find_verilator.sh").read_text(encoding="utf-8"),
    }
    if fabric == "generic":
        files |= {f"{name}_vivado.tcl": vivado(config, verilog, PERIOD_NS),
                  f"{name}_hw.tcl": platform_designer(config, verilog)}
    return files


def core_sidecar(config, fabric="generic"):
    """That of a core."""
    return sidecar(config, fabric, lanes=config.lanes, latency={"macro": config.macro.latency})


def sidecar(config, fabric, **more):
    """A description of the Verilog of any core for programs, as a JSON object; ``more`` is what only some have."""
    part = package(config)
    return json.dumps({
        "generator": f"bitline {version('bitline')}",
        "module": part.name,
        "hash": part.hash,
        "fabric": fabric,
        "configuration": config.to_dict(),
        **more,
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


def fusesoc(config, sources, vlnv=None, models=()):
    """A FuseSoC core file: the names of its Verilog files, and targets rtl, lint, sim and synth, the last for an FPGA.

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
        "NUMBERS": "".join(f"      - {name} : {{file_type: user, copyto: {name}}}\n" for name in part.numbers)})


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
    return filled("litex.py.in", {
        "NAME": config.name, "SOURCES": tuple(sources), "INPUT_BITS": config.input_stream_bits,
        "WEIGHT_BITS": config.weight_stream_bits, "OUTPUT_BITS": config.output_stream_bits,
        "ADDRESS_BITS": BUS_ADDRESS_BITS, "USER_BITS": int(config.checksum),
        "DMA_BITS": config.dma, "VECTOR_BEATS": config.vector_beats})
