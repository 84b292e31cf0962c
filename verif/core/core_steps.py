"""Steps that testbenches of the core share."""

from cocotb.triggers import ReadOnly
from cocotbext.axi import AxiStreamFrame

from .core_bench import CoreBench

PAUSES = (0, 0.3, 0.9)


async def begin(dut):
    """A bench after reset, with all banks and sets loaded."""
    bench = CoreBench(dut)
    await bench.start()
    for bank in range(bench.config.macro.banks):
        await bench.load_bank(bank)
    for index in range(2):
        await bench.load_set(index)
    return bench


async def expect_error(bench, code, count=1):
    """Check that the error register has exactly this error, once; then clear it."""
    assert await bench.read("error") == {"code": code, "count": count}
    assert (await bench.read("interrupt_status"))["error"] == 1
    await bench.write("control", clear_error=1)
    await bench.write("interrupt_status", error=1)
    assert await bench.read("error") == {"code": 0, "count": 0}
    assert (await bench.read("interrupt_status"))["error"] == 0


async def begin_packet(bench, port, prefix, data):
    """Send a packet, and stop behind its first beat."""
    valid, ready = (getattr(bench.dut, f"{prefix}_{name}") for name in ("tvalid", "tready"))
    port.clear_pause_generator()
    port.send_nowait(AxiStreamFrame(data))
    while True:
        await ReadOnly()
        if valid.value and ready.value:
            port.pause = True
            await bench.edge()
            return
        await bench.edge()


async def vectors_of(bench, count):
    """Vectors, and their results."""
    for _ in range(count):
        bench.send(bench.draw_vector(bench.config.macro.input_bits, True))
    await bench.check()


async def default_settings(bench, **settings):
    await bench.apply_settings(**{"bits": bench.config.macro.input_bits, "signed": 1, "bank": 0, "set": 0, **settings})


async def watch(bench, stalls):
    """Count the cycles in which a stream waits."""
    ports = {name: [getattr(bench.dut, f"{name}_{pin}") for pin in ("tvalid", "tready")] for name in stalls}
    while True:
        await ReadOnly()
        for name, (valid, ready) in ports.items():
            stalls[name] += int(valid.value) & ~int(ready.value)
        await bench.edge()
