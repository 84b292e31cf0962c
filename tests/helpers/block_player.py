"""Plays programs of block macros in Amaranth's simulator."""

import random

from bitline.hdl.formats.block_macro import BlockMacro
from gateware import simulate

# Cycles without a transfer after which a macro counts as stuck.
PATIENCE = 3000
OTHER = {"w": "i", "i": "w"}


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
    beats, needs = program.beats, program.needs
    moved, found, times, chosen = dict.fromkeys("wi", 0), [], [], random.Random(seed)

    def goes(stream):
        return chosen.random() >= (pauses or {}).get(stream, 0)

    def is_due(stream):
        index = moved[stream]
        return index < len(beats[stream]) and moved[OTHER[stream]] >= needs[stream][index]

    valid, idle, cycle = dict.fromkeys("wi", False), 0, 0
    while cycle != cycles and (
            len(found) < len(beats["o"]) or any(moved[stream] < len(beats[stream]) for stream in "wi")):
        for stream in "wi":
            if not valid[stream] and is_due(stream) and goes(stream):
                valid[stream] = True
                for field, value in beats[stream][moved[stream]].items():
                    if hasattr(dut, f"{stream}_{field}"):
                        ctx.set(getattr(dut, f"{stream}_{field}"), value)
            ctx.set(getattr(dut, f"{stream}_valid"), valid[stream])
        ready = goes("o")
        ctx.set(dut.o_ready, ready)
        idle += 1
        for stream in "wi":
            if valid[stream] and ctx.get(getattr(dut, f"{stream}_ready")):
                moved[stream], valid[stream], idle = moved[stream] + 1, False, 0
                times.extend([cycle] * (stream == "i"))
        if ready and ctx.get(dut.o_valid):
            found.append({name: ctx.get(getattr(dut, f"o_{name}")) for name in ("value", "is_lost", "last")})
            idle = 0
            times.append(cycle)
        assert idle < PATIENCE, f"streams must move, and do not, after {moved} and {len(found)} results"
        await ctx.tick()
        cycle += 1
    return found, times[-1] - times[0] + 1 if times else 0
