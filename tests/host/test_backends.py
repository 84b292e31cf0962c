"""The same integers from every backend."""

import numpy as np
import pytest
from bitline.golden.program import Program
from bitline.hdl.config import MacroConfig
from bitline.host.backends import BoardPlayer, MacroBackend, NumpyBackend, open_backend
from bitline.host.board.simulated_board import BAUD, LATENCY_S, SimulatedBoard
from bitline.host.mapping.mapping import Mapping
from bitline.host.network.files.load import load_network
from bitline.host.network.inference import Inference
from bitline.verif.sim.player import RtlSession
from bitline.verif.sim.simulators import SimulatorError
from small_networks import residual_network
from some import some

CONFIG = MacroConfig(rows=8, columns=4, banks=2)


@pytest.fixture
def network():
    return residual_network(np.random.default_rng(1))


@pytest.fixture
def inputs():
    return np.random.default_rng(2).integers(-128, 128, (3, 1, 4, 4, 2))


def run(network, backend, inputs):
    """All tensors, one input after the other, and the records."""
    with backend:
        found = [Inference(network, product=backend.product).run(x[None]) for x in inputs]
    return {index: np.concatenate([values[index] for values in found]) for index in found[0]}, backend.records


def test_every_backend_gives_the_same_integers(network, inputs):
    expected, _ = run(network, NumpyBackend(network), inputs)
    with SimulatedBoard(CONFIG) as board:
        backends = [open_backend("golden", Mapping(CONFIG, network)), open_backend("rtl", Mapping(CONFIG, network)),
                    MacroBackend(Mapping(CONFIG, network),
                                 BoardPlayer(board.port, CONFIG, baud=BAUD, latency=LATENCY_S))]
        for backend in backends:
            values, records = run(network, backend, inputs)
            assert all((values[index] == expected[index]).all() for index in expected)
            assert len(records) == 9 and not any(record.mismatches for record in records)


@pytest.mark.parametrize("parameters", some([{}, {"column": "table"}, {"column": "table", "block_ram_columns": 4},
                                             {"input_bits": 3, "banks": 3}, {"weight_bits": 4, "fuse": 2}], 1))
def test_cycles_are_as_predicted(network, inputs, parameters):
    config = MacroConfig(**{**CONFIG.to_dict(), **parameters})
    _, records = run(network, open_backend("rtl", Mapping(config, network)), inputs)
    assert [record.cycles for record in records] == [record.predicted for record in records]
    assert not any(record.mismatches for record in records)


def test_wrong_result_is_counted(network, inputs):
    class Wrong(RtlSession):
        def play(self, program):
            outcome = super().play(program)
            outcome.results[0].y[0] += 1
            return outcome

    _, records = run(network, MacroBackend(Mapping(CONFIG, network), Wrong(CONFIG)), inputs[:1])
    assert all(record.mismatches > 0 for record in records)


def test_session_that_ends_is_named(network):
    with (RtlSession(CONFIG) as session, pytest.raises(SimulatorError, match="simulation must go on, and has ended")):
        session._process.terminate()
        session._process.join()
        session._requests.close()
        session._requests = (session._folder / "write").open("w")
        session.play(Program())


@pytest.mark.slow
@pytest.mark.parametrize("name, runs", [("keyword_spotting", 1), ("image_classification", 1),
                                        ("anomaly_detection", 16)])
def test_published_network_on_the_rtl(published, name, runs):
    path, inputs = published(name)
    published_network = load_network(path)
    config = MacroConfig(rows=64, columns=64, banks=2)
    expected = Inference(published_network).run(inputs[:runs])
    with open_backend("rtl", Mapping(config, published_network, runs)) as backend:
        values = Inference(published_network, product=backend.product).run(inputs[:runs])
    assert all((values[index] == expected[index]).all() for index in expected)
    assert [record.cycles for record in backend.records] == [record.predicted for record in backend.records]
    assert not any(record.mismatches for record in backend.records)
