"""The integration files: a core's Verilog and everything written beside it."""

import json
from importlib.metadata import version
from pathlib import Path

from ...hdl.core.top import core_ports
from ...hdl.csr.register_map import BUS_ADDRESS_BITS, ErrorCode, register_map
from ...hdl.emit import emit_files
from .c_headers import DRIVER, errors_header, registers_header, values_header
from .ip_xact import ip_xact
from .simulation import filled, simulation_files
from .systemrdl import pages, systemrdl

HERE = Path(__file__).resolve().parent

# Clock period of the constraints; users change it.
PERIOD_NS = 10


def integration_files(config):
    """Contents of all files of a core, by name.

    Raises
    ------
    EmitError
        Yosys rejected the Verilog.
    IntegrationError
        PeakRDL is not installed.
    """
    name = config.name
    verilog = emit_files(config)
    files = pages(config) | verilog | simulation_files(config, verilog) | {
        f"{name}.json": sidecar(config),
        f"{name}.f": "".join(f"{source}\n" for source in verilog),
        f"{name}.core": fusesoc(config, verilog),
        f"{name}.sdc": constraints(config),
        f"{name}_instance.v": template(config),
        f"{name}.rdl": systemrdl(config),
        f"{name}.xml": ip_xact(config, verilog),
        f"{name}_registers.h": values_header(config),
        f"{DRIVER}_registers.h": registers_header(),
        f"{DRIVER}_errors.h": errors_header(),
    }
    for copied in (f"{DRIVER}.c", f"{DRIVER}.h", "fusesoc_bitline.core", "fusesoc_bitline.py", "find_verilator.sh"):
        files[copied] = (HERE / copied).read_text(encoding="utf-8")
    if config.bus == "axi":
        files[f"{name}_litex.py"] = litex(config, verilog)
    return files


def sidecar(config):
    """A description of the Verilog for programs, as a JSON object."""
    description = {
        "generator": f"bitline {version('bitline')}",
        "module": config.name,
        "hash": config.hash,
        "configuration": config.to_dict(),
        "lanes": config.lanes,
        "latency": {"macro": config.macro.latency},
        "ports": [{"name": port.name, "direction": port.direction, "width": port.width, "meaning": port.meaning}
                  for port in core_ports(config)],
        "registers": [{"name": register.name, "offset": register.offset, "meaning": register.meaning,
                       "fields": [{"name": field.name, "low": field.low, "bits": field.bits, "reset": field.reset,
                                   "access": field.access.name.lower(), "meaning": field.meaning}
                                  for field in register.fields]} for register in register_map(config)],
        "errors": {code.value: code.meaning for code in ErrorCode},
    }
    return json.dumps(description, indent=2) + "\n"


def fusesoc(config, sources, vlnv=None):
    """A FuseSoC core file: the names of its Verilog files, and targets rtl, lint, sim and synth, the last for an FPGA.

    FuseSoC calls Verilator by a makefile: ``$VERILATOR``, that of ``$VERILATOR_ROOT``, or ``verilator`` on the path. If
    there is none of these, `find_verilator.sh` has it call that of the package from PyPI.
    """
    name = config.name
    return f"""CAPI=2:
name: {vlnv or f"bitline:core:{name}:{version('bitline')}"}
description: Bitline digital compute-in-memory core, configuration {config.hash}

filesets:
  rtl:
    files: [{", ".join(sources)}]
    file_type: verilogSource
  testbench:
    files:
      - {name}_tb.v : {{file_type: verilogSource}}
      - {name}_steps.hex : {{file_type: user, copyto: {name}_steps.hex}}
      - {name}_results.hex : {{file_type: user, copyto: {name}_results.hex}}
  verilator:
    files: [find_verilator.sh : {{copyto: find_verilator.sh}}]
    file_type: user
  constraints:
    files: [{name}.sdc : {{file_type: SDC}}]

parameters:
  BITLINE_MEMORY_FPGA:
    datatype: bool
    paramtype: vlogdefine
    description: Memories ask for block RAM
  BITLINE_MEMORY_OPENRAM:
    datatype: bool
    paramtype: vlogdefine
    description: Memories are macros of OpenRAM

scripts:
  find_verilator:
    cmd: [sh, find_verilator.sh]

targets:
  default: &default
    filesets: [rtl]
    toplevel: {name}
    parameters: [BITLINE_MEMORY_FPGA, BITLINE_MEMORY_OPENRAM]
  rtl: *default
  lint:
    <<: *default
    filesets: [rtl, verilator]
    default_tool: verilator
    hooks: &hooks
      pre_build: [find_verilator]
    tools:
      verilator:
        mode: lint-only
        verilator_options: [-Wall]
  sim:
    <<: *default
    filesets: [rtl, testbench, verilator]
    toplevel: {name}_tb
    default_tool: verilator
    hooks: *hooks
    tools:
      verilator:
        mode: binary
        verilator_options: [-Wno-fatal, -Wno-lint, -Wno-style,
          -MAKEFLAGS, OPT_FAST=-O0, -MAKEFLAGS, OPT_SLOW=-O0, -MAKEFLAGS, OPT_GLOBAL=-O0]
      icarus:
        iverilog_options: [-g2012]
  synth:
    <<: *default
    filesets: [rtl, constraints]
    parameters: [BITLINE_MEMORY_FPGA=true]
    default_tool: yosys
    tools:
      yosys:
        arch: ecp5
        output_format: json
"""


def constraints(config):
    """Timing constraints of the core alone: its clock, and I/O delays of a third of a cycle."""
    io_delay_ns = PERIOD_NS / 3
    lines = [f"create_clock -name aclk -period {PERIOD_NS} [get_ports aclk]"]
    for port in core_ports(config):
        if port.name == "aclk":
            continue
        if port.name == "aresetn" and config.reset == "asynchronous":
            lines.append("set_false_path -from [get_ports aresetn]")
            continue
        pins = f"[get_ports {{{port.name}{'[*]' if port.width > 1 else ''}}}]"
        lines.append(f"set_{port.direction}_delay {io_delay_ns:.2f} -clock aclk {pins}")
    return "\n".join([*lines, ""])


def template(config):
    """An instance of the core, each port connected to a net of the same name."""
    ports = core_ports(config)
    width = max(len(port.name) for port in ports)
    nets = [f"wire {f'[{port.width - 1}:0]':<8} {port.name};" if port.width > 1 else f"wire          {port.name};"
            for port in ports]
    pins = ",\n".join(f"    .{port.name:<{width}} ({port.name})" for port in ports)
    return "\n".join(nets) + f"\n\n{config.name} core (\n{pins}\n);\n"


def litex(config, sources):
    """The LiteX wrapper of a core whose Verilog is in the files ``sources``."""
    return filled("litex.py.in", {
        "NAME": config.name, "SOURCES": tuple(sources), "INPUT_BITS": config.input_stream_bits,
        "WEIGHT_BITS": config.weight_stream_bits, "OUTPUT_BITS": config.output_stream_bits,
        "ADDRESS_BITS": BUS_ADDRESS_BITS, "USER_BITS": int(config.checksum),
        "DMA_BITS": config.dma})
