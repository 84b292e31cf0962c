"""The transformer in integers against its definitions, in whole texts and token by token."""

import dataclasses
import math

import numpy as np
import pytest
from bitline.golden.transformer import forward as module
from bitline.golden.transformer.forward import Cache, forward, generate
from bitline.golden.transformer.functions import (
    divide,
    integer_root,
    norm_error,
    norm_root,
    rms_norm,
    silu_table,
    softmax_weights,
)
from bitline.golden.transformer.model import Factor, Matrix
from bitline.host.transformer.measure import deviations
from places import ROOT
from transformers import drawn_transformer, reference

TOKENS = np.array([3, 0, 5, 5, 1, 2, 4, 0, 0, 3])


def same(found, expected):
    """Both have the same tensors, and these the same integers."""
    assert set(found) == set(expected)
    for name, values in expected.items():
        assert found[name].shape == values.shape and (found[name] == values).all(), name
    return True


@pytest.mark.parametrize("parameters", [
    {}, {"seed": 1, "heads": 4, "blocks": 1}, {"seed": 2, "dimensions": 9, "heads": 3, "width": 5},
    {"seed": 3, "greatest": True}, {"seed": 4, "heads": 1, "dimensions": 1, "width": 1}], ids=str)
def test_every_tensor_is_that_of_the_definition(parameters):
    model = drawn_transformer(**parameters)
    assert same(forward(model, TOKENS, Cache()), reference(model, TOKENS))


def test_drawn_tensors_are_of_many_values_and_the_greatest_saturate():
    found = forward(drawn_transformer(), TOKENS, Cache())
    for name, values in found.items():
        assert np.unique(values).size > 8, name
    found = forward(drawn_transformer(seed=3, greatest=True), TOKENS, Cache())
    assert np.abs(found["block 1 key"]).max() == 127 and np.abs(found["block 1 feed-forward"]).max() == 32767


@pytest.mark.parametrize("parts", [[1] * 10, [4, 1, 1, 1, 3], [9, 1]])
def test_a_cache_changes_nothing(parts):
    model, cache, first = drawn_transformer(), Cache(), 0
    whole = reference(model, TOKENS)
    for count in parts:
        found = forward(model, TOKENS[first:first + count], cache)
        for name, values in found.items():
            wanted = whole[name][first:first + count]
            wanted = wanted[..., :first + count] if name.endswith(("scores", "weights")) else wanted
            assert (values == wanted).all(), name
        first += count
    assert cache.tokens == 10


def test_decoding_takes_the_most_likely_token_and_goes_on_with_it():
    model = drawn_transformer()
    made, steps = generate(model, TOKENS[:3], 6)
    assert len(made) == len(steps) == 7
    text = [*TOKENS[:3], *made]
    logits = reference(model, text[:-1])["logits"]
    assert made == logits[2:].argmax(axis=1).tolist()


def test_equal_scores_have_equal_weights_and_of_equal_logits_the_first_wins():
    model = drawn_transformer(blocks=1)
    block = dataclasses.replace(model.blocks[0], query=dataclasses.replace(
        model.blocks[0].query, matrix=Matrix("block 0 query", np.zeros((8, 8), np.int8))))
    flat = dataclasses.replace(model, blocks=[block], logits=Matrix("logits", np.ones((8, 6), np.int8)))
    found = forward(flat, TOKENS, Cache())
    assert (found["block 0 weights"] == np.where(np.tri(10, dtype=bool), 255, 0)[:, None]).all()
    assert generate(flat, TOKENS[:2], 3)[0] == [0] * 4
    assert same(found, reference(flat, TOKENS))


def test_what_comes_later_has_no_weight_even_if_all_that_is_seen_is_worse():
    scores = np.array([[[-5, 1000]], [[-7, 1000]]])
    factor = Factor(np.array([1 << 30]), np.array([7]))
    assert module._weights(scores, factor, 0).tolist() == [[[255, 0]], [[0, 255]]]


def test_functions_are_within_their_bounds():
    for name, found, bound in deviations():
        assert 0.4 < found <= bound, name


def test_a_table_of_silu_is_the_next_integer_to_each_value():
    rng = np.random.default_rng(0)
    for scale, share in zip(2.0 ** rng.uniform(-9, -2, 20), rng.uniform(0.3, 1, 20)):
        # The greatest result is less than the greatest input, or saturates.
        values = [x * scale / (1 + math.exp(-x * scale)) / (scale * share) for x in range(-128, 128)]
        assert silu_table(scale, scale * share).tolist() == [max(-127, min(127, round(value))) for value in values]
    # At so great a step the result is the input, here halves, which go to even integers.
    assert silu_table(5.0, 10.0)[136:].tolist() == [round(x / 2) for x in range(8, 128)]
    assert silu_table(0.05, 0.001).min() == -127


def test_a_softmax_table_that_is_wrong_is_noticed(monkeypatch):
    from bitline.golden.transformer import functions

    monkeypatch.setattr(functions, "POWERS", functions.POWERS + 40)
    assert any(found > bound for _, found, bound in deviations())


def test_softmax_weights_fall_and_end():
    weights = softmax_weights(np.arange(3000))
    assert weights[0] == 255 and (np.diff(weights) <= 0).all() and (weights[9 * 256:] == 0).all()
    assert weights[9 * 256 - 1] == 0 and weights[8 * 256 - 1] == 1


@pytest.mark.parametrize("row", [[0] * 8, [1] + [0] * 7, [32767] * 8, [-32767] * 8, [32767] + [0] * 63,
                                 [1, -1] * 4, [-3] * 7 + [2]])
def test_norms_of_extremes_are_within_their_bound(row):
    x = np.array([row])
    mean = math.sqrt(sum(value * value for value in row) / len(row)) or 1.0
    exact = np.clip(32 * x / mean, -127, 127)
    assert (np.abs(rms_norm(x) - exact) <= norm_error(norm_root(x))).all()


def test_the_bound_of_norms_holds_where_roots_are_small_and_is_nearly_met():
    rng = np.random.default_rng(0)
    x = rng.integers(-1, 2, (20_000, 32)) * (rng.random((20_000, 32)) < rng.random((20_000, 1)))
    x[:, 0] = rng.integers(1, 12, len(x))
    exact = np.clip(32 * x / np.sqrt((x ** 2).mean(axis=-1, keepdims=True)), -127, 127)
    root, lost = norm_root(x), np.abs(rms_norm(x) - exact)
    assert (lost <= norm_error(root)).all() and ((lost - 0.5) * root).max() > 110
    # Half a step, and what is left of a root that has lost 1.
    assert norm_error(128) == 1.5


def test_roots_and_quotients_are_those_of_pythons_integers():
    rng = np.random.default_rng(0)
    squares = rng.integers(0, 1 << 26, 3000) ** 2
    values = np.concatenate([squares, squares - 1, squares + 1, np.arange(30)])
    values = values[values >= 0]
    assert integer_root(values).tolist() == [math.isqrt(value) for value in values.tolist()]
    assert divide(np.array([1, -1, 3, -3, 5, 0]), np.array([2, 2, 2, 2, 3, 7])).tolist() == [1, 0, 2, -1, 2, 0]


def test_the_example_of_the_page():
    page = (ROOT / "docs" / "transformer.md").read_text(encoding="utf-8")
    x = np.array([[3, 4]])
    assert norm_root(x).item() == 905 and rms_norm(x).tolist() == [[27, 36]]
    weights = softmax_weights(np.array([0, 256, 512]))
    assert weights.tolist() == [255, 128, 64] and weights.sum() == 447
    total = weights @ np.array([10, -20, 30])
    assert total == 1910 and divide(total, weights.sum()) == 4
    for text in ("905", "(27, 36)", "255, 128 and 64", "447", "1910 / 447", "4.27"):
        assert text in page, text


@pytest.mark.parametrize("tokens, rule", [([], "1 to 10 more tokens"), ([0] * 11, "1 to 10 more tokens"),
                                          ([6], "from 0 to 5"), ([-1], "from 0 to 5")])
def test_tokens_that_are_none_are_refused(tokens, rule):
    with pytest.raises(ValueError, match=rule):
        forward(drawn_transformer(), np.array(tokens, int), Cache())


@pytest.mark.parametrize("change, rule", [
    ({"heads": 3}, "multiple of its 3 heads"), ({"heads": 0}, "heads of a transformer must be from 1"),
    ({"alphabet": "aaaaaa"}, "must differ"), ({"logit_scale": 0.0}, "logit_scale must be positive"),
    ({"blocks": []}, "blocks of a transformer must be from 1"),
    ({"logits": Matrix("logits", np.zeros((8, 5), np.int8))}, r"logits must be of shape \(8, 6\)"),
    ({"embedding_factor": Factor(np.zeros(2, int), np.zeros(2, int))}, "embedding must have 1 factors")])
def test_parts_that_do_not_fit_are_refused(change, rule):
    with pytest.raises(ValueError, match=rule):
        dataclasses.replace(drawn_transformer(), **change)


@pytest.mark.parametrize("multiplier, shift", [([-1], [0]), ([1 << 31], [0]), ([1], [8]), ([1], [-32]), ([1, 2], [0])])
def test_factors_that_are_none_are_refused(multiplier, shift):
    with pytest.raises(ValueError, match="a factor must have"):
        Factor(np.array(multiplier), np.array(shift))
