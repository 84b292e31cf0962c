"""``bitline classify`` on a board."""

from contextlib import contextmanager
from types import SimpleNamespace

import numpy as np
import pytest
from bitline.hdl.flash.image_loader import FlashState
from bitline.host.board.engine_board import BoardRun
from bitline.host.engine.compiler import compile_network
from bitline.scripts.commands.networks import classify
from bitline.verif.engine.small_engines import TINY
from engine_networks import Builder
from places import ROOT


@pytest.fixture
def files(tmp_path):
    """Paths of an image, its engine and two inputs."""
    build = Builder(np.random.default_rng(1), (1, 6))
    build.dense(5)
    paths = [tmp_path / name for name in ("a.bln", "engine.json", "x", "y")]
    contents = compile_network(TINY, build.network()).image, TINY.to_json().encode(), bytes(range(6)), bytes(6)
    for path, content in zip(paths, contents):
        path.write_bytes(content)
    return paths


def arguments(files, *more):
    image, config, x, y = files
    return ["classify", image, "--config", config, "--inputs", x, "--inputs", y, "--build", ROOT / "build" / "sim",
            *more]


def test_a_network_on_a_simulated_board(cli, files):
    status, expected, _ = cli(*arguments(files))
    assert status == 0 and len(expected.splitlines()) == 2
    status, printed, errors = cli(*arguments(files, "--backend", "board", "--port", "simulated"))
    assert (status, errors) == (0, "") and printed.startswith(expected)
    last, = printed.removeprefix(expected).splitlines()
    cycles = int(expected.split("class ")[1].split(", ")[1].split()[0].replace(",", ""))
    assert last.startswith("the board at simulated, 75 MHz, image sent as no flash answers: the same outputs, "
                           f"{cycles:,} cycles an input, {75e6 / cycles:,.0f} inputs a second; ")


def test_a_network_in_the_flash_of_a_simulated_board(cli, files):
    status, printed, errors = cli(*arguments(files, "--backend", "board", "--port", "simulated", "--flash", files[0]))
    assert (status, errors) == (0, "")
    assert "the board at simulated, 75 MHz, which has the image: the same outputs, " in printed


def test_a_wrong_result_of_a_board_is_refused(refused, files, monkeypatch):
    @contextmanager
    def wrong(port, config, folder, flash):
        run = BoardRun(np.array([1, 2, 3, 4, 5], np.int8), np.array([4]), 4, 9)
        yield SimpleNamespace(config=config, load=lambda data, keeps: None, begin_stream=lambda: None,
                              run=lambda x: run, flash_state=lambda: FlashState.SILENT)

    monkeypatch.setattr(classify, "connected", wrong)
    refused(*arguments(files, "--backend", "board", "--port", "none"),
            match="run 0 on the board must give the outputs of the golden model, and gives class 4, outputs 1 2 3 4 5$")


def test_what_is_refused(refused, files, tmp_path):
    for only in (["--port", "simulated"], ["--backend", "board"]):
        refused(*arguments(files, *only), match="--port must be given with --backend board, and with no other")
    refused(*arguments(files, "--backend", "board", "--port", "none", "--flash", files[0]),
            match="--flash must be given with --port simulated, and with no other")
    refused(*arguments(files, "--backend", "board", "--port", tmp_path / "none"),
            match="none must be a serial port that can be opened, and is not: No such file or directory")
    files[0].write_bytes(files[0].read_bytes()[:-1])
    refused(*arguments(files, "--backend", "board", "--port", "simulated"),
            match=r"image must have the \d+ bytes that it says, not \d+")
