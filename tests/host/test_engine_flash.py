"""The image in the flash of a simulated board, by the driver of real boards."""

from dataclasses import replace

import numpy as np
import pytest
from bitline.golden.engine.executor import Engine
from bitline.golden.engine.image import EngineError
from bitline.hdl.engine.control.image_words import Section
from bitline.hdl.flash.image_loader import FlashState
from bitline.host.board import LinkError
from bitline.host.board.simulated_board import SimulatedBoard
from bitline.host.engine.compiler import compile_network
from bitline.verif.engine.small_engines import TINY
from engine_networks import Builder, streaming_network
from some import some_of

# As of no flash: the level of its data line.
LOW, HIGH = 0, 1


def image(width, config=TINY):
    build = Builder(np.random.default_rng(width), (1, width))
    build.dense(5)
    return compile_network(config, build.network()).image


IMAGE, OTHER, STREAM = image(6), image(7), compile_network(TINY, streaming_network(np.random.default_rng(38))).image
FOREIGN = image(6, replace(TINY, tile_rows=640))
FLIPPED = IMAGE[:300] + bytes([IMAGE[300] ^ 1]) + IMAGE[301:]
X = np.random.default_rng(2).integers(-128, 128, 6).astype(np.int8)


@pytest.fixture(scope="module")
def simulated():
    with SimulatedBoard(TINY, image=IMAGE) as board:
        yield board


@pytest.fixture
def board(simulated):
    with simulated.connect(TINY) as connected:
        yield connected


@pytest.fixture
def sent(monkeypatch, board):
    """Names of sections that are sent, those of the activation memory aside."""
    names, send = [], board._send

    def noting(section, *data):
        if section is not Section.ACTIVATIONS:
            names.append(section.name)
        send(section, *data)

    monkeypatch.setattr(board, "_send", noting)
    return names


def check(board, data, x=X):
    """The golden outputs."""
    assert board.run(x).output.tolist() == Engine(TINY, data).run(x).output.tolist()


def test_after_the_reset_the_image_in_the_flash_runs(board, sent):
    assert board.flash_state() is FlashState.LOADED
    assert board.load(IMAGE, keeps=True) and sent == []
    check(board, IMAGE)
    # Another is sent, and so is the same if it is not to be kept.
    assert not board.load(OTHER, keeps=True) and len(sent) == 4
    check(board, OTHER, np.append(X, np.int8(9)))
    assert not board.load(OTHER) and len(sent) == 8
    board.load_flash()
    assert board.load(IMAGE, keeps=True) and len(sent) == 8
    check(board, IMAGE)


# What there is in place of an image for the engine, by what it is: contents, the line's level, and what is said.
DAMAGED = "the flash has an image that is damaged or cut short"
WITHOUT = {
    "flipped": (FLIPPED, HIGH, DAMAGED),
    "low": (None, LOW, "no flash answers"),
    "high": (None, HIGH, "no flash answers"),
    "erased": (b"", HIGH, "the flash has no image"),
    "cut": (IMAGE[:-1], HIGH, DAMAGED),
    "no table": (IMAGE[:40], HIGH, DAMAGED),
    "another engine": (FOREIGN, HIGH, "the flash has an image for another engine"),
    "another version": (IMAGE[:4] + b"\x09" + IMAGE[5:], HIGH, "the flash has an image of another version"),
}


@pytest.mark.parametrize("name", some_of(WITHOUT, "flipped", "low"))
def test_a_flash_without_an_image_for_the_engine(simulated, board, sent, name):
    content, level, match = WITHOUT[name]
    simulated.put_flash(content, level)
    with pytest.raises(LinkError, match=rf"^board must load the image in its flash, and does not: {match}$"):
        board.load_flash()
    with pytest.raises(EngineError, match="image must be loaded before a run, and is not"):
        board.run(X)
    # The engine can be used.
    assert not board.load(IMAGE, keeps=True) and len(sent) == 4
    check(board, IMAGE)
    simulated.put_flash(IMAGE)
    board.load_flash()
    assert board.load(IMAGE, keeps=True)
    check(board, IMAGE)


def test_an_image_that_was_not_sent_completely_is_not_kept(board, sent, monkeypatch):
    board.load(IMAGE)
    send = board._send

    def cut(section, *data):
        if section is Section.TILES:
            raise LinkError("cut")
        send(section, *data)

    with monkeypatch.context() as patch, pytest.raises(LinkError, match=r"^cut$"):
        patch.setattr(board, "_send", cut)
        board.load(IMAGE)
    sent.clear()
    assert not board.load(IMAGE, keeps=True) and len(sent) == 4
    check(board, IMAGE)


def test_a_run_is_canceled_before_the_image_is_loaded(simulated, board, monkeypatch):
    """The engine refuses words while a run goes on."""
    simulated.put_flash(IMAGE)
    board.load(IMAGE)
    written, cancel, write = [], board._bit("control.cancel"), board._set
    monkeypatch.setattr(board, "_set", lambda *words: (written.extend(words), write(*words)))
    board.start(X)
    written.clear()
    board.load_flash()
    assert written == [("control", cancel), ("flash", 0)]
    assert board.load(IMAGE, keeps=True)
    check(board, IMAGE)


@pytest.mark.slow
def test_states_of_a_stream_begin_anew_with_a_kept_image(simulated, board):
    x = np.random.default_rng(3).integers(-128, 128, (2, 20)).astype(np.int8)
    simulated.put_flash(STREAM)
    board.load_flash()
    for _ in range(2):
        assert board.load(STREAM, keeps=True)
        engine = Engine(TINY, STREAM)
        assert [board.run(each).output.tolist() for each in x] == [engine.run(each).output.tolist() for each in x]
