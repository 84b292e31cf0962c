"""Tables of `docs/formats.md`, from the configuration and the ports of block macros."""

from amaranth.hdl import Shape
from amaranth.lib.wiring import In

from ...golden.formats.blocks import FORMATS, NUMBER_OF
from ...hdl.config.format_choice import FORMAT_NAMES, SEPARATOR
from ...hdl.config.formats import block_macro
from ...hdl.fabric.emitter import documented_members
from ...hdl.formats.block_macro import BlockMacro, block_macro_members, latency
from ..common.markdown import table


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
