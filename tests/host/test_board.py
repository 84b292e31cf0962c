import os
import time
import tty
from contextlib import contextmanager

import numpy as np
import pytest
from bitline.golden.program import Program, Vector, Write, predict
from bitline.hdl.config import MacroConfig
from bitline.host.board import Board, LinkError, in_order
from bitline.host.board.link import ATTEMPTS
from bitline.host.board.simulated_board import CLOCK_HZ, MACRO_HZ, SimulatedBoard
from bitline.host.mapping.tiling import matrix_product
from bitline.verif.sim.simulators import SimulatorError

CONFIG = MacroConfig(rows=8, columns=4, banks=2, fuse=2, max_accumulations=4)


def test_simulated_board_says_why_it_does_not_start():
    with pytest.raises(SimulatorError, match="simulator must be one of verilator, icarus, not none"), \
            SimulatedBoard(CONFIG, simulator="none"):
        pass


@pytest.fixture(scope="module")
def simulated():
    with SimulatedBoard(CONFIG) as board:
        yield board


@pytest.fixture
def product():
    rng = np.random.default_rng(1)
    weights, inputs = rng.integers(-32768, 32768, (40, 6)), rng.integers(0, 256, (20, 40))
    return matrix_product(CONFIG, weights, inputs), inputs @ weights


def test_without_pyserial_only_a_connection_is_refused(monkeypatch):
    monkeypatch.setattr("bitline.host.board.connection.serial", None)
    with refused("pyserial not found: pip install"):
        Board("/dev/ttyUSB0")


@contextmanager
def refused(match):
    """One line that matches."""
    with pytest.raises(LinkError, match=match) as caught:
        yield
    assert len(str(caught.value).splitlines()) == 1


def check(board, product):
    tiled, expected = product
    assert (tiled.collect(board.play(tiled.program)) == expected).all()


def test_program_gives_what_the_golden_model_gives(simulated, product):
    program, done = product[0].program, []
    expected = predict(CONFIG, program).results
    with simulated.connect(CONFIG) as board:
        before = board.counters()
        results = board.play(program, done.append)
        after = board.counters()
    assert [(r.y.tolist(), r.sum_x) for r in results] == [(r.y.tolist(), r.sum_x) for r in expected]
    assert after["vectors"] - before["vectors"] == len(program.vectors) == done[-1]
    assert after["rows"] - before["rows"] == len(program.writes)
    assert after["busy"] - before["busy"] == sum(r.planes + CONFIG.latency for r in expected)


def test_load_and_run_at_the_extremes(simulated):
    with simulated.connect() as board:
        assert (board.config, board.clock_hz, board.bridge_hz) == (CONFIG, MACRO_HZ, CLOCK_HZ)
        for weight, value in ((-128, 255), (127, 255), (-128, -128)):
            board.load(1, np.full((8, 4), weight))
            result, = board.run([Vector(np.full(8, value), 8, value < 0, bank=1)])
            assert result.y.tolist() == [8 * weight * value] * 4 and result.sum_x == 8 * value


def test_hundreds_of_frames(simulated):
    rng = np.random.default_rng(2)
    with simulated.connect(CONFIG) as board:
        for _ in range(300):
            weights, x = rng.integers(-128, 128, (1, 4)), rng.integers(0, 256, 8)
            board.write([Write(0, 3, weights[0])])
            result, = board.run([Vector(np.where(np.arange(8) == 3, x, 0), 8, False)])
            assert result.y.tolist() == (weights[0] * x[3]).tolist()


def test_other_configuration_is_named(simulated):
    other = MacroConfig(**{**CONFIG.to_dict(), "rows": 16, "max_accumulations": 5})
    with refused(f"configuration {other.hash}, and holds {CONFIG.hash}: rows 8, not 16, max_accumulations 4, not 5"):
        simulated.connect(other)
    simulated.connect(CONFIG).close()


def test_silence_in_mid_transfer_and_after(simulated, product):
    for after in (0, 1, 20, 150):
        with simulated.connect(CONFIG, latency=0.02) as board:
            started = time.monotonic()
            with simulated.silent(after), refused("is silent"):
                while True:
                    board.play(product[0].program)
            assert time.monotonic() - started < 30
            with refused("must be connected"):
                board.counters()
            board.latency = 1.0
            board.reconnect()
            check(board, product)


def test_hosts_that_come_and_go(simulated, product):
    for _ in range(3):
        simulated.connect(CONFIG)._serial.write(b"\x7e\x01\x02 half a frame")
        with simulated.connect(CONFIG) as board:
            check(board, product)
        with refused("must be open, and is not: call reconnect"):
            board.counters()


def test_second_host_is_refused(simulated, product):
    with simulated.connect(CONFIG) as board:
        with refused("must be a serial port that can be opened, and is not"):
            simulated.connect(CONFIG)
        check(board, product)


def test_board_that_is_unplugged(product):
    with SimulatedBoard(CONFIG) as simulated:
        board = simulated.connect(CONFIG)
        check(board, product)
    with refused(f"port {board.port} must be a serial port that can be used, and is not"):
        board.counters()
    with refused("link must be connected before a request, and is not"):
        board.counters()


def test_port_that_is_none(tmp_path):
    with refused("none must be a serial port that can be opened, and is not: No such file or directory"):
        Board(str(tmp_path / "none"))
    (tmp_path / "file").touch()
    with refused("file must be a serial port that can be opened, and is not"):
        Board(str(tmp_path / "file"))
    with refused("must be a serial port that can be opened, and is not"):
        Board("nonsense://")


def test_port_without_a_board():
    terminal, port = os.openpty()
    tty.setraw(port)
    try:
        with refused(f"board must answer within {ATTEMPTS} attempts .* and is silent"):
            Board(os.ttyname(port), latency=0.01)
    finally:
        os.close(port)
        os.close(terminal)


def test_line_that_only_echoes():
    with refused("is silent"):
        Board("loop://", latency=0.01)


def test_order_of_a_program():
    weights, x = np.zeros(4, dtype=int), np.zeros(8, dtype=int)
    program = Program([Write(0, 0, weights), Write(0, 1, weights, after=2), Write(1, 0, weights, after=2)],
                      [Vector(x, 8, False, after=1), Vector(x, 8, False, after=1), Vector(x, 8, False, after=3)])
    assert [(len(writes), len(vectors)) for writes, vectors in in_order(program)] == [(1, 2), (2, 1)]
    with pytest.raises(ValueError, match="program must not wait for itself, and does at write 0 and vector 0"):
        list(in_order(Program([Write(0, 0, weights, after=1)], [Vector(x, 8, False, after=1)])))
