"""Tables of `docs/formats.md`, from the configuration, ports, packets and registers of block macros and block cores."""

from amaranth.hdl import Shape
from amaranth.lib.wiring import In

from ...golden.formats.blocks import FORMATS, NUMBER_OF
from ...golden.formats.packets import HEADER
from ...hdl.block_core.register_map import BLOCK_CORE_ERRORS, block_core_register_map
from ...hdl.config.block_core import INPUT_BEAT_BITS, BlockCoreConfig
from ...hdl.config.format_choice import FORMAT_NAMES, SEPARATOR
from ...hdl.config.formats import block_macro
from ...hdl.fabric.emitter import documented_members
from ...hdl.formats.block_macro import BlockMacro, block_macro_members, latency
from ..common.markdown import table
from .core_tables import fields_table

# What the fields of a header are, in vectors and in weights.
HEADER_MEANINGS = {
    "scale": ("scale of the block", "ignored"),
    "number": ("number of its format", "number of the format of the bank"),
    "bank": ("bank that it is multiplied with", "bank to write"),
    "base": ("of the first block of an accumulation: lowest exponent of the window; of the others any in its range",
             "ignored"),
    "last": ("the block is the last of its accumulation", "ignored"),
}
STREAM_WIDTHS = (32, 64, 128)


def ports_table():
    """Ports of a block macro of MXFP4 with 64 columns and two banks, without clock and reset."""
    config, meanings = block_macro("MXFP4", columns=64, macro={"banks": 2}), documented_members(BlockMacro)
    rows = [(f"`{name}`", "input" if member.flow == In else "output", str(Shape.cast(member.shape).width),
             meanings[name]) for name, member in block_macro_members(config).items()]
    return table(("port", "direction", "bits", "meaning"), rows)


def numbers_table():
    """The formats that one macro can have, and what they are in one that has all of them."""
    config = block_macro(SEPARATOR.join(name for name in FORMAT_NAMES if not FORMATS[name].scale), columns=64)
    return table(("format", "number", "adds to the exponent", "planes"), [
        (each.name, str(NUMBER_OF[each.name]), str(config.x.raised(each)),
         f"{config.parts_of(each)} x {config.planes_of(each)}") for each in config.x.formats])


def macros_table():
    """What each format needs, of block macros with 64 columns."""
    rows = []
    for name in FORMAT_NAMES:
        config = block_macro(name, columns=64)
        macro = config.macro
        rows.append((name, *map(str, (
            macro.rows, macro.weight_bits * macro.fuse, macro.fuse, f"{config.parts} x {macro.input_bits}",
            config.input_lanes, config.weight_lanes, config.lanes, config.groups, config.window_bits, config.bias,
            latency(config)))))
    return table(("format", "rows", "bits of a weight", "`fuse`", "planes", "elements of a beat", "weights of a beat",
                  "lanes", "groups", "window", "`bias`", "latency"), rows)


def header_table():
    """Fields of a header."""
    rows, low = [], 0
    for name, bits in HEADER.items():
        rows.append((f"{low + bits - 1}:{low}" if bits > 1 else str(low), f"`{name}`", *HEADER_MEANINGS[name]))
        low += bits
    return table(("bits", "field", "vectors", "weights"), rows)


def packets_table():
    """Beats of a block with its header, and the cycles that its planes take; beats of a bank of 64 columns."""
    rows = []
    for name in FORMAT_NAMES:
        configs = [block_macro(name, columns=64, input_beat_bits=bits) for bits in STREAM_WIDTHS]
        one = configs[0]
        weights = 1 + one.macro.rows * one.row_beats + one.scale_beats
        rows.append((name, *(f"{1 + each.beats} of {each.input_lanes}" for each in configs),
                     str(one.parts * one.macro.input_bits), str(weights)))
    return table(("format", *(f"beats of {bits} bits, codes of each" for bits in STREAM_WIDTHS), "planes",
                  "beats of a bank"), rows)


def core_registers_table():
    """Registers of a block core of MXFP4 with 64 columns."""
    config = BlockCoreConfig(blocks=block_macro("MXFP4", columns=64, input_beat_bits=INPUT_BEAT_BITS))
    return fields_table(block_core_register_map(config))


def core_errors_table():
    """Codes of errors of a block core."""
    return table(("code", "name", "what happened"), [
        (str(code.value), f"`{code.name}`", meaning) for code, meaning in sorted(BLOCK_CORE_ERRORS.items()) if code])


def core_sizes_table(rows):
    """What block cores take beside their macros, from the rows that `bitline bench formats --cores` wrote."""
    found = []
    for row in rows:
        if "cycles" in row:
            macro = row["blocks"].get("block_macro")
            found.append((row["format"], f"{row['lut_sites']:,}", f"{row['lut_sites'] - macro:,}" if macro else "",
                          str(row["block_rams"]), str(row["dsps"]), f"{row['cycles']:,}", f"{row['utilization']:.1%}"))
    return table(("format", "LUT sites", "of these the core's own", "block RAMs", "DSPs", "cycles of 1,000 vectors",
                  "utilization"), found)
