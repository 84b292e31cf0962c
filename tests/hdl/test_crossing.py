# amaranth: UnusedElaboratable=no
"""A stream between two unrelated clocks, and resets that wait for another clock."""

import random
from pathlib import Path

import pytest
from amaranth.hdl import ClockDomain, ClockSignal, Elaboratable, Module, ResetSignal, Signal
from amaranth.sim import Simulator
from bitline.hdl.clocking import crossing, reset
from bitline.hdl.clocking.crossing import StreamCrossing
from some import some, some_of

SHAPE = 16
TRANSFERS = 20
# Stalls of the other side among them.
TIMEOUT_CYCLES = 4000
# A little more than the boards' PLLs can make.
MAX_RATIO = 24
RATIOS = [1 / MAX_RATIO, 1 / 10.5, 1.0, 16.0, float(MAX_RATIO),
          *(MAX_RATIO ** random.Random(seed).uniform(-1, 1) for seed in range(4))]


def two_clocks(component, ratio, rng):
    """A simulator with clocks of drawn phases; that of ``sink`` is ``ratio`` times as fast as that of ``source``."""
    simulator = Simulator(component)
    for domain, period in (("source", 1e-6), ("sink", 1e-6 / ratio)):
        simulator.add_clock(period, phase=period * rng.random(), domain=domain)
    return simulator


async def wait(ctx, domain, cycles):
    for _ in range(cycles):
        await ctx.tick(domain)


async def until(ctx, domain, condition, *values):
    """Wait for an edge at which a condition holds; the last value before it."""
    for _ in range(TIMEOUT_CYCLES):
        *_, holds, value = await ctx.tick(domain).sample(condition, *(values or (condition,)))
        if holds:
            return value
    raise AssertionError("a handshake must end")


def carry(ratio, seed, stream=StreamCrossing):
    """Send drawn payloads with drawn gaps and stalls; what was sent and what came, and the events in order."""
    rng = random.Random(seed)
    dut = stream(shape=SHAPE, source="source", sink="sink")
    sent, received, events = [], [], []

    async def send(ctx):
        for _ in range(TRANSFERS):
            if not rng.randrange(3):
                await wait(ctx, "source", rng.randrange(1, 30))
            sent.append(rng.randrange(1 << SHAPE))
            ctx.set(dut.i.payload, sent[-1])
            ctx.set(dut.i.valid, 1)
            await until(ctx, "source", dut.i.ready)
            events.append("sent")
            ctx.set(dut.i.valid, 0)
            # What comes next may be there at once.
            ctx.set(dut.i.payload, rng.randrange(1 << SHAPE))

    async def receive(ctx):
        while len(received) < TRANSFERS:
            if not rng.randrange(3):
                await wait(ctx, "sink", rng.randrange(1, 60))
            ctx.set(dut.o.ready, 1)
            received.append(await until(ctx, "sink", dut.o.valid, dut.o.payload))
            events.append("received")
            ctx.set(dut.o.ready, 0)
        await wait(ctx, "sink", 100)
        assert not ctx.get(dut.o.valid), "more transfers than were sent"

    async def watch(ctx):
        before = None
        while True:
            *_, valid, ready, payload = await ctx.tick("sink").sample(dut.o.valid, dut.o.ready, dut.o.payload)
            assert before is None or (valid and payload == before), "a payload must wait without a change"
            before = payload if valid and not ready else None

    simulator = two_clocks(dut, ratio, rng)
    simulator.add_testbench(send)
    simulator.add_testbench(receive)
    simulator.add_process(watch)
    simulator.run()
    return sent, received, events


def check(sent, received, events):
    """All arrived, in order, and no sender was told before."""
    assert len(sent) == TRANSFERS and received == sent
    assert events == ["received", "sent"] * TRANSFERS


@pytest.mark.parametrize("ratio", RATIOS, ids="{:.4f}".format)
def test_transfers_cross_between_unrelated_clocks(ratio):
    check(*carry(ratio, 1))


BUGS = {
    "acknowledged when it is captured": ("self.o.valid.eq(1)]", "self.o.valid.eq(1), acknowledge.eq(requested)]"),
    "never acknowledged": (", acknowledge.eq(requested)]", "]"),
    "not waiting for the acknowledgment": ("waiting & (acknowledged == request)", "waiting"),
    "captured before there is a request": ("(requested != acknowledge)", "self.i.valid"),
    "asked again": ("self.i.valid & ~waiting", "self.i.valid"),
}


@pytest.mark.parametrize("bug", some_of(BUGS, "asked again"))
def test_bugs_of_a_crossing_are_noticed(bug):
    old, new = BUGS[bug]
    text = Path(crossing.__file__).read_text(encoding="utf-8")
    assert text.count(old) == 1
    names = {"__name__": "broken"}
    exec(text.replace(old, new), names)
    failures = 0
    for ratio in RATIOS:
        try:
            check(*carry(ratio, 1, names["StreamCrossing"]))
        except AssertionError:
            failures += 1
    assert failures


class Pair(Elaboratable):
    """Two domains with a stream each way; a clock each that a test drives."""

    def __init__(self):
        self.locked = Signal()
        self.clocks = {"source": Signal(), "sink": Signal()}
        self.resets = [Signal(), Signal()]
        self.there = StreamCrossing(shape=SHAPE, source="sink", sink="source")
        self.back = StreamCrossing(shape=SHAPE, source="source", sink="sink")

    def elaborate(self, platform):
        m = Module()
        m.submodules.there, m.submodules.back = self.there, self.back
        for (domain, clock), signal in zip(self.clocks.items(), self.resets):
            m.domains += ClockDomain(domain)
            m.d.comb += [ClockSignal(domain).eq(clock), signal.eq(ResetSignal(domain))]
        reset.hold_in_reset(m, first="source", second="sink", locked=self.locked)
        return m


class Failing:
    """A `Pair` in simulation, the clock of whose first domain can stop."""

    def __init__(self, ratio):
        self.dut, self.stopped = Pair(), False
        # Whole picoseconds; never at the same time.
        self.periods = {"source": 1_000_003, "sink": round(1_000_003 / ratio) | 1}
        self.simulator = Simulator(self.dut)
        for domain in self.periods:
            self.simulator.add_testbench(self._clock(domain), background=True)

    def _clock(self, domain):
        async def run(ctx):
            while True:
                await ctx.delay(self.periods[domain] / 2 * 1e-12)
                if not (self.stopped and domain == "source"):
                    ctx.set(self.dut.clocks[domain], ~ctx.get(self.dut.clocks[domain]) & 1)
        return run

    async def cycles(self, ctx, count, domain="sink"):
        await ctx.delay(count * self.periods[domain] * 1e-12)

    async def release(self, ctx):
        """Wait until both are out of reset."""
        for _ in range(20):
            if not any(ctx.get(signal) for signal in self.dut.resets):
                return
            for domain in self.periods:
                await self.cycles(ctx, reset.RESET_CYCLES, domain)
        raise AssertionError("both must leave reset")

    def run(self, testbench):
        self.simulator.add_testbench(testbench)
        self.simulator.run()


@pytest.mark.parametrize("ratio", [1 / 8, 0.7, 8.0])
@pytest.mark.parametrize("stops", [False, True])
def test_the_second_domain_leaves_reset_after_the_first(ratio, stops):
    """Both enter it when the lock is lost, the second even if the clock of the first has stopped."""
    failing = Failing(ratio)
    dut, states = failing.dut, []

    async def watch(ctx):
        states.clear()
        for _ in range(4 * reset.RESET_CYCLES):
            await failing.cycles(ctx, 1, min(failing.periods, key=failing.periods.get))
            state = tuple(ctx.get(signal) for signal in dut.resets)
            if not states or states[-1] != state:
                states.append(state)
        for domain in failing.periods:
            await failing.cycles(ctx, 3 * reset.RESET_CYCLES, domain)
        states.append(tuple(ctx.get(signal) for signal in dut.resets))

    async def testbench(ctx):
        for domain in failing.periods:
            await failing.cycles(ctx, 4, domain)
        await watch(ctx)
        assert set(states) == {(1, 1)}
        ctx.set(dut.locked, 1)
        await failing.release(ctx)
        failing.stopped = stops
        await failing.cycles(ctx, 3)
        ctx.set(dut.locked, 0)
        await watch(ctx)
        assert states[-1] == (not stops, 1)
        # The lock may be there again before the clock.
        ctx.set(dut.locked, 1)
        await failing.cycles(ctx, 300)
        assert ctx.get(dut.resets[1]) or not stops
        failing.stopped = False
        await watch(ctx)
        assert states[-1] == (0, 0)
        assert (1, 0) not in states and (states[0] == (0, 1) or not stops)

    failing.run(testbench)


# Cycles of the sink after a transfer was offered at which the clock stops, and the lock is lost.
MOMENTS = [0, 1, 2, 3, 4, 6, 9, 20]


@pytest.mark.parametrize("ratio", [0.13, 0.7, 2.3])
@pytest.mark.parametrize("low", [3, 3000], ids=["short", "long"])
@pytest.mark.parametrize("moment", some(MOMENTS, 0, 4))
def test_a_lost_lock_leaves_no_transfer_behind(ratio, low, moment):
    """Whatever the state of the handshakes, both ways, nothing that was not sent arrives after it."""
    failing = Failing(ratio)
    dut = failing.dut
    streams = [dut.there, dut.back]

    async def transfer(ctx, stream, value):
        ctx.set(stream.i.payload, value)
        ctx.set(stream.i.valid, 1)

    async def testbench(ctx):
        ctx.set(dut.locked, 1)
        await failing.cycles(ctx, 10)
        await failing.release(ctx)
        # An odd number of requests before, so that the bits of the handshakes are high.
        for stream in streams:
            await transfer(ctx, stream, 1)
        for count in range(moment):
            await failing.cycles(ctx, 1)
            if count == 9:
                for stream in streams:
                    ctx.set(stream.o.ready, 1)
        failing.stopped = True
        ctx.set(dut.locked, 0)
        await failing.cycles(ctx, low)
        ctx.set(dut.locked, 1)
        await failing.cycles(ctx, 3)
        for stream in streams:
            ctx.set(stream.i.valid, 0)
            ctx.set(stream.o.ready, 0)
        failing.stopped = False
        for domain in failing.periods:
            await failing.cycles(ctx, 20, domain)
        await failing.release(ctx)
        for domain in failing.periods:
            await failing.cycles(ctx, 3 * reset.RESET_CYCLES, domain)
        assert not any(ctx.get(signal) for signal in dut.resets)
        assert not any(ctx.get(stream.o.valid) for stream in streams), "nothing was sent since"
        for stream in streams:
            await transfer(ctx, stream, 0x55)
            await failing.cycles(ctx, 8, "sink")
            await failing.cycles(ctx, 8, "source")
            assert ctx.get(stream.o.valid) and ctx.get(stream.o.payload) == 0x55

    failing.run(testbench)
