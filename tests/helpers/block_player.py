"""Plays programs of block macros in Amaranth's simulator."""

import numpy as np
from bitline.golden.formats.blocks import FORMATS
from bitline.hdl.formats.block_macro import BlockMacro
from bitline.verif.formats.streams import Streams
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
    """As `play`, on a macro in a simulation, and no longer than so many cycles."""
    streams, cycle = Streams(program.beats, program.needs, pauses or {}, seed, PATIENCE), 0
    while cycle != cycles and not streams.is_done:
        for name, value in streams.drive().items():
            if hasattr(dut, name):
                ctx.set(getattr(dut, name), value)
        streams.look(lambda name: ctx.get(getattr(dut, name)))
        await ctx.tick()
        cycle += 1
    return streams.found, streams.cycles


def block(name, *values):
    """Codes (1, size) of a block that begins with numbers that the element of its format has; the others are 0."""
    codes = np.zeros((1, FORMATS[name].size), np.uint8)
    codes[0, :len(values)] = FORMATS[name].element.encode(np.array(values, float))
    return codes
