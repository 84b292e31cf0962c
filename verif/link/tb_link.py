"""Testbenches of the link: the driver's own `Link` at one end of a bad line, bridge and macro at the other.

Vectors accumulate, so that one that is lost or done twice spoils every result after it; each is compared with the
golden model.
"""

import os
import random

import cocotb
import numpy as np

from ...golden.bits import limits
from ...golden.macro import MacroModel
from ...golden.program import Vector, Write
from ...hdl.config import MacroConfig
from ...hdl.uart_bridge.accelerator import accelerator
from ...hdl.uart_bridge.protocol import DONE, ESCAPE, FLAG, LINK_COUNTERS_BYTES, OVERHEAD, Command, Refusal, sizes
from ...host.board import LinkError
from ...host.board.link import ATTEMPTS, HEADER, Frame, FrameFinder, Link, encode, wrap
from ...host.board.payloads import read_counters, read_result, vector_payload, write_payload
from .serial_line import PERIOD_NS, SYMBOL_BITS, Line, symbol

DIVISOR = 4
MAX_DRAWN_RATIO = 8
SILENCE = 4000


class Noise:
    """Corrupts bytes with a probability: most change their value, some are lost, doubled, or lose their stop bit."""

    def __init__(self, rng, probability=0.0):
        self.probability = probability
        self.spoiled = 0
        self._rng = rng

    def _is_hit(self):
        hit = self.probability and self._rng.random() < self.probability
        self.spoiled += bool(hit)
        return hit

    def levels(self, data):
        """Line levels of bytes, for `Line.send`."""
        words = []
        for byte in data:
            word = symbol(byte)
            if self._is_hit():
                other = symbol(byte ^ self._rng.randrange(1, 256))
                words += self._rng.choice([[other]] * 7 + [[], [word, word], [word & ~(1 << SYMBOL_BITS - 1)]])
            else:
                words.append(word)
        return words

    def bytes(self, data):
        """Bytes from the board, corrupted."""
        return b"".join(self._rng.choice([bytes([byte ^ self._rng.randrange(1, 256)])] * 8 + [b"", bytes([byte] * 2)])
                        if self._is_hit() else bytes([byte]) for byte in data)


class Host:
    """The host: a `Link` over a line, and the golden model of its requests."""

    def __init__(self, dut):
        self.config = MacroConfig.from_json(os.environ["BITLINE_CONFIG"])
        self.rng = random.Random(int(os.environ["COCOTB_RANDOM_SEED"]))
        self.numpy_rng = np.random.default_rng(self.rng.getrandbits(32))
        # Unless it is given, the macro's clock is up to `MAX_DRAWN_RATIO` times faster or slower; its phase is any.
        ratio = float(os.environ.get("LINK_RATIO") or MAX_DRAWN_RATIO ** self.rng.uniform(-1, 1))
        # A little more than bridge and macro take for a short request, in cycles.
        waits = self.config.table_fill_cycles * self.config.rows
        self.latency = 200 + (30 + waits) / min(ratio, 1)
        self.line, self.noise = Line(dut, ratio, self.rng.random()), Noise(self.rng)
        cocotb.log.info("clock of the macro: %.4f of the bridge's", ratio)
        self.model, self.sizes = MacroModel(self.config), sizes(accelerator(self.config))
        self.rows = self.vectors = 0
        self.restart()

    def restart(self, random=None):
        """Forget the session, like a host that restarts."""
        self.link = Link(baud=1e9 / PERIOD_NS / DIVISOR, latency=self.latency * PERIOD_NS * 1e-9, clock=Line.seconds,
                         random=random or self.rng.randrange)

    async def begin(self):
        """Reset, connect, and write every row."""
        await self.line.start()
        await self.do(self.link.connect())
        for bank in range(self.config.banks):
            for row in range(self.config.rows):
                await self.write(bank, row)

    async def do(self, exchange):
        """Run an exchange; returns its result."""
        arrived = None
        while True:
            try:
                step = exchange.send(arrived)
            except StopIteration as finished:
                return finished.value
            cycles = int(self.link.remaining(step) * 1e9 / PERIOD_NS) + 1
            arrived = self.noise.bytes(await self.line.send(self.noise.levels(step.data), cycles))

    async def write(self, bank, row):
        """Write a row of random weights."""
        low, high = limits(self.config.weight_bits, True)
        write = Write(bank, row, self.numpy_rng.integers(low, high + 1, self.config.columns))
        await self.do(self.link.request(Command.WRITE, write_payload(self.config, write)))
        self.model.write(bank, row, write.weights)
        self.rows += 1

    def random_vector(self, bank=None):
        """A vector of a bank or of any, most often one that accumulates, and its item on the link."""
        config, rng = self.config, self.rng
        vector = Vector(self.numpy_rng.integers(0, 1 << config.input_bits, config.rows),
                        rng.randint(1, config.input_bits), rng.random() < 0.5,
                        rng.randrange(config.banks) if bank is None else bank, rng.random() < 0.9)
        return vector, vector_payload(config, vector)

    async def run(self, count=1):
        """Run random vectors in one request, and compare their results."""
        vectors, items = zip(*(self.random_vector() for _ in range(count)))
        said = await self.do(self.link.request(Command.RUN, b"".join(items), count * self.sizes.result))
        self.check(vectors, said)

    def check(self, vectors, said):
        """Compare the results in an answer with those of the model."""
        for index, vector in enumerate(vectors):
            result = read_result(self.config, said[self.sizes.result * index:][:self.sizes.result], vector)
            expected = self.model.vector(vector.x, bits=vector.bits, signed=vector.signed, bank=vector.bank,
                                         accumulate=vector.accumulate)
            assert (result.y.tolist(), result.sum_x) == (expected.y.tolist(), expected.sum_x), f"vector {vector}"
        self.vectors += len(vectors)

    async def counters(self):
        """The board's counters: rows and vectors as they were asked for, each once; all others no more than can be."""
        asked = self.line.cycles
        counters = read_counters(await self.do(self.link.request(Command.READ_COUNTERS, b"", LINK_COUNTERS_BYTES)))
        assert (counters["rows"], counters["vectors"]) == (self.rows, self.vectors), counters
        assert asked <= counters["cycles"] <= self.line.cycles and counters["busy"] < counters["cycles"], counters
        assert max(counters["refused"], counters["repeated"]) <= self.line.sent, counters
        return counters

    async def answers(self, data):
        """Send bytes; the intact frames received until the line is silent."""
        finder = FrameFinder(self.sizes.buffer)
        frames = finder.feed(await self.line.transfer(data, SILENCE))
        while arrived := await self.line.transfer(b"", SILENCE):
            frames += finder.feed(arrived)
        return frames


@cocotb.test()
async def noise(dut):
    """A line that corrupts one of a hundred bytes, both ways: requests are executed once, and all answers are right."""
    host = Host(dut)
    await host.begin()
    host.noise.probability = 0.01
    requests = 0
    while requests + host.link.repeats < int(os.environ["LINK_FRAMES"]):
        requests += 1
        kind = host.rng.random()
        if kind < 0.8:
            await host.run()
        elif kind < 0.98:
            await host.write(host.rng.randrange(host.config.banks), host.rng.randrange(host.config.rows))
        else:
            await host.counters()
    spoiled, host.noise.probability = host.noise.spoiled, 0.0
    counters = await host.counters()
    # Both kinds of repetition happened: after a lost request, and after a lost answer.
    assert 0 < counters["repeated"] < host.link.repeats
    assert counters["refused"] and host.link.refused
    cocotb.log.info("%d requests, %d repeated, %d bytes spoiled, %d frames refused by the bridge, %d by the host",
                    requests, host.link.repeats, spoiled, counters["refused"], host.link.refused)


@cocotb.test()
async def full_frames(dut):
    """Frames with the maximum number of items, and with smaller numbers that differ from it in each bit."""
    host = Host(dut)
    await host.begin()
    max_items = host.sizes.vectors
    for count in (1, 2, 3, max_items, *(max_items - (1 << bit) for bit in range(max_items.bit_length() - 1))):
        await host.run(count)
    await host.counters()


@cocotb.test()
async def truncated(dut):
    """A frame that ends early, after any of its bytes, has no effect, and the next frame is received."""
    host = Host(dut)
    await host.begin()
    refused = (await host.counters())["refused"]
    _, item = host.random_vector()
    whole = encode(Frame(1, 1, Command.RUN, item))[:-1]
    for length in range(2, len(whole)):
        assert not await host.answers(whole[:length])
        await host.run()
    assert (await host.counters())["refused"] == refused + len(whole) - 2


@cocotb.test()
async def oversized(dut):
    """A frame longer than the memory, or than its length field says, is refused, even with a correct CRC."""
    host = Host(dut)
    await host.begin()
    before = await host.counters()
    session = host.link.session
    too_long = encode(Frame(session, host.link.next, Command.WRITE, bytes(host.sizes.buffer - OVERHEAD + 1)))
    assert not await host.answers(too_long)
    await host.run()
    for claimed in (0, 3, 5, 0xFFFF):
        header = HEADER.pack(session, host.link.next, Command.WRITE, claimed)
        assert not await host.answers(wrap(header + bytes(4)))
        await host.run()
    assert (await host.counters())["refused"] == before["refused"] + 5


@cocotb.test()
async def garbage(dut):
    """Bursts of random bytes, with and without flags and escapes; empty frames are ignored."""
    host = Host(dut)
    await host.begin()
    for length in (1, 2, 5, 12, 40, 300):
        for alphabet in (range(256), (FLAG, ESCAPE), (FLAG,), (ESCAPE,), (0,)):
            assert not await host.answers(bytes(host.rng.choice(alphabet) for _ in range(length)))
            await host.run()
    await host.counters()


@cocotb.test()
async def breaks(dut):
    """A break, a pulse or a missing stop bit in the middle of a frame affects only that frame."""
    host = Host(dut)
    await host.begin()
    idle, stop = (1 << SYMBOL_BITS) - 1, 1 << SYMBOL_BITS - 1
    for taken, spoiler in ((0, [0] * 30 + [idle]), (0, [idle - 0b100]), (1, None)):
        words = [symbol(byte) for byte in encode(Frame(host.link.session, host.link.next, Command.READ_COUNTERS))]
        # The last kind leaves the byte as it is but for its stop bit.
        spoiler = spoiler or [words[4] - stop, idle]
        refused = (await host.counters())["refused"]
        assert not await host.line.send(words[:4] + spoiler + words[4 + taken:], SILENCE)
        assert (await host.counters())["refused"] == refused + 1
        await host.run()
    # However long a break is, the byte behind it is the next.
    for length in range(1, 24):
        request = Frame(host.link.session, host.link.next, Command.READ_COUNTERS)
        words = [0] * length + [stop] + [symbol(byte) for byte in encode(request)]
        finder = FrameFinder(host.sizes.buffer)
        answer, = finder.feed(await host.line.send(words, SILENCE))
        assert (answer.sequence, answer.code) == (request.sequence, Command.READ_COUNTERS | DONE)
        host.link.next += 1
        await host.run()


@cocotb.test()
async def duplicates(dut):
    """A repeated request is answered again but not executed again, also if it arrives during execution."""
    host = Host(dut)
    await host.begin()
    vector, item = host.random_vector()
    request = encode(Frame(host.link.session, host.link.next, Command.RUN, item))
    first, = await host.answers(request)
    assert first.code == Command.RUN | DONE
    for _ in range(3):
        assert await host.answers(request) == [first]
    assert set(await host.answers(request * 4)) == {first}
    host.check([vector], first.payload)
    host.link.next += 1
    await host.run()
    assert (await host.counters())["repeated"] >= 4


@cocotb.test()
async def impatient(dut):
    """A request that arrives during an answer is lost and counted as refused; the answer is not affected."""
    host = Host(dut)
    await host.begin()
    for cycles in (300, 600, 900):
        refused = (await host.counters())["refused"]
        vectors, items = zip(*(host.random_vector() for _ in range(8)))
        finder = FrameFinder(host.sizes.buffer)
        request = Frame(host.link.session, host.link.next, Command.RUN, b"".join(items))
        sent = encode(request)
        frames = finder.feed(await host.line.transfer(sent, len(sent) * SYMBOL_BITS * DIVISOR + cycles))
        next_ = Frame(request.session, (request.sequence + 1) % 256, Command.RUN, items[0])
        frames += finder.feed(await host.line.transfer(encode(next_), SILENCE))
        frames += await host.answers(b"")
        answer, = frames
        host.check(vectors, answer.payload)
        host.link.next += 1
        assert (await host.counters())["refused"] == refused + 1


@cocotb.test()
async def no_session(dut):
    """After a reset the board refuses any session number, any number of times."""
    host = Host(dut)
    await host.line.start()
    for session in (0, 0, 0xFFFF, 0):
        for code, payload in ((Command.RUN, host.random_vector()[1]), (Command.READ_COUNTERS, b"")):
            answer, = await host.answers(encode(Frame(session, 1, code, payload)))
            assert answer == Frame(session, 1, Refusal.SESSION)
    await host.do(host.link.connect())
    await host.counters()


@cocotb.test()
async def sequence_numbers(dut):
    """Sequence numbers wrap; all but the next and the last are refused without an effect."""
    host = Host(dut)
    await host.begin()
    for _ in range(260):
        await host.run()
    _, item = host.random_vector()
    for step in (-2, 1, 2, 100):
        request = Frame(host.link.session, (host.link.next + step) % 256, Command.RUN, item)
        answer, = await host.answers(encode(request))
        assert answer == Frame(request.session, request.sequence, Refusal.SEQUENCE)
    await host.run()
    await host.counters()


@cocotb.test()
async def wrong_requests(dut):
    """Intact but invalid requests are refused with the reason, and have no effect."""
    host = Host(dut)
    await host.begin()
    row, vector, max_vectors = host.sizes.row, host.sizes.vector, host.sizes.vectors
    for code, length, reason in [
            (0, 0, Refusal.COMMAND), (5, 4, Refusal.COMMAND), (Command.RUN | DONE, vector, Refusal.COMMAND),
            (Command.CONNECT, 1, Refusal.LENGTH), (Command.READ_COUNTERS, 1, Refusal.LENGTH),
            (Command.WRITE, 0, Refusal.LENGTH), (Command.WRITE, 2 * row - 1, Refusal.LENGTH),
            (Command.RUN, 0, Refusal.LENGTH), (Command.RUN, vector + 1, Refusal.LENGTH),
            (Command.RUN, vector * (max_vectors + 1), Refusal.LENGTH)]:
        request = Frame(host.link.session, host.link.next, code, bytes(length))
        assert await host.answers(encode(request)) == [Frame(request.session, request.sequence, reason)]
        await host.run()
    await host.counters()


@cocotb.test()
async def host_restarts(dut):
    """A host that restarts at any moment gets a new session; the rest of the old one is refused."""
    host = Host(dut)
    await host.begin()
    for length in (1, 4, 9, 11):
        old = Frame(host.link.session, host.link.next, Command.RUN, host.random_vector()[1])
        await host.line.transfer(encode(old)[:length], 10)
        host.restart()
        await host.do(host.link.connect())
        answer, = await host.answers(encode(old))
        assert answer == Frame(old.session, old.sequence, Refusal.SESSION)
        await host.run()
        await host.counters()


@cocotb.test()
async def restart_while_answering(dut):
    """A host that restarts while the board executes and answers; the old answer is ignored."""
    host = Host(dut)
    await host.begin()
    vectors, items = zip(*(host.random_vector() for _ in range(8)))
    await host.line.transfer(encode(Frame(host.link.session, host.link.next, Command.RUN, b"".join(items))), 300)
    host.restart()
    await host.do(host.link.connect())
    # Nobody reads these results, but the totals have them.
    for vector in vectors:
        host.model.vector(vector.x, bits=vector.bits, signed=vector.signed, bank=vector.bank,
                          accumulate=vector.accumulate)
    host.vectors += len(vectors)
    await host.run()
    await host.counters()


@cocotb.test()
async def taken_sessions(dut):
    """A session number of another host is not taken over, and the same host may connect twice."""
    host = Host(dut)
    await host.begin()
    taken = host.link.session
    await host.run()
    numbers = iter([taken - 1, taken - 1, 7])
    host.restart(random=lambda n: next(numbers))
    await host.do(host.link.connect())
    assert host.link.session == 8
    request = encode(Frame(8, 0, Command.CONNECT))
    first, = await host.answers(request)
    assert first.code == Command.CONNECT | DONE
    await host.run()
    answer, = await host.answers(request)
    assert answer == Frame(8, 0, Refusal.TAKEN)
    await host.run()
    await host.counters()


@cocotb.test()
async def board_resets(dut):
    """A board that was reset has no session, and reports that; the weights are kept."""
    host = Host(dut)
    await host.begin()
    await host.run()
    await host.line.reset()
    host.model.reset()
    host.rows = host.vectors = 0
    try:
        await host.run()
        raise AssertionError("a request without a session must be refused")
    except LinkError as error:
        assert "was it reset" in str(error)
    await host.do(host.link.connect())
    await host.run()
    await host.counters()


@cocotb.test()
async def silence(dut):
    """A silent line gives one error after the documented number of attempts, and then nothing until a new connect."""
    host = Host(dut)
    await host.begin()
    host.noise.probability = 1.0
    repeats = host.link.repeats
    for match in ("is silent", "must be connected"):
        try:
            await host.do(host.link.request(Command.READ_COUNTERS, b"", LINK_COUNTERS_BYTES))
            raise AssertionError("a dead line must be an error")
        except LinkError as error:
            assert match in str(error)
    assert host.link.repeats == repeats + ATTEMPTS - 1
    host.noise.probability = 0.0
    await host.do(host.link.connect())
    await host.run()
    await host.counters()


@cocotb.test()
async def busy_cycles(dut):
    """The counter of busy cycles is the sum of the cycles of all vectors, without skipped planes."""
    host = Host(dut)
    await host.begin()

    async def run(bank=None):
        vector, item = host.random_vector(bank)
        host.check([vector], await host.do(host.link.request(Command.RUN, item, host.sizes.result)))
        return host.model.planes(vector.x, vector.bits, vector.signed)

    # After a write a bank may make its first vector wait, and have a plane of zeros before it.
    for bank in range(host.config.banks):
        await run(bank)
    expected = (await host.counters())["busy"]
    for _ in range(20):
        expected += await run() + host.config.latency
        counters = await host.counters()
        assert (counters["busy"], counters["refused"], counters["repeated"]) == (expected, 0, 0)
    assert counters["cycles"] * host.line.ratio > expected
