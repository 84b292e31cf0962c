# amaranth: UnusedElaboratable=no
import random
import re
import zlib

import numpy as np
import pytest
from amaranth.hdl import Const, Module
from bitline.golden.program import Vector
from bitline.hdl.config import MacroConfig
from bitline.hdl.config.engine import default_engine
from bitline.hdl.uart_bridge.accelerator import accelerator
from bitline.hdl.uart_bridge.answer_memory import first_answers
from bitline.hdl.uart_bridge.bridge import Bridge
from bitline.hdl.uart_bridge.byte_mux import ByteMux
from bitline.hdl.uart_bridge.protocol import CRC, ESCAPE, FLAG, Command, identity, sizes
from bitline.hdl.uart_bridge.top import add_core
from bitline.hdl.uart_bridge.uart import UartReceiver, UartTransmitter
from bitline.host.board import LinkError
from bitline.host.board.link import ATTEMPTS, MAX_IDENTITY_BYTES, Frame, FrameFinder, Link, decode, encode
from bitline.host.board.payloads import read_result, vector_payload
from bitline.host.board.simulated_board import build_board
from gateware import simulate
from hypothesis import given
from hypothesis import strategies as st
from places import ROOT
from some import some

DIVISORS = [4, 25 / 3, 12.5, 27, 104]
BYTES = [0x00, 0xFF, 0x55, 0xAA, FLAG, ESCAPE, 0x01, 0x80]


def samples(levels, bit_time, phase=0.0):
    """A line's level in each clock cycle, from its levels and the clock cycles that each lasts."""
    return [levels[int((cycle + phase) / bit_time)] for cycle in range(int(len(levels) * bit_time - phase))]


def bits_of(data):
    return [bit for byte in data for bit in (0, *((byte >> n & 1) for n in range(8)), 1)]


def receive(divisor, line):
    """What a receiver makes of a line's levels, one a clock cycle: bytes, None for an error."""
    receiver = UartReceiver(divisor=divisor)
    received = []

    async def testbench(ctx):
        for level in [1] * 8 + line + [1] * 8:
            ctx.set(receiver.rx, level)
            await ctx.tick()
            if ctx.get(receiver.o.valid):
                received.append(None if ctx.get(receiver.o.payload.error) else ctx.get(receiver.o.payload.data))

    simulate(receiver, testbench)
    return received


@pytest.mark.parametrize("divisor", DIVISORS)
@pytest.mark.parametrize("error", [-0.02, 0, 0.02])
@pytest.mark.parametrize("phase", [0, 0.5])
def test_receiver_bears_two_percent(divisor, error, phase):
    line = samples([*bits_of(BYTES), 1], divisor * (1 + error), phase)
    assert receive(divisor, line) == BYTES


@pytest.mark.parametrize("divisor", [4, 8])
def test_receiver_with_breaks_and_glitches(divisor):
    good = bits_of([0x5A])
    assert receive(divisor, samples([0] * 300 + [1] + good + [1], divisor)) == [None, 0x5A]
    assert receive(divisor, [0] + [1] * 20 + samples([*good, 1], divisor)) == [0x5A]
    no_stop = [*bits_of([0x33])[:-1], 0, 1]
    assert receive(divisor, samples([*no_stop, *good, 1], divisor)) == [None, 0x5A]


@pytest.mark.parametrize("divisor", DIVISORS)
def test_transmitter_keeps_its_rate(divisor):
    transmitter = UartTransmitter(divisor=divisor)
    line = []

    async def testbench(ctx):
        rest = list(BYTES)
        while len(line) < (10 * divisor + 1) * (len(BYTES) + 1):
            ctx.set(transmitter.i.valid, bool(rest))
            ctx.set(transmitter.i.payload, rest[0] if rest else 0)
            if ctx.get(transmitter.i.ready) and rest:
                rest.pop(0)
            await ctx.tick()
            line.append(ctx.get(transmitter.tx))

    simulate(transmitter, testbench)
    assert receive(divisor, line) == BYTES
    # 0x55 is ten bits of alternating level; between bytes there is no gap but the cycle in which one is taken.
    edges = [cycle for cycle in range(1, len(line)) if line[cycle] != line[cycle - 1]]
    bit_time = transmitter.bit_time / 8
    expected = line.index(0) + 2 * (10 * bit_time + 1)
    start = min(edges, key=lambda edge: abs(edge - expected))
    assert abs(start - expected) <= 2
    for bit in range(10):
        assert any(abs(start + bit * bit_time - edge) <= 1 for edge in edges)


@pytest.mark.parametrize("divisor", [3.9, 0, -4])
def test_too_fast_a_line_is_refused(divisor):
    for block in (UartReceiver, UartTransmitter):
        with pytest.raises(ValueError, match="divisor must be at least 4 clock cycles a bit, not"):
            block(divisor=divisor)
    with pytest.raises(ValueError, match=r"not 3\.0"):
        Bridge(accelerator=accelerator(MacroConfig(rows=2, columns=2)), clock_hz=9_000_000, macro_hz=9_000_000,
               baud=3_000_000)


@pytest.mark.parametrize("count", [1, 2, 15, 16, 17, 50])
def test_byte_mux_gives_every_byte(count):
    mux = ByteMux(count=count)
    data = random.Random(1).randbytes(count)

    async def testbench(ctx):
        ctx.set(mux.word, int.from_bytes(data, "little"))
        seen = []
        for index in [*range(count), *[0] * ByteMux.latency]:
            ctx.set(mux.index, index)
            await ctx.tick()
            seen.append(ctx.get(mux.o))
        assert bytes(seen[ByteMux.latency - 1:][:count]) == data

    simulate(mux, testbench)


@given(st.binary(max_size=60))
def test_crc_is_that_of_zlib(data):
    assert CRC(8).compute(data) == zlib.crc32(data)


frames = st.builds(Frame, st.integers(0, 0xFFFF), st.integers(0, 0xFF), st.integers(0, 0xFF),
                   st.lists(st.sampled_from([FLAG, ESCAPE, 0x5E, 0x5D, 0, 1, 255]), max_size=40).map(bytes))


@given(frames)
def test_frames_survive_the_wire(frame):
    wire = encode(frame)
    assert wire[0] == wire[-1] == FLAG and FLAG not in wire[1:-1]
    assert decode(wire[1:-1]) == frame


@given(frames, st.data())
def test_spoiled_frames_are_refused(frame, draw):
    body = bytearray(encode(frame)[1:-1])
    index = draw.draw(st.integers(0, len(body) - 1))
    body[index] ^= draw.draw(st.integers(1, 255))
    assert decode(bytes(body)) is None
    assert decode(bytes(body[:index])) is None


@given(st.lists(frames, max_size=5), st.data())
def test_frames_are_found_however_they_arrive(sent, draw):
    wire = b"\x00noise" + b"".join(encode(frame) for frame in sent)
    finder, found = FrameFinder(200), []
    while wire:
        count = draw.draw(st.integers(1, len(wire)))
        found += finder.feed(wire[:count])
        wire = wire[count:]
    assert found == sent and finder.refused == (1 if sent else 0)


def test_endless_bytes_without_a_flag_are_not_kept():
    finder = FrameFinder(200)
    for _ in range(100):
        finder.feed(bytes(1000))
    assert len(finder._rest) <= 201


def test_link_counts_attempts_and_gives_up():
    now = [0.0]
    link = Link(baud=10_000, latency=0.1, clock=lambda: now[0])
    exchange, sent, arrived = link.connect(), [], None
    with pytest.raises(LinkError, match=rf"within {ATTEMPTS} attempts \(\d+\.\d s\), and is silent"):
        while True:
            transfer = exchange.send(arrived)
            sent += [transfer.data] if transfer.data else []
            now[0], arrived = transfer.deadline, b""
    assert len(sent) == ATTEMPTS and len(set(sent)) == 1
    with pytest.raises(LinkError, match="link must be connected before a request"):
        next(link.request(Command.READ_COUNTERS))


@pytest.mark.parametrize("config", [
    MacroConfig(rows=1, columns=1, weight_bits=1, input_bits=1), MacroConfig(rows=64, columns=64),
    MacroConfig(rows=1024, columns=1024, weight_bits=16, input_bits=16, banks=16, max_accumulations=256),
    default_engine()])
def test_every_accelerator_has_room_for_a_record_of_each_kind(config):
    found = sizes(accelerator(config))
    assert found.rows >= 1 and found.vectors >= 1
    assert found.buffer & found.buffer - 1 == 0
    said = identity(accelerator(config), 1, 1, found.buffer)
    assert found.identity == len(said) <= MAX_IDENTITY_BYTES


@pytest.mark.parametrize("config, magic", [(MacroConfig(rows=2, columns=3), b"BTLN"), (default_engine(), b"BLNE")])
def test_identity_names_accelerator_protocol_and_configuration(config, magic):
    said = identity(accelerator(config), 2**32 - 1, 25_000_000, 2048)
    assert said[:9] == magic + b"\x02" + bytes.fromhex(config.hash)
    assert (said[9:13], said[13:17]) == (b"\xff" * 4, (25_000_000).to_bytes(4, "little"))
    assert type(config).from_json(said[19:].decode()) == config
    assert first_answers(accelerator(config), 2**32 - 1, 25_000_000).endswith(said)


CONFIG = MacroConfig(rows=2, columns=2, weight_bits=4, input_bits=4, banks=2, max_accumulations=16)
# As is the default of the ULX3S.
TABLES = MacroConfig(rows=4, columns=2, weight_bits=4, input_bits=4, banks=2, max_accumulations=16, column="table",
                     result_interval=4)
# Of the macro's clock to the bridge's. The boards' PLLs make up to 16 (ECP5), 22.5 (iCE40), and from 1/8 to 22 (Gowin);
# as far the other way.
RATIOS = [10.5, 22.5, 1.0, 1 / 8, 1 / 22.5]


@pytest.mark.parametrize("frames", some([200, 10_000], 0))
def test_link_in_simulation(frames):
    build_board(CONFIG).run("bitline.verif.link.tb_link", seed=1, environment={
        "BITLINE_CONFIG": CONFIG.to_json(), "LINK_FRAMES": str(frames)})


def run_some(config, ratio):
    build_board(config).run("bitline.verif.link.tb_link", seed=2, environment={
        "BITLINE_CONFIG": config.to_json(), "LINK_FRAMES": "100", "LINK_RATIO": str(ratio),
        "COCOTB_TEST_FILTER": r"\.(noise|full_frames|duplicates|board_resets|busy_cycles)$"})


@pytest.mark.parametrize("ratio", some(RATIOS))
def test_link_at_the_extremes_of_the_clocks(ratio):
    run_some(CONFIG, ratio)


@pytest.mark.parametrize("ratio", some([1 / 8, 1.0, 16.0], 1))
def test_link_of_a_macro_with_tables(ratio):
    run_some(TABLES, ratio)


@pytest.mark.parametrize("macro_hz", [312_499, 320_000_001])
def test_clocks_too_far_apart_are_refused(macro_hz):
    m = Module()
    with pytest.raises(ValueError, match=rf"macro_hz must be from 1/32 to 32 times clock_hz, 10000000, not {macro_hz}"):
        add_core(m, accelerator=accelerator(CONFIG), clock_hz=10_000_000, macro_hz=macro_hz, baud=1_000_000,
                 locked=Const(1))


def test_documents_example_is_what_the_code_sends():
    text = (ROOT / "docs" / "link.md").read_text(encoding="utf-8")
    config = MacroConfig(rows=2, columns=2)
    request, encoded = (bytes.fromhex(line) for line in re.findall(r"^    ([0-9a-f ]+)$", text, re.MULTILINE))
    vector = Vector(np.array([0x7E, 5]), 8, False)
    assert request == encode(Frame(0x1234, 1, Command.RUN, vector_payload(config, vector)))
    response = decode(encoded[1:-1])
    assert (response.session, response.sequence, response.code) == (0x1234, 1, 0x83)
    result = read_result(config, response.payload, vector)
    assert result.y.tolist() == [0x7E * 2 + 5 * 3, 0x7E * 1 + 5 * 0] and result.sum_x == 0x7E + 5
    assert encode(response) == encoded
