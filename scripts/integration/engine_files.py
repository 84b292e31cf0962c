"""The files of an engine core: its Verilog, its description, the driver and its headers."""

from pathlib import Path

from ...golden.engine.image import Fault
from ...hdl.emit import emit_files
from .c_headers import ENGINE_DRIVER, engine_codes_header, engine_registers_header
from .cell_models import cell_models
from .engine_steps import engine_testbench
from .files import common_files, sidecar

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
        f"{config.name}.json": sidecar(config, fabric, engine_hash=config.engine.hash,
                                       faults={fault.value: fault.name for fault in Fault})}


def driver_files():
    """The driver and its headers, which are the same for every engine, by name."""
    copied = (f"{ENGINE_DRIVER}.c", f"{ENGINE_DRIVER}.h")
    return {name: (DRIVERS / name).read_text(encoding="utf-8") for name in copied} | {
        f"{ENGINE_DRIVER}_registers.h": engine_registers_header(), f"{ENGINE_DRIVER}_codes.h": engine_codes_header()}
