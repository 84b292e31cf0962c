"""How well a transformer predicts text, and how far its functions in integers are from numbers."""

import numpy as np

from ...golden.transformer.forward import Cache, forward
from ...golden.transformer.functions import (
    GREATEST,
    NORM_BITS,
    OCTAVE,
    OCTAVES,
    SOFTMAX_ERROR,
    norm_error,
    norm_root,
    rms_norm,
    softmax_weights,
)


def quality(logits, tokens):
    """Share of characters that are the most likely one, and bits a character.

    Parameters
    ----------
    logits : float array (..., n, characters)
        Natural logarithms, but for a sum.
    tokens : int array (..., n)
        What comes next.
    """
    top = logits - logits.max(axis=-1, keepdims=True)
    chances = np.take_along_axis(top, tokens[..., None], -1)[..., 0] - np.log(np.exp(top).sum(axis=-1))
    return float((logits.argmax(axis=-1) == tokens).mean()), float(-chances.mean() / np.log(2))


def integer_logits(model, windows):
    """Logits (windows, n, characters) as numbers."""
    return np.stack([forward(model, window, Cache())["logits"] for window in windows]) * model.logit_scale


def counted_logits(text, windows, characters, order):
    """Logits (windows, n, characters) of counts: how often each character follows the ``order`` characters before it.

    They are mixed with those of fewer characters, down to none, by how many different ones have followed (Witten and
    Bell); what is before a window is not looked at.

    Parameters
    ----------
    text : int array (characters learned,)
    windows : int array (windows, n)
    characters, order : int
    """
    chances = np.full((*windows.shape, characters), 1 / characters)
    for before in range(order + 1):
        place = np.zeros(len(text) - before, np.int64)
        for number in range(before + 1):
            place = place * characters + text[number:len(text) - before + number]
        counts = np.bincount(place, minlength=characters ** (before + 1)).reshape(-1, characters)
        # Of the characters of a window from its ``before``th on, those that end with each.
        first = max(before - 1, 0)
        context = np.zeros((len(windows), windows.shape[1] - first), np.int64)
        for number in range(before):
            context = context * characters + windows[:, number:windows.shape[1] - first + number]
        found = counts[context]
        kinds = np.count_nonzero(found, axis=-1, keepdims=True)
        mixed = (found + kinds * chances[:, first:]) / np.maximum(found.sum(axis=-1, keepdims=True) + kinds, 1)
        chances[:, first:] = np.where(kinds > 0, mixed, chances[:, first:])
    return np.log(chances)


def softmax_deviation():
    """By how much a softmax weight differs from ``255 * exp(-x)`` at most, over all ``x`` from 0 on."""
    # Between two roundings of the exponent the weight stays and the exponential falls: the ends are the worst.
    steps = np.arange(OCTAVE * (OCTAVES + 1))
    ends = np.stack([np.maximum(steps - 0.5, 0), steps + 0.5])
    return float(np.abs(softmax_weights(steps) - GREATEST * np.exp2(-ends / OCTAVE)).max())


def norm_deviation(count=64, draws=20_000, seed=0):
    """The greatest deviation of drawn norms, in steps, and the bound for the least of their roots.

    Sizes are drawn too, from a root mean square of 16 steps to all of int16; one vector in ten has a single value.
    """
    rng = np.random.default_rng(seed)
    x = np.rint(rng.normal(0, 1, (draws, count)) * 2.0 ** rng.uniform(5, 14, (draws, 1))).astype(np.int64)
    x[::10, 1:] = 0
    x[::10, 0] = rng.integers(128, 32768, len(x[::10]))
    x = np.clip(x, -32767, 32767)
    mean = np.sqrt((x.astype(np.float64) ** 2).mean(axis=-1, keepdims=True))
    exact = np.clip(x * 2.0 ** NORM_BITS / mean, -127, 127)
    return float(np.abs(rms_norm(x) - exact).max()), float(norm_error(norm_root(x).min()))


def deviations():
    """Of each function what is measured, in steps of its results, and its bound: rows of name, measured, bound."""
    return [("softmax weight, all exponents, of 255", softmax_deviation(), SOFTMAX_ERROR),
            ("RMS norm, drawn vectors", *norm_deviation())]
