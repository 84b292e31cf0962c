"""The files of a block core: its Verilog, its description, and the documents of its registers."""


from ...hdl.emit import described_formats, emit_files
from .c_headers import BLOCK_CORE, block_core_registers_header
from .cell_models import cell_models
from .files import constraints, sidecar, template
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
        f"{name}.json": sidecar(config, fabric, **described_formats(config.blocks)),
        f"{name}.f": "".join(f"{source}\n" for source in verilog),
        f"{name}.sdc": constraints(config),
        f"{name}_instance.v": template(config),
        f"{name}.rdl": systemrdl(config),
        f"{BLOCK_CORE}_registers.h": block_core_registers_header(package(config).registers),
    }
