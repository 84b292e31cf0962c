"""Operations of march tests on the RTL, one by one, and how long they take; runs in the bench module of `storage`."""

import cocotb
from cocotb.triggers import ReadOnly, RisingEdge
from cocotb.utils import get_sim_time

from ...golden.march_tests import PROGRAMS, backgrounds, program_cycles, run
from ...hdl.macro.ports import input_layout, write_layout
from .core_bench import PERIOD_NS, CoreBench


class Log:
    """A fault-free memory that logs all operations."""

    def __init__(self):
        self.words, self.done = {}, []

    def write(self, row, word):
        self.words[row] = word
        self.done.append(("write", row, word))

    def read(self, row):
        self.done.append(("read", row))
        return self.words[row]


async def watch(bench, done):
    """Log rows that the macro accepts, and vectors that read one."""
    config = bench.config.array
    rows, vectors = write_layout(config), input_layout(config, has_plane_mask=True)
    ports = [[getattr(bench.dut, f"macro_{stream}__{name}") for name in ("valid", "ready", "payload")]
             for stream in ("write", "i")]

    def field(layout, word, name):
        where = layout[name]
        return word >> where.offset & (1 << where.width) - 1

    while True:
        await ReadOnly()
        writes, reads = ((valid.value and ready.value, payload) for valid, ready, payload in ports)
        assert not (writes[0] and reads[0])
        if writes[0]:
            word = int(writes[1].value)
            done.append(("write", (field(rows, word, "bank"), field(rows, word, "row")), field(rows, word, "weights")))
        if reads[0]:
            word = int(reads[1].value)
            x, bits = field(vectors, word, "x"), config.input_bits
            assert x.bit_count() == 1 and (x.bit_length() - 1) % bits == 0
            assert not field(vectors, word, "accumulate")
            done.append(("read", (field(vectors, word, "bank"), (x.bit_length() - 1) // bits)))
        await bench.edge()


@cocotb.test()
async def march(dut):
    """Each program does all operations on all rows of all banks, in order, with each background and its inverse."""
    bench = CoreBench(dut)
    await bench.start()
    config, done = bench.config.array, []
    cocotb.start_soon(watch(bench, done))
    rows = [(bank, row) for bank in range(config.banks) for row in range(config.rows)]
    words = backgrounds(config.weight_bits, config.columns)
    for program, register in (("zeroize", "control"), ("march_c_minus", "self_test"), ("march_ss", "self_test")):
        done.clear()
        await bench.write(register, **{program: 1})
        await bench.until("status", "running", 0, reads=20000)
        log = Log()
        assert run(program, log, rows, words[:1] if program == "zeroize" else words,
                   config.columns * config.weight_bits) is None
        first = next((index for index, pair in enumerate(zip(done, log.done)) if pair[0] != pair[1]), None)
        assert first is None and len(done) == len(log.done), (program, first, len(done), len(log.done))


@cocotb.test()
async def durations(dut):
    """From command to interrupt each program takes the cycles that the model says, and a few more, the same for all."""
    bench, more = CoreBench(dut), {}
    await bench.start()
    await bench.write("interrupt_enable", finished=1)
    for program in PROGRAMS:
        await bench.write("interrupt_status", finished=1)
        await bench.write("control" if program == "zeroize" else "self_test", **{program: 1})
        start = get_sim_time("ns")
        await RisingEdge(dut.irq)
        more[program] = round((get_sim_time("ns") - start) / PERIOD_NS) - program_cycles(bench.config, program)
    # Planes that are skipped.
    skipped, macro = more["zeroize"] - more.pop("known_answers"), bench.config.macro
    assert 0 <= skipped < macro.banks * macro.rows * macro.input_bits, skipped
    assert len(set(more.values())) == 1 and 0 <= more["zeroize"] < 8, more
