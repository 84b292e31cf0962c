"""Results of a core with a checksum while some stored bits are wrong: values and marks as the golden model has them."""

import cocotb

from ...golden.bits import wrap
from ..core.core_bench import start_loaded
from ..core.upsets import strike

TRIALS, VECTORS = 40, 2


async def invert(bench, sites):
    """Invert bits of bitcells, (row, column, bit) of bank 0 each, in the core and in its model."""
    macro, weights = bench.config.macro, bench.model.macro.weights
    for row, column, bit in sites:
        # A vector of bits for each column and bank.
        await strike(bench.dut, column * macro.banks, 0, row * macro.weight_bits + bit)
        weights[0, row, column] = wrap(weights[0, row, column] ^ 1 << bit, macro.weight_bits)


def balanced(bench):
    """Two bits of a row whose changes of the sum of the row cancel, or none."""
    macro, weights = bench.config.macro, bench.model.macro.weights
    row, bit = bench.rng.randrange(macro.rows), bench.rng.randrange(macro.weight_bits)
    for first in range(macro.columns):
        for second in range(first):
            if (weights[0, row, first] ^ weights[0, row, second]) >> bit & 1:
                return [(row, first, bit), (row, second, bit)]
    return []


@cocotb.test()
async def results_of_wrong_weights(dut):
    """Drawn bits are wrong, one to six at a time, and some that the checksum cannot see."""
    bench = await start_loaded(dut)
    macro = bench.config.macro
    await bench.apply_settings(bits=macro.input_bits, signed=1, bank=0)
    everything = [(row, column, bit) for row in range(macro.rows) for column in range(bench.config.array.columns)
                  for bit in range(macro.weight_bits)]
    marks, unseen = 0, 0
    for trial in range(TRIALS):
        sites = balanced(bench) if trial % 4 == 0 else bench.rng.sample(everything, bench.rng.randint(1, 6))
        x = [bench.draw_vector(macro.input_bits, True) for _ in range(VECTORS)]
        exact = [bench.model.vector(each, bits=macro.input_bits, signed=True, bank=0)[0] for each in x]
        await invert(bench, sites)
        for each, right in zip(x, exact):
            bench.send(each)
            frame = await bench.results.recv()
            marked = any(frame.tuser if isinstance(frame.tuser, list) else [frame.tuser])
            assert bytes(frame.tdata) == bench.expected.pop(0)
            assert marked != bench.model.is_sound
            marks += marked
            unseen += bytes(frame.tdata) != right and not marked
        await invert(bench, sites)
    assert marks > TRIALS // 2 and unseen > 2
