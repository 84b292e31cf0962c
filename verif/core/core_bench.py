"""Testbench environment of a core: bus masters, registers by name, and the golden model."""

import itertools
import logging
import os
import random

import cocotb
import numpy as np
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, RisingEdge, Timer, with_timeout
from cocotbext.axi import (
    AxiLiteBus,
    AxiLiteMaster,
    AxiResp,
    AxiStreamBus,
    AxiStreamFrame,
    AxiStreamSink,
    AxiStreamSource,
)

from ...golden.bits import limits
from ...golden.core import CoreModel, parameters_bytes, rows_bytes, vector_bytes
from ...golden.requantize import ROUNDINGS, SHIFTS
from ...hdl.config import CoreConfig
from ...hdl.csr.register_map import register_map
from ..csr.bus_masters import MASTERS
from .reach import reach_in

PERIOD_NS = 10
# Cycles without a result after which none is expected any more.
LONGEST_WAIT = 20000
# The same to send all that was given, perhaps of many vectors.
LONGEST_SEND = 10 * LONGEST_WAIT


class Source(AxiStreamSource):
    """A source that does not wait for ever for a core that takes nothing."""

    async def wait(self):
        """Until all is sent."""
        await with_timeout(super().wait(), LONGEST_SEND * PERIOD_NS, "ns")


class Refused(Exception):
    """An access answered SLVERR."""


class CoreBench:
    """A core under test.

    Parameters
    ----------
    dut : cocotb handle
        The core.

    Attributes
    ----------
    config : CoreConfig
        From the environment.
    model : CoreModel
    expected : list of bytes
        Results to come.
    registers : dict of str to Register
    """

    def __init__(self, dut):
        logging.getLogger("cocotb").setLevel(logging.WARNING)
        self.dut = dut
        self.config = CoreConfig.from_json(os.environ["BITLINE_CORE_CONFIG"])
        self.rng = random.Random(int(os.environ["COCOTB_RANDOM_SEED"]))
        self.numpy = np.random.default_rng(self.rng.getrandbits(32))
        self.registers = {register.name: register for register in register_map(self.config)}
        self.model = CoreModel(self.config)
        self.expected = []
        dut.aresetn.value = 0
        clock, reset = dut.aclk, dut.aresetn
        if self.config.bus == "axi":
            self.bus = AxiLiteMaster(AxiLiteBus.from_prefix(dut, "s_axi"), clock, reset, reset_active_level=False)
        else:
            self.bus = MASTERS[self.config.bus](dut, self.registers, back_to_back=0)
            self.bus.release()
        self.streams = self.connect_streams()

    def connect_streams(self):
        """Sources of vectors and weights, and the sink of results."""
        self.vectors, self.weights, self.results = (
            kind(AxiStreamBus.from_prefix(self.dut, name), self.dut.aclk, self.dut.aresetn, reset_active_level=False)
            for kind, name in ((Source, "s_axis"), (Source, "s_axis_w"), (AxiStreamSink, "m_axis")))
        return self.vectors, self.weights, self.results

    def check_reset(self):
        """Nothing happens in a reset."""
        assert not self.dut.s_axis_tready.value and not self.dut.s_axis_w_tready.value, "taken in a reset"

    async def start(self):
        """Run the clock, and reset. Every input has its value before the first edge."""
        await Timer(PERIOD_NS, "ns")
        cocotb.start_soon(Clock(self.dut.aclk, PERIOD_NS, unit="ns").start())
        # An asynchronous reset that is low from the start needs four edges, with the effect at the next.
        await self.reset(5)

    async def reset(self, cycles=4, settle=4):
        """Reset for some cycles; data that masters and the sink have not transferred is dropped.

        Then wait for some cycles; with none, what is sent now is valid from the first edge at which a master may.
        """
        self.dut.aresetn.value = 0
        await ClockCycles(self.dut.aclk, cycles)
        if cycles >= 4:
            # By now a reset of any kind has come.
            self.check_reset()
        for port in self.streams:
            port.clear()
        self.expected.clear()
        self.dut.aresetn.value = 1
        if settle:
            await ClockCycles(self.dut.aclk, settle)

    def pause(self, probability, results=None):
        """Let every stream and every channel of the bus pause in so many of the cycles; results in others, if given."""
        def pauses(probability):
            while True:
                yield self.rng.random() < probability

        channels = [self.bus.write_if.aw_channel, self.bus.write_if.w_channel, self.bus.write_if.b_channel,
                    self.bus.read_if.ar_channel, self.bus.read_if.r_channel]
        for port in (*self.streams, *channels):
            often = probability if results is None or port is not self.results else results
            port.set_pause_generator(pauses(often) if often else itertools.repeat(False))

    # Registers.

    async def read_word(self, address):
        """A word; `Refused` if it answers SLVERR."""
        if self.config.bus != "axi":
            word = await self.bus.read(address)
            if word is None:
                raise Refused(f"read of {address:#x}")
            return word
        answer = await self.bus.read(address, 4)
        if answer.resp != AxiResp.OKAY:
            assert answer.resp == AxiResp.SLVERR and not any(answer.data)
            raise Refused(f"read of {address:#x}")
        return int.from_bytes(answer.data, "little")

    async def write_bytes(self, address, data):
        """Some bytes within a word; `Refused` if it answers SLVERR."""
        if self.config.bus != "axi":
            low, word = address % 4, int.from_bytes(data, "little")
            if await self.bus.write(address - low, word << 8 * low, (1 << len(data)) - 1 << low) is None:
                raise Refused(f"write of {address:#x}")
            return
        answer = await self.bus.write(address, data)
        if answer.resp != AxiResp.OKAY:
            assert answer.resp == AxiResp.SLVERR
            raise Refused(f"write of {address:#x}")

    async def read(self, name):
        """Fields of a register by name."""
        register = self.registers[name]
        word = await self.read_word(register.offset)
        return {field.name: (word & field.mask) >> field.low for field in register.fields}

    async def write(self, name, **fields):
        """A whole register; fields that are not given become zero."""
        register = self.registers[name]
        word = 0
        for field in register.fields:
            word |= (fields.pop(field.name, 0) << field.low) & field.mask
        assert not fields
        await self.write_bytes(register.offset, word.to_bytes(4, "little"))

    async def until(self, name, field, value=1, reads=600):
        """Wait for a field, for so many reads at most."""
        for number in range(reads):
            if (await self.read(name))[field] == value:
                return
            # Poll long operations less often.
            await ClockCycles(self.dut.aclk, 1 + min(number // 4, 100))
        raise AssertionError(f"{name}.{field} must become {value}, and does not")

    # Weights and parameters.

    def draw_weights(self, rows=None):
        """Rows of weights."""
        macro = self.config.macro
        minimum, maximum = limits(macro.weight_bits, True)
        return self.numpy.integers(minimum, maximum + 1, (rows or macro.rows, macro.columns))

    async def load(self, data, *, words=False, **target):
        """Records, by the stream or word by word."""
        await self.write("load", words=words, **target)
        if not words:
            await self.weights.send(AxiStreamFrame(data))
            await self.weights.wait()
            # The last of it may still be on its way.
            await self.until("status", "loading", 0)
            return
        for index in range(0, len(data), 4):
            await self.until("status", "load_ready")
            await self.write_bytes(self.registers["load_data"].offset, data[index:index + 4])
        await self.until("status", "load_ready")

    async def load_bank(self, bank, weights=None, **options):
        """Weights (rows, columns) of a bank, drawn by default."""
        weights = self.draw_weights() if weights is None else weights
        await self.load(rows_bytes(self.config, weights), bank=bank, **options)
        for row, values in enumerate(weights):
            self.model.macro.write(bank, row, values)

    async def load_set(self, index, **options):
        """Parameters of all columns, and settings, of a set, drawn; many results are within bounds, many at them."""
        if not self.config.requantizes:
            return
        columns, bits, width = self.config.macro.columns, self.config.output_bits, self.config.macro.total_width
        draw = self.numpy.integers
        # A bias beyond the totals hides them, so few are; some of these have a factor for totals, some for the bias.
        high = np.where(draw(0, 8, columns) == 0, draw(width - 2, 32, columns), width - 2)
        size = np.where(draw(0, 2, columns) == 0, width, high + 2) - bits
        shifts = np.clip(draw(-size - 2, 5 - size, columns), *SHIFTS)
        # Half of the factors are powers of two, which have results right in the middle between two integers; some have
        # leading zeros, as many as the shift allows or less, so that the last bits of the product count.
        factors = np.where(draw(0, 2, columns) == 0, 1 << 30, draw(1 << 30, 1 << 31, columns))
        max_zeros = np.minimum(SHIFTS[1] - shifts, 30)
        zeros = np.choose(draw(0, 3, columns), (0 * max_zeros, draw(0, max_zeros + 1), max_zeros))
        parameters = (draw(-1 << high, 1 << high), factors >> zeros, shifts + zeros)
        minimum, maximum = limits(bits, True)
        low, high = minimum + self.rng.randrange(9), maximum - self.rng.randrange(9)
        if not self.rng.randrange(8):
            low, high = sorted(self.rng.randint(minimum, maximum) for _ in range(2))
        settings = {"zero_point": self.rng.choice((self.rng.randint(-9, 9), self.rng.randint(minimum, maximum))),
                    "low": low, "high": high, "rounding": self.rng.choice(ROUNDINGS)}
        await self.load(parameters_bytes(self.config, *parameters), parameters=1, set=index, **options)
        # Unlike the stream, registers are refused while their set is in use.
        while (await self.read("status"))["set_used"] >> index & 1:
            await self.edge()
        await self.write(f"offset_{index}", zero_point=settings["zero_point"],
                         rounding=ROUNDINGS.index(settings["rounding"]))
        await self.write(f"clamp_{index}", low=settings["low"], high=settings["high"])
        self.model.parameters[index], self.model.settings[index] = parameters, settings

    # Vectors.

    def draw_vector(self, bits, signed, planes=None):
        """A vector of so many bits; all planes are in use unless fewer are requested."""
        minimum, maximum = limits(planes or bits, signed)
        x = self.numpy.integers(minimum, maximum + 1, self.config.macro.rows)
        if planes is None:
            x[self.rng.randrange(len(x))] = self.rng.choice((minimum or maximum, maximum))
        return x + (self.numpy.integers(0, 1 << 16, len(x)) << bits) * self.rng.randrange(2)

    async def apply_settings(self, *, signed, accumulate_count=1, **vector):
        """Write the registers with the settings of all further vectors."""
        for port in self.streams[:1]:
            await port.wait()
        await self.write("vector", is_signed=signed, **vector)
        await self.write("accumulate", count=accumulate_count)
        self.model.restart(accumulate_count)
        self._settings = {"signed": signed, **vector}

    def send(self, x):
        """Send a vector (rows,), and add its expected result to ``expected``. Returns the number of skipped planes."""
        result, skipped = self.model.vector(x, **self._settings)
        if result is not None:
            self.expected.append(result)
        data = vector_bytes(self.config, x)
        # Bytes after the vector in its last beat are ignored.
        junk = self.rng.choice((b"", self.rng.randbytes(-len(data) % (self.config.input_stream_bits // 8))))
        self.vectors.send_nowait(AxiStreamFrame(data + junk))
        return skipped

    def send_faulty(self, data, keep=None):
        """Send a packet that is not a vector."""
        self.model.fault(self._settings["bank"])
        self.vectors.send_nowait(AxiStreamFrame(data, tkeep=keep))

    async def check(self):
        """Check that exactly the expected results arrive, in order."""
        while self.expected:
            frame = await with_timeout(self.results.recv(compact=False), LONGEST_WAIT * PERIOD_NS, "ns")
            assert not any(byte for byte, kept in zip(frame.tdata, frame.tkeep) if not kept), "null bytes must be zero"
            frame.compact()
            wanted = self.expected.pop(0)
            assert bytes(frame.tdata) == wanted, f"result must be {wanted.hex()}, and is {bytes(frame.tdata).hex()}"
            if self.config.checksum:
                user = frame.tuser if isinstance(frame.tuser, list) else [frame.tuser]
                assert not any(user), f"result agrees with the checksum, and tuser is {user}"
        await ClockCycles(self.dut.aclk, 4 * self.config.in_flight)
        assert self.results.empty(), "there is a result of no vector"

    async def edge(self):
        """The next clock edge."""
        await RisingEdge(self.dut.aclk)


async def start_loaded(dut):
    """A `CoreBench` with nothing upset and drawn weights in every bank."""
    reach_in(dut)
    bench = CoreBench(dut)
    await bench.start()
    for bank in range(bench.config.macro.banks):
        await bench.load_bank(bank)
    return bench
