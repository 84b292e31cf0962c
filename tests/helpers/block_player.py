"""Plays programs of block macros and block cores in Amaranth's simulator."""

import numpy as np
from bitline.golden.formats.blocks import FORMATS
from bitline.hdl.block_core.block_core import BlockCore
from bitline.hdl.core.top import stream_pins
from bitline.hdl.formats.block_macro import BlockMacro
from bitline.verif.formats.streams import CORE, MACRO, Streams
from gateware import simulate

# Cycles without a transfer after which a macro counts as stuck.
PATIENCE = 3000


def play(program, pauses=None, seed=0):
    """What comes out, and the cycles from the first beat of a vector to the last result.

    ``pauses``: for each stream the share of cycles in which it pauses.
    """
    dut, results = BlockMacro(config=program.config), []

    async def testbench(ctx):
        results.extend(await run(ctx, dut, program, pauses, seed))

    simulate(dut, testbench)
    return results


async def run(ctx, dut, program, pauses=None, seed=0, cycles=None):
    """As `play`, on a macro or core in a simulation, and no longer than so many cycles."""
    is_core = isinstance(dut, BlockCore)
    pins = stream_pins(dut) if is_core else {name: getattr(dut, name) for name in dut.signature.members}
    streams = Streams(program.beats, program.needs, pauses or {}, seed, PATIENCE, **(CORE if is_core else MACRO))
    cycle = 0
    while cycle != cycles and not streams.is_done:
        for name, value in streams.drive().items():
            if name in pins:
                ctx.set(pins[name], value)
        streams.look(lambda name: ctx.get(pins[name]))
        await ctx.tick()
        cycle += 1
    return streams.found, streams.cycles


def block(name, *values):
    """Codes (1, size) of a block that begins with numbers that the element of its format has; the others are 0."""
    codes = np.zeros((1, FORMATS[name].size), np.uint8)
    codes[0, :len(values)] = FORMATS[name].element.encode(np.array(values, float))
    return codes
