"""Gateware of block formats beside int8: LUT sites on ECP5, and cycles of a vector at the ports."""

from dataclasses import replace

from rich.table import Table

from ....hdl.config import MacroConfig
from ....hdl.config.block_core import INPUT_BEAT_BITS, BlockCoreConfig
from ....hdl.config.format_choice import FormatChoice
from ....hdl.config.formats import FormatConfig, block_macro
from ....verif.formats.core_program import CoreProgram
from ....verif.formats.program import full_rate_program
from ....verif.formats.runs import run_core, run_program
from ...common.files import BadInput, refusing, write_json
from ...common.progress import running
from ...common.tables import show
from ...fpga.module_flow import measure_module

# The macro of all formats, but for rows and bits.
MACRO = {"banks": 2, "column": "table", "result_interval": 4}
ROWS = 32
# Vectors of a measured rate, and of one accumulation.
VECTORS, BLOCKS = 1000, 20
INT8, INT8_SUMS = "int8", "int8, sums of as many vectors"


def read_formats(text):
    """What `block_macro` takes, of ``mxint8,mxfp4,mxint8+mxfp4``."""
    names = text.upper().split(",")
    with refusing(ValueError):
        for name in names:
            FormatChoice.read("--formats", name)
    return names


def configurations(formats, columns, has_cores=False):
    """What is measured, by name: int8 without and with accumulation, the block macro of each format or choice, and a
    core around it.
    """
    blocks = {name: block_macro(name, columns=columns, macro=MACRO) for name in formats}
    joined = next(iter(blocks.values())).max_blocks
    cores = {f"{name} core": BlockCoreConfig(blocks=replace(each, input_beat_bits=INPUT_BEAT_BITS))
             for name, each in blocks.items() if has_cores}
    return {INT8: MacroConfig(rows=ROWS, columns=columns, **MACRO),
            INT8_SUMS: MacroConfig(rows=ROWS, columns=columns, max_accumulations=joined, **MACRO), **blocks, **cores}


def full_rate(config, block_format, folder, vectors=VECTORS, blocks=BLOCKS):
    """Cycles at the ports of a block macro, or of a block core, for vectors of a format that need all its planes, of
    both banks in turn.

    Raises
    ------
    BadInput
        A result is not that of the golden model.
    SimulatorError
    """
    names = [block_format.name]
    if isinstance(config, BlockCoreConfig):
        program = full_rate_program(config.blocks, names, vectors, blocks, CoreProgram)
        result = run_core(config, program, folder=folder)
        found, cycles = result["found"], result["cycles"]
    else:
        program = full_rate_program(config, names, vectors, blocks)
        found, cycles = run_program(program, folder=folder)
    if found != program.beats["o"]:
        raise BadInput(f"results of {config.name} must be those of the golden model, and are not")
    return cycles


def measure_gateware(formats, columns, seeds, folder, build, has_cores=False):
    """Rows of formats: counts of `measure_module`, cycles of a vector, and products, rows times columns, a cycle.

    Parameters
    ----------
    formats : list of str
        As `block_macro` takes them.
    columns : int
    seeds : int
        Placements; 0: no Fmax, and no products a second.
    folder, build : Path
        Of the tools' files, with the rows so far in ``rows.json``, and of compiled simulations.
    has_cores : bool
        Also of cores around the block macros.
    """
    rows, found = [], configurations(formats, columns, has_cores)
    with running("measuring", len(found)) as progress:
        for number, (name, config) in enumerate(found.items()):
            progress(number, name)
            rows += measure(name, config, seeds, folder, build)
            write_json(folder / "rows.json", rows)
    for row in rows:
        for other, key in zip(rows, ("beside_int8", "beside_int8_sums")):
            row[key] = {"sites": row["lut_sites"] / other["lut_sites"],
                        "products_a_site": row["products_a_site"] / other["products_a_site"]}
    return rows


def measure(name, config, seeds, folder, build):
    """The rows of a macro: one, or those of the formats that a block macro, or the one in a core, has."""
    size = measure_module(config, folder, seeds)
    total, macro = size["total"], config.blocks if isinstance(config, BlockCoreConfig) else config
    common = {"columns": macro.columns, "lut_sites": total["placed_sites"], "block_rams": total["block_ram"],
              "dsps": total["dsp"], "flip_flops": total["flip_flop"], "blocks": {
                  block: counts["placed_sites"] for block, counts in size["blocks"].items() if counts["placed_sites"]}}
    if not isinstance(macro, FormatConfig):
        return [{"format": name, **common, **products(macro, macro.columns, macro.input_bits, size)}]
    rows = []
    for each in macro.x.formats:
        planes, cycles = macro.parts_of(each) * macro.planes_of(each), full_rate(config, each, build)
        rows.append({"format": f"{each.name} of {name}" if macro.x.is_several else name, **common,
                     **products(macro.macro, macro.columns, planes, size), "vectors": VECTORS, "cycles": cycles,
                     "cycles_a_vector": cycles / VECTORS, "utilization": planes * VECTORS / cycles})
    return rows


def products(macro, columns, planes, size):
    """Products of vectors of so many planes a cycle, and a site; and a second, if Fmax was measured."""
    a_cycle = macro.rows * columns / planes
    found = {"rows": macro.rows, "planes": planes, "products_a_cycle": a_cycle,
             "products_a_site": a_cycle / size["total"]["placed_sites"]}
    if "fmax_mhz" in size:
        found |= {"fmax_mhz": size["fmax_mhz"], "products_a_second": a_cycle * size["fmax_mhz"] * 1e6}
    return found


def print_gateware(rows):
    """The table."""
    has_clock = "fmax_mhz" in rows[0]
    table = Table("format", "LUT sites", "block RAMs", "DSPs", "cycles a vector", "products a cycle",
                  "and 1,000 sites", "sites beside int8", "products a site beside int8",
                  *(("Fmax, MHz",) if has_clock else ()))
    for row in rows:
        sides = [row["beside_int8"], row["beside_int8_sums"]]
        table.add_row(
            row["format"], f"{row['lut_sites']:,}", str(row["block_rams"]), str(row["dsps"]),
            f"{row['cycles_a_vector']:.2f}" if "cycles" in row else str(row["planes"]),
            f"{row['products_a_cycle']:.1f}", f"{1e3 * row['products_a_site']:.2f}",
            *(" and ".join(f"{side[key]:.2f}" for side in sides) for key in ("sites", "products_a_site")),
            *((f"{row['fmax_mhz']:.0f}",) if has_clock else ()))
    show(table)
