import pytest
from bitline.golden.macro import MacroModel
from bitline.hdl.config import MacroConfig
from bitline.hdl.config.widths import ceil_log2, signed_width
from hypothesis import given
from hypothesis import strategies as st

SMALL = st.fixed_dictionaries({
    "rows": st.integers(1, 6), "weight_bits": st.integers(1, 5), "input_bits": st.integers(1, 5),
    "max_accumulations": st.integers(1, 5)})


@pytest.mark.parametrize("parameters, error, message", [
    ({"rows": 0}, ValueError, r"^rows must be an integer from 1 to 1024, not 0$"),
    ({"rows": -3}, ValueError, r"^rows must be an integer from 1 to 1024, not -3$"),
    ({"rows": 1025}, ValueError, r"^rows must be an integer from 1 to 1024, not 1025$"),
    ({"rows": 2.0}, TypeError, r"^rows must be an integer from 1 to 1024, not 2.0$"),
    ({"rows": True}, TypeError, r"^rows must be an integer from 1 to 1024, not True$"),
    ({"columns": "4"}, TypeError, r"^columns must be an integer from 1 to 1024, not '4'$"),
    ({"weight_bits": 17}, ValueError, r"^weight_bits must be an integer from 1 to 16, not 17$"),
    ({"input_bits": 0}, ValueError, r"^input_bits must be an integer from 1 to 16, not 0$"),
    ({"banks": 17}, ValueError, r"^banks must be an integer from 1 to 16, not 17$"),
    ({"max_accumulations": 0}, ValueError, r"^max_accumulations must be an integer from 1 to 65536, not 0$"),
    ({"fuse": 3}, ValueError, r"^fuse must be one of 1, 2, 4, not 3$"),
    ({"fuse": 2.0}, ValueError, r"^fuse must be one of 1, 2, 4, not 2.0$"),
    ({"tree": None}, ValueError, r"^tree must be one of carry_chain, carry_save, compressor, not None$"),
    ({"fuse": True}, ValueError, r"^fuse must be one of 1, 2, 4, not True$"),
    ({"fuse": 4, "columns": 6}, ValueError, r"^columns must be a multiple of fuse \(4\), not 6$"),
    ({"column": "crossbar"}, ValueError, r"^column must be one of bitcell, table, not 'crossbar'$"),
    ({"tree": "dadda"}, ValueError, r"^tree must be one of carry_chain, carry_save, compressor, not 'dadda'$"),
    ({"block_ram_columns": 1}, ValueError, r"^block_ram_columns must be 0 unless column is table, not 1$"),
    ({"table_writers": 2}, ValueError, r"^table_writers must be 1 unless column is table, not 2$"),
    ({"column": "table", "table_writers": 3}, ValueError, r"^table_writers must be one of 1, 2, not 3$"),
    ({"column": "table", "block_ram_columns": 5}, ValueError,
     r"^block_ram_columns must be an integer from 0 to 4, not 5$"),
    ({"column": "table", "block_ram_columns": True}, TypeError,
     r"^block_ram_columns must be an integer from 0 to 4, not True$"),
    ({"column": "table", "tree": "carry_save"}, ValueError,
     r"^tree must be carry_chain if column is table, not 'carry_save'$"),
    ({"result_interval": 3}, ValueError, r"^result_interval must be one of 1, 2, 4, not 3$"),
    ({"result_interval": True}, ValueError, r"^result_interval must be one of 1, 2, 4, not True$"),
    ({"broadcast": 1, "result_interval": 2}, ValueError, r"^broadcast must be 0 unless result_interval is 4, not 1$"),
    ({"broadcast": 2, "result_interval": 4}, ValueError, r"^broadcast must be one of 0, 1, not 2$"),
    ({"fuse": 4, "weight_bits": 16}, ValueError, r"max_accumulations and fuse must keep .*, not \d+$"),
])
def test_wrong_parameters(parameters, error, message):
    with pytest.raises(error, match=message):
        MacroConfig(**{"rows": 4, "columns": 4, **parameters})


@pytest.mark.parametrize("text, message", [
    ("[1, 2]", "must be a JSON object, not"),
    ("{", "must be JSON, and this is not"),
    ('{"rows": ' + "9" * 5000 + "}", "must be JSON, and this is not: Exceeds the limit"),
    ("[" * 100000, "must be JSON, and this is not"),
    ('{"rows": 4}', "must give columns, not only rows"),
    ('{"rows": 4, "columns": 4, "height": 1}', "must be among rows, .* not 'height'"),
    ('{"rows": 4, "columns": 4, "tiles": 2, "max_accumulations": 2}',
     "must give max_accumulations or tiles, its former name, not both"),
])
def test_wrong_json(text, message):
    with pytest.raises(ValueError, match=message):
        MacroConfig.from_json(text)


@given(SMALL)
def test_json_round_trip(parameters):
    config = MacroConfig(columns=4, **parameters)
    assert MacroConfig.from_json(config.to_json()) == config
    assert MacroConfig.from_json(config.to_json()).hash == config.hash


def test_former_name_of_a_parameter_is_accepted():
    assert MacroConfig.from_json('{"rows": 4, "columns": 4, "tiles": 2}') == MacroConfig(
        rows=4, columns=4, max_accumulations=2)

def test_each_parameter_changes_the_hash():
    base = {"rows": 4, "columns": 4}
    changed = [{"rows": 5}, {"columns": 8}, {"weight_bits": 7}, {"input_bits": 7}, {"banks": 2}, {"fuse": 2},
               {"max_accumulations": 2}, {"tree": "carry_save"}, {"column": "table"},
               {"column": "table", "block_ram_columns": 1}, {"column": "table", "table_writers": 2},
               {"result_interval": 2}, {"result_interval": 4}]
    hashes = {MacroConfig(**base | change).hash for change in [{}, *changed]}
    assert len(hashes) == 1 + len(changed)


@given(st.integers(-1000, 1000), st.integers(-1000, 1000))
def test_signed_width_is_the_narrowest(a, b):
    width = signed_width(min(a, b), max(a, b))
    assert all(-(1 << width - 1) <= value < 1 << width - 1 for value in (a, b))
    assert width == 1 or not all(-(1 << width - 2) <= value < 1 << width - 2 for value in (a, b))


@given(st.integers(1, 5000))
def test_ceil_log2(n):
    assert 2 ** ceil_log2(n) >= n and (n == 1 or 2 ** (ceil_log2(n) - 1) < n)


def extreme_results(config, width):
    """Results of the longest chains of extreme vectors on extreme weights."""
    for weight in (-(1 << config.weight_bits - 1), (1 << config.weight_bits - 1) - 1):
        for signed, lane in ((True, 1 << config.input_bits - 1), (False, (1 << config.input_bits) - 1)):
            model = MacroModel(config)
            for row in range(config.rows):
                model.write(0, row, [weight])
            for tile in range(config.max_accumulations):
                result = model.vector([lane] * config.rows, bits=config.input_bits, signed=signed, accumulate=tile > 0)
            exact = weight * config.rows * config.max_accumulations * (-lane if signed else lane)
            assert result.y[0] == exact
            yield exact


@given(SMALL)
def test_totals_hold_the_extremes_and_no_narrower_ones_would(parameters):
    config = MacroConfig(columns=1, **parameters)
    exact = list(extreme_results(config, config.total_width))
    assert config.total_width == signed_width(min(exact), max(exact))
    assert config.output_width(1) == config.total_width


@pytest.mark.parametrize("parameters, column, fuse", [
    ({"rows": 64}, 6, 0),
    ({"rows": 64, "tree": "carry_save"}, 1, 0),
    ({"rows": 64, "fuse": 2}, 6, 2),
    ({"rows": 64, "fuse": 4}, 6, 3),
    ({"rows": 1}, 1, 0),
    ({"rows": 80, "column": "table"}, 2 + 4, 0),
    ({"rows": 80, "column": "table", "banks": 2}, 2 + 5, 0),
    ({"rows": 80, "column": "table", "block_ram_columns": 64}, 3 + 4, 0),
    ({"rows": 80, "column": "table", "block_ram_columns": 4}, 2 + 4, 0),
    ({"rows": 1, "column": "table"}, 2, 0),
])
def test_latency_of_named_configurations(parameters, column, fuse):
    config = MacroConfig(columns=64, **parameters)
    assert (config.column_latency, config.fuse_latency, config.latency) == (column, fuse, 6 + column + fuse)
    assert MacroConfig(columns=64, result_interval=2, **parameters).latency == config.latency + 1
    assert MacroConfig(columns=64, result_interval=4, **parameters).latency == config.latency + 5
    assert MacroConfig(columns=64, result_interval=4, broadcast=1, **parameters).latency == config.latency + 6


@given(st.integers(1, 60), st.integers(1, 8), st.integers(1, 16), st.data())
def test_blocks_hold_each_column_once_in_order(columns, weight_bits, banks, data):
    kind, rest = data.draw(st.sampled_from((({}, "bitcell"), ({"tree": "carry_save"}, "bitcell"),
                                            ({"column": "table"}, "lut_ram"))))
    block_ram = data.draw(st.integers(0, columns)) if "column" in kind else 0
    config = MacroConfig(rows=9, columns=columns, weight_bits=weight_bits, banks=banks, block_ram_columns=block_ram,
                         **kind)
    storages = [shape.storage for shape, count in config.blocks for _ in range(count)]
    assert storages == ["block_ram"] * block_ram + [rest] * (columns - block_ram)
    # Only the last block of each kind is smaller than the others.
    for storage in set(storages):
        counts = [count for shape, count in config.blocks if shape.storage == storage]
        assert set(counts[:-1]) <= {max(counts)} and counts[-1] > 0
