"""A single upset of a stored weight while vectors run, and its outcome."""

from cocotb.triggers import RisingEdge

# Outcomes of an upset: no result changed; one did, and the core detected it; one did, undetected.
HARMLESS, SEEN, UNSEEN = "harmless", "seen", "unseen"
VECTORS = 3


async def strike(dut, store, word, bit):
    """Invert a bit between two clock edges."""
    dut.store.value, dut.word.value, dut.bit_.value = store, word, bit
    dut.strike.value = 1
    await RisingEdge(dut.aclk)
    dut.strike.value = 0


async def follow(bench, upset):
    """Upset a bit while some vectors run, then restore it; the outcome, and whether other results were marked."""
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
