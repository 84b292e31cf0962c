"""The files of an engine core: its Verilog, its description, the driver and its headers."""

import json
from importlib.metadata import version
from pathlib import Path

from ...golden.engine.image import Fault
from ...hdl.emit import emit_files
from ...hdl.engine_core.register_map import engine_register_map
from ...hdl.engine_core.top import engine_core_ports
from .c_headers import ENGINE_DRIVER, engine_codes_header, engine_registers_header
from .cell_models import cell_models
from .engine_steps import engine_testbench
from .files import common_files, described, described_ports

DRIVERS = Path(__file__).resolve().parent / "drivers"


def engine_files(config, fabric="generic"):
    """Contents of all files of an engine core, by name.

    Parameters
    ----------
    config : EngineCoreConfig
    fabric : str
        As of `emit`. With cells, models of them are among the files.

    Raises
    ------
    EmitError
        Yosys rejected the Verilog.
    ValueError
        An engine has what there is no gateware for.
    IntegrationError
        PeakRDL is not installed.
    """
    verilog, models = emit_files(config, fabric), cell_models(fabric)
    return verilog | common_files(config, fabric, verilog, models) | driver_files() | engine_testbench(config) | {
        f"{config.name}.json": engine_sidecar(config, fabric)}


def driver_files():
    """The driver and its headers, which are the same for every engine, by name."""
    copied = (f"{ENGINE_DRIVER}.c", f"{ENGINE_DRIVER}.h")
    return {name: (DRIVERS / name).read_text(encoding="utf-8") for name in copied} | {
        f"{ENGINE_DRIVER}_registers.h": engine_registers_header(), f"{ENGINE_DRIVER}_codes.h": engine_codes_header()}


def engine_sidecar(config, fabric="generic"):
    """A description of the Verilog for programs, as a JSON object.

    ``engine_hash``: hash of the engine within, which images have.
    """
    description = {
        "generator": f"bitline {version('bitline')}",
        "module": config.name,
        "hash": config.hash,
        "engine_hash": config.engine.hash,
        "fabric": fabric,
        "configuration": config.to_dict(),
        "ports": described_ports(engine_core_ports(config)),
        "registers": described(engine_register_map(config.engine)),
        "faults": {fault.value: fault.name for fault in Fault},
    }
    return json.dumps(description, indent=2) + "\n"
