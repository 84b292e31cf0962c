"""Traffic in which everything that a core does follows on everything else.

With `SOAK_CYCLES` it goes on for so many clock cycles.
"""

import os

import cocotb
from cocotb.utils import get_sim_steps, get_sim_time
from cocotbext.axi import AxiStreamFrame

from ...golden.core import rows_bytes, vector_bytes
from ...hdl.csr.register_map import ErrorCode
from .core_bench import PERIOD_NS
from .core_steps import begin, expect_error

ACTIONS = 16


async def settle(bench):
    """Wait until everything sent was accepted, and all results have arrived."""
    await bench.vectors.wait()
    await bench.check()


async def load_all(bench):
    """All banks and sets."""
    for bank in range(bench.config.macro.banks):
        await bench.load_bank(bank)
    for index in range(2):
        await bench.load_set(index)


async def draw_settings(bench, least=1):
    """Random settings of vectors; returns how many vectors, at least so many if a core can, add up to one result."""
    macro, rng = bench.config.macro, bench.rng
    count = rng.randint(min(least, macro.max_accumulations), macro.max_accumulations)
    await bench.apply_settings(bits=rng.randint(1, macro.input_bits), signed=rng.randrange(2),
                               bank=rng.randrange(macro.banks), set=rng.randrange(2), accumulate_count=count)
    return count


def send(bench, count):
    for _ in range(count):
        bench.send(bench.draw_vector(bench._settings["bits"], bench._settings["signed"]))


async def compute(bench):
    """Some accumulations."""
    send(bench, await draw_settings(bench) * bench.rng.randint(1, 6))


async def spoil(bench):
    """A vector that is too long, somewhere in some accumulations."""
    count = await draw_settings(bench)
    before = bench.rng.randrange(2 * count)
    send(bench, before)
    data = vector_bytes(bench.config, bench.draw_vector(1, False))
    bench.send_faulty(data + bytes(bench.config.input_stream_bits // 4))
    send(bench, -(before + 1) % count + count)
    await settle(bench)
    await expect_error(bench, ErrorCode.VECTOR_LONG)


async def reload(bench):
    """Another content of a bank and of a set, behind the vectors that use them, which are all in."""
    await bench.vectors.wait()
    await bench.load_bank(bench.rng.randrange(bench.config.macro.banks))
    await bench.load_set(bench.rng.randrange(2))


async def march_between(bench):
    """Zeroize or a test between two accumulations."""
    await march(bench, await draw_settings(bench), 0)


async def march_within(bench):
    """Zeroize or a test within an accumulation, if there is one."""
    count = await draw_settings(bench, 2)
    await march(bench, count, bench.rng.randint(min(1, count - 1), count - 1))


async def march(bench, count, begun):
    """Zeroize or a test after the first ``begun`` vectors of an accumulation."""
    send(bench, begun)
    await bench.vectors.wait()
    if bench.rng.randrange(2):
        await bench.write("control", zeroize=1)
    else:
        await bench.write("self_test", march_c_minus=1)
    await bench.until("status", "running", 0, reads=20000)
    assert (await bench.read("status"))["passed"] == 1
    bench.model.macro.weights[:] = 0
    bench.model.interrupt()
    await load_all(bench)
    send(bench, 2 * count - begun)


async def shut(bench):
    """The lock, which refuses a packet while vectors run, and the reset that ends it."""
    count = await draw_settings(bench)
    await bench.write("lock", locked=1)
    send(bench, 3 * count)
    await bench.weights.send(AxiStreamFrame(rows_bytes(bench.config, bench.draw_weights(2))))
    await bench.weights.wait()
    await settle(bench)
    await expect_error(bench, ErrorCode.LOCKED)
    send(bench, bench.rng.randrange(3 * count))
    await bench.reset(bench.rng.randint(3, 6))
    await load_all(bench)


@cocotb.test()
async def mixed_traffic(dut):
    """Accumulations, faulty vectors, loads, marches, the lock and resets in any order, with pauses."""
    bench = await begin(dut)
    end, number = int(os.environ.get("SOAK_CYCLES", "0")) * get_sim_steps(PERIOD_NS, "ns"), 0
    while number < ACTIONS or get_sim_time("step") < end:
        bench.pause(bench.rng.choice((0, 0.3, 0.7)), bench.rng.choice((0, 0.3, 0.9)))
        # Each at least once.
        actions = (compute, spoil, reload, march_between, march_within, shut)
        await (actions[number] if number < len(actions) else bench.rng.choice(actions))(bench)
        number += 1
        if bench.rng.randrange(2):
            await settle(bench)
    await settle(bench)
    assert await bench.read("error") == {"code": 0, "count": 0}
