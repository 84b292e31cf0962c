"""A serial line in simulation: the testbench's side of `serial_line.sv`."""

from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, FallingEdge, RisingEdge, Timer, ValueChange
from cocotb.utils import get_sim_time

PERIOD_NS = 2
# Parameters of `serial_line.sv`: maximum bytes at once, and bits of each.
MAX_BYTES = 128
SYMBOL_BITS = 10


def symbol(byte):
    """Line levels of a byte, the first lowest: start bit, data, stop bit."""
    return byte << 1 | 1 << 9


class Line:
    """Sends bytes and raw line levels to a board, and collects what it sends.

    Parameters
    ----------
    dut : cocotb handle
        `serial`.
    ratio : float
        Frequency of the macro's clock by that of the bridge's.
    phase : float
        When the macro's clock starts after the bridge's, in periods of its own.

    Attributes
    ----------
    ratio : float
        As given.
    sent : int
        Bytes, all in all.
    """

    def __init__(self, dut, ratio, phase=0.0):
        self._dut, self.ratio = dut, ratio
        # Halves of a period are whole picoseconds.
        self._macro_ps = 2 * round(500 * PERIOD_NS / ratio)
        self._phase_ps = 1 + round(phase * self._macro_ps)
        self._go = self._reset_ns = 0
        self.sent = 0
        self._done = ValueChange(dut.done)

    async def start(self):
        """Start the clocks and reset."""
        dut = self._dut
        dut.go.value = dut.macro_clk.value = 0
        dut.rst.value = 1
        Clock(dut.clk, PERIOD_NS, unit="ns").start()
        await Timer(self._phase_ps, "ps")
        Clock(dut.macro_clk, self._macro_ps, unit="ps").start()
        await self.reset()

    async def reset(self):
        """Reset the board, and this end of the line, until the board is out of reset."""
        dut = self._dut
        self._go = dut.go.value = 0
        dut.rst.value = 1
        await ClockCycles(dut.clk, 3)
        if dut.running.value:
            await FallingEdge(dut.running)
        dut.rst.value = 0
        await RisingEdge(dut.running)
        self._reset_ns = get_sim_time("ns")
        await ClockCycles(dut.clk, 3)

    @property
    def cycles(self):
        """Cycles of the bridge's clock since the reset."""
        return round((get_sim_time("ns") - self._reset_ns) / PERIOD_NS)

    @staticmethod
    def seconds():
        """Simulated time."""
        return get_sim_time("ns") * 1e-9

    async def transfer(self, data, cycles=0):
        """Send bytes; returns the bytes received until the end of a frame, or for so many cycles."""
        return await self.send([symbol(byte) for byte in data], cycles)

    async def send(self, symbols, cycles=0):
        """The same for line levels, ten bits at a time."""
        arrived = b""
        self.sent += len(symbols)
        while len(symbols) > MAX_BYTES:
            arrived += await self._send(symbols[:MAX_BYTES], 0)
            symbols = symbols[MAX_BYTES:]
        return arrived + await self._send(symbols, cycles)

    async def _send(self, symbols, cycles):
        dut = self._dut
        dut.bits.value = sum(word << SYMBOL_BITS * index for index, word in enumerate(symbols))
        dut.bit_count.value = SYMBOL_BITS * len(symbols)
        dut.timeout_cycles.value = cycles
        self._go ^= 1
        dut.go.value = self._go
        await self._done
        arrived = int(dut.byte_count.value)
        return int(dut.bytes.value).to_bytes(len(dut.bytes) // 8, "little")[:arrived] if arrived else b""
