"""Records that Python and a simulation exchange."""

from dataclasses import replace

import numpy as np
import pytest
from bitline.golden.program import difference, predict
from bitline.hdl.config import MacroConfig
from bitline.hdl.macro.ports import HANDSHAKE, ports
from bitline.verif.macro.drawn_program import draw_program
from bitline.verif.sim import player, records
from bitline.verif.sim.player import run_program
from bitline.verif.sim.port_fields import encode_vector, encode_write

CONFIGS = [
    MacroConfig(rows=1, columns=1, weight_bits=1, input_bits=1),
    MacroConfig(rows=13, columns=8, banks=3, fuse=4, weight_bits=5, input_bits=7, max_accumulations=4),
    MacroConfig(rows=33, columns=4, fuse=2, weight_bits=16, input_bits=16),
]
# As in test_stream_player.
CONFIG = MacroConfig(rows=4, columns=2, banks=2, max_accumulations=3, input_bits=3)


def word(record, field):
    """What a field holds."""
    return int.from_bytes(record[field.part].tobytes(), "little")


def words(values, width, count):
    """Integers of some bits each as so many words."""
    whole = sum((int(value) & (1 << width) - 1) << width * lane for lane, value in enumerate(values))
    return np.frombuffer(whole.to_bytes(4 * count, "little"), records.WORD)


@pytest.mark.parametrize("config", CONFIGS, ids=lambda config: config.name)
def test_inputs_are_the_values_of_the_ports(config):
    program = draw_program(config, np.random.default_rng(1), 300)
    for stream, items, encoded in (("write", program.writes, encode_write), ("i", program.vectors, encode_vector)):
        found = records.encode(config, stream, items)
        for record, item in zip(found, items, strict=True):
            fields = encoded(config, item)
            assert {name: word(record, field) for name, field in records.layouts(config)[stream].fields.items()} == {
                port.field: fields[port.field] for port in ports(config)
                if port.stream == stream and port.field not in HANDSHAKE}
            assert record[:records.HEADER].tolist() == [item.after, 0]


@pytest.mark.parametrize("config", CONFIGS, ids=lambda config: config.name)
def test_results_are_read_as_they_are_written(config):
    program = draw_program(config, np.random.default_rng(2), 5000)
    expected = predict(config, program)
    layout = records.layouts(config)["o"]
    written = layout.empty(len(program.vectors))
    for index, (record, result, fuse) in enumerate(zip(written, expected.results, program.vectors.fuse)):
        record[:2] = index, 1
        for name, values, width in (("y", result.y, config.total_width * int(min(fuse, config.fuse))),
                                    ("sum_x", [result.sum_x], config.sum_x_width)):
            field = layout.fields[name]
            record[field.part] = words(values, width, field.words)
    results, taken = records.decode(config, written, program.vectors.fuse)
    assert (results.y == expected.results.y).all() and (results.sum_x == expected.results.sum_x).all()
    assert taken == [(1 << 32) + index for index in range(len(written))]


@pytest.mark.parametrize("width", [1, 7, 31, 32, 33, 63])
def test_integers_of_any_width(width):
    rng = np.random.default_rng(width)
    values = rng.integers(-(1 << width - 1), (1 << width - 1) - 1, (20, 9), endpoint=True)
    values[0], values[1] = -(1 << width - 1), (1 << width - 1) - 1
    found = records.integers(np.array([words(row, width, -(-9 * width // 32)) for row in values]), width, 9)
    assert (found == values).all()


def moved(layout):
    """The layout with its two first fields in each other's place."""
    (first, one), (second, other), *rest = layout.fields.items()
    return replace(layout, fields={first: replace(one, first=layout.words - one.words),
                                   second: replace(other, first=records.HEADER), **dict(rest)})


@pytest.mark.parametrize("stream", [None, "write", "i", "o"])
def test_wrong_layout_is_noticed(stream, monkeypatch):
    """The simulation, in a process of its own, keeps the right one."""
    right = records.layouts(CONFIG)
    wrong = right | ({stream: moved(right[stream])} if stream else {})
    monkeypatch.setattr(records, "layouts", lambda config: wrong)
    monkeypatch.setattr(player, "layouts", lambda config: wrong)
    program = draw_program(CONFIG, np.random.default_rng(3), 100)
    assert bool(difference(run_program(CONFIG, program), predict(CONFIG, program))) == bool(stream)
