"""Gateware of block formats beside int8: LUT sites on ECP5, and cycles of a vector at the ports."""

from rich.table import Table

from ....hdl.config import MacroConfig
from ....hdl.config.formats import FORMAT_NAMES, FormatConfig, block_macro
from ....verif.formats.program import Program
from ....verif.formats.runs import run_program
from ...common.files import BadInput, write_json
from ...common.progress import running
from ...common.tables import show
from ...fpga.module_flow import measure_module

# All but E4M3, whose netlist was not packed with more than a few columns.
DEFAULT_FORMATS = tuple(name for name in FORMAT_NAMES if name != "MXFP8_E4M3")
# The macro of all formats, but for rows and bits.
MACRO = {"banks": 2, "column": "table", "result_interval": 4}
ROWS = 32
# Vectors of a measured rate, and of one accumulation.
VECTORS, BLOCKS = 1000, 20
INT8, INT8_SUMS = "int8", "int8, sums of as many vectors"


def read_formats(text):
    """Formats by their names, of ``mxint8,mxfp4``."""
    names = text.upper().split(",")
    for name in names:
        if name not in FORMAT_NAMES:
            raise BadInput(f"--formats must be among {', '.join(FORMAT_NAMES).lower()}, not {name.lower()}")
    return names


def configurations(formats, columns):
    """What is measured, by name: int8 without and with accumulation, and the block macro of each format."""
    blocks = {name: block_macro(name, columns=columns, macro=MACRO) for name in formats}
    joined = next(iter(blocks.values())).max_blocks
    return {INT8: MacroConfig(rows=ROWS, columns=columns, **MACRO),
            INT8_SUMS: MacroConfig(rows=ROWS, columns=columns, max_accumulations=joined, **MACRO), **blocks}


def full_rate(config, folder, vectors=VECTORS, blocks=BLOCKS):
    """Cycles at the ports of a block macro for vectors that need all planes, of both banks in turn.

    Raises
    ------
    BadInput
        A result is not that of the golden model.
    SimulatorError
    """
    program = Program(config, 1)
    for bank in range(config.macro.banks):
        program.load(bank, *program.drawn(config.weights, config.columns, nan_share=0))
    # The least integer needs all bits.
    lowest = int(config.x.integers.argmin())
    for _ in range(vectors // blocks):
        codes, scales = program.drawn(config.inputs, blocks, nan_share=0)
        codes[:, 0] = lowest
        program.multiply(codes, scales, [index % config.macro.banks for index in range(blocks)])
    program.needs["i"] = [len(program.beats["w"])] * len(program.beats["i"])
    found, cycles = run_program(program, folder=folder)
    if found != program.beats["o"]:
        raise BadInput(f"results of {config.name} must be those of the golden model, and are not")
    return cycles


def measure_gateware(formats, columns, seeds, folder, build):
    """Rows of formats: counts of `measure_module`, cycles of a vector, and products, rows times columns, a cycle.

    Parameters
    ----------
    formats : list of str
    columns : int
    seeds : int
        Placements; 0: no Fmax, and no products a second.
    folder, build : Path
        Of the tools' files, with the rows so far in ``rows.json``, and of compiled simulations.
    """
    rows, found = [], configurations(formats, columns)
    with running("measuring", len(found)) as progress:
        for number, (name, config) in enumerate(found.items()):
            progress(number, name)
            rows.append(measure(name, config, seeds, folder, build))
            write_json(folder / "rows.json", rows)
    for row in rows:
        for other, key in zip(rows, ("beside_int8", "beside_int8_sums")):
            row[key] = {"sites": row["lut_sites"] / other["lut_sites"],
                        "products_a_site": row["products_a_site"] / other["products_a_site"]}
    return rows


def measure(name, config, seeds, folder, build):
    """The row of one format."""
    size = measure_module(config, folder, seeds)
    macro, is_block = (config.macro, True) if isinstance(config, FormatConfig) else (config, False)
    planes = config.parts * macro.input_bits if is_block else macro.input_bits
    products = macro.rows * (config.columns if is_block else macro.columns) / planes
    total = size["total"]
    row = {"format": name, "rows": macro.rows, "columns": config.columns, "planes": planes,
           "lut_sites": total["placed_sites"], "block_rams": total["block_ram"], "dsps": total["dsp"],
           "flip_flops": total["flip_flop"], "blocks": {
               block: counts["placed_sites"] for block, counts in size["blocks"].items() if counts["placed_sites"]},
           "products_a_cycle": products, "products_a_site": products / total["placed_sites"]}
    if is_block:
        cycles = full_rate(config, build)
        row |= {"vectors": VECTORS, "cycles": cycles, "cycles_a_vector": cycles / VECTORS,
                "utilization": planes * VECTORS / cycles}
    if seeds:
        row |= {"fmax_mhz": size["fmax_mhz"], "products_a_second": products * size["fmax_mhz"] * 1e6}
    return row


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
