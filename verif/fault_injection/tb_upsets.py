"""Single upsets of stored weights while vectors run: effect on results, and whether the core detects it.

`BITLINE_UPSETS` names a file with a list of ``[store, word, bit, bank]``; `BITLINE_OUTCOMES` names that which
gets what becomes of each.
"""

import json
import os
from pathlib import Path

import cocotb

from ..core.core_bench import start_loaded
from ..core.upsets import SEEN, follow


@cocotb.test()
async def upsets(dut):
    """Every upset of the list, one at a time."""
    todo = json.loads(Path(os.environ["BITLINE_UPSETS"]).read_text(encoding="utf-8"))
    bench = await start_loaded(dut)
    macro = bench.config.macro
    await bench.load_set(0)
    found, now, flagged = [], None, 0
    for *upset, bank in todo:
        if bank != now:
            await bench.apply_settings(bits=macro.input_bits, signed=1, bank=bank, set=0)
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
    Path(os.environ["BITLINE_OUTCOMES"]).write_text(json.dumps(found), encoding="utf-8")
