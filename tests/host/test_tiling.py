import numpy as np
import pytest
from bitline.golden.bits import limits
from bitline.golden.mvm import mvm
from bitline.golden.program import predict
from bitline.hdl.config import COLUMNS, MacroConfig
from bitline.host.mapping.tiling import matrix_product
from bitline.verif.sim.player import run_program
from hypothesis import given, settings
from hypothesis import strategies as st


@st.composite
def workloads(draw):
    fuse = draw(st.sampled_from((1, 2, 4)))
    config = MacroConfig(rows=draw(st.integers(1, 5)), columns=fuse * draw(st.integers(1, 3)), weight_bits=4,
                         input_bits=5, banks=draw(st.integers(1, 5)), fuse=fuse,
                         max_accumulations=draw(st.integers(1, 4)), column=draw(st.sampled_from(COLUMNS)))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    depth, width, count = (draw(st.integers(1, 14)) for _ in range(3))
    bits, signed = draw(st.integers(1, 5)), draw(st.booleans())
    low, high = limits(4 * fuse, True)
    weights = rng.integers(low, high + 1, (depth, width))
    low, high = limits(bits, signed)
    return config, weights, rng.integers(low, high + 1, (count, depth)), bits, signed


@settings(deadline=None)
@given(workloads())
def test_tiled_product_is_exact(workload):
    config, weights, inputs, bits, signed = workload
    product = matrix_product(config, weights, inputs, bits=bits, signed=signed)
    outcome = predict(config, product.program)
    assert (product.collect(outcome.results) == mvm(weights, inputs)).all()
    assert 0 < product.utilization(config, outcome.cycles) <= 1


def cycles(weights, count, **parameters):
    config = MacroConfig(**parameters)
    product = matrix_product(config, np.full(weights, -1), np.full((count, weights[0]), 255))
    return predict(config, product.program).cycles, product


def test_matrix_that_fits_is_written_once_and_chained():
    taken, product = cycles((32, 8), 10, rows=8, columns=8, banks=4, max_accumulations=4)
    assert len(product.program.writes) == 32 and len(product.program.vectors) == 40
    assert sum(vector.accumulate for vector in product.program.vectors) == 30
    assert taken == 32 + 40 * 8 + MacroConfig(rows=8, columns=8).latency


def test_reloads_hide_behind_compute_with_two_banks():
    one, _ = cycles((64, 8), 10, rows=8, columns=8, banks=1)
    two, _ = cycles((64, 8), 10, rows=8, columns=8, banks=2)
    # Eight tiles of ten vectors of eight planes; the first of two banks is all that has to be waited for.
    assert two <= 8 + 8 * 10 * 8 + 8 * 3 + MacroConfig(rows=8, columns=8).latency
    assert one >= two + 7 * 8


def test_wide_weights_fuse_only_as_many_columns_as_they_need():
    config = MacroConfig(rows=2, columns=4, weight_bits=4, fuse=4)
    for maximum, fuse in [(7, 1), (8, 2), (127, 2), (128, 4)]:
        assert matrix_product(config, np.array([[maximum], [0]]), np.array([[1, 1]])).fuse == fuse


@pytest.mark.parametrize("weights, inputs, options, message", [
    ([[128]], [[1]], {}, r"^weights must be from -128 to 127 \(weight_bits 8, fuse 1\), not 128$"),
    ([[-129]], [[1]], {}, r"^weights must be from -128 to 127 .*, not -129$"),
    ([[1]], [[256]], {}, r"^inputs must be from 0 to 255 \(8 bits, unsigned\), not 256$"),
    ([[1]], [[-129]], {}, r"^inputs must be from -128 to 127 \(8 bits, signed\), not -129$"),
    ([[1]], [[-1]], {"signed": False}, r"^inputs must be from 0 to 255 \(8 bits, unsigned\), not -1$"),
    ([[1]], [[2]], {"bits": 1}, r"^inputs must be from 0 to 1 \(1 bits, unsigned\), not 2$"),
    ([[1]], [[1]], {"bits": 9}, r"^bits must be from 1 to 8 \(input_bits\), not 9$"),
    ([[1]], [[1]], {"bits": 0}, r"^bits must be from 1 to 8 \(input_bits\), not 0$"),
])
def test_what_does_not_fit_is_refused(weights, inputs, options, message):
    with pytest.raises(ValueError, match=message):
        matrix_product(MacroConfig(rows=1, columns=1), np.array(weights), np.array(inputs), **options)


@pytest.mark.parametrize("column", COLUMNS)
def test_tiles_on_the_rtl(column):
    config = MacroConfig(rows=5, columns=4, banks=3, fuse=2, max_accumulations=2, weight_bits=4, column=column)
    rng = np.random.default_rng(1)
    weights, inputs = rng.integers(-128, 128, (13, 5)), rng.integers(-128, 128, (7, 13))
    product = matrix_product(config, weights, inputs)
    predicted = predict(config, product.program)
    outcome = run_program(config, product.program)
    assert (product.collect(outcome.results) == mvm(weights, inputs)).all()
    assert (outcome.taken, outcome.cycles) == (predicted.taken, predicted.cycles)
    assert [result.sum_x for result in outcome.results] == [result.sum_x for result in predicted.results]
