"""Programs at full rate, against the macro's handshakes cycle by cycle and its model vector by vector."""

import numpy as np
import pytest
from bitline.golden.cycles import MacroCycles
from bitline.golden.macro import MacroModel
from bitline.golden.program import MacroState, Program, Stream, Vector, Write, pause, predict
from bitline.hdl.config import COLUMNS, MacroConfig
from hypothesis import given, settings
from hypothesis import strategies as st


def step_by_step(config, program, model, clock):
    """Results and cycles of a program by `MacroCycles.step` and `MacroModel.vector`."""
    for _ in range(pause(config)):
        clock.step(None, (0, 0), False, True)
    writes, vectors = list(program.writes), list(program.vectors)
    results, accepted, taken, written, cycle = [], 0, [], [], 0
    while len(written) < len(writes) or len(taken) < len(vectors):
        write = vector = None
        if len(written) < len(writes) and writes[len(written)].after <= accepted:
            write = writes[len(written)]
        if accepted < len(vectors) and vectors[accepted].after <= len(written):
            vector = vectors[accepted]
        if clock.idle and write is None and vector is None:
            raise ValueError("waits for itself")
        if clock.o_valid:
            taken.append(cycle)
        planes = vector and (model.planes(vector.x, vector.bits, vector.signed), vector.bank)
        i_ready, write_ready = clock.step(planes, (write.bank, write.row) if write else (0, 0), write is not None, True)
        if write is not None and write_ready:
            model.write(write.bank, write.row, write.weights)
            written.append(cycle)
        if vector is not None and i_ready:
            results.append(model.vector(vector.x, bits=vector.bits, signed=vector.signed, bank=vector.bank,
                                        accumulate=vector.accumulate, fuse=vector.fuse))
            accepted += 1
        cycle += 1
    return results, taken, written, max([-1, *taken[-1:], *written[-1:]]) + 1


def random_program(config, rng):
    """Runs of rows and vectors that wait for one another now and then, some out of range; it may wait for itself."""
    program, half = Program(), 1 << config.weight_bits - 1
    for _ in range(rng.integers(1, 6)):
        after = int(rng.integers(0, len(program.vectors) + 2))
        bank = int(rng.integers(0, config.banks + (rng.random() < 0.1)))
        for _ in range(rng.integers(0, 2 * config.rows)):
            if rng.random() < 0.1:
                after = int(rng.integers(0, len(program.vectors) + 2))
            program.writes.append(Write(bank, int(rng.integers(0, config.rows + 1)),
                                        rng.choice([-half, half - 1, 0, 1], config.columns), after))
        after = int(rng.integers(0, len(program.writes) + 1))
        for _ in range(rng.integers(0, 8)):
            if rng.random() < 0.2:
                after, bank = int(rng.integers(0, len(program.writes) + 2)), int(rng.integers(0, config.banks))
            x = rng.choice([0, 1, (1 << config.input_bits) - 1, 1 << config.input_bits - 1, 3], config.rows)
            x &= -int(rng.random() < 0.8)
            program.vectors.append(Vector(
                x, int(rng.integers(1, config.input_bits + 1)), bool(rng.integers(2)), bank % config.banks,
                bool(rng.integers(2)), int(2 ** rng.integers(0, config.fuse.bit_length())), after))
    return program


def compare(config, rng, programs):
    """Programs one after the other: whether any of them was not refused by both."""
    state, model, clock, any_ran = MacroState(config), MacroModel(config), MacroCycles(config), False
    for _ in range(programs):
        program = random_program(config, rng)
        try:
            results, *timing = step_by_step(config, program, model, clock)
        except ValueError:
            with pytest.raises(ValueError, match="must not wait for itself"):
                predict(config, program, state)
            break
        outcome, any_ran = predict(config, program, state), True
        assert [outcome.taken, outcome.written, outcome.cycles] == timing
        assert len(outcome.results) == len(results)
        for ours, theirs in zip(outcome.results, results, strict=True):
            assert (ours.y.tolist(), ours.sum_x, ours.planes) == (theirs.y.tolist(), theirs.sum_x, theirs.planes)
        assert (state.model.weights == model.weights).all()
    return any_ran


@settings(deadline=None, max_examples=150)
@given(st.integers(0, 2**32), st.sampled_from(COLUMNS), st.sampled_from([1, 2, 4]), st.sampled_from([1, 2, 4]))
def test_programs_take_the_cycles_of_the_handshakes(seed, column, interval, fuse):
    rng = np.random.default_rng(seed)
    config = MacroConfig(rows=int(rng.integers(1, 10)), columns=fuse * int(rng.integers(1, 4)), fuse=fuse,
                         weight_bits=4, input_bits=int(rng.integers(1, 9)), banks=int(rng.integers(1, 5)),
                         max_accumulations=int(rng.choice([1, 4])), column=column, result_interval=interval)
    compare(config, rng, 3)


def test_drawn_programs_mostly_run():
    rng = np.random.default_rng(0)
    assert sum(compare(MacroConfig(rows=4, columns=2, banks=3), rng, 1) for _ in range(100)) > 30


def test_fields_that_do_not_fit_an_item_are_refused():
    rows = Stream(Write, [Write(0, 1, np.array([5, 6]))])
    for fields, match in (({"bank": 0, "row": 0}, "weights"), ({"bank": 0, "rows": 0, "weights": 0}, "rows"),
                          ({"bank": 0, "row": np.arange(3), "weights": np.zeros((2, 2))}, "row must have 2 values")):
        with pytest.raises(TypeError, match=match):
            rows.extend(2, **fields)
    assert len(rows) == 1 and rows.weights.tolist() == [[5, 6]]
    rows.extend(2, bank=3, row=np.arange(2), weights=np.ones((2, 2), np.int16))
    assert [(each.bank, each.row, each.after, each.weights.tolist()) for each in rows] == [
        (0, 1, 0, [5, 6]), (3, 0, 0, [1, 1]), (3, 1, 0, [1, 1])]
