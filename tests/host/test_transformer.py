"""Products of a transformer on macros, and what training and files give."""

import numpy as np
import pytest
from bitline.golden.program import predict
from bitline.golden.transformer.forward import PARTS, Cache, Product, forward, generate
from bitline.golden.transformer.model import Matrix
from bitline.hdl.config import MacroConfig
from bitline.host.backends import Predicted
from bitline.host.transformer.array import MacroArray
from bitline.host.transformer.file import from_arrays, to_arrays
from bitline.host.transformer.layout import layout_of, slots_of
from bitline.host.transformer.measure import counted_logits, integer_logits, quality
from bitline.host.transformer.quantize import quantize
from bitline.host.transformer.training import FloatModel, Sizes, drawn, train
from bitline.verif.sim.player import RtlSession
from transformers import drawn_transformer, reference

SIZES = Sizes(6, context=10, dimensions=8, heads=2, width=12, blocks=2)
PROMPT = np.array([3, 0, 5])


def run(config, player, model, prompt=PROMPT, count=7):
    """Tokens, tensors and records of a prompt and of decoding."""
    with MacroArray(config, player, model) as array:
        made, steps = generate(model, prompt, count, array)
    return made, steps, array.records


def check(config, player, model, prompt=PROMPT, count=7):
    """Every tensor of every step is that of the definition, the records say so."""
    made, steps, records = run(config, player, model, prompt, count)
    whole, first = reference(model, [*prompt, *made[:-1]]), len(prompt)
    for place, step in enumerate(steps):
        rows = slice(0, first) if place == 0 else slice(first + place - 1, first + place)
        for name, values in step.items():
            wanted = whole[name][rows]
            wanted = wanted[..., :rows.stop] if name.endswith(("scores", "weights")) else wanted
            assert (values == wanted).all(), (place, name)
    assert {record.part for record in records} == set(PARTS) and not any(record.mismatches for record in records)
    return records


@pytest.mark.parametrize("parameters", [
    {"rows": 8, "columns": 4, "banks": 2}, {"rows": 8, "columns": 8, "banks": 1}, {"rows": 3, "columns": 5, "banks": 3},
    {"rows": 32, "columns": 32, "banks": 16}, {"rows": 8, "columns": 8, "banks": 2, "column": "table"},
    {"rows": 8, "columns": 8, "banks": 16, "weight_bits": 9}], ids=str)
def test_any_macro_gives_every_tensor(parameters):
    config = MacroConfig(**parameters)
    check(config, Predicted(config), drawn_transformer())


def test_a_transformer_of_full_size_gives_every_tensor():
    config = MacroConfig(rows=64, columns=64, banks=2)
    model = drawn_transformer(dimensions=64, heads=4, width=192, context=80, blocks=1, characters=10)
    check(config, Predicted(config), model, np.arange(16) * 7 % 10, 3)


@pytest.mark.parametrize("parameters", [
    {"columns": 4}, pytest.param({"columns": 8, "column": "table", "banks": 16}, marks=pytest.mark.slow)], ids=str)
def test_the_rtl_gives_every_tensor_in_the_cycles_that_are_predicted(parameters):
    config = MacroConfig(**{"rows": 8, "banks": 2, **parameters})
    records = check(config, RtlSession(config), drawn_transformer(blocks=1))
    assert [record.cycles for record in records] == [record.predicted for record in records]


def test_a_wrong_result_is_counted():
    class Wrong(Predicted):
        def play(self, program):
            outcome = predict(self.config, program)
            outcome.results.y[0, 1] += 1
            return outcome

    config, model = MacroConfig(rows=8, columns=8, banks=2), drawn_transformer(blocks=1)
    with MacroArray(config, Wrong(config), model) as array:
        array("query, key, value", [Product(np.ones((2, 8), int), model.blocks[0].key.matrix)])
    assert [record.mismatches for record in array.records] == [1]


def test_rows_of_zeros_are_written_too_at_first():
    config, model = MacroConfig(rows=8, columns=8, banks=2), drawn_transformer(blocks=1)
    with MacroArray(config, Predicted(config), model) as array:
        array("logits", [Product(np.ones((1, 8), int), Matrix("logits", np.zeros((8, 6), np.int8)))])
    assert array.records[0].rows == 8


def test_a_row_that_a_bank_holds_is_not_written_again():
    config, model = MacroConfig(rows=8, columns=8, banks=2), drawn_transformer(blocks=1)
    with MacroArray(config, Predicted(config), model) as array:
        for _ in range(2):
            array("query, key, value", [Product(np.ones((1, 8), int), model.blocks[0].key.matrix)])
    assert [record.rows for record in array.records] == [8, 0]


def test_of_a_table_only_rows_that_are_read_are_written_and_count():
    config, model = MacroConfig(rows=8, columns=8, banks=2), drawn_transformer(blocks=1)
    hot = np.zeros((3, 16), int)
    for vector, rows in enumerate(((1, 6), (5, 7), (1, 8))):
        hot[vector, list(rows)] = 1
    with MacroArray(config, Predicted(config), model) as array:
        array("embedding", [Product(hot, model.embedding, 1, False)])
    record, = array.records
    # Rows 1, 5, 6, 7 and 8; two rows of 8 columns for each vector, in one plane.
    assert (record.rows, record.work, record.mismatches) == (5, 3 * 2 * 8, 0)
    # Of the first tile all vectors read rows, of the second one.
    assert record.vectors == 4


def test_matrices_are_loaded_while_the_ones_before_compute():
    config, model = MacroConfig(rows=8, columns=8, banks=2), drawn_transformer(blocks=1, context=10, width=8)
    with MacroArray(config, Predicted(config), model) as array:
        forward(model, np.array([0, 1, 2, 3]), Cache(), array)
    # Keys, 8 rows, go in behind the values' matrix, while queries are computed; scores write the values.
    rows = {record.part: record.rows for record in array.records[3:]}
    assert rows == {"scores": 8, "context": 8, "output": 8, "feed-forward": 8, "logits": 0}
    # A vector takes 8 cycles; the four of the scores hide the writing of the values.
    scores = next(record for record in array.records if record.part == "scores")
    assert scores.predicted < scores.rows + scores.planes + config.latency


def test_a_bank_of_its_own_gets_only_what_is_new():
    config, model = MacroConfig(rows=16, columns=16, banks=16), drawn_transformer(blocks=1)
    _, _, records = run(config, Predicted(config), model)
    decoded = records[-9:]
    # Rows of the token and its position that were not read before, all rows of the keys, a row of values a slot.
    assert [record.rows for record in decoded[1:]] == [0, 8, 1, 0, 0, 0, 0, 0]


def test_work_counts_each_wanted_product_once():
    config, model = MacroConfig(rows=8, columns=8, banks=2), drawn_transformer(blocks=1)
    with MacroArray(config, Predicted(config), model) as array:
        # With all inputs -128 every vector takes 8 planes.
        x = np.full((3, 2, 4), -128)
        array("scores", [Product(x, Matrix("block 0 keys", np.ones((2, 4, 5), np.int8), 2))])
        array("context", [Product(np.full((3, 2, 5), 255), Matrix("block 0 values", np.ones((2, 5, 4), np.int8), 1),
                                  8, False)])
        array("logits", [Product(np.full((3, 8), -128), model.logits)])
        # Two tiles side by side, and two below each other.
        for part, depth in (("up", 8), ("down", 12)):
            array("feed-forward", [Product(np.full((3, depth), -128), getattr(model.blocks[0], part).matrix)])
    assert [record.work for record in array.records] == [
        8 * 3 * 2 * 4 * 5, 8 * 3 * 2 * 5 * 4, 8 * 3 * 8 * 6, 8 * 3 * 8 * 12, 8 * 3 * 12 * 8]


@pytest.mark.parametrize("heads, tokens, size, expected", [
    (4, 16, 64, (4, 16)), (4, 17, 64, (2, 32)), (4, 33, 64, (1, 33)), (3, 20, 64, (3, 21)), (4, 80, 64, (1, 80))])
def test_as_many_heads_as_fit_are_side_by_side(heads, tokens, size, expected):
    assert slots_of(heads, tokens, size) == expected


def test_a_matrix_is_laid_out_so_that_the_product_is_that_of_each_head():
    rng = np.random.default_rng(0)
    for tokens, shape, axis in ((5, (4, 3, 5), 2), (5, (4, 5, 3), 1)):
        weights, x = rng.integers(-9, 9, shape), rng.integers(-9, 9, (2, 4, shape[1]))
        for size in (4, 10, 20):
            layout = layout_of(Product(x, Matrix("m", weights, axis)), size, size)
            found = layout.places(layout.vectors @ layout.matrix)
            assert (found == np.einsum("nhk,hkw->nhw", x, weights)).all(), (tokens, size)


@pytest.mark.parametrize("name", ["input_bits", "weight_bits"])
def test_a_narrow_macro_is_refused(name):
    config = MacroConfig(rows=8, columns=8, **{name: 7})
    with pytest.raises(ValueError, match=f"{name} must be at least 8 for a transformer, not 7"):
        MacroArray(config, Predicted(config), drawn_transformer())


# Training.


def test_gradients_are_those_of_differences():
    model = FloatModel(SIZES, {name: array.astype(np.float64) for name, array in drawn(SIZES, 0).items()})
    rng = np.random.default_rng(0)
    tokens = rng.integers(0, 6, (3, 9))
    _, gradients = model.gradients(tokens)
    for name, array in model.parameters.items():
        drawn_place = tuple(int(rng.integers(0, min(length, 8))) for length in array.shape)
        place = (tokens[0, 0], 1) if name == "characters" else drawn_place
        before, losses = array[place], []
        for step in (1e-5, -1e-5):
            array[place] = before + step
            losses.append(model.gradients(tokens)[0])
        array[place] = before
        assert (losses[0] - losses[1]) / 2e-5 == pytest.approx(gradients[name][place], rel=1e-4, abs=1e-7), name


def test_what_is_learned_stays_when_it_is_quantized():
    text = np.tile(np.array([0, 1, 2, 3, 4, 5, 4, 3, 2, 1]), 40)
    network = train(SIZES, text, steps=120)
    model = quantize(network, "abcdef", np.stack([text[start:start + 10] for start in range(10)]))
    windows = np.stack([text[start:start + 11] for start in range(10)])
    share, bits = quality(network.forward(windows[:, :-1])[0], windows[:, 1:])
    same, more = quality(integer_logits(model, windows[:, :-1]), windows[:, 1:])
    # The first of a window is nowhere said.
    assert share > 0.8 and same > share - 0.05 and abs(more - bits) < 0.1


def test_counts_say_what_follows():
    text = np.array([0, 1, 0, 2, 0, 1, 0, 2, 1, 0] * 3)
    windows = np.array([[0, 1, 0, 2, 0], [2, 1, 0, 0, 1]])
    for order in range(4):
        chances = np.exp(counted_logits(text, windows, 3, order))
        assert np.allclose(chances.sum(axis=-1), 1)
        for (window, place), found in np.ndenumerate(chances[..., 1]):
            seen, wanted = windows[window, :place + 1].tolist(), 1 / 3
            for before in range(min(order, len(seen)) + 1):
                context = seen[len(seen) - before:]
                after = [text[end] for end in range(before, len(text)) if text[end - before:end].tolist() == context]
                kinds = len(set(after))
                wanted = (after.count(1) + kinds * wanted) / (len(after) + kinds) if after else wanted
            assert found == pytest.approx(wanted), (order, window, place)


def test_an_untrained_model_knows_nothing():
    logits = np.zeros((2, 3, 4))
    assert quality(logits, np.array([[0, 1, 2], [3, 0, 0]])) == (0.5, 2.0)


# Files.


def test_a_file_gives_the_same_model():
    model = drawn_transformer()
    again = from_arrays(to_arrays(model))
    assert again.alphabet == model.alphabet and again.heads == 2
    tokens = np.array([0, 1, 2, 3])
    first, second = (forward(one, tokens, Cache()) for one in (model, again))
    assert all((first[name] == second[name]).all() for name in first)


@pytest.mark.parametrize("change, rule", [
    ({"logits": None}, "must have an array 'logits', and has none"), ({"more": np.zeros(1)}, "no array 'more'"),
    ({"heads": np.float64(2)}, "heads must be integers of 0 dimensions"),
    ({"block 1 silu": np.zeros(255, np.int8)}, "256 values of SiLU"),
    ({"block 0 query": np.zeros((8, 8), np.int64) + 200}, "block 0 query must have numbers from -128 to 127"),
    ({"alphabet": np.array([0xFFFFFFFF] * 6, np.uint32)}, "alphabet must be numbers of characters"),
    ({"blocks": np.int64(3)}, "must have an array 'block 2 query'"),
    ({"blocks": np.int64(0)}, "blocks of a transformer must be from 1 on, not 0"),
    ({"blocks": np.int64(-1)}, "blocks of a transformer must be from 1 on, not -1"),
    ({"n" * 1000: np.zeros(1)}, r"no array 'n{40}\.\.\.', and has one"),
    ({"block 0 score shift": np.array([9])}, "shifts from -31 to 7")])
def test_damaged_files_are_refused(change, rule):
    arrays = to_arrays(drawn_transformer()) | change
    with pytest.raises(ValueError, match=rule):
        from_arrays({name: array for name, array in arrays.items() if array is not None})
