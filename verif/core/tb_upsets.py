"""Single upsets of stored weights while vectors run: what each does to results, and whether the core says so.

`BITLINE_UPSETS` names a file with a list of ``[store, word, bit, bank]``; what becomes of each is written to `FILE`.
"""

import json
import os
from pathlib import Path

import cocotb
from cocotb.triggers import RisingEdge

from .core_bench import CoreBench
from .storage import INPUTS

FILE = "upsets.json"
# Of an upset: no result changed; one did and the core said so; one did and the core did not.
HARMLESS, SEEN, UNSEEN = "harmless", "seen", "unseen"
VECTORS = 3


async def strike(dut, store, word, bit):
    """Invert a bit between two clock edges."""
    dut.store.value, dut.word.value, dut.bit_.value = store, word, bit
    dut.strike.value = 1
    await RisingEdge(dut.aclk)
    dut.strike.value = 0


async def follow(bench, upset):
    """Upset a bit while some vectors run, and put it right; what became of their results, and of others' marks."""
    dut, bits = bench.dut, bench.config.macro.input_bits
    for _ in range(VECTORS):
        bench.send(bench.draw_vector(bits, True))
    for _ in range(bench.rng.randrange(VECTORS * bits)):
        await RisingEdge(dut.aclk)
    await strike(dut, *upset)
    outcome, alarm = HARMLESS, False
    for _ in range(VECTORS):
        frame = await bench.results.recv()
        user = frame.tuser if isinstance(frame.tuser, list) else [frame.tuser]
        marked = any(user)
        if bytes(frame.tdata) != bench.expected.pop(0):
            outcome = SEEN if marked and outcome != UNSEEN else UNSEEN
        else:
            alarm |= marked
    await strike(dut, *upset)
    return outcome, alarm


@cocotb.test()
async def upsets(dut):
    """Every upset of the list, one at a time."""
    todo = json.loads(Path(os.environ["BITLINE_UPSETS"]).read_text(encoding="utf-8"))
    for name in INPUTS:
        getattr(dut, name).value = 0
    bench = CoreBench(dut)
    await bench.start()
    macro = bench.config.macro
    for bank in range(macro.banks):
        await bench.load_bank(bank)
    await bench.load_set(0)
    found, now, flagged = [], None, 0
    for *upset, bank in todo:
        if bank != now:
            await bench.orders(bits=macro.input_bits, signed=1, bank=bank, set=0)
            now = bank
            # Tables learn the sums of a bank with its first vector.
            bench.send(bench.draw_vector(macro.input_bits, True))
            await bench.check()
        found.append(await follow(bench, upset))
        flagged += found[-1][0] == SEEN or found[-1][1]
    # Everything was put right, and the interrupt knows of it.
    bench.send(bench.draw_vector(macro.input_bits, True))
    await bench.check()
    events = await bench.read("interrupt_status")
    assert bool(events.get("checksum")) == bool(flagged)
    Path(FILE).write_text(json.dumps(found), encoding="utf-8")
