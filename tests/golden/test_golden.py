import subprocess
import sys

import numpy as np
import pytest
from bitline.golden.bits import from_bits, limits, slice_weights, to_bits, wrap
from bitline.golden.cycles import MacroCycles, WriterCycles
from bitline.golden.macro import MacroModel
from bitline.golden.mvm import mvm, mvm_by_planes, planes_needed
from bitline.golden.program import Program, Vector, Write, predict
from bitline.hdl.config import MacroConfig
from hypothesis import given, settings
from hypothesis import strategies as st


@st.composite
def products(draw):
    """Weights, one vector and its format; extremes as likely as anything."""
    weight_bits, bits, fuse = draw(st.integers(1, 8)), draw(st.integers(1, 12)), draw(st.sampled_from((1, 2, 4)))
    signed = draw(st.booleans())
    rows, columns = draw(st.integers(1, 9)), draw(st.integers(1, 4))

    def matrix(low, high, shape):
        value = st.one_of(st.integers(low, high), st.sampled_from((low, high)))
        count = int(np.prod(shape))
        return np.array(draw(st.lists(value, min_size=count, max_size=count)), dtype=np.int64).reshape(shape)

    weights = matrix(*limits(weight_bits * fuse, True), (rows, columns))
    inputs = matrix(*limits(bits, signed), (rows,))
    return weights, inputs, {"weight_bits": weight_bits, "bits": bits, "signed": signed, "fuse": fuse}


@given(products())
def test_dataflow_equals_product(product):
    weights, inputs, form = product
    expected = mvm(weights, inputs[None])[0]
    assert (mvm_by_planes(weights, inputs, **form) == expected).all()
    assert (mvm_by_planes(weights, inputs, **form, skip=False) == expected).all()


@given(products())
def test_macro_model_equals_product(product):
    weights, inputs, form = product
    config = MacroConfig(rows=weights.shape[0], columns=weights.shape[1] * form["fuse"], input_bits=12,
                         weight_bits=form["weight_bits"], fuse=form["fuse"])
    model = MacroModel(config)
    for row, values in enumerate(slice_weights(weights, form["weight_bits"], form["fuse"])):
        model.write(0, row, values)
    result = model.vector(inputs & 0xFFF, bits=form["bits"], signed=form["signed"], fuse=form["fuse"])
    assert (result.y == mvm(weights, inputs[None])[0]).all()
    assert result.sum_x == inputs.sum()


def test_product_beyond_float64_is_exact():
    weights = np.array([[2**40 + 1], [-(2**40)]])
    inputs = np.array([[2**20 + 1, 2**20 + 1]])
    assert mvm(weights, inputs).tolist() == [[2**20 + 1]]


@given(st.integers(0, 61), st.integers(1, 5), st.data())
def test_product_is_exact_up_to_int64_or_refused(bits, depth, data):
    def numbers(width):
        return st.lists(st.sampled_from((-(1 << width), (1 << width) - 1, 1)), min_size=depth, max_size=depth)

    weights = np.array(data.draw(numbers(bits)), dtype=np.int64)[:, None]
    inputs = np.array(data.draw(numbers(61 - bits)), dtype=np.int64)[None]
    exact = (inputs.astype(object) @ weights.astype(object))[0, 0]
    try:
        assert mvm(weights, inputs)[0, 0] == exact
    except ValueError:
        assert depth > 1


@given(st.lists(st.integers(-128, 255), min_size=1, max_size=9), st.booleans())
def test_planes_needed_is_the_fewest_that_hold_all(values, signed):
    bits = 8 if signed else 9
    values = np.array(values if not signed else [min(value, 127) for value in values])
    values = values if signed else np.abs(values)
    planes = int(planes_needed(values, bits, signed))
    assert (wrap(values, planes, signed) == values).all()
    assert planes == 1 or not (wrap(values, planes - 1, signed) == values).all()


@given(st.integers(1, 20), st.booleans(), st.data())
def test_pack_round_trip(width, signed, data):
    values = data.draw(st.lists(st.integers(*limits(width, signed)), min_size=1, max_size=30))
    word = to_bits(values, width)
    assert from_bits(word, width, len(values), signed).tolist() == values
    assert word == sum((value & (1 << width) - 1) << width * index for index, value in enumerate(values))


def test_accumulate_and_its_bounds():
    config = MacroConfig(rows=2, columns=1, max_accumulations=2)
    model = MacroModel(config)
    model.write(0, 0, [-128])
    model.write(0, 1, [-128])
    vector = {"x": [255, 255], "bits": 8, "signed": False}
    assert model.vector(**vector, accumulate=True).y.tolist() == [-65280], "nothing to add to after a reset"
    assert model.vector(**vector, accumulate=True).y.tolist() == [-130560]
    assert model.vector(**vector).y.tolist() == [-65280], "a new chain"


def test_writes_of_rows_and_banks_that_do_not_exist_change_nothing():
    model = MacroModel(MacroConfig(rows=3, columns=1, banks=3))
    model.write(3, 0, [1])
    model.write(0, 3, [1])
    assert not model.weights.any()


def program(config, vectors, bits, bank=0):
    writes = [Write(0, row, np.ones(config.columns, dtype=int)) for row in range(config.rows)]
    x = np.full(config.rows, (1 << bits) - 1)
    return Program(writes, [Vector(x, bits, False, bank, after=config.rows) for _ in range(vectors)])


@pytest.mark.parametrize("tree", ["carry_chain", "carry_save"])
@pytest.mark.parametrize("fuse", [1, 2, 4])
@pytest.mark.parametrize("bits", [1, 3, 8])
@pytest.mark.parametrize("interval", [1, 2, 4])
def test_predicted_cycles_at_full_rate(tree, fuse, bits, interval):
    config = MacroConfig(rows=9, columns=4, fuse=fuse, tree=tree, result_interval=interval)
    outcome = predict(config, program(config, 20, bits))
    gap = max(bits, interval)
    assert outcome.cycles == config.rows + 19 * gap + bits + config.latency
    assert set(np.diff(outcome.taken)) == {gap}


def test_program_that_waits_for_itself_is_refused():
    config = MacroConfig(rows=1, columns=1)
    with pytest.raises(ValueError, match="must not wait for itself"):
        predict(config, Program([Write(0, 0, [1], after=1)], [Vector([1], 1, False, after=1)]))


def test_back_pressure_stalls_the_pipeline_only_behind_a_finished_result():
    config = MacroConfig(rows=1, columns=1)
    cycles = MacroCycles(config)
    accepted = 0
    for _ in range(100):
        i_ready, _ = cycles.step((1, 0), (0, 0), False, False)
        accepted += i_ready
    # One at the output, one in each stage before it: wordlines, block, column, accumulator; one driven, one waiting.
    assert accepted == 1 + (2 + config.column_latency + 1) + 1 + 1
    assert cycles.o_valid and cycles.stalls(False) and not cycles.stalls(True)


@pytest.mark.parametrize("planes", [1, 2, 5])
def test_a_vector_keeps_writes_off_its_bank_until_its_last_plane_has_left_the_wordlines(planes):
    cycles = MacroCycles(MacroConfig(rows=4, columns=1, banks=2))
    assert cycles.step((planes, 0), (0, 0), True, True) == (True, True), "a write that comes with it precedes"
    waits = 0
    while not cycles.step(None, (0, 0), True, True)[1]:
        waits += 1
    # It waits a cycle, is driven a cycle a plane, and its last plane is on the wordlines and then at the columns.
    assert waits == 1 + planes + 2


@pytest.mark.parametrize("parameters, held", [
    ({}, 2), ({"banks": 2}, 1), ({"block_ram_columns": 1}, 1), ({"rows": 80}, 6), ({"rows": 5}, 2)])
def test_tables_are_held_as_long_as_a_plane_needs_what_a_write_changes(parameters, held):
    config = MacroConfig(**{"rows": 4, "columns": 1, "column": "table", **parameters})
    assert config.bank_hold_cycles == held
    cycles = MacroCycles(config)
    assert cycles.step((3, 0), (0, 0), False, True)[0]
    waits = 0
    while not cycles.step(None, (0, 0), True, True)[1]:
        waits += 1
    assert waits == 1 + config.needs_calibration + 3 + 1 + held


def first_result(config, planes):
    """Cycles from the first row of a bank to the result of a vector of ``planes`` planes with it."""
    writes = [Write(0, row, np.ones(config.columns, dtype=int)) for row in range(config.rows)]
    vector = Vector(np.full(config.rows, (1 << planes) - 1), planes, False, after=config.rows)
    return predict(config, Program(writes, [vector])).cycles


@pytest.mark.parametrize("parameters", [
    {"rows": 80}, {"rows": 13}, {"rows": 80, "banks": 2}, {"rows": 80, "banks": 4}, {"rows": 9, "banks": 8},
    {"rows": 6, "banks": 16}, {"rows": 30, "block_ram_columns": 4}, {"rows": 80, "banks": 16, "block_ram_columns": 2}])
@pytest.mark.parametrize("table_writers", [1, 2])
@pytest.mark.parametrize("planes", [1, 3])
def test_tables_of_a_bank_take_a_fill_a_group(parameters, table_writers, planes):
    config = MacroConfig(columns=4, column="table", table_writers=table_writers, **parameters)
    shape = max(config.shapes, key=lambda shape: shape.groups * shape.table_fill_cycles)
    # A row is taken in each cycle; a writer's first group gathers, and then each fill is prepared in a cycle.
    complete = max((writer + 1) * shape.group_rows + 2 + len(shape.groups_of(writer)) * (shape.table_fill_cycles + 1)
                   for writer in range(shape.writers))
    assert first_result(config, planes) == complete + config.needs_calibration + planes + config.latency


@settings(deadline=None)
@given(st.integers(0, 1), st.integers(1, 20), st.integers(1, 16), st.integers(1, 2), st.randoms())
def test_every_row_that_is_taken_gets_into_the_tables(block_ram_columns, rows, banks, table_writers, rng):
    config = MacroConfig(rows=rows, columns=1, banks=banks, column="table", block_ram_columns=block_ram_columns,
                         table_writers=table_writers)
    (shape,) = config.shapes
    writer, wanted = WriterCycles(config, shape, rng.randrange(shape.writers)), rng.randrange(banks)
    for _ in range(100):
        taken = (rng.randrange(banks), rng.randrange(rows)) if writer.ready and rng.random() < 0.9 else None
        writer.step(taken, rng.choice((None, rng.randrange(banks))))
        if taken:
            assert writer.busy(taken[0])
    # One fill may be under way, one group have gathered, and some rows wait for theirs.
    for _ in range(shape.settle_cycles):
        writer.step(None, wanted)
    assert not writer.busy(wanted)


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(1, 4), st.integers(0, 1)), min_size=1, max_size=12),
       st.sampled_from([{**column, "result_interval": interval} for column in ({}, {"column": "table"})
                        for interval in (1, 2, 4)]),
       st.randoms())
def test_every_vector_gives_one_result_and_waits_no_longer_than_it_must(vectors, kind, rng):
    config = MacroConfig(rows=4, columns=1, banks=2, **kind)
    cycles, left, results = MacroCycles(config), list(vectors), 0
    bound = sum(planes for planes, _ in vectors) + config.needs_calibration * config.banks + config.latency
    if config.result_interval > 1:
        # A vector of one plane takes so many cycles, and those of a decision are lost where a result was waited for.
        bound += 2 * (config.result_interval - 1) * len(vectors)
    idle = 0
    while idle <= bound:
        o_ready = rng.random() < 0.5
        results += cycles.o_valid and o_ready
        idle += o_ready
        i_ready, _ = cycles.step(left[0] if left else None, (0, 0), False, o_ready)
        if left and i_ready:
            left.pop(0)
    assert not left and results == len(vectors) and cycles.idle


def test_golden_needs_neither_amaranth_nor_cocotb():
    code = ("import sys, bitline.golden.program, bitline.golden.mvm, bitline.golden.tables\n"
            "sys.exit(any(name.split('.')[0] in ('amaranth', 'cocotb') for name in sys.modules))")
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
