"""Small engines, which are simulated fast, and need several tiles and strips for most layers."""

from dataclasses import replace

from ...hdl.config.engine import default_engine

_DEFAULT = default_engine()
# Small enough that layers need several tiles, strips and descriptors.
SMALL = replace(_DEFAULT, macro=replace(_DEFAULT.macro, rows=24, columns=16, table_writers=1, result_interval=1),
                lanes=8, sum_slots=32, sum_bits=25, depthwise=4, activation_bytes=32768)
TINY = replace(SMALL, macro=replace(SMALL.macro, rows=16, columns=8, banks=2), lanes=4, activation_bytes=1024,
               tile_rows=512, parameter_slots=64, program_length=16, load_entries=128, depthwise=0)
DEPTHWISE = replace(TINY, depthwise=4, lanes=8)
# Weights from outside, of which the tile memory has room for a few tiles, by bytes a cycle.
OUTSIDE = {
    port: replace(DEPTHWISE, activation_bytes=4096, weight_port=port, **fields) for port, fields in {
        1: {"tile_rows": 16}, 4: {"tile_rows": 64},
        64: {"tile_rows": 40, "lanes": 32, "macro": replace(TINY.macro, columns=64)}}.items()
}
# The macro's forms, partial sums that are few, and layers whose results fill more or less than a register.
FORMS = {
    "tiny": TINY,
    "deep": replace(TINY, macro=replace(TINY.macro, rows=20, result_interval=4)),
    "four banks": replace(TINY, macro=replace(TINY.macro, columns=12, banks=4, result_interval=2)),
    "two writers": replace(TINY, lanes=8, sum_slots=16, macro=replace(
        TINY.macro, rows=24, columns=16, result_interval=4, table_writers=2)),
    "depthwise": DEPTHWISE,
    "half": replace(TINY, depthwise=4, lanes=8, macro=replace(TINY.macro, columns=24, result_interval=4)),
    "few sums": replace(TINY, sum_slots=16),
    "bitcells": replace(TINY, macro=replace(TINY.macro, column="bitcell", banks=1)),
}
# With memories that have room for deep pixels, and for what lies far apart.
BYTES = {"tiny": 2048, "deep": 8192, "four banks": 4096, "two writers": 32768, "depthwise": 16384, "half": 4096,
         "few sums": 4096, "bitcells": 8192}
ROOMY = {name: replace(FORMS[name], activation_bytes=size) for name, size in BYTES.items()}
# Those that drawn programs run on.
DRAWN = ROOMY | {f"weight port of {port}": config for port, config in OUTSIDE.items()}
