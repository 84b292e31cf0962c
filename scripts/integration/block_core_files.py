"""The files of a block core: its Verilog, its description, and the documents of its registers."""

import json
from importlib.metadata import version

from ...hdl.emit import described_formats, emit_files
from .c_headers import BLOCK_CORE, block_core_registers_header
from .cell_models import cell_models
from .files import constraints, described, described_ports, template
from .interfaces import package
from .systemrdl import pages, systemrdl


def block_core_files(config, fabric="generic"):
    """Contents of all files of a block core, by name.

    Parameters
    ----------
    config : BlockCoreConfig
    fabric : str
        As of `emit`. With cells, models of them are among the files.

    Raises
    ------
    EmitError
        Yosys rejected the Verilog.
    IntegrationError
        PeakRDL is not installed.
    """
    name, verilog = config.name, emit_files(config, fabric)
    return pages(config) | verilog | cell_models(fabric) | {
        f"{name}.json": block_core_sidecar(config, fabric),
        f"{name}.f": "".join(f"{source}\n" for source in verilog),
        f"{name}.sdc": constraints(config),
        f"{name}_instance.v": template(config),
        f"{name}.rdl": systemrdl(config),
        f"{BLOCK_CORE}_registers.h": block_core_registers_header(package(config).registers),
    }


def block_core_sidecar(config, fabric="generic"):
    """A description of the Verilog for programs, as a JSON object."""
    part = package(config)
    description = {
        "generator": f"bitline {version('bitline')}",
        "module": config.name,
        "hash": config.hash,
        "fabric": fabric,
        "configuration": config.to_dict(),
        **described_formats(config.blocks),
        "ports": described_ports(part.ports),
        "registers": described(part.registers),
        "errors": {code.value: meaning for code, meaning in sorted(part.errors.items())},
    }
    return json.dumps(description, indent=2) + "\n"
