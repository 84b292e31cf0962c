"""Testbench environment of a core with a DMA: its memory, and transfers."""

from cocotb.triggers import ClockCycles

from ...golden.core import vector_bytes
from ...hdl.csr.register_map import DMA_CHANNELS
from ..core.core_bench import CoreBench
from .memory import PAGE, AxiMemory

MEMORY_BYTES = 1 << 20


class DmaBench(CoreBench):
    """A core with a DMA under test; `send` keeps vectors until they are transferred.

    Attributes
    ----------
    memory : AxiMemory
    """

    def connect_streams(self):
        bits = self.config.dma
        base = self.rng.randrange(1 << bits - 13) << 12 if bits == 32 else self.rng.randrange(1 << 30, 1 << 50) << 12
        self.memory = AxiMemory(self.dut, self.rng, base, MEMORY_BYTES)
        self.beat_bytes, self.kept, self._next = self.memory.beat_bytes, b"", 0
        self.memory.start()
        return ()

    def check_reset(self):
        assert not any(getattr(self.dut, f"m_axi_{channel}valid").value for channel in ("ar", "aw", "w"))

    def allocate(self, size):
        """Address of so many bytes, aligned to beats, every second time across the end of a page if they can be."""
        first = self._next + self.beat_bytes * self.rng.randrange(40)
        if self.rng.randrange(2) and size > self.beat_bytes:
            end = -(-(first + size) // PAGE) * PAGE
            first = end - self.beat_bytes * self.rng.randrange(1, -(-min(size, PAGE) // self.beat_bytes))
        if first + size > MEMORY_BYTES:
            first = 0
        self._next = first + -(-size // self.beat_bytes) * self.beat_bytes
        return self.memory.base + first

    def store(self, data):
        """Put bytes into memory; their address."""
        address = self.allocate(len(data))
        self.memory.data[address - self.memory.base:address - self.memory.base + len(data)] = data
        return address

    async def begin(self, channel, address, size):
        """Begin a transfer of bytes, whole beats."""
        await self.write(f"dma_{channel}_address", address=address & (1 << 32) - 1)
        if self.config.dma > 32:
            await self.write(f"dma_{channel}_address_high", address=address >> 32)
        await self.write(f"dma_{channel}_beats", beats=size // self.beat_bytes)

    async def end(self, *channels):
        """Wait until transfers have ended."""
        for channel in channels or DMA_CHANNELS:
            await self.until("dma_status", f"{channel}_busy", 0)

    async def load(self, data, *, words=False, **target):
        if words:
            await super().load(data, words=True, **target)
            return
        await self.write("load", **target)
        await self.begin("weights", self.store(data), len(data))
        await self.end("weights")
        await self.until("status", "loading", 0)

    def send(self, x):
        result, _ = self.model.vector(x, **self._settings)
        if result is not None:
            self.expected.append(result)
        self.kept += self.padded(vector_bytes(self.config, x))

    def padded(self, data):
        """Whole beats, the rest of which counts for nothing."""
        return data + self.rng.randbytes(-len(data) % self.beat_bytes)

    @property
    def result_size(self):
        """Bytes of a result in memory."""
        return -(-self.config.result_bytes // self.beat_bytes) * self.beat_bytes

    def place(self):
        """Store the vectors that were sent, and make room for their results: both addresses."""
        size = self.result_size * len(self.expected)
        results, vectors, self.kept = self.allocate(size), self.store(self.kept), b""
        first = results - self.memory.base
        # What is not written stays what it was.
        self._before = self.rng.randbytes(size)
        self.memory.data[first:first + size] = self._before
        return results, vectors

    async def begin_all(self, results, vectors, size):
        """Transfer vectors of ``size`` bytes, and all results that are expected."""
        await self.begin("results", results, self.result_size * len(self.expected))
        await self.begin("vectors", vectors, size)

    async def left(self, channel):
        """Bytes that a transfer has not moved."""
        return (await self.read(f"dma_{channel}_left"))["beats"] * self.beat_bytes

    async def check_results(self, address, lost=()):
        """Compare all results in memory but the ``lost`` ones with those that are expected; no more may come."""
        first, size = address - self.memory.base, self.result_size
        for number, result in enumerate(self.expected):
            place = first + number * size
            rest = slice(number * size + len(result), (number + 1) * size)
            if number not in lost:
                assert self.memory.data[place:place + len(result)] == result, f"result {number} is wrong"
                assert self.memory.data[first + rest.start:first + rest.stop] == self._before[rest], "bytes beyond"
        self.expected.clear()
        await ClockCycles(self.dut.aclk, 4 * self.config.in_flight)
        status = await self.read("status")
        assert status["idle"] and not status["loading"], "there is a result of no vector"
