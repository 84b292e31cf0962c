# amaranth: UnusedElaboratable=no
"""A stream between two unrelated clocks, and resets that wait for another clock."""

import random
from pathlib import Path

import pytest
from amaranth.hdl import ClockDomain, Elaboratable, Module, ResetSignal, Signal
from amaranth.sim import Simulator
from bitline.hdl.clocking import crossing, reset
from bitline.hdl.clocking.crossing import StreamCrossing

SHAPE = 16
TRANSFERS = 20
# Stalls of the other side among them.
TIMEOUT_CYCLES = 1000
MAX_RATIO = 8
RATIOS = [1 / MAX_RATIO, 1.0, float(MAX_RATIO), *(MAX_RATIO ** random.Random(seed).uniform(-1, 1) for seed in range(4))]


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


@pytest.mark.parametrize("bug", BUGS)
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


class Held(Elaboratable):
    """A domain ``source`` that waits for a bit, and a domain ``sink`` that waits for it."""

    def __init__(self):
        self.locked = Signal()
        self.resets = [Signal(), Signal()]

    def elaborate(self, platform):
        m = Module()
        m.domains.source, m.domains.sink = ClockDomain("source"), ClockDomain("sink")
        reset.hold_in_reset(m, "sink", reset.hold_in_reset(m, "source", self.locked))
        m.d.comb += [signal.eq(ResetSignal(domain)) for signal, domain in zip(self.resets, ("source", "sink"))]
        return m


@pytest.mark.parametrize("ratio", [1 / MAX_RATIO, 0.7, float(MAX_RATIO)])
def test_the_second_domain_leaves_reset_after_the_first(ratio):
    """Both enter it when the lock is lost, and each sees the reset of the other."""
    dut = Held()
    states = []

    async def testbench(ctx):
        async def watch(cycles):
            states.clear()
            for _ in range(cycles):
                await ctx.tick("sink")
                state = tuple(ctx.get(signal) for signal in dut.resets)
                if not states or states[-1] != state:
                    states.append(state)

        cycles = round(4 * reset.RESET_CYCLES * max(1, ratio))
        # It begins with the first edge of each clock.
        await wait(ctx, "source", 2)
        await wait(ctx, "sink", 2)
        await watch(cycles)
        assert states == [(1, 1)]
        ctx.set(dut.locked, 1)
        await watch(cycles)
        assert states == [(1, 1), (0, 1), (0, 0)]
        # A loss of a few cycles; more of the faster clock.
        ctx.set(dut.locked, 0)
        await wait(ctx, "sink", round(3 * max(1, ratio)))
        ctx.set(dut.locked, 1)
        await watch(cycles)
        assert states[-3:] == [(1, 1), (0, 1), (0, 0)]

    simulator = two_clocks(dut, ratio, random.Random(1))
    simulator.add_testbench(testbench)
    simulator.run()
