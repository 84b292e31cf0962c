"""An engine on a simulated board, by the driver of real boards."""

import random
from contextlib import contextmanager
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from bitline.golden.engine.executor import Engine
from bitline.golden.engine.image import EngineError, Fault, read_image
from bitline.hdl.engine.control.image_words import Section
from bitline.host.board import Board, LinkError, engine_board
from bitline.host.board.simulated_board import BAUD, CLOCK_HZ, LATENCY_S, MACRO_HZ, SimulatedBoard
from bitline.host.engine.compiler import compile_network
from bitline.verif.engine.small_engines import TINY
from engine_networks import Builder, streaming_network


def network():
    """One whose input is in memory column by column, with bytes between that are none of it."""
    build = Builder(np.random.default_rng(1), (1, 6, 3, 1))
    build.conv(8, (4, 3), (2, 2))
    build.flat()
    build.dense(5)
    return build.network()


IMAGE = compile_network(TINY, network()).image
INPUTS = np.random.default_rng(2).integers(-128, 128, (3, 18)).astype(np.int8)
# Fields of a CONV that runs for hundreds of thousands of cycles, which the gateware does not know.
ENDLESS = {"target_height": 65535, "target_width": 65535, "target_pitch": 0, "target_pixel": 0, "strip": 65535}


@pytest.fixture(scope="module")
def simulated():
    with SimulatedBoard(TINY) as board:
        yield board


@pytest.fixture
def board(simulated):
    with simulated.connect(TINY) as connected:
        yield connected


@contextmanager
def refused(match, kind=LinkError):
    """One line that matches; the error."""
    with pytest.raises(kind, match=match) as caught:
        yield caught
    assert len(str(caught.value).splitlines()) == 1


def changed(number, **fields):
    """The image with other fields of a descriptor."""
    image = read_image(TINY, IMAGE)
    image.program[number] = image.program[number]._replace(**fields)
    return image.to_bytes(TINY)


def check(board, inputs=INPUTS, has_cycles=True):
    """Runs of inputs are the golden ones; cycles too, but for those after a fault."""
    engine = Engine(TINY, IMAGE)
    for x in inputs:
        expected, run = engine.run(x), board.run(x)
        assert run.output.tolist() == expected.output.tolist()
        assert run.classes.tolist() == expected.classes.tolist() and run.argmax == expected.argmax
        assert run.cycles == expected.cycles or not has_cycles


def test_runs_are_the_golden_ones(board):
    assert (board.config, board.clock_hz, board.bridge_hz) == (TINY, MACRO_HZ, CLOCK_HZ)
    board.load(IMAGE)
    check(board)


@pytest.mark.slow
def test_steps_of_a_stream(board):
    data = compile_network(TINY, streaming_network(np.random.default_rng(38))).image
    engine, inputs = Engine(TINY, data), np.random.default_rng(3).integers(-128, 128, (3, 20)).astype(np.int8)
    board.load(data)
    for _ in range(2):
        runs = [board.run(x).output.tolist() for x in inputs]
        assert runs == [engine.run(x).output.tolist() for x in inputs] and runs[0] != runs[1]
        board.begin_stream()
        engine.reset()


def test_a_fault_is_told_with_its_descriptor_and_the_engine_stays_usable(board, monkeypatch):
    wrong = changed(1, target_limit=1)
    with refused("descriptor 1 must have .*target", EngineError):
        board.load(wrong)
    with monkeypatch.context() as patch:
        patch.setattr(engine_board, "Checks", lambda config, image: SimpleNamespace(run=lambda: None))
        board.load(wrong)
    with refused(r"descriptor 1 must break no rule, and ends the run with fault 6 \(TARGET\)", EngineError) as caught:
        board.run(INPUTS[0])
    assert (caught.value.descriptor, caught.value.fault) == (1, Fault.TARGET)
    board.load(IMAGE)
    check(board, has_cycles=False)


def test_a_run_that_is_canceled_and_one_that_does_not_end(board, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(engine_board, "Checks", lambda config, image: SimpleNamespace(run=lambda: None))
        board.load(changed(0, **ENDLESS))
    with refused(r"run must end by itself, and was canceled after [\d,]+ cycles", EngineError):
        board.run(INPUTS[0])
    board.start(INPUTS[0])
    assert board._value("status.busy", *board._read("status"))
    board.cancel()
    with refused("was canceled", EngineError):
        board.wait()
    board.start(INPUTS[0])
    monkeypatch.setattr(engine_board, "POLLS", 1)
    monkeypatch.setattr(engine_board, "POLL_CYCLES", 1 << 30)
    with refused("board must end its run, and is busy after"):
        board.wait()
    monkeypatch.undo()
    # Loading ends a run too.
    board.start(INPUTS[0])
    board.load(IMAGE)
    check(board, has_cycles=False)


@pytest.mark.parametrize("lost, section", [(1, "program"), (2, "program"), (100, "tiles")])
def test_a_word_that_is_lost_is_noticed(board, monkeypatch, lost, section):
    whole = board._set
    monkeypatch.setattr(board, "_set", lambda *writes: whole(*writes[:lost], *writes[lost + 1:]))
    with refused(rf"must take the \d+ words of {section} from item 0 on as they were sent, and has another CRC-32"):
        board.load(IMAGE)
    with refused("image must be loaded before a run, and is not", EngineError):
        board.run(INPUTS[0])


def test_words_that_go_where_those_before_went_are_noticed(board, monkeypatch):
    """A network of sums has no tiles and no loads: of the same checksum is what restarted nothing."""
    build = Builder(np.random.default_rng(39), (1, 4, 4, 4))
    build.add(0, 0)
    data = compile_network(TINY, build.network()).image
    board.load(IMAGE)
    parameters = Section.PARAMETERS.value << board._fields["target.section"].low
    whole = board._set
    monkeypatch.setattr(board, "_set", lambda *writes: whole(*(each for each in writes if each !=
                                                               ("target", parameters))))
    with refused(rf"must have {parameters:#x} in its register target, and has 0x\w+"):
        board.load(data)


def test_a_start_that_failed_gives_no_former_result(board, monkeypatch):
    board.load(IMAGE)
    check(board, INPUTS[:1], has_cycles=False)
    whole = board._set
    with monkeypatch.context() as patch:
        patch.setattr(board, "_set", lambda *writes: whole(*writes[:-1] if len(writes) > 2 else writes))
        with refused("words of activations"):
            board.start(INPUTS[1])
    for _ in range(2):
        with refused("run must have begun before its results are read, and has not", EngineError):
            board.wait()
        # Nor does a stream that has begun anew.
        board.run(INPUTS[0])
        board.begin_stream()


def test_a_run_that_goes_on_is_not_begun_again(board, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(engine_board, "Checks", lambda config, image: SimpleNamespace(run=lambda: None))
        board.load(changed(0, **ENDLESS))
    board.start(INPUTS[0])
    with refused("run must have ended before another begins, and has not", EngineError):
        board.start(INPUTS[0])
    board.load(IMAGE)
    check(board, INPUTS[:1], has_cycles=False)


@pytest.mark.parametrize("cycles", [0, (1 << 32) - 1000])
def test_cycles_of_an_image_that_no_counter_tells_are_refused(board, monkeypatch, cycles):
    read = engine_board.read_image
    monkeypatch.setattr(engine_board, "read_image", lambda *image: replace(read(*image), cycles=cycles))
    with refused(f"image must say that a run takes from 1 to 4,294,966,295 cycles, not {cycles:,}", EngineError):
        board.load(IMAGE)


def test_a_lost_word_of_an_input_is_noticed(board, monkeypatch):
    board.load(IMAGE)
    whole = board._set
    monkeypatch.setattr(board, "_set", lambda *writes: whole(*writes[:-1] if len(writes) > 2 else writes))
    with refused(r"words of activations from item \d+ on"):
        board.run(INPUTS[0])


@pytest.mark.parametrize("lost, match", [
    ("control", "must have ended a run since the last start, and has not"),
    ("read_address", r"must have 0x\w+ in its register read_address, and has 0x3fc")])
def test_a_lost_write_gives_no_former_result(board, monkeypatch, lost, match):
    board.load(IMAGE)
    check(board, INPUTS[:1], has_cycles=False)
    board._set(("read_address", TINY.activation_bytes - 4))
    whole = board._set
    monkeypatch.setattr(board, "_set", lambda *writes: whole(*(each for each in writes if each[0] != lost)))
    with refused(match):
        board.run(INPUTS[1])


def test_spoiled_bytes_are_repeated_and_done_once(simulated, monkeypatch):
    with simulated.connect(TINY) as board:
        rng, transfer, spoiled = random.Random(1), board._transfer, []

        def noisy(data):
            if not data or rng.random() < 0.9:
                return data
            spoiled.append(data)
            index = rng.randrange(len(data))
            return data[:index] + bytes([data[index] ^ rng.randrange(1, 256)]) + data[index + 1:]

        monkeypatch.setattr(board, "_transfer", lambda each: noisy(transfer(replace(each, data=noisy(each.data)))))
        before = board.counters()
        board.load(IMAGE)
        check(board, INPUTS[:1], has_cycles=False)
        after = board.counters()
    assert spoiled and after["refused"] > before["refused"] and after["repeated"] > before["repeated"]


@pytest.mark.slow
def test_silence_in_the_middle_of_an_image(simulated):
    with simulated.connect(TINY, latency=0.3) as board:
        with simulated.silent(500), refused("is silent"):
            board.load(IMAGE)
        board.latency = LATENCY_S
        board.reconnect()
        with refused("image must be loaded before a run", EngineError):
            board.run(INPUTS[0])
        board.load(IMAGE)
        check(board, has_cycles=False)


def test_another_configuration_is_named(simulated):
    other = replace(TINY, tile_rows=640, macro=replace(TINY.macro, rows=24))
    with refused(f"configuration {other.hash}, and holds {TINY.hash}: rows 16, not 24, tile_rows 512, not 640$"):
        simulated.connect(other)


def test_a_board_with_an_engine_is_none_with_a_macro(simulated):
    with refused(r"must hold a macro and speak version 2 of the protocol, and says b'BLNE\\x02"):
        Board(simulated.port, baud=BAUD, latency=LATENCY_S)


def test_an_engine_of_another_version_is_refused(simulated, monkeypatch):
    known = engine_board.engine_register_map

    def later(config):
        return tuple(replace(register, fields=tuple(replace(field, reset=field.reset + 1) for field in register.fields))
                     if register.name == "version" else register for register in known(config))

    monkeypatch.setattr(engine_board, "engine_register_map", later)
    with refused(r"must have 0x\w+ in its register version, and has 0x\w+"):
        simulated.connect(TINY)


@pytest.mark.parametrize("data, match", [
    (IMAGE[:-1], f"image must have the {len(IMAGE)} bytes that it says, not {len(IMAGE) - 1}"),
    (IMAGE[:-1] + bytes([IMAGE[-1] ^ 1]), "must have a section ports with the CRC-32 that it says, and has another"),
    (IMAGE[:50], "image must have at least 100 bytes, not 50"),
    (compile_network(replace(TINY, tile_rows=640), network()).image,
     f"image must be for configuration {TINY.hash}, not {replace(TINY, tile_rows=640).hash}"),
])
def test_images_that_are_refused(board, data, match):
    with refused(match, EngineError):
        board.load(data)


def test_inputs_that_are_refused(board):
    board.load(IMAGE)
    for x, match in ((INPUTS[0][1:], "must have 18 bytes, not 17"), (INPUTS[0].astype(int), "must be int8, not int64")):
        with refused(f"input {match}", EngineError):
            board.start(x)
    check(board, INPUTS[:1], has_cycles=False)


def test_an_access_that_the_engine_refuses(board, monkeypatch):
    board.load(IMAGE)
    store = board._store
    monkeypatch.setattr(board, "_store", lambda *data: (store(*data), board._set(
        ("load_count", TINY.load_entries + 1))))
    with refused("board must do every access, and refuses 1, the first as VALUE"):
        board.run(INPUTS[0])
    monkeypatch.setitem(board._offsets, "status", 0xF0)
    with refused("board must let its register status be read, and refuses"):
        board.wait()
